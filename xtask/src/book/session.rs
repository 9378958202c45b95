//! The shell that a page runs in: one bash from its first to its last command, in a folder, with a home and, where the
//! machine allows it, a network and processes of its own. Port 8000 is then free, and nothing outlives the page.

use super::console::{Command, matches};
use crate::check::Trouble;
use crate::hygiene::manifest;
use crate::process::{lines_of, output};
use crate::project::Project;
use crate::{packages, postgres};
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use std::{fs, process, thread};

/// Longer than any command of a page takes on a busy machine, its package's compiler included.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Longer than a server of a page takes to start.
const START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Ends the output of a command; its exit status follows.
const MARK: &str = "--- end of command:";
/// Ways to isolate a page, the first that works is taken.
const ISOLATED: [&str; 2] = [
    "--net --pid --fork --kill-child --mount-proc",
    "--user --map-root-user --net --pid --fork --kill-child --mount-proc",
];
const LOOPBACK: &str = "ip link set lo up";
const POSTGRES: &str = include_str!("machine.sh");
const SUDO: &str = include_str!("sudo.sh");

/// What all pages share.
#[derive(Debug)]
pub(super) struct Machine {
    path: String,
    isolated: Option<&'static str>,
}

impl Machine {
    /// Commands are looked for in `path`.
    pub(super) fn new(project: &Project, path: String) -> Self {
        let works = |flags: &&str| {
            output(
                project
                    .command("unshare", flags)
                    .args(["sh", "-c", LOOPBACK]),
            )
            .is_ok()
        };
        let isolated = ISOLATED.into_iter().find(works);
        if isolated.is_none() {
            println!("no network of our own: ports 80, 443 and 8000 of this machine must be free");
        }
        Self { path, isolated }
    }

    /// Whether each page has a network of its own.
    pub(super) fn isolates(&self) -> bool {
        self.isolated.is_some()
    }

    /// Starts the shell of a page, in an empty folder below `base`, which is emptied.
    pub(super) fn start(&self, base: &Path) -> Result<Session, Trouble> {
        let (folder, home) = (base.join("folder"), base.join("home"));
        if base.exists() {
            fs::remove_dir_all(base)?;
        }
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(&home)?;
        let shell = ["bash", "--noprofile", "--norc"];
        let mut command = match self.isolated {
            Some(flags) => {
                let mut unshare = process::Command::new("unshare");
                unshare.args(flags.split(' ')).args(shell);
                unshare
            }
            None => process::Command::new(shell[0]),
        };
        command.current_dir(&folder).env_clear();
        command
            .env("PATH", &self.path)
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .env("LANG", "C.UTF-8");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble::Failed(
                "the shell has no input or output".to_owned(),
            ));
        };
        let output = lines_of(output);
        let mut session = Session {
            folder,
            logs: base.to_owned(),
            child,
            input,
            output,
            servers: 0,
        };
        if self.isolated.is_some() {
            session.run(&Command::that_succeeds(0, LOOPBACK.to_owned()))?;
        }
        Ok(session)
    }
}

/// The shell of a page.
#[derive(Debug)]
pub(super) struct Session {
    /// Where its commands run.
    pub(super) folder: PathBuf,
    logs: PathBuf,
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
    servers: usize,
}

impl Session {
    /// Makes the page's machine one with PostgreSQL, and with a sudo for what its superuser does.
    pub(super) fn start_postgres(&mut self, project: &Project) -> Result<(), Trouble> {
        if !packages::is_root(project) {
            let reason = "pages with a PostgreSQL of their own are run by root";
            return Err(Trouble::Skipped(reason.to_owned()));
        }
        let programs = self.logs.join("bin");
        fs::create_dir_all(&programs)?;
        fs::write(programs.join("sudo"), SUDO)?;
        fs::set_permissions(programs.join("sudo"), Permissions::from_mode(0o755))?;
        self.look_first_in(&postgres::binaries(project)?)?;
        self.look_first_in(&programs)?;
        self.run(&Command::that_succeeds(0, POSTGRES.to_owned()))
    }

    /// Lets the page compile a package of its own, with our sources beside it, our versions of everything and without a
    /// network. Build folder and profile are ours, so that what is the same is compiled once.
    pub(super) fn offer_cargo(&mut self, project: &Project) -> Result<(), Trouble> {
        let root = &project.root;
        std::os::unix::fs::symlink(root, self.logs.join("tokenpair"))?;
        fs::copy(root.join("Cargo.lock"), self.folder.join("Cargo.lock"))?;
        let configuration = self.logs.join(".cargo");
        fs::create_dir_all(&configuration)?;
        fs::write(configuration.join("config.toml"), dev_profile(root)?)?;
        let own = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        let home = |name, default| std::env::var_os(name).map_or(own.join(default), PathBuf::from);
        let cargo = home("CARGO_HOME", ".cargo");
        let rustup = home("RUSTUP_HOME", ".rustup");
        let text = format!(
            "export CARGO_HOME={} RUSTUP_HOME={} CARGO_TARGET_DIR={} CARGO_NET_OFFLINE=true",
            cargo.display(),
            rustup.display(),
            project.target.display()
        );
        self.run(&Command::that_succeeds(0, text))
    }

    /// Commands are looked for in this folder before all others.
    pub(super) fn look_first_in(&mut self, folder: &Path) -> Result<(), Trouble> {
        let text = format!("PATH={}:$PATH", folder.display());
        self.run(&Command::that_succeeds(0, text))
    }

