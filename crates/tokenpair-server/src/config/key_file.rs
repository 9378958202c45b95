//! The signing key of a server that was given none: made once, kept in a file that only its owner can read.

use crate::output::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// 64 random bytes as text: more than HS512 needs.
pub(super) fn random_key() -> Result<String, Failure> {
    let mut bytes = [0; 64];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Failure::new("the system's random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The key in the file at `path`, which is made if it does not exist.
pub(super) fn read_or_create(path: &Path) -> Result<String, Failure> {
    let failed = Failure::because(path.display().to_string());
    match create(path) {
        Ok(mut file) => {
            let key = random_key()?;
            let written = file
                .write_all(key.as_bytes())
                .and_then(|()| file.sync_all());
            written.map_err(|error| failed(&error))?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let key = fs::read_to_string(path).map_err(|error| failed(&error))?;
            warn_if_readable_by_others(path);
            Ok(key.trim_end().to_owned())
        }
        Err(error) => Err(failed(&error)),
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn warn_if_readable_by_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
    if open {
        tracing::warn!("{} can be read by others: chmod 600 {0}", path.display());
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_path: &Path) {}
