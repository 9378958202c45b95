//! Scripts of ours that a Django project runs in its `manage.py shell`, with its own Python and settings.

use crate::files::folder_of;
use crate::output::{Failure, printable};
use std::path::Path;
use std::process::{Command, Stdio};
use tokenpair::json::{self, Value};

/// What a line to us begins with; the rest is the project's own.
const TO_US: &str = "tokenpair: ";
/// Exceptions whose text names a module or a setting, never a value.
const TELLING: [&str; 4] = [
    "ModuleNotFoundError",
    "ImportError",
    "KeyError",
    "django.core.exceptions.ImproperlyConfigured",
];

/// The command that runs `script`, in the project's folder.
pub(super) fn command(manage_py: &Path, python: &Path, script: &str) -> Result<Command, Failure> {
    let failed = Failure::because(manage_py.display());
    let program = std::path::absolute(manage_py).map_err(|error| failed(&error))?;
    if !program.is_file() {
        return Err(failed(&"there is no such file"));
    }
    let mut command = Command::new(python);
    command
        .arg(&program)
        .args(["shell", "--verbosity", "0", "--command", script])
        .current_dir(folder_of(&program))
        .stdin(Stdio::null());
    Ok(command)
}

/// Why the command could not even be run.
pub(super) fn not_run(manage_py: &Path, python: &Path, error: &std::io::Error) -> Failure {
    let text = format!(
        "{} cannot be run: {error}; name another with --python",
        python.display()
    );
    Failure::because(manage_py.display())(&text)
}

/// What a line of the script's output tells us, if it does.
pub(super) fn told(line: &str) -> Option<Value> {
    json::decode_body(line.strip_prefix(TO_US)?).ok()
}

/// The exception that ended it; its text only where that can hold no secret.
pub(super) fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let last = exception_in(&text).unwrap_or("nothing is said why");
    let exception = last.split(':').next().unwrap_or_default().trim();
    let shown = if TELLING.contains(&exception) {
        last
    } else {
        exception
    };
    let hint = "`manage.py check` says more; name the project's own interpreter with --python";
    format!("Django does not start: {}; {hint}", printable(shown))
}

/// The line after the last traceback; where there is none, the last line.
///
/// Texts of exceptions have further lines, and an interpreter that ends badly adds its own.
fn exception_in(text: &str) -> Option<&str> {
    let is_said = |line: &&str| !line.trim().is_empty();
    let is_outside = |line: &&str| is_said(line) && !line.starts_with(char::is_whitespace);
    match text.rsplit_once("Traceback (most recent call last):") {
        Some((_, traceback)) => traceback.lines().find(is_outside),
        None => text.lines().rev().find(is_said),
    }
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn the_exception_is_told_and_no_text_that_may_hold_a_secret() {
        let hint =
            "; `manage.py check` says more; name the project's own interpreter with --python";
        for (stderr, told) in [
            ("", "nothing is said why"),
            ("no such option: -x\n", "no such option"),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'SECRET_KEY'\n",
                "KeyError: 'SECRET_KEY'",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\"\npsycopg.OperationalError: x\n\n\
                 The above exception was the direct cause of the following exception:\n\n\
                 Traceback (most recent call last):\n  File \"b.py\"\n    connect()\n\
                 django.db.utils.OperationalError: password of ada: s3cret\n\tIs the server running?\n\
                 Fatal Python error: _enter_buffered_busy\n\nCurrent thread 0x1:\n  <no Python frame>\n",
                "django.db.utils.OperationalError",
            ),
        ] {
            let complaint = complaint(stderr.as_bytes());
            assert_eq!(complaint, format!("Django does not start: {told}{hint}"));
        }
    }
}
