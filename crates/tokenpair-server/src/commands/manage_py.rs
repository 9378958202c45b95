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
    let last = text
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let exception = last.split(':').next().unwrap_or_default().trim();
    let shown = if TELLING.contains(&exception) {
        last
    } else {
        exception
    };
    let hint = "`manage.py check` says more; name the project's own interpreter with --python";
    format!("Django does not start: {}; {hint}", printable(shown))
}
