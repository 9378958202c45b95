//! Runs commands: shows what is run, passes its output on, ends it when it takes too long.

use crate::check::{Outcome, Trouble};
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);
/// What a command gets to clean up after a signal.
const GRACE: Duration = Duration::from_secs(10);

/// A command that was run.
#[derive(Debug)]
pub struct Run {
    command: String,
    /// Its standard output, which was printed, too.
    pub lines: Vec<String>,
    /// Why it did not succeed.
    failure: Option<String>,
}

impl Run {
    /// The command that did not succeed, and why.
    pub fn problem(&self) -> Option<String> {
        self.failure
            .as_ref()
            .map(|reason| format!("`{}`: {reason}", self.command))
    }

    /// Nothing, or the failure.
    pub fn success(&self) -> Result<(), Trouble> {
        self.problem()
            .map_or(Ok(()), |problem| Err(Trouble::Failed(problem)))
    }

    /// For a command that tells `detail` by itself, be it for better or worse.
    pub fn told(&self, detail: String) -> Outcome {
        match &self.failure {
            None => Ok(detail),
            Some(reason) => Err(Trouble::Failed(format!("{reason}; {detail}"))),
        }
    }
}

/// Runs a command until `deadline` at the latest.
pub(crate) fn run(command: &mut Command, deadline: Instant) -> Run {
    let shown = shown(command);
    println!("$ {shown}");
    let mut lines = Vec::new();
    let ended = spawn_and_follow(command, deadline, &mut lines);
    let failure = ended.unwrap_or_else(|error| Some(format!("cannot be run: {error}")));
    Run {
        command: shown,
        lines,
        failure,
    }
}

/// The standard output of a command that is over soon; nothing is printed.
pub fn output(command: &mut Command) -> Result<String, Trouble> {
    let shown = shown(command);
    let failed = |what: String| Trouble::Failed(format!("`{shown}` {what}"));
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(format!("cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!(
        "ended with {}: {}",
        output.status,
        told.trim_end()
    )))
}

/// The command line as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '{', '*']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

/// Prints and collects output until the command ends or the deadline passes; yields what went wrong.
fn spawn_and_follow(
    command: &mut Command,
    deadline: Instant,
    lines: &mut Vec<String>,
) -> io::Result<Option<String>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child
        .stdout
        .take()
        .map_or_else(|| mpsc::channel().1, lines_of);
    let mut print = |line: String| {
        println!("{line}");
        lines.push(line);
    };
    while Instant::now() < deadline {
        match output.recv_timeout(POLL) {
            Ok(line) => print(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
        }
        if let Some(status) = child.try_wait()? {
            // A grandchild that lives on may hold the pipe open: no waiting for its end.
            while let Ok(line) = output.recv_timeout(10 * POLL) {
                print(line);
            }
            return Ok((!status.success()).then(|| status.to_string()));
        }
    }
    interrupt(&mut child)?;
    Ok(Some("took too long".to_owned()))
}

pub(crate) fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    receiver
}

/// SIGINT first, so that scripts stop the servers they started; then the hard way.
fn interrupt(child: &mut Child) -> io::Result<()> {
    for name in ["INT", "TERM", "KILL"] {
        signal(name, &[child.id()])?;
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }
    Ok(())
}

/// A command without an environment that ends with us however we end.
pub fn bound(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command.env_clear();
    command
}

/// Sends a signal such as `"KILL"` to processes; those that have gone meanwhile are passed over.
pub fn signal(name: &str, processes: &[u32]) -> io::Result<()> {
    let processes: Vec<String> = processes.iter().map(u32::to_string).collect();
    let line = format!("kill -{name} {}", processes.join(" "));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).stderr(Stdio::null());
    shell.status().map(drop)
}

/// Below the ports that Linux takes for outgoing connections: one of those could sit on a server's port while the
/// server is restarted, or connect to itself.
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;
/// How many ports have been looked at.
static SEEN: AtomicU16 = AtomicU16::new(0);

/// A port of this machine that was free a moment ago, not given before.
pub fn free_port() -> io::Result<u16> {
    // Processes beside each other begin at different places.
    let place = std::process::id().wrapping_mul(97) % u32::from(PORTS);
    for _ in 0..PORTS {
        let step = u32::from(SEEN.fetch_add(1, Relaxed));
        let port = u32::from(FIRST_PORT) + (place + step) % u32::from(PORTS);
        let port = u16::try_from(port).map_err(io::Error::other)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("no port is free"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Run {
        run(
            Command::new("sh").args(["-c", script]),
            Instant::now() + limit,
        )
    }

    #[test]
    fn all_output_is_collected_and_the_status_reported() {
        let run = shell("echo one; echo two; exit 3", GRACE);
        assert_eq!(run.lines, ["one", "two"]);
        assert!(
            run.failure
                .is_some_and(|reason| reason.ends_with("exit status: 3"))
        );
    }

    #[test]
    fn a_command_that_takes_too_long_is_interrupted() {
        let run = shell(
            "trap 'exit 0' INT TERM; echo started; while :; do sleep 0.01; done",
            Duration::from_millis(200),
        );
        assert!(
            run.failure
                .is_some_and(|reason| reason.ends_with("took too long"))
        );
    }

    #[test]
    fn a_grandchild_that_lives_on_is_not_waited_for() {
        let start = Instant::now();
        assert!(shell("sleep 5 & echo done", GRACE).success().is_ok());
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}
