//! What `shadow` takes.

use super::super::password;
use super::exchange::Login;
use crate::output::Failure;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use std::path::PathBuf;

/// Arguments of `shadow`.
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("servers").required(true).args(["django", "manage_py"])),
    after_help = "\
Examples:
  tokenpair shadow site.har --django http://127.0.0.1:8001 --tokenpair http://127.0.0.1:8002
  tokenpair shadow access.log --manage-py manage.py --python venv/bin/python --json
  tokenpair shadow --generate 500 --seed 7 --manage-py manage.py

Exit status: 0 both answer alike, but for documented differences, 1 they do not or nothing is proved by it, 2 wrong usage.")]
pub(crate) struct Shadow {
    /// What to play: HAR files, or access logs with bodies in JSON lines; - is standard input
    #[arg(value_name = "RECORDING")]
    pub(super) recordings: Vec<PathBuf>,
    /// A Django that answers, on a copy of the database
    #[arg(long, value_name = "URL", value_parser = url, requires = "tokenpair")]
    pub(super) django: Option<Url>,
    /// A tokenpair that answers, on another copy
    #[arg(long, value_name = "URL", value_parser = url, requires = "django")]
    pub(super) tokenpair: Option<Url>,
    /// Copy the database and start both instead, which runs the project's code
    #[arg(long, value_name = "FILE", conflicts_with_all = ["django", "tokenpair"])]
    pub(super) manage_py: Option<PathBuf>,
    /// The project's Python, for --manage-py
    #[arg(
        long,
        value_name = "PROGRAM",
        default_value = "python3",
        requires = "manage_py"
    )]
    pub(super) python: PathBuf,
    /// Where SQLite's copies are made [default: the system's folder for temporary files]
    #[arg(long, value_name = "FOLDER", requires = "manage_py")]
    pub(super) copies: Option<PathBuf>,
    /// Where to write what Django logs meanwhile
    #[arg(long, value_name = "FILE", requires = "manage_py")]
    pub(super) django_log: Option<PathBuf>,
    /// Play recorded requests whose paths begin like this, too; / is everything
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub(super) path_prefix: Vec<String>,
    /// Send this header with every request, such as "Host: example.com" or "X-Forwarded-Proto: https"
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(super) header: Vec<(String, String)>,
    /// Play so many generated requests, too [default: without a recording, a set that reaches everything once]
    #[arg(long, value_name = "N")]
    pub(super) generate: Option<usize>,
    /// What the generated requests are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(super) seed: u64,
    /// Whom the generated requests log in; the password is asked for, with --manage-py the copies get another one
    #[arg(long, value_name = "NAME")]
    pub(super) user: Vec<String>,
    /// Read the passwords from standard input instead, one a line
    #[arg(long, requires = "user", conflicts_with = "manage_py")]
    pub(super) password_stdin: bool,
    /// A path that only those who are logged in may read, for the generated requests
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub(super) guarded: Vec<String>,
}

impl Shadow {
    /// Whether generated requests are played.
    pub(super) fn generates(&self) -> bool {
        self.recordings.is_empty() || self.generate.is_some()
    }

    /// Name and password of everybody who is named.
    pub(super) async fn logins(&self) -> Result<Vec<Login>, Failure> {
        let mut logins = Vec::new();
        for username in &self.user {
            let password = if self.password_stdin {
                password::from_stdin()?
            } else {
                password::need_terminal("give it with --password-stdin")?;
                password::ask_once(username).await?
            };
            logins.push(Login {
                username: username.clone(),
                password,
                is_active: true,
            });
        }
        Ok(logins)
    }
}

fn url(text: &str) -> Result<Url, String> {
    let expected = "expected an address without path or password, such as http://127.0.0.1:8000";
    let is_bare = |url: &Url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_user
    };
    let url = Url::parse(text).ok();
    url.filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https") && is_bare(url))
        .ok_or_else(|| expected.to_owned())
}

fn prefix(text: &str) -> Result<String, String> {
    let begins = text.starts_with('/').then(|| text.to_owned());
    begins.ok_or_else(|| "expected the beginning of a path, such as /api/".to_owned())
}

fn header(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once(':')
        .map(|(name, value)| (name, value.trim()));
    let is_header = |(name, value): &(&str, &str)| {
        let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
        is_name && HeaderValue::from_str(value).is_ok()
    };
    let (name, value) = pair
        .filter(is_header)
        .ok_or("expected NAME: VALUE, such as \"Host: example.com\"")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn path(text: &str) -> Result<String, String> {
    let is_path = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_path
        .then(|| text.to_owned())
        .ok_or_else(|| "expected a path such as /api/orders/".to_owned())
}
