//! Where things are: the sources, the build folder, a temporary folder of this run; and how long the run may take.

use crate::check::Trouble;
use crate::process::{self, Run};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

/// CI stops the whole check after 45 minutes; better that the check itself says what took so long.
const BUDGET: Duration = Duration::from_secs(44 * 60);

/// This checkout, for one run of the command.
#[derive(Debug)]
pub struct Project {
    /// The folder with the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's build folder.
    pub target: PathBuf,
    /// Everything that the steps' servers and tests put into a temporary folder; deleted with the project.
    pub temporary: PathBuf,
    deadline: Instant,
}

impl Project {
    /// Finds the checkout that this was built from and makes the temporary folder.
    pub fn open() -> Result<Self, Trouble> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()?;
        let target = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        let temporary = target
            .join("xtask")
            .join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&temporary)?;
        Ok(Self {
            root,
            target,
            temporary,
            deadline: Instant::now() + BUDGET,
        })
    }

    /// A command with its arguments as one would type them, without quotes. It runs in the root and keeps its
    /// temporary files where they are deleted.
    pub fn command(&self, program: impl AsRef<OsStr>, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.root);
        command
            .env("TMPDIR", &self.temporary)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Cargo with its arguments as one would type them.
    pub fn cargo(&self, arguments: &str) -> Command {
        self.command("cargo", arguments)
    }

    /// Where the server is that was built as it is released.
    pub fn server(&self) -> PathBuf {
        self.target.join("release/tokenpair")
    }

    /// Builds the server as it is released.
    pub(crate) fn build_server(&self) -> Result<PathBuf, Trouble> {
        let line = "build --release --package tokenpair-server";
        self.run(&mut self.cargo(line)).success()?;
        Ok(self.server())
    }

    /// Builds the server for a quick try, of the crates that tests and examples are built of: with features of its own
    /// most of them would be compiled once more.
    pub fn build_debug_server(&self) -> Result<PathBuf, Trouble> {
        let line = "build --workspace --all-features --bin tokenpair --examples";
        self.run(&mut self.cargo(line)).success()?;
        Ok(self.target.join("debug/tokenpair"))
    }

    /// Runs a command for as long as the check may take.
    pub fn run(&self, command: &mut Command) -> Run {
        process::run(command, self.deadline)
    }

    /// Runs a command that should be over after `limit`.
    pub fn run_within(&self, limit: Duration, command: &mut Command) -> Run {
        process::run(command, self.deadline.min(Instant::now() + limit))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // It lies in the build folder: what cannot be deleted now goes with `cargo clean`.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}
