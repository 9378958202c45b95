//! `tokenpair import-django`: a configuration from the settings of a Django project.
//!
//! The settings are read without running them (`python`), or told by Django itself (`live`); either way they become
//! [`facts`], which are mapped to a `draft`. Nothing is guessed: what has no counterpart is listed with its reason.

mod draft;
mod facts;
mod files;
mod hashers;
mod live;
mod mapping;
mod models;
mod python;
mod report;
mod serializers;
mod urls;

use crate::Options;
use crate::config;
use crate::output::{self, Failure};
use draft::Draft;
use facts::Facts;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokenpair::json::Value;

/// Arguments of `import-django`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenpair import-django mysite/settings.py --output tokenpair.toml\n  tokenpair import-django --manage-py manage.py --python venv/bin/python\n  tokenpair import-django mysite/settings.py --strict --json\n\nExit status: 0 written, 1 not written, or with --strict something was not taken over, 2 wrong usage."
)]
pub(crate) struct ImportDjango {
    /// Settings to read, without running them
    #[arg(value_name = "SETTINGS.py", required_unless_present = "manage_py")]
    settings: Option<PathBuf>,
    /// Ask Django itself instead, which runs the project's code
    #[arg(long, value_name = "FILE", conflicts_with = "settings")]
    manage_py: Option<PathBuf>,
    /// The project's Python, for --manage-py
    #[arg(
        long,
        value_name = "PROGRAM",
        default_value = "python3",
        requires = "manage_py"
    )]
    python: PathBuf,
    /// Where to write; - is standard output, for what has no secrets
    #[arg(long, value_name = "FILE", default_value = "tokenpair.toml")]
    output: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Fail if anything is not taken over
    #[arg(long)]
    strict: bool,
}

impl ImportDjango {
    pub(crate) fn run(&self, options: &Options) -> Result<(), Failure> {
        let to_terminal = self.output == Path::new("-");
        if !to_terminal && !self.force && self.output.exists() {
            return Err(self.is_there());
        }
        let (facts, from) = match (&self.manage_py, &self.settings) {
            (Some(manage_py), _) => (live::ask(manage_py, &self.python)?, manage_py),
            (None, Some(settings)) => (files::read(settings)?, settings),
            (None, None) => return Err(Failure::new("name a settings file, or --manage-py")),
        };
        let mut draft = mapping::draft(&facts);
        let text = accepted(&mut draft, &from.display().to_string())?;
        draft.redact(&mapping::secrets(&facts));
        let written = (!to_terminal).then_some(self.output.as_path());
        if to_terminal && draft.holds_secrets() {
            return Err(Failure::new(
                "the configuration holds secrets, which are not printed: write it with --output FILE",
            ));
        }
        if !to_terminal {
            self.write(&text)?;
        }
        Self::tell(options, &draft, written, &text, &facts)?;
        match draft.unmapped.len() {
            left if self.strict && left > 0 => {
                let plural = if left == 1 {
                    "setting was"
                } else {
                    "settings were"
                };
                Err(Failure::new(format!("{left} {plural} not taken over")))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let written = if self.force {
            crate::files::replace_private(&self.output, text.as_bytes())
        } else {
            crate::files::create_private(&self.output, text.as_bytes())
        };
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => self.is_there(),
            _ => Failure::because(self.output.display())(&error),
        })
    }

    fn is_there(&self) -> Failure {
        Failure::because(self.output.display())(
            &"is there already; write over it with --force, or elsewhere with --output FILE",
        )
    }

    fn tell(
        options: &Options,
        draft: &Draft,
        written: Option<&Path>,
        text: &str,
        facts: &Facts,
    ) -> Result<(), Failure> {
        if options.json {
            let mut fields = report::json(draft, written, facts);
            if written.is_none() {
                fields.push(("content", Value::from(text)));
            }
            return output::print(&output::json_line(fields)).map(drop);
        }
        let told = report::text(draft, written, facts);
        if written.is_some() {
            return output::print(&told).map(drop);
        }
        output::note(told.trim_end());
        output::print(text).map(drop)
    }
}

/// The file's text, such that `tokenpair serve` accepts it: what it would refuse is taken out and listed.
fn accepted(draft: &mut Draft, from: &str) -> Result<String, Failure> {
    let mut held = Vec::new();
    for _ in 0..=draft.lines.len() {
        let Err(refusal) = config::try_text(&draft.text(from)) else {
            break;
        };
        let config::Refusal {
            section,
            name,
            message,
        } = refusal;
        let is_key = name == "SIGNING_KEY";
        if is_key && message.contains("are needed") {
            draft.allow_short_key(&message);
        } else if is_key && !draft.has(section, &name) && held.is_empty() {
            // A private key that stays in the environment: the rest is looked at as if there were a shared secret.
            held = draft.hold(&["ALGORITHM", "JWK_URL"]);
        } else if !take_out(draft, section, &name, &message) {
            return Err(Failure::new(format!("[{section}] {name}: {message}")));
        }
    }
    draft.lines.extend(held);
    Ok(draft.text(from))
}

/// Takes out the line that a refusal is about; `false` if there is none.
fn take_out(draft: &mut Draft, section: &str, name: &str, message: &str) -> bool {
    // A column of the user table that another section names.
    let user_id = |draft: &mut Draft| draft.refuse("simple_jwt", "USER_ID_FIELD", message);
    draft.refuse(section, name, message) || (section == "user_model" && user_id(draft))
}
