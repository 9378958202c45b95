//! The command at a terminal, with somebody who answers its questions.

use crate::support::Folder;
use pty_process::blocking::{Command, Pty};
use rustix::termios::{LocalModes, tcgetattr};
use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that runs at a terminal of its own.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    output: Receiver<Vec<u8>>,
    /// Everything shown so far, and how much of it was looked at.
    shown: String,
    seen: usize,
}

impl Terminal {
    pub fn run(folder: &Folder, line: &str) -> Self {
        let (pty, other_end) = pty_process::blocking::open().unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_tokenpair"))
            .args(line.split_whitespace())
            .current_dir(folder.path(""))
            .env_clear()
            .envs(folder.variables.iter().cloned());
        let child = command.spawn(other_end).unwrap();
        let pty = Arc::new(pty);
        let (send, output) = channel();
        let reader = Arc::clone(&pty);
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            // The terminal fails when the command at it has ended.
            while let Ok(count @ 1..) = (&*reader).read(&mut bytes) {
                let _ = send.send(bytes[..count].to_vec());
            }
        });
        Self {
            pty,
            child,
            output,
            shown: String::new(),
            seen: 0,
        }
    }

    /// Waits until the command shows this text, after what was expected before.
    pub fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.shown += &String::from_utf8(bytes).unwrap(),
                Err(error) => panic!("{text:?} is not shown ({error}): {:?}", self.shown),
            }
        }
    }

    /// Waits for each question and answers it.
    pub fn answer(mut self, dialogue: &[(&str, &str)]) -> Self {
        for (question, answer) in dialogue {
            self.expect(question);
            self.type_in(&format!("{answer}\n"));
        }
        self
    }

    pub fn type_in(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Whether the terminal shows what is typed, line by line, and Ctrl-C is a signal: as shells leave it.
    pub fn modes(&self) -> (bool, bool, bool) {
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        let has = |mode| modes.contains(mode);
        (
            has(LocalModes::ECHO),
            has(LocalModes::ICANON),
            has(LocalModes::ISIG),
        )
    }

    /// Waits for the end; the exit status and all that was shown.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap().code();
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.shown += &String::from_utf8(bytes).unwrap();
        }
        (status, self.shown.replace("\r\n", "\n"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
