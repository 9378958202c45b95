//! `tokenpair init`: writes a configuration to start from.

use crate::Options;
use crate::files;
use crate::output::{self, Failure};
use std::path::{Path, PathBuf};
use tokenpair::json::Value;

/// Lines of the template that begin with this are the safe choice: comments, unless `--hardened`.
const HARDENED: &str = "#! ";
const TEMPLATE: &str = include_str!("init/tokenpair.toml");

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenpair init --hardened\n  tokenpair init --output /etc/tokenpair/tokenpair.toml"
)]
pub(crate) struct Init {
    /// Rotate refresh tokens, blacklist used ones, end stolen lines of tokens
    #[arg(long)]
    hardened: bool,
    /// Where to write; - is standard output
    #[arg(long, value_name = "FILE", default_value = "tokenpair.toml")]
    output: PathBuf,
}

impl Init {
    pub(crate) fn run(&self, options: &Options) -> Result<(), Failure> {
        let text = template(self.hardened);
        if self.output == Path::new("-") {
            return output::print(&text).map(drop);
        }
        write_new(&self.output, &text)?;
        let path = self.output.display().to_string();
        let text = format!("Wrote {path}. Look at it, then:\n  tokenpair check\n  tokenpair");
        output::result(options, text, [("written", Value::from(path))])
    }
}

fn template(hardened: bool) -> String {
    let lines = TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix(HARDENED) {
            Some(setting) if hardened => format!("{setting}\n"),
            Some(setting) => format!("# {setting}\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}

/// Only its owner can read it, as it may come to hold a key.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = Failure::because(path.display().to_string());
    match files::create_private(path, text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(failed(
            &"is there already; write elsewhere with --output FILE, or to the terminal with --output -",
        )),
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn the_hardened_file_differs_only_in_what_is_switched_on() {
        let (plain, hardened) = (template(false), template(true));
        assert_eq!(plain.lines().count(), hardened.lines().count());
        for (plain, hardened) in plain.lines().zip(hardened.lines()) {
            assert!(
                plain == hardened || plain == format!("# {hardened}"),
                "{plain}"
            );
        }
        assert!(
            toml::from_str::<toml::Table>(&plain).unwrap()["simple_jwt"]
                .as_table()
                .unwrap()
                .is_empty()
        );
        let settings = toml::from_str::<toml::Table>(&hardened).unwrap();
        assert_eq!(
            settings["simple_jwt"]["ROTATE_REFRESH_TOKENS"].as_bool(),
            Some(true)
        );
    }
}
