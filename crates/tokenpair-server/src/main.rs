//! The `tokenpair` command: arguments in, exit status out. Everything else is in `commands/`.

mod app;
mod claims;
mod client_address;
mod commands;
mod config;
mod cors;
mod event_log;
mod health;
mod listener;
mod log;
mod middleware;
mod output;
mod reload;
mod request_log;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Access and refresh tokens for REST APIs, compatible with Django REST Framework's Simple JWT.
///
/// Without a command it serves. Exit status: 0 success, 1 failure, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "tokenpair", version, about)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: commands::serve::Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
struct Options {
    /// Configuration file [default: ./tokenpair.toml or /etc/tokenpair/tokenpair.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "TOKENPAIR_CONFIG")]
    config: Option<PathBuf>,
    /// Database, such as sqlite:auth.sqlite3 [default: sqlite:tokenpair.sqlite3]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TOKENPAIR_DATABASE",
        hide_env_values = true
    )]
    database: Option<String>,
    /// Write JSON instead of text for people
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the token endpoints
    Serve(commands::serve::Serve),
    /// Write a configuration file to start from
    Init(commands::init::Init),
    /// Say what is unsafe or will not work
    Check(commands::check::Check),
    /// Look at the configuration
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    /// Create the tables that are missing
    Migrate,
    /// Add a user
    Createuser(commands::createuser::Createuser),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli {
        options,
        serve,
        command,
    } = Cli::parse();
    if command.is_some() && serve != commands::serve::Serve::default() {
        let message = "--listen, --log-format and --demo belong to serve: write them after it, or leave the command out";
        Cli::command()
            .error(ErrorKind::ArgumentConflict, message)
            .exit();
    }
    let result = match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(serve) => serve.run(&options).await,
        Command::Init(init) => init.run(&options),
        Command::Check(check) => check.run(&options).await,
        Command::Config(command) => command.run(&options),
        Command::Migrate => commands::migrate::run(&options).await,
        Command::Createuser(createuser) => createuser.run(&options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&options, &failure);
            ExitCode::FAILURE
        }
    }
}
