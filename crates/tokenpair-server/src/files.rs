//! Questions about files that several parts ask.

use crate::output::Failure;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use tempfile::{NamedTempFile, TempDir};

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let parent = path.parent();
    let named = parent.filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Whether others than its owner may read or write the file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_path: &Path) -> bool {
    false
}

/// Fails where a file cannot be written, or made, or have others beside it, as SQLite needs. Writes nothing.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let refused = |path: &Path| Failure::because(format!("{} cannot be written", path.display()));
    // A link is followed: what SQLite makes stands beside the file itself.
    let place = path.canonicalize();
    let folder = folder_of(place.as_deref().unwrap_or(path));
    check_folder(folder).map_err(|error| refused(folder)(&error))?;
    if path.exists() {
        let opened = fs::OpenOptions::new().append(true).open(path);
        opened.map_err(|error| refused(path)(&error))?;
    }
    Ok(())
}

#[cfg(unix)]
fn check_folder(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?)
}

#[cfg(not(unix))]
fn check_folder(folder: &Path) -> io::Result<()> {
    fs::metadata(folder).map(drop)
}

/// Makes a file that may hold a secret: whole or not at all, never over another one (`AlreadyExists`), readable by its
/// owner only.
pub(crate) fn create_private(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let moved = write_beside(path, content)?.persist_noclobber(path);
    moved.map(drop).map_err(|error| without_name(error.error))
}

/// The same over a file that may be there: it is then the old one or the new one, never a part.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let moved = write_beside(path, content)?.persist(path);
    moved.map(drop).map_err(|error| without_name(error.error))
}

fn write_beside(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    folder.metadata()?;
    let write = || {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(without_name)
}

/// Without the name of the temporary file, which nobody has heard of.
fn without_name(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        error
    } else {
        error.kind().into()
    }
}

/// A folder that is deleted with what is returned.
pub(crate) fn temporary_folder() -> Result<TempDir, Failure> {
    temporary_folder_in(&std::env::temp_dir())
}

/// The same at a place of the operator's choice.
pub(crate) fn temporary_folder_in(place: &Path) -> Result<TempDir, Failure> {
    let failed = Failure::because(format!(
        "cannot make a temporary folder in {}",
        place.display()
    ));
    tempfile::Builder::new()
        .prefix("tokenpair-")
        .tempdir_in(place)
        .map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::{check_writable, folder_of, temporary_folder};
    use std::path::Path;

    #[test]
    fn a_bare_name_is_in_this_folder() {
        assert_eq!(folder_of(Path::new("a")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/b")), Path::new("a"));
    }

    #[test]
    fn what_can_be_written_is_not_touched() {
        let folder = temporary_folder().unwrap();
        let path = folder.path().join("new");
        check_writable(&path).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "text").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
    }

    /// A running program, as a file's mode does not bind the superuser.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_written_is_named() {
        let program = std::env::current_exe().unwrap();
        let error = check_writable(&program).unwrap_err().to_string();
        let begin = format!("{} cannot be written: ", program.display());
        assert!(error.starts_with(&begin), "{error}");
    }
}
