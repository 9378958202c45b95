//! `tokenpair man`: the manual, made from the same words as `--help`.

use crate::output::{self, Failure};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokenpair man | man -l -
  tokenpair man --output /usr/local/share/man/man1")]
pub(crate) struct Manual {
    /// Write one page for each command into this folder instead of one page with all to standard output
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Manual {
    pub(crate) fn run(&self, command: Command) -> Result<(), Failure> {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        match &self.output {
            None => {
                let page = whole(&command).map_err(|error| Failure::because("man")(&error))?;
                output::print(&String::from_utf8_lossy(&page)).map(drop)
            }
            Some(folder) => fs::create_dir_all(folder)
                .and_then(|()| pages(&command, folder))
                .map_err(|error| Failure::because(folder.display())(&error)),
        }
    }
}

/// The page of the command itself, with a section for each of its commands.
fn whole(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = page(command)?;
    for command in leaves(command) {
        page.extend_from_slice(&section(command)?);
    }
    Ok(page)
}

/// What can be run: `tokenpair users list` rather than `tokenpair users`.
fn leaves(command: &Command) -> Vec<&Command> {
    let mut found = Vec::new();
    for command in visible(command) {
        if command.has_subcommands() {
            found.extend(leaves(command));
        } else {
            found.push(command);
        }
    }
    found
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    page.extend_from_slice(&body(command)?);
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    Ok(page)
}

/// What would be a page of its own, one level further in and without the options that all commands take.
fn section(command: &Command) -> io::Result<Vec<u8>> {
    let name = command.get_bin_name().unwrap_or_default().to_uppercase();
    let command = command.clone().mut_args(|argument| {
        let everywhere = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(everywhere)
    });
    let body = String::from_utf8_lossy(&body(&command)?).replace(".SH ", ".SS ");
    Ok(format!(".SH \"{name}\"\n{body}").into_bytes())
}

fn body(command: &Command) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let man = Man::new(command.clone());
    man.render_synopsis_section(&mut body)?;
    man.render_description_section(&mut body)?;
    man.render_options_section(&mut body)?;
    if let Some(notes) = command.get_after_long_help().or(command.get_after_help()) {
        // In lines of their own, as in the help: they hold examples to be copied.
        let mut roff = Roff::default();
        roff.control("SH", ["NOTES"]).control("nf", []);
        for line in notes.to_string().lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []).to_writer(&mut body)?;
    }
    Ok(body)
}

/// `tokenpair.1`, `tokenpair-users-list.1` and so on.
fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    let name = Man::new(command.clone()).get_filename();
    fs::write(folder.join(name), page(command)?)?;
    visible(command).try_for_each(|command| pages(command, folder))
}
