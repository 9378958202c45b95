//! A password checked against Django's hashes, with Django's default costs.

use divan::{Bencher, black_box};
use tokenpair::passwords::{Hasher, PasswordHashers, Rounds};

const HASHERS: [Hasher; 7] = [
    Hasher::Pbkdf2Sha256,
    Hasher::Pbkdf2Sha1,
    Hasher::Argon2,
    Hasher::BcryptSha256,
    Hasher::Bcrypt,
    Hasher::Scrypt,
    Hasher::Md5,
];

#[divan::bench(args = HASHERS, sample_count = 5, sample_size = 1)]
fn check(bencher: Bencher<'_, '_>, hasher: Hasher) {
    let hashers = PasswordHashers::new(&[hasher], &Rounds::default()).unwrap();
    let encoded = hashers.make_password("lovelace").unwrap();
    bencher.bench_local(|| hashers.check(black_box("lovelace"), Some(&encoded)));
}
