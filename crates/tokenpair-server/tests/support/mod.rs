//! The command in a folder of its own: run to its end, or serving until it is told to stop.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use rusqlite::Connection;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};
use tempfile::TempDir;

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder to run the command in; it sees no other file and no variable of ours.
pub struct Folder {
    folder: TempDir,
    pub variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Transcript {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    pub fn with_file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn command(&self, line: &str) -> Command {
        self.command_of(line.split_whitespace())
    }

    fn command_of<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenpair"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear();
        command
            .env("TMPDIR", self.folder.path())
            .envs(self.variables.iter().cloned());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command that ends by itself.
    pub fn run(&self, line: &str) -> Transcript {
        self.run_with_input(line, "")
    }

    /// For arguments with spaces in them.
    pub fn run_arguments(&self, arguments: &[&str]) -> Transcript {
        finish(self.command_of(arguments.iter().copied()), "")
    }

    pub fn run_with_input(&self, line: &str, input: &str) -> Transcript {
        finish(self.command(line), input)
    }

    /// With another standard output than one that is read.
    pub fn run_into(&self, line: &str, out: impl Into<Stdio>) -> Transcript {
        let mut command = self.command(line);
        command.stdout(out);
        finish(command, "")
    }

    /// A user with the password `s3cret-enough`.
    pub fn with_user(self, name: &str) -> Self {
        let line = format!("createuser --password-stdin --username {name}");
        let told = self.run_with_input(&line, "s3cret-enough\n");
        assert_eq!(told.status, Some(0), "{}", told.err);
        self
    }

    /// The database that commands use here, for what no command can do.
    pub fn database(&self) -> Connection {
        Connection::open(self.path("tokenpair.sqlite3")).unwrap()
    }

    /// Starts a command that ends when it is told to.
    pub fn start(&self, line: &str) -> Run {
        Run(self.command(line).spawn().unwrap())
    }

    /// Runs a command and sends it SIGINT after a while.
    pub fn interrupt(&self, line: &str, after: Duration) -> Transcript {
        let child = self.command(line).spawn().unwrap();
        thread::sleep(after);
        let kill = format!("kill -INT {}", child.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let output = child.wait_with_output().unwrap();
        Transcript {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// How many rows a table has; none where there is no such table.
    pub fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = self.database().query_row(&sql, [], |row| row.get(0));
        count.unwrap_or(0)
    }

    /// Starts a server on a free port.
    pub fn serve(&self, line: &str) -> Server {
        let mut child = self
            .command(line)
            .args(["--listen", "127.0.0.1:0"])
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        let listening = thread::spawn(move || {
            let mut line = String::new();
            while errors.read_line(&mut line).unwrap() > 0 {
                written.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        out.read_line(&mut greeting).unwrap();
        let address = greeting.split_once("http://").map(|(_, rest)| {
            rest.chars()
                .take_while(|c| c.is_ascii_digit() || ".:".contains(*c))
                .collect()
        });
        let Some(address) = address else {
            child.wait().unwrap();
            listening.join().unwrap();
            panic!(
                "the server did not start: {greeting}{}",
                log.lock().unwrap()
            );
        };
        Server {
            child,
            out,
            log,
            listening: Some(listening),
            greeting,
            address,
        }
    }
}

fn finish(mut command: Command, input: &str) -> Transcript {
    let mut child = command.spawn().unwrap();
    // A command that fails early reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Transcript {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A command that runs.
pub struct Run(Child);

impl Run {
    /// Sends a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.0.id());
        let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended.
    pub fn end(self) -> Transcript {
        let output = self.0.wait_with_output().unwrap();
        Transcript {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A server that runs; killed when a test forgets it.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    log: Arc<Mutex<String>>,
    listening: Option<thread::JoinHandle<()>>,
    /// The first line it printed.
    pub greeting: String,
    address: String,
}

/// An answer with its head.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    /// JSON, or the text of a page as a string.
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Server {
    /// The first line, printed under `--json`.
    pub fn announced(&self) -> Value {
        serde_json::from_str(&self.greeting).unwrap()
    }

    /// Where it listens, as an address without path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends the beginning of a request, which goes on for as long as the stream lives.
    pub fn begin(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{head}Host: test\r\n\r\n").unwrap();
        stream
    }

    pub fn get(&self, path: &str, access: &str) -> (u16, Value) {
        let head = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {access}\r\n");
        let answer = self.send(&head, "");
        (answer.status, answer.body)
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n");
        let answer = self.send(&head, &body.to_string());
        (answer.status, answer.body)
    }

    /// Sends `head`, completed by what every request needs, and `body`.
    pub fn send(&self, head: &str, body: &str) -> Answer {
        send(&self.address, head, body)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal by its name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM, as a service manager sends it.
    pub fn stop(self) -> Transcript {
        self.signal("TERM");
        self.end()
    }

    /// Waits until it has ended.
    pub fn end(mut self) -> Transcript {
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap().code();
        self.listening.take().unwrap().join().unwrap();
        let err = self.log();
        Transcript {
            status,
            out: format!("{}{out}", self.greeting),
            err,
        }
    }
}

/// Sends `head`, completed by what every request needs, and `body` to any server.
pub fn send(address: &str, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}Host: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or_else(|_| Value::from(body)),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until the answer is yes, as long as anything may take.
pub fn wait_until(mut question: impl FnMut() -> bool) {
    let start = Instant::now();
    while !question() {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether only its owner can read the file.
#[cfg(unix)]
pub fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
}
