//! Questions at the terminal, and passwords, which come from there or from standard input, never from arguments.

use super::interrupt::Interrupt;
use crate::output::Failure;
use std::io::{self, BufRead, ErrorKind, IsTerminal as _, Write as _};
use tokenpair::passwords::{MAX_PASSWORD_BYTES, UserAttributes, validate_password};
use tokio::sync::oneshot;

/// The first line of standard input.
pub(super) fn from_stdin() -> Result<String, Failure> {
    first_line(io::stdin().lock())
}

/// Reads no more than a password may have, and the end of its line.
fn first_line(input: impl BufRead) -> Result<String, Failure> {
    let failed = Failure::because("cannot read the password from standard input");
    let mut line = Vec::new();
    let mut input = input.take(MAX_PASSWORD_BYTES as u64 + 2);
    input
        .read_until(b'\n', &mut line)
        .map_err(|error| failed(&error))?;
    let end = line.iter().rposition(|byte| !b"\r\n".contains(byte));
    line.truncate(end.map_or(0, |end| end + 1));
    check_length(line.len())?;
    String::from_utf8(line).map_err(|_| failed(&"it is no text in UTF-8"))
}

/// What no hasher takes.
pub(super) fn check(password: String) -> Result<String, Failure> {
    check_length(password.len()).map(|()| password)
}

fn check_length(bytes: usize) -> Result<(), Failure> {
    if (1..=MAX_PASSWORD_BYTES).contains(&bytes) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "a password needs 1 to {MAX_PASSWORD_BYTES} bytes"
    )))
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
        ask_hidden("Password: ".to_owned()).await?,
        ask_hidden("Password (again): ".to_owned()).await?,
    ))
}

/// Asks for the password that somebody has, without showing it.
pub(super) async fn ask_once(username: &str) -> Result<String, Failure> {
    let prompt = format!("Password of {}: ", crate::output::printable(username));
    check(ask_hidden(prompt).await?)
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
async fn ask_hidden(prompt: String) -> Result<String, Failure> {
    // Held here, not by the thread that reads: that one is not waited for when a signal arrives.
    let silence = terminal::Silence::start().map_err(|error| cannot_ask(&error))?;
    let terminal = silence.terminal().map_err(|error| cannot_ask(&error))?;
    answer_or_interrupt(move || terminal::read_line(&prompt, terminal)).await
}

#[cfg(not(unix))]
async fn ask_hidden(prompt: String) -> Result<String, Failure> {
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

#[cfg(test)]
mod tests {
    use super::first_line;
    use std::io::{self, BufReader};
    use tokenpair::passwords::MAX_PASSWORD_BYTES;

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        for input in ["s3cret", "s3cret\n", "s3cret\r\n", "s3cret\nmore\n"] {
            assert_eq!(first_line(input.as_bytes()).unwrap(), "s3cret", "{input:?}");
        }
        for end in ["", "\n", "\r\n", "\r\nmore"] {
            let longest = "é".repeat(MAX_PASSWORD_BYTES / 2);
            let read = first_line((longest.clone() + end).as_bytes());
            assert_eq!(read.unwrap(), longest, "{end:?}");
        }
    }

    #[test]
    fn what_no_hasher_takes_is_refused_without_reading_it_all() {
        let said = format!("a password needs 1 to {MAX_PASSWORD_BYTES} bytes");
        let endless = || BufReader::new(io::repeat(b'x'));
        assert_eq!(first_line(endless()).unwrap_err().to_string(), said);
        let longer = "x".repeat(MAX_PASSWORD_BYTES) + "é\n";
        for input in ["", "\n", "\r\n", &longer] {
            let refused = first_line(input.as_bytes()).unwrap_err();
            assert_eq!(refused.to_string(), said);
        }
        let refused = first_line(&b"\xff\n"[..]).unwrap_err().to_string();
        assert!(refused.contains("UTF-8"), "{refused}");
    }
}
