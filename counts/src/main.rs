//! One operation of the engine, done a number of times: `counts OPERATION TIMES`, under valgrind.
//!
//! What an operation costs is the difference between twice as often and once, by the times; so the start, which is
//! the same in both, does not count. `cargo xtask counts` runs it and compares with `instructions.toml`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the check: what goes wrong should end it"
)]

mod engine;
mod requests;

use std::process::ExitCode;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An operation ready to be done, and done again.
pub(crate) type Work = Box<dyn FnMut()>;

/// A name, and how to get ready.
type Operation = (&'static str, fn() -> Work);

#[rustfmt::skip]
const OPERATIONS: [Operation; 16] = [
    ("jose_verify_hs256", || engine::jose_verify(engine::hs256())),
    ("jose_verify_rs256", || engine::jose_verify(engine::rs256())),
    ("jose_verify_eddsa", || engine::jose_verify(engine::eddsa())),
    ("mint_access_hs256", || engine::mint(engine::hs256())),
    ("mint_access_eddsa", || engine::mint(engine::eddsa())),
    ("flow_verify", || engine::verify(engine::without_blacklist())),
    ("flow_verify_blacklist", || engine::verify(engine::hs256())),
    ("flow_refresh", || engine::refresh(engine::hs256())),
    ("flow_refresh_rotating", engine::refresh_rotating),
    ("flow_log_in", engine::log_in_again),
    ("authenticate", engine::authenticate),
    ("authenticate_stateless", engine::authenticate_stateless),
    ("request_verify", requests::verify),
    ("request_refresh", requests::refresh),
    ("request_get_stateless", requests::get_stateless),
    ("request_get_user", requests::get_user),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            for (name, _) in OPERATIONS {
                println!("{name}");
            }
            ExitCode::SUCCESS
        }
        ["processor"] => {
            println!("{}", processor());
            ExitCode::SUCCESS
        }
        [wanted, times] => {
            let operation = OPERATIONS.iter().find(|(name, _)| *name == wanted);
            let (Some((_, prepare)), Ok(times)) = (operation, times.parse()) else {
                return usage();
            };
            let mut work = prepare();
            for _ in 0..times {
                work();
            }
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    println!("usage: counts list | counts processor | counts OPERATION TIMES");
    ExitCode::from(2)
}

/// What the cryptography may choose from. Under valgrind it is valgrind's processor, which lacks the newest extensions.
#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    use std::arch::is_x86_feature_detected as has;
    let features = [
        ("adx", has!("adx")),
        ("aes", has!("aes")),
        ("avx2", has!("avx2")),
        ("avx512f", has!("avx512f")),
        ("bmi2", has!("bmi2")),
        ("rdrand", has!("rdrand")),
        ("sha", has!("sha")),
    ];
    let there = features.iter().filter(|(_, there)| *there);
    let names: Vec<&str> = there.map(|(name, _)| *name).collect();
    format!("x86_64 {}", names.join(" "))
}

/// What the cryptography may choose from.
#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    std::env::consts::ARCH.to_owned()
}
