//! Output that cannot be written: a full disk is a failure, a reader that has gone is none.

use crate::support::{Folder, Transcript};
use std::fs::{File, OpenOptions};
use std::io::pipe;
use std::process::Stdio;

const REFUSED: &str = "tokenpair: cannot write to standard output: No space left on device";

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (_, writer) = pipe().unwrap();
    writer.into()
}

/// With a user, a key and a configuration.
fn folder() -> Folder {
    let folder = Folder::new()
        .with_user("ada")
        .with_file("tokenpair.key", KEY);
    assert_eq!(folder.run("init").status, Some(0));
    folder
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_a_failure() {
    let folder = folder();
    for line in [
        "--help",
        "--version",
        "config show",
        "config show --json",
        "init --output -",
        "init --output other.toml",
        "check",
        "check --json",
        "migrate",
        "users list",
        "users list --json",
        "users deactivate ada",
        "flushexpiredtokens",
        "flushexpiredtokens --dry-run",
        "token mint --user ada --force",
        "completions bash",
        "man",
    ] {
        let told = folder.run_into(line, full());
        assert_eq!(told.status, Some(1), "{line}: {}", told.err);
        let (json, text) = (format!("{{\"error\":\"{}", &REFUSED[11..]), REFUSED);
        let begin = if line.contains("--json") { &json } else { text };
        assert!(told.err.starts_with(begin), "{line}: {}", told.err);
        assert_eq!(told.err.lines().count(), 1, "{line}: {}", told.err);
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let folder = folder();
    for line in [
        "--help",
        "config show",
        "config show --json",
        "init --output -",
        "check --json",
        "migrate",
        "users list",
        "users deactivate ada",
        "flushexpiredtokens",
        "token mint --user ada --force",
        "completions bash",
        "man",
    ] {
        let told = folder.run_into(line, closed());
        assert_eq!((told.status, told.err.as_str()), (Some(0), ""), "{line}");
    }
}

#[track_caller]
fn assert_password_is_missed(folder: &Folder, told: &Transcript) {
    let last = told.err.lines().last().unwrap();
    assert_eq!(told.status, Some(1), "{}", told.err);
    assert!(
        last.ends_with(
            "; the password of the new user admin was not shown: set one with `tokenpair changepassword admin`"
        ),
        "{last}"
    );
    let line = "changepassword admin --password-stdin";
    assert_eq!(
        folder.run_with_input(line, "s3cret-enough\n").status,
        Some(0)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_first_password_that_cannot_be_written_is_an_error_at_the_start() {
    let folder = Folder::new();
    let told = folder.run_into("serve --listen 127.0.0.1:0", full());
    assert!(told.err.contains(REFUSED), "{}", told.err);
    assert_password_is_missed(&folder, &told);
}

#[test]
fn a_first_password_that_nobody_reads_is_an_error_at_the_start() {
    let folder = Folder::new();
    let told = folder.run_into("serve --listen 127.0.0.1:0", closed());
    assert_password_is_missed(&folder, &told);
}

const KEY: &str = "a secret of at least 32 bytes, kept out of the code";
