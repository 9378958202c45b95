//! Tokens in a file, for any number of processes.

use super::{Guard, Storage};
use crate::tokens::Tokens;
use async_trait::async_trait;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// More than two tokens can take.
const LARGEST: u64 = 256 * 1024;
/// How often somebody who waits for the lock looks. Waiting in the kernel could not be given up.
const LOOK: Duration = Duration::from_millis(20);

/// A file that only its owner can read (0600; on Windows the folder decides). Beside it lies `….lock`, which stays.
///
/// The file is replaced, never written into: whoever reads it, and whenever the power goes, it is whole. The lock is the
/// operating system's: it is free when the process that holds it ends, however that ends.
#[derive(Clone, Debug)]
pub struct FileStorage {
    path: PathBuf,
}

impl FileStorage {
    /// The file need not exist. Its folder is made when it is needed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Runs `work` where it may wait for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let path = self.path.clone();
        let done = spawn_blocking(move || {
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            };
            work(&path).map_err(named)
        });
        done.await.map_err(io::Error::other)?
    }
}

#[async_trait]
impl Storage for FileStorage {
    async fn load(&self) -> io::Result<Option<Tokens>> {
        self.blocking(read).await
    }

    async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
        let text = tokens.map(Tokens::to_json);
        self.blocking(move |path| match text {
            Some(text) => write(path, &text),
            None => remove(path),
        })
        .await
    }

    async fn lock(&self) -> io::Result<Guard> {
        let file = self.blocking(open_lock).await?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(file)),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Tokens>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    Tokens::from_json(&text).map(Some)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = make_folder(path)?;
    // Such a file is its owner's from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync(folder);
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => {
            sync(folder_of(path));
            removed
        }
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    make_folder(path)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(name)
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() {
        return Path::new(".");
    }
    folder
}

fn make_folder(path: &Path) -> io::Result<&Path> {
    let folder = folder_of(path);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    Ok(folder)
}

/// Makes a renaming last, where folders can be synced: not on Windows, nor on every network disk.
fn sync(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
