//! `tokenpair check`: what is unsafe or will not work, as Django's `check --deploy` says it. Changes nothing.

mod deployment;
mod files;
mod settings;

use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use std::borrow::Cow;
use std::fmt::Write as _;
use tokenpair::json::Value;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenpair check\n  tokenpair check --config /etc/tokenpair/tokenpair.toml --fail-level warning\n\nExit status: 0 nothing at or above the fail level, 1 something, 2 wrong usage."
)]
pub(crate) struct Check {
    /// The least serious finding that makes the exit status 1
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    fail_level: Level,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Level {
    /// It works, and is not as safe as it could be
    Warning,
    /// It does not work
    Error,
}

/// One thing to look at.
#[derive(Debug)]
pub(crate) struct Finding {
    level: Level,
    /// Stable, for those who want to know one: `W001`.
    id: &'static str,
    message: String,
    hint: Cow<'static, str>,
}

impl Finding {
    fn warning(
        id: &'static str,
        message: impl Into<String>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            level: Level::Warning,
            id,
            message: message.into(),
            hint: hint.into(),
        }
    }

    fn error(
        id: &'static str,
        message: impl Into<String>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            level: Level::Error,
            ..Self::warning(id, message, hint)
        }
    }
}

impl Check {
    pub(crate) async fn run(&self, options: &Options) -> Result<(), Failure> {
        let mut config = Config::load(options, None)?;
        let mut findings = settings::look(&config);
        findings.extend(deployment::look(&config));
        findings.extend(files::look(&mut config).await);
        findings.sort_by(|a, b| b.level.cmp(&a.level).then(a.id.cmp(b.id)));
        output::print(&if options.json {
            findings.iter().map(json_line).collect()
        } else {
            report(&findings)
        })?;
        match findings
            .iter()
            .filter(|found| found.level >= self.fail_level)
            .count()
        {
            0 => Ok(()),
            1 => Err(Failure::new("the check found an issue")),
            issues => Err(Failure::new(format!("the check found {issues} issues"))),
        }
    }
}

fn json_line(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Warning => "warning",
        Level::Error => "error",
    };
    output::json_line([
        ("level", Value::from(level)),
        ("id", Value::from(format!("tokenpair.{}", finding.id))),
        ("message", Value::from(finding.message.as_str())),
        ("hint", Value::from(&*finding.hint)),
    ])
}

/// In the form of Django's system check.
fn report(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "System check identified no issues.\n".to_owned();
    }
    let mut text = "System check identified some issues:\n".to_owned();
    for (level, title) in [(Level::Error, "ERRORS"), (Level::Warning, "WARNINGS")] {
        let of_level = findings.iter().filter(|finding| finding.level == level);
        for (index, finding) in of_level.enumerate() {
            if index == 0 {
                let _ = write!(text, "\n{title}:\n");
            }
            let Finding {
                id, message, hint, ..
            } = finding;
            let _ = write!(text, "(tokenpair.{id}) {message}\n\tHINT: {hint}\n");
        }
    }
    let issues = findings.len();
    let plural = if issues == 1 { "" } else { "s" };
    let _ = writeln!(text, "\nSystem check identified {issues} issue{plural}.");
    text
}
