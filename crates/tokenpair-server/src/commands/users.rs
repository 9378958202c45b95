//! `tokenpair users`: who is there, and who may log in.

use crate::Options;
use crate::config::Config;
use crate::database::Database;
use crate::output::{self, Failure, Table};
use jiff::Timestamp;
use tokenpair::json::Value;
use tokenpair::store::{Account, Migration, UserPage};

/// Users read and printed at once: memory stays small however many there are.
const PAGE: usize = 500;

/// Subcommands of `users`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Users {
    /// Show users as a table, in the order of their ids
    List(List),
    /// Let a user log in again
    #[command(after_help = "Example:\n  tokenpair users activate ada")]
    Activate(Named),
    /// Bar a user from logging in
    ///
    /// The user cannot log in or refresh tokens from now on. Access tokens that were issued before end by themselves,
    /// or at once where the user is looked up and `CHECK_USER_IS_ACTIVE` is on (it is by default).
    #[command(after_help = "Example:\n  tokenpair users deactivate ada")]
    Deactivate(Named),
}

/// Arguments of `users list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --json each user is one object on a line of its own.

Examples:
  tokenpair users list
  tokenpair users list --search example.com --limit 20
  tokenpair users list --json | jq -r 'select(.is_active | not) | .username'")]
pub(crate) struct List {
    /// The most users to show [default: all]
    #[arg(long, value_name = "N", value_parser = super::arguments::count)]
    limit: Option<usize>,
    /// Only users whose log-in name or e-mail address contains this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

/// Who is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// Log-in name
    #[arg(value_name = "NAME")]
    username: String,
}

impl Users {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let config = Config::load(options, None)?;
        match self {
            Self::List(list) => list.run(options, &config).await,
            Self::Activate(Named { username }) => switch(options, &config, username, true).await,
            Self::Deactivate(Named { username }) => switch(options, &config, username, false).await,
        }
    }
}

impl List {
    async fn run(self, options: &Options, config: &Config) -> Result<(), Failure> {
        let store = super::open_read_only(config, &[Migration::Auth]).await?;
        let mut left = self.limit.unwrap_or(usize::MAX);
        let mut page = UserPage {
            search: self.search,
            after: None,
            limit: left.min(PAGE),
        };
        let mut table = Table::new();
        let mut is_first = true;
        loop {
            let accounts = store.list_users(&page).await?;
            left -= accounts.len();
            let lines = if options.json {
                accounts.iter().map(json_line).collect()
            } else if is_first && accounts.is_empty() {
                "No users.\n".to_owned()
            } else {
                let header = is_first.then(|| header(&*store));
                let rows = header.into_iter().chain(accounts.iter().map(row));
                table.rows(&rows.collect::<Vec<_>>())
            };
            let is_last = accounts.len() < page.limit || left == 0;
            if !output::print(&lines)? || is_last {
                return Ok(());
            }
            is_first = false;
            page.after = accounts.into_iter().next_back().map(|last| last.user.id);
            page.limit = left.min(PAGE);
        }
    }
}

fn header(store: &dyn Database) -> Vec<String> {
    let login = &store.user_model().username;
    let login = output::printable(&login.to_uppercase());
    let names = [
        "ID",
        &login,
        "EMAIL",
        "ACTIVE",
        "STAFF",
        "SUPERUSER",
        "LAST LOGIN (UTC)",
    ];
    names.map(str::to_owned).to_vec()
}

fn row(account: &Account) -> Vec<String> {
    let user = &account.user;
    let flag = |flag| if flag { "yes" } else { "no" }.to_owned();
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    vec![
        output::printable(&user.id.to_string()),
        output::printable(&user.username),
        output::printable(account.email.as_deref().unwrap_or("")),
        flag(user.is_active),
        flag(user.is_staff),
        flag(user.is_superuser),
        account.last_login.map(time).unwrap_or_default(),
    ]
}

fn json_line(account: &Account) -> String {
    let user = &account.user;
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let last_login = account.last_login.map(|at| at.to_string());
    output::json_line([
        ("id", Value::from(&user.id)),
        ("username", Value::from(user.username.as_str())),
        ("email", text(account.email.as_deref())),
        ("is_active", Value::from(user.is_active)),
        ("is_staff", Value::from(user.is_staff)),
        ("is_superuser", Value::from(user.is_superuser)),
        ("last_login", text(last_login.as_deref())),
    ])
}

async fn switch(
    options: &Options,
    config: &Config,
    username: String,
    is_active: bool,
) -> Result<(), Failure> {
    let store = super::open(config, &[Migration::Auth]).await?;
    let shown = output::printable(&username);
    let account = store.find_account(&username).await?;
    let account = account.ok_or_else(|| Failure::new(format!("user '{shown}' does not exist")))?;
    let username = account.user.username;
    let shown = output::printable(&username);
    let changed = store.set_active(&account.user.id, is_active).await?;
    let state = if is_active { "active" } else { "inactive" };
    let verb = if changed { "is now" } else { "was" };
    let already = if changed { "" } else { " already" };
    let fields = [
        ("username", Value::from(username)),
        ("is_active", Value::from(is_active)),
        ("changed", Value::from(changed)),
    ];
    output::result(
        options,
        format!("User '{shown}' {verb} {state}{already}."),
        fields,
    )
}
