//! The signing key of a server that was given none: made once, kept in a file that only its owner can read.

use crate::files;
use crate::output::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// 64 random bytes as text: more than HS512 needs.
pub(super) fn random_key() -> Result<String, Failure> {
    let mut bytes = [0; 64];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Failure::new("the system's random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The key in the file at `path`, which is made if it does not exist. Of servers that start at once, one makes it.
pub(super) fn read_or_create(path: &Path) -> Result<String, Failure> {
    let failed = Failure::because(path.display().to_string());
    match files::create_private(path, random_key()?.as_bytes()) {
        Ok(()) => tracing::info!(
            "made the signing key {}: keep it, every token depends on it",
            absolute(path)
        ),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => warn_if_open_to_others(path),
        Err(error) => return Err(failed(&error)),
    }
    read(path)?.ok_or_else(|| failed(&"was deleted a moment ago"))
}

/// The key in the file at `path`; `None`: there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Failure> {
    let failed = Failure::because(path.display().to_string());
    let key = match fs::read_to_string(path) {
        Ok(key) => key,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(failed(
                &"is no text: put a key of at least 32 characters in it, such as `openssl rand -base64 48` makes",
            ));
        }
        Err(error) => return Err(failed(&error)),
    };
    if key.trim().is_empty() {
        return Err(failed(
            &"is empty: delete it and a new key is made, or put a key of at least 32 bytes in it",
        ));
    }
    Ok(Some(key.trim_end().to_owned()))
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

fn warn_if_open_to_others(path: &Path) {
    if files::is_open_to_others(path) {
        tracing::warn!("{} can be read by others: chmod 600 {0}", path.display());
    }
}
