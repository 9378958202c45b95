//! Files that may hold a secret: written whole or not at all, readable by their owner only.

use std::io::{self, Write as _};
use std::path::Path;

/// Makes the file, never over another one: that is `AlreadyExists`. Its folder must exist.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    write(folder.unwrap_or(Path::new(".")), path, content).map_err(plain)
}

fn write(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    folder.metadata()?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)
        .map(drop)
        .map_err(|error| error.error)
}

/// Without the name of the temporary file, which nobody has heard of.
fn plain(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        error
    } else {
        error.kind().into()
    }
}
