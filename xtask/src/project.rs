//! Where things are: the sources, the build folder, a temporary folder of this run; and how long the run may take.

use crate::check::Trouble;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, process};

/// CI stops the whole check after 45 minutes; better that the check itself says what took so long.
const BUDGET: Duration = Duration::from_secs(44 * 60);

/// This checkout, for one run of the command.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// Cargo's build folder.
    pub(crate) target: PathBuf,
    /// Everything that the steps' servers and tests put into a temporary folder; deleted with the project.
    temporary: PathBuf,
    pub(crate) deadline: Instant,
}

impl Project {
    pub(crate) fn open() -> Result<Self, Trouble> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()?;
        let target = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        let temporary = target.join("xtask").join(format!("run-{}", process::id()));
        fs::create_dir_all(&temporary)?;
        Ok(Self {
            root,
            target,
            temporary,
            deadline: Instant::now() + BUDGET,
        })
    }

    /// A command that runs in the root and keeps its temporary files where they are deleted.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(&self.root)
            .env("TMPDIR", &self.temporary)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// A cargo command, as one would type it.
    pub(crate) fn cargo(&self, arguments: &str) -> Command {
        let mut command = self.command("cargo");
        command.args(arguments.split_whitespace());
        command
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // It lies in the build folder: what cannot be deleted now goes with `cargo clean`.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}
