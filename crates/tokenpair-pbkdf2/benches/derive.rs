//! Milliseconds for a password of 1,000,000 iterations, alone and in groups: `cargo bench -p tokenpair-pbkdf2`.
//!
//! Rounds of all subjects are interleaved, so that a busy machine slows all of them; the median counts.

#![allow(clippy::print_stdout, clippy::cast_precision_loss)]

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Instant;
use tokenpair_pbkdf2::{Derivation, advance, derive, groups};

const MEASURED: NonZeroU32 = NonZeroU32::new(100_000).unwrap();
const REPORTED: f64 = 1_000_000.0;
const ROUNDS: usize = 15;
const PASSWORD: &[u8] = b"correct horse battery staple";
const SALT: &[u8] = b"kXc1qmHhiZp2bA8NTOJ2wz";

struct Subject {
    name: String,
    passwords: usize,
    work: Box<dyn Fn()>,
    rounds: Vec<f64>,
}

fn main() {
    let mut subjects = vec![
        subject("aws-lc-rs", 1, || {
            let mut key = [0; 32];
            pbkdf2::derive(
                PBKDF2_HMAC_SHA256,
                MEASURED,
                SALT,
                black_box(PASSWORD),
                &mut key,
            );
            black_box(key);
        }),
        subject("derive", 1, || {
            black_box(derive(black_box(PASSWORD), SALT, MEASURED));
        }),
    ];
    for group in groups() {
        let name = format!("group of {}", group.size);
        subjects.push(subject(&name, group.size, move || {
            derive_together(group.size);
        }));
    }
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            subject.round();
        }
    }
    println!(
        "{:12} {:>12} {:>12} {:>10}",
        "", "ms/password", "ms/group", "aws-lc-rs"
    );
    let peer = subjects[0].median();
    for subject in &mut subjects {
        let (alone, group) = (
            subject.median(),
            subject.median() * subject.passwords as f64,
        );
        println!(
            "{:12} {alone:12.1} {group:12.1} {:9.2}x",
            subject.name,
            peer / alone
        );
    }
}

fn derive_together(passwords: usize) {
    let mut derivations: Vec<_> = (0..passwords)
        .map(|_| Derivation::new(black_box(PASSWORD), SALT, MEASURED))
        .collect();
    advance(&mut derivations.iter_mut().collect::<Vec<_>>());
    black_box(derivations);
}

fn subject(name: &str, passwords: usize, work: impl Fn() + 'static) -> Subject {
    Subject {
        name: name.to_owned(),
        passwords,
        work: Box::new(work),
        rounds: Vec::new(),
    }
}

impl Subject {
    fn round(&mut self) {
        let start = Instant::now();
        (self.work)();
        let million = start.elapsed().as_secs_f64() * REPORTED / f64::from(MEASURED.get());
        self.rounds.push(million * 1000.0 / self.passwords as f64);
    }

    fn median(&mut self) -> f64 {
        self.rounds.sort_by(f64::total_cmp);
        self.rounds[self.rounds.len() / 2]
    }
}
