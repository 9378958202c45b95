//! Questions at the terminal, and passwords, which come from there or from standard input, never from arguments.

use super::interrupt::Interrupt;
use crate::output::Failure;
use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use tokenpair::passwords::{MAX_PASSWORD_BYTES, UserAttributes, validate_password};
use tokio::sync::oneshot;

/// The first line of standard input.
pub(super) fn from_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| {
        Failure::new(format!(
            "cannot read the password from standard input: {error}"
        ))
    })?;
    check(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// What no hasher takes.
pub(super) fn check(password: String) -> Result<String, Failure> {
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        return Err(Failure::new(format!(
            "a password needs 1 to {MAX_PASSWORD_BYTES} bytes"
        )));
    }
    Ok(password)
}

/// What Django's validators find wrong with a new password, in its words.
pub(super) fn flaws(password: &str, user: &UserAttributes<'_>) -> Vec<String> {
    let flaws = validate_password(password, user).into_iter();
    flaws.map(|flaw| flaw.to_string()).collect()
}

/// Fails with `instead` where there is nobody to ask.
pub(super) fn need_terminal(instead: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "standard input is no terminal to ask for what is missing: {instead}"
    )))
}

/// Asks for a password and once more for the same, without showing them.
pub(super) async fn ask_twice() -> Result<(String, String), Failure> {
    Ok((
        ask_hidden("Password: ").await?,
        ask_hidden("Password (again): ").await?,
    ))
}

/// Asks on standard error, so that standard output holds nothing but results.
pub(super) async fn ask(prompt: String) -> Result<String, Failure> {
    answer_or_interrupt(move || {
        io::stderr().write_all(prompt.as_bytes())?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    })
    .await
}

#[cfg(unix)]
async fn ask_hidden(prompt: &'static str) -> Result<String, Failure> {
    // Held here, not by the thread that reads: that one is not waited for when a signal arrives.
    let silence = terminal::Silence::start().map_err(|error| cannot_ask(&error))?;
    let terminal = silence.terminal().map_err(|error| cannot_ask(&error))?;
    answer_or_interrupt(move || terminal::read_line(prompt, terminal)).await
}

#[cfg(not(unix))]
async fn ask_hidden(prompt: &'static str) -> Result<String, Failure> {
    answer_or_interrupt(move || rpassword::prompt_password(prompt)).await
}

/// Lets a thread wait for the answer. A signal or the end of the input ends the command, with everything in order.
async fn answer_or_interrupt(
    question: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> Result<String, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let (reader, answer) = oneshot::channel();
    // A thread of its own: the runtime would wait for one of its own to end before the process may.
    std::thread::spawn(move || reader.send(question()));
    let answer = tokio::select! {
        answer = answer => answer.unwrap_or_else(|_| Err(ErrorKind::Interrupted.into())),
        () = interrupt.wait() => Err(ErrorKind::Interrupted.into()),
    };
    answer.map_err(|error| match error.kind() {
        ErrorKind::Interrupted | ErrorKind::UnexpectedEof => {
            // The cursor stands behind the question.
            let _ = writeln!(io::stderr());
            Failure::new("operation cancelled")
        }
        _ => cannot_ask(&error),
    })
}

fn cannot_ask(error: &io::Error) -> Failure {
    Failure::new(format!("cannot ask at the terminal: {error}"))
}

/// The terminal, whatever the standard streams are.
///
/// Not the crate `rpassword`: it changes the terminal's modes on the thread that reads, so that nobody puts them back
/// when a signal ends the process, and it does so after the question is printed, so that quick typing is seen.
#[cfg(unix)]
mod terminal {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use std::fs::{File, OpenOptions};
    use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};

    /// What is typed is not shown until this is dropped.
    pub(super) struct Silence {
        terminal: File,
        before: Termios,
    }

    impl Silence {
        pub(super) fn start() -> io::Result<Self> {
            let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
            let before = tcgetattr(&terminal)?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            // But that Enter was pressed.
            silent.local_modes.insert(LocalModes::ECHONL);
            tcsetattr(&terminal, OptionalActions::Now, &silent)?;
            Ok(Self { terminal, before })
        }

        pub(super) fn terminal(&self) -> io::Result<File> {
            self.terminal.try_clone()
        }
    }

    impl Drop for Silence {
        fn drop(&mut self) {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }

    pub(super) fn read_line(prompt: &str, mut terminal: File) -> io::Result<String> {
        terminal.write_all(prompt.as_bytes())?;
        let mut line = String::new();
        // A terminal gives one line at a time, so that nothing of the next is lost here.
        if BufReader::new(terminal).read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
