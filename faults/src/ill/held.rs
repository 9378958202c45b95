//! What is done to the machine for a while and undone however we end; a disk that is small enough to be filled.

use anyhow::{Context as _, bail};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Something that lasts as long as this lives. A shell undoes it when it hears no more from us, be it that this was
/// dropped or that we were killed.
#[derive(Debug)]
pub(super) struct Held(Child);

const HELD: &str = "held";

impl Held {
    /// Runs `begin` now and `end` at the end, both in the language of the shell.
    pub(super) fn new(begin: &str, end: &str) -> anyhow::Result<Self> {
        let script = format!("trap '' INT TERM; {begin} && echo {HELD} && read _; {end}");
        let mut shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("no shell can be run")?;
        let mut line = String::new();
        if let Some(told) = shell.stdout.take() {
            BufReader::new(told).read_line(&mut line)?;
        }
        if line.trim() != HELD {
            shell.wait()?;
            bail!("`{begin}` does not work here");
        }
        Ok(Self(shell))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Nobody is left who could be told that it did not end well.
        let _ = self.0.wait();
    }
}

/// A folder in memory with a size, for those who may mount one.
#[derive(Debug)]
pub(super) struct SmallDisk {
    pub(super) folder: PathBuf,
    _mount: Held,
}

const BLOCK: [u8; 4096] = [0; 4096];

impl SmallDisk {
    pub(super) fn new(name: &str, megabytes: usize) -> anyhow::Result<Self> {
        // Not among the run's files: the account that PostgreSQL runs as must get there.
        let folder = PathBuf::from(format!("/tmp/tokenpair-{name}-{}", std::process::id()));
        let place = folder.display();
        let mount = Held::new(
            &format!("mkdir {place} && mount -t tmpfs -o size={megabytes}m tmpfs {place}"),
            &format!("umount -l {place}; rmdir {place}"),
        )?;
        Ok(Self {
            folder,
            _mount: mount,
        })
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Leaves no room for anybody.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        let mut filler = File::create(self.filler())?;
        loop {
            match filler.write_all(&BLOCK) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn clear(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    /// Gives the folder to whoever owns `like`.
    pub(super) fn give_to_owner_of(&self, like: &Path) -> anyhow::Result<()> {
        let owner = format!("--reference={}", like.display());
        let status = Command::new("chown")
            .arg(owner)
            .arg(&self.folder)
            .status()?;
        if !status.success() {
            bail!("chown: {status}");
        }
        Ok(())
    }
}
