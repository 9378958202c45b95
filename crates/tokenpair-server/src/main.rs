//! The `tokenpair` command: arguments in, exit status out. Everything else is in `commands/`.

mod app;
mod claims;
mod client_address;
mod commands;
mod config;
mod cors;
mod database;
mod descriptors;
mod event_log;
mod files;
mod health;
mod listener;
mod log;
mod middleware;
mod openapi;
mod output;
mod random;
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
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "tokenpair", version, max_term_width = 120, after_long_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: commands::serve::Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  tokenpair --demo                     try it out, nothing is kept
  tokenpair                            serve from this folder
  tokenpair createsuperuser            add somebody who may do everything
  tokenpair token mint --user ada      a token for a script
  tokenpair users list --help          each command explains itself

Configuration:
  One file is read: that of --config or TOKENPAIR_CONFIG, else ./tokenpair.toml, else /etc/tokenpair/tokenpair.toml.
  A flag wins over a variable TOKENPAIR_<NAME>, a variable over the file, the file over the defaults.

Exit status:
  0  success
  1  failure: one line on standard error says why, with --json as {\"error\": …}
  2  wrong usage";

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
struct Options {
    /// Configuration file, also `TOKENPAIR_CONFIG` [default: ./tokenpair.toml or /etc/tokenpair/tokenpair.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database, such as sqlite:auth.sqlite3 or `postgres://ada@localhost/site`, also `TOKENPAIR_DATABASE` [default: sqlite:tokenpair.sqlite3]
    #[arg(long, global = true, value_name = "URL")]
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
    /// Write a configuration from the settings of a Django project
    ImportDjango(commands::import_django::ImportDjango),
    /// Play the same requests to a Django and a tokenpair and compare the answers
    Shadow(Box<commands::shadow::Shadow>),
    /// Say what is unsafe or will not work
    Check(commands::check::Check),
    /// Look at the configuration
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    /// Create the tables that are missing
    #[command(
        after_help = "Examples:\n  tokenpair migrate --database sqlite:auth.sqlite3\n  tokenpair migrate --database postgres://ada@localhost/site"
    )]
    Migrate,
    /// Add a user
    Createuser(commands::createuser::Createuser),
    /// Add a superuser, asking for name, address and password
    Createsuperuser(commands::createsuperuser::Createsuperuser),
    /// Change a user's password
    Changepassword(commands::changepassword::Changepassword),
    /// List users, let them in, bar them
    #[command(
        subcommand,
        after_help = "Example:\n  tokenpair users list --search example.com"
    )]
    Users(commands::users::Users),
    /// Delete the records of tokens that expired long ago
    Flushexpiredtokens(commands::flushexpiredtokens::Flushexpiredtokens),
    /// Make, look into and check a token
    #[command(
        subcommand,
        after_help = "Example:\n  tokenpair token mint --user ada | tokenpair token inspect"
    )]
    Token(commands::token::Token),
    /// Print what every endpoint takes and answers, as an OpenAPI document
    #[command(
        after_help = "With --json it is on one line.\n\nExamples:\n  tokenpair openapi > openapi.json\n  tokenpair openapi | jq '.paths | keys'"
    )]
    Openapi,
    /// Print what a shell needs to complete these commands
    Completions(commands::completions::Completions),
    /// Print the manual page
    Man(commands::man::Manual),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli {
        options,
        serve,
        command,
    } = match parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let result = match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(serve) => serve.run(&options).await,
        Command::Init(init) => init.run(&options),
        Command::ImportDjango(import) => import.run(&options),
        Command::Shadow(shadow) => shadow.run(&options).await,
        Command::Check(check) => check.run(&options).await,
        Command::Config(command) => command.run(&options),
        Command::Migrate => commands::migrate::run(&options).await,
        Command::Createuser(createuser) => createuser.run(&options).await,
        Command::Createsuperuser(createsuperuser) => createsuperuser.run(&options).await,
        Command::Changepassword(changepassword) => changepassword.run(&options).await,
        Command::Users(users) => users.run(&options).await,
        Command::Flushexpiredtokens(flush) => flush.run(&options).await,
        Command::Token(token) => token.run(&options).await,
        Command::Openapi => commands::openapi::run(&options).await,
        Command::Completions(completions) => completions.run(Cli::command()),
        Command::Man(man) => man.run(Cli::command()),
    };
    log::flush();
    status(&options, result)
}

fn status(options: &Options, result: Result<(), output::Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(options, &failure);
            ExitCode::FAILURE
        }
    }
}

/// Why an argument that stands before another command is refused.
const OF_SERVE: &str = "--listen, --log-format and --demo belong to serve: write them after it, or leave the command out";

fn parse() -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse()?;
    if cli.command.is_some() && cli.serve != commands::serve::Serve::default() {
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, OF_SERVE));
    }
    Ok(cli)
}

/// Help and version are errors to clap, and no failures. Wrong usage has its status also where JSON was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if !error.use_stderr() {
        let options = Options {
            json,
            ..Options::default()
        };
        return status(&options, output::was_read(error.print()).map(drop));
    }
    if json {
        output::wrong_usage(&error.render().to_string());
    } else {
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::{Cli, OF_SERVE, commands};
    use clap::{Args as _, Command, CommandFactory as _};

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_arguments_of_serve_are_named_where_they_are_misplaced() {
        let serve = commands::serve::Serve::augment_args(Command::new("serve"));
        for argument in serve.get_arguments() {
            let flag = format!("--{}", argument.get_long().unwrap());
            assert!(OF_SERVE.contains(&flag), "{flag}");
        }
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &Command) {
            let help = command
                .get_after_long_help()
                .or(command.get_after_help())
                .map(ToString::to_string);
            assert!(
                help.is_some_and(|help| help.contains("Example")),
                "{} has none",
                command.get_name()
            );
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