    /// Runs a command and compares what it prints. One in the background has begun when it has printed what it should.
    pub(super) fn run(&mut self, command: &Command) -> Result<(), Trouble> {
        let (status, got) = match command.in_background() {
            Some(server) => (0, self.start_server(server, &command.expected)?),
            None => self
                .call(&command.text)
                .map_err(|trouble| at(command.line, trouble))?,
        };
        let flaw = if !matches(&command.expected, &got) {
            "does not print what the page says".to_owned()
        } else if status != 0 && !command.may_fail {
            format!("ended with status {status}")
        } else {
            return Ok(());
        };
        let Command {
            line,
            text,
            expected,
            ..
        } = command;
        let told = format!(
            "{line}: `{text}` {flaw}\n  expected:{}\n  got:{}",
            indented(expected),
            indented(&got)
        );
        Err(Trouble::Failed(told))
    }

    /// Exit status and output of a command line. It gets no input.
    fn call(&mut self, text: &str) -> Result<(i32, Vec<String>), Trouble> {
        let quoted = text.replace('\'', r"'\''");
        let line = format!(
            "(exit $book_status); eval '{quoted}' </dev/null 2>&1; book_status=$?; printf '\\n{MARK} %s\\n' $book_status"
        );
        writeln!(self.input, "{line}")?;
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.output.recv_timeout(left) else {
                return Err(Trouble::Failed(format!(
                    "`{text}` does not come to an end; so far:{}",
                    indented(&lines)
                )));
            };
            if let Some(status) = line.strip_prefix(MARK) {
                // The mark begins with a line break, as output may lack its last one.
                while lines.last().is_some_and(String::is_empty) {
                    lines.pop();
                }
                return Ok((status.trim().parse().unwrap_or(-1), lines));
            }
            lines.push(line);
        }
    }

    /// Starts a command in the background and waits until it has printed what is expected.
    fn start_server(&mut self, text: &str, expected: &[String]) -> Result<Vec<String>, Trouble> {
        self.servers += 1;
        let log = self.logs.join(format!("server-{}.log", self.servers));
        // In front, so that the command may send its log elsewhere.
        self.call(&format!(">'{}' 2>&1 {text} &", log.display()))?;
        let deadline = Instant::now() + START;
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let got: Vec<String> = text.lines().map(str::to_owned).collect();
            let has_begun = !got.is_empty() && matches(expected, &got);
            if has_begun || Instant::now() > deadline {
                return Ok(got);
            }
            thread::sleep(POLL);
        }
    }

    /// Stops what runs in the background, then the shell.
    pub(super) fn end(mut self) -> Result<(), Trouble> {
        let stopped = self.call("[ -z \"$(jobs -p)\" ] || { kill $(jobs -p); wait; }");
        drop(self.input);
        if stopped.is_err() {
            self.child.kill()?;
        }
        self.child.wait()?;
        stopped.map(drop)
    }
}

fn at(line: usize, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Failed(told) => Trouble::Failed(format!("{line}: {told}")),
        skipped @ Trouble::Skipped(_) => skipped,
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().flat_map(|line| ["\n    ", line]).collect()
}

/// The workspace's profile for development, as a configuration of Cargo, which comes before a package's own.
fn dev_profile(root: &Path) -> Result<String, Trouble> {
    let manifest = manifest(&root.join("Cargo.toml"))?;
    let dev = manifest.get("profile").and_then(|all| all.get("dev"));
    let dev = dev.ok_or_else(|| Trouble::Failed("Cargo.toml has no profile.dev".to_owned()))?;
    let profile = toml::Table::from_iter([("dev".to_owned(), dev.clone())]);
    Ok(toml::Table::from_iter([("profile".to_owned(), profile.into())]).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::console::commands;

    /// Runs a console block in a folder of its own.
    fn run(name: &str, block: &str) -> Result<(), String> {
        let base = std::env::temp_dir().join(format!("xtask-session-{}-{name}", process::id()));
        let machine = Machine {
            path: std::env::var("PATH").unwrap(),
            isolated: None,
        };
        let mut session = machine.start(&base).unwrap();
        let lines: Vec<String> = block.lines().map(str::to_owned).collect();
        let result = commands(1, &lines)?
            .iter()
            .try_for_each(|command| session.run(command));
        session.end().unwrap();
        fs::remove_dir_all(base).unwrap();
        result.map_err(|trouble| format!("{trouble:?}"))
    }

    #[test]
    fn variables_live_on_and_standard_error_is_output() {
        let block = "$ name='it''s me'; cd /\n$ echo \"$name\" >&2\nits me\n$ printf %s \"$PWD\"\n/\n$ cat\n$ echo; echo a\n\na";
        assert_eq!(run("variables", block), Ok(()));
    }

    #[test]
    fn a_failure_must_be_asked_about() {
        assert_eq!(run("asked", "$ (exit 3)\n$ echo $?\n3"), Ok(()));
        assert!(
            run("not-asked", "$ (exit 3)")
                .unwrap_err()
                .contains("ended with status 3")
        );
    }

    #[test]
    fn other_output_is_told_with_its_line() {
        let told = run("other", "$ echo one\none\n$ echo two\nthree").unwrap_err();
        assert!(
            told.contains("4: `echo two` does not print what the page says"),
            "{told}"
        );
    }

    #[test]
    fn a_server_is_waited_for_and_stopped() {
        let block = "$ sh -c 'echo ready on $0; sleep 1000' 8000 &\nready on …\n$ kill -0 $!";
        let start = Instant::now();
        assert_eq!(run("server", block), Ok(()));
        assert!(start.elapsed() < START);
    }
}
