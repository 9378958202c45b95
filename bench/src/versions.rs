//! Which versions were measured.

use crate::server::Peer;
use crate::setup::Setup;
use anyhow::Context as _;
use std::process::Command;
use xtask::process::output;

/// What a Python says about the packages of Django's side.
const PACKAGES: &str = "\
from importlib.metadata import version
print(', '.join(f'{name} {version(name)}' for name in ('Django', 'djangorestframework', 'djangorestframework-simplejwt', 'granian')))";

/// The versions of a server and of what it rests on.
pub(crate) fn version(setup: &Setup, peer: Peer) -> anyhow::Result<String> {
    Ok(match peer {
        Peer::Tokenpair => {
            let told = output(Command::new(&setup.server).arg("--version"))?;
            told.trim().trim_start_matches("tokenpair ").to_owned()
        }
        Peer::TokenpairStateless => env!("CARGO_PKG_VERSION").to_owned(),
        Peer::Axum => of_crates(setup, &["axum", "jsonwebtoken"])?,
        Peer::Hyper => of_crates(setup, &["hyper"])?,
        Peer::Django => {
            let python = setup.python.as_ref().context("there is no Django")?;
            let told = output(Command::new(python).args(["-c", PACKAGES]))?;
            told.trim().to_owned()
        }
    })
}

/// The processor, and how many of them.
pub(crate) fn machine() -> String {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or_default().trim_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} × {model}")
}

/// Of the peers' `Cargo.lock`.
fn of_crates(setup: &Setup, names: &[&str]) -> anyhow::Result<String> {
    let lock = std::fs::read_to_string(setup.source("bench/peers/Cargo.lock"))?;
    let versions = names.iter().map(|name| {
        let version = version_in(&lock, name).unwrap_or("?");
        format!("{name} {version}")
    });
    Ok(versions.collect::<Vec<_>>().join(", "))
}

fn version_in<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let name = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = "[[package]]\nname = \"axum\"\nversion = \"0.8.9\"\n\n[[package]]\nname = \"axum-core\"\nversion = \"0.5.6\"\n";
        assert_eq!(version_in(lock, "axum-core"), Some("0.5.6"));
        assert_eq!(version_in(lock, "hyper"), None);
    }
}
