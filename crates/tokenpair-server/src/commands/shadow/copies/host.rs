//! Django's process: told what to do in one line, it says how it goes, serves, and tidies up when its input ends.

use super::Login;
use crate::Options;
use crate::commands::manage_py;
use crate::output::{self, Failure};
use reqwest::Url;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;
use tokenpair::json::{self, Object, Value};
use tokio::sync::mpsc;

const SCRIPT: &str = include_str!("host.py");
/// To remove two databases, on a machine that has much to do.
const FAREWELL: Duration = Duration::from_secs(60);

/// What is to be started.
pub(super) struct Order<'a> {
    pub(super) manage_py: &'a Path,
    pub(super) python: &'a Path,
    /// Where to write what Django logs.
    pub(super) log: Option<&'a Path>,
    /// Where copies that are files belong.
    pub(super) folder: &'a Path,
    /// Part of the names of copies that are no files.
    pub(super) label: &'a str,
    /// Users of the project's that are to be able to log in, in the copies.
    pub(super) users: &'a [String],
}

/// Django, serving on its copy.
pub(super) struct Ready {
    pub(super) url: Url,
    /// `sqlite` or `postgresql`.
    pub(super) kind: String,
    /// The original: a file or the name of a database.
    pub(super) source: String,
    /// tokenpair's copy, as the original is named.
    pub(super) copy: String,
    /// What Django speaks unless it is asked for something else, such as `en-us`.
    pub(super) language: String,
    pub(super) logins: Vec<Login>,
    pub(super) notes: Vec<String>,
}

/// The process. Dropped, it removes the copies and ends.
#[derive(Debug)]
pub(super) struct Host {
    child: Child,
    input: Option<ChildStdin>,
    events: mpsc::UnboundedReceiver<Value>,
    ended: blocking::Receiver<()>,
    log: File,
    label: String,
}

impl Host {
    pub(super) fn start(order: &Order<'_>) -> Result<Self, Failure> {
        let (manage_py, python) = (order.manage_py, order.python);
        let log = log(order.log)?;
        let stderr = log.try_clone().map_err(|error| not_logged(&error))?;
        let mut command = manage_py::command(manage_py, python, SCRIPT)?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        apart_from_terminal(&mut command);
        let mut child = command
            .spawn()
            .map_err(|error| manage_py::not_run(manage_py, python, &error))?;
        let mut input = child.stdin.take();
        if let Some(input) = &mut input {
            // One that ends at once has not read it, and says why elsewhere.
            let _ = input.write_all(order.line().as_bytes());
        }
        let (events, ended) = listen(child.stdout.take());
        Ok(Self {
            child,
            input,
            events,
            ended,
            log,
            label: order.label.to_owned(),
        })
    }

    /// Waits until Django serves.
    pub(super) async fn ready(&mut self, options: &Options) -> Result<Ready, Failure> {
        while let Some(event) = self.events.recv().await {
            let Some(event) = event.as_object() else {
                continue;
            };
            let text = |name: &str| event.get(name).and_then(Value::as_str);
            if let Some(sentence) = text("failed") {
                return Err(Failure::new(output::printable(sentence)));
            }
            if let Some(sentence) = text("progress") {
                output::progress(options, output::printable(sentence));
            }
            if let Some(ready) = ready(event) {
                return Ok(ready);
            }
        }
        Err(Failure::new(self.complaint()))
    }

    fn complaint(&mut self) -> String {
        let mut text = Vec::new();
        let _ = self.log.rewind();
        let _ = self.log.read_to_end(&mut text);
        manage_py::complaint(&text)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.input.take());
        if self.ended.recv_timeout(FAREWELL) == Err(blocking::RecvTimeoutError::Timeout) {
            let _ = self.child.kill();
            output::note(format!(
                "Django was stopped before it had removed its copies: look for {}",
                self.label
            ));
        }
        let _ = self.child.wait();
        while let Ok(event) = self.events.try_recv() {
            if let Some(sentence) = left_behind(&event) {
                output::note(sentence);
            }
        }
    }
}

impl Order<'_> {
    fn line(&self) -> String {
        let users = self.users.iter().map(|name| Value::from(name.as_str()));
        let folder = self.folder.to_string_lossy();
        let order = Object::from_iter([
            ("folder", Value::from(&*folder)),
            ("label", Value::from(self.label)),
            ("users", Value::Array(users.collect())),
        ]);
        json::encode_utf8(&Value::Object(order)) + "\n"
    }
}

/// Ctrl-C at the terminal is for us alone: Django has to tidy up first.
#[cfg(unix)]
fn apart_from_terminal(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn apart_from_terminal(_command: &mut Command) {}

fn log(path: Option<&Path>) -> Result<File, Failure> {
    let Some(path) = path else {
        return tempfile::tempfile().map_err(|error| not_logged(&error));
    };
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(path);
    opened.map_err(|error| Failure::because(path.display())(&error))
}

fn not_logged(error: &std::io::Error) -> Failure {
    Failure::because("cannot keep what Django logs")(error)
}

/// What the process tells, and when it has ended.
fn listen(output: Option<ChildStdout>) -> (mpsc::UnboundedReceiver<Value>, blocking::Receiver<()>) {
    let (teller, events) = mpsc::unbounded_channel();
    let (ends, ended) = blocking::channel();
    thread::spawn(move || {
        let Some(output) = output else { return };
        let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
        for line in lines {
            if let Some(event) = manage_py::told(&String::from_utf8_lossy(&line)) {
                let _ = teller.send(event);
            }
        }
        drop(ends);
    });
    (events, ended)
}

/// A copy that could not be removed.
fn left_behind(event: &Value) -> Option<String> {
    let text = |name: &str| Some(output::printable(event.as_object()?.get(name)?.as_str()?));
    Some(format!(
        "the copy {} could not be removed ({}): drop it yourself",
        text("left")?,
        text("reason")?
    ))
}

fn ready(event: &Object) -> Option<Ready> {
    let text = |name: &str| Some(event.get(name)?.as_str()?.to_owned());
    let logins = event.get("users")?.as_array()?.iter();
    let notes = event.get("notes")?.as_array()?.iter();
    Some(Ready {
        url: text("ready")?.parse().ok()?,
        kind: text("kind")?,
        source: text("source")?,
        copy: text("copy")?,
        language: text("language")?,
        logins: logins.filter_map(login).collect(),
        notes: notes
            .filter_map(|note| note.as_str().map(output::printable))
            .collect(),
    })
}

fn login(user: &Value) -> Option<Login> {
    let user = user.as_object()?;
    let text = |name: &str| Some(user.get(name)?.as_str()?.to_owned());
    Some(Login {
        username: text("username")?,
        password: text("password")?,
        is_active: user.get("is_active")?.is_truthy(),
    })
}
