//! `tokenpair completions`: what a shell needs to complete our commands.

use crate::output::{self, Failure};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokenpair completions bash > ~/.local/share/bash-completion/completions/tokenpair
  tokenpair completions zsh > ~/.zfunc/_tokenpair        # a folder of $fpath
  tokenpair completions fish > ~/.config/fish/completions/tokenpair.fish")]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut command: clap::Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "tokenpair", &mut script);
        output::print(&String::from_utf8_lossy(&script)).map(drop)
    }
}
