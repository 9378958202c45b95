//! `[paths]`: where the endpoints are, under Simple JWT's URL names.

use super::section::Section;
use super::shown::Shown;
use tokenpair::json::Value;
use tokenpair::{Setting, SettingsError};

/// What can be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    TokenObtainPair,
    TokenRefresh,
    TokenVerify,
    TokenBlacklist,
    TokenObtainSliding,
    TokenRefreshSliding,
    Me,
    Register,
    RegisterVerify,
    RegisterResend,
    PasswordChange,
    PasswordReset,
    PasswordResetConfirm,
    Logout,
    LogoutAll,
    /// The list, and below its path each session.
    Sessions,
    Login,
    BrowserLogout,
    BrowserRegister,
    BrowserRegisterVerify,
    BrowserRegisterResend,
    BrowserPasswordReset,
    BrowserPasswordResetConfirm,
    BrowserAccount,
    Schema,
    Docs,
}

impl Endpoint {
    /// Whether Simple JWT has this endpoint, too.
    pub(crate) fn is_simple_jwts(self) -> bool {
        matches!(
            self,
            Self::TokenObtainPair
                | Self::TokenRefresh
                | Self::TokenVerify
                | Self::TokenBlacklist
                | Self::TokenObtainSliding
                | Self::TokenRefreshSliding
        )
    }

    /// Whether it is there only where another setting says so.
    fn is_switched_on(self) -> bool {
        matches!(
            self,
            Self::Register
                | Self::RegisterVerify
                | Self::RegisterResend
                | Self::PasswordReset
                | Self::PasswordResetConfirm
                | Self::Sessions
                | Self::BrowserRegister
                | Self::BrowserRegisterVerify
                | Self::BrowserRegisterResend
                | Self::BrowserPasswordReset
                | Self::BrowserPasswordResetConfirm
        )
    }

    /// Whether it is a page for people, which needs cookies.
    pub(super) fn is_for_people(self) -> bool {
        matches!(
            self,
            Self::Login
                | Self::BrowserLogout
                | Self::BrowserRegister
                | Self::BrowserRegisterVerify
                | Self::BrowserRegisterResend
                | Self::BrowserPasswordReset
                | Self::BrowserPasswordResetConfirm
                | Self::BrowserAccount
        )
    }
}

/// Every endpoint, its setting and its default path.
#[rustfmt::skip]
const ENDPOINTS: [(Endpoint, &str, &str); 26] = [
    (Endpoint::TokenObtainPair, "token_obtain_pair", "/api/token/"),
    (Endpoint::TokenRefresh, "token_refresh", "/api/token/refresh/"),
    (Endpoint::TokenVerify, "token_verify", "/api/token/verify/"),
    (Endpoint::TokenBlacklist, "token_blacklist", "/api/token/blacklist/"),
    (Endpoint::TokenObtainSliding, "token_obtain_sliding", "/api/token/sliding/"),
    (Endpoint::TokenRefreshSliding, "token_refresh_sliding", "/api/token/sliding/refresh/"),
    (Endpoint::Me, "me", "/api/me/"),
    (Endpoint::Register, "register", "/api/register/"),
    (Endpoint::RegisterVerify, "register_verify", "/api/register/verify/"),
    (Endpoint::RegisterResend, "register_resend", "/api/register/resend/"),
    (Endpoint::PasswordChange, "password_change", "/api/password/change/"),
    (Endpoint::PasswordReset, "password_reset", "/api/password/reset/"),
    (Endpoint::PasswordResetConfirm, "password_reset_confirm", "/api/password/reset/confirm/"),
    (Endpoint::Logout, "logout", "/api/logout/"),
    (Endpoint::LogoutAll, "logout_all", "/api/logout/all/"),
    (Endpoint::Sessions, "sessions", "/api/sessions/"),
    (Endpoint::Login, "login", "/auth/login/"),
    (Endpoint::BrowserLogout, "browser_logout", "/auth/logout/"),
    (Endpoint::BrowserRegister, "browser_register", "/auth/register/"),
    (Endpoint::BrowserRegisterVerify, "browser_register_verify", "/auth/register/verify/"),
    (Endpoint::BrowserRegisterResend, "browser_register_resend", "/auth/register/resend/"),
    (Endpoint::BrowserPasswordReset, "browser_password_reset", "/auth/password/reset/"),
    (Endpoint::BrowserPasswordResetConfirm, "browser_password_reset_confirm", "/auth/password/reset/confirm/"),
    (Endpoint::BrowserAccount, "browser_account", "/auth/account/"),
    (Endpoint::Schema, "schema", "/api/schema/"),
    (Endpoint::Docs, "docs", "/api/docs/"),
];

/// The settings.
pub(super) const NAMES: [&str; ENDPOINTS.len()] = {
    let mut names = [""; ENDPOINTS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ENDPOINTS[at].1;
        at += 1;
    }
    names
};

/// The paths of well-known tutorials, which `--demo` serves besides the defaults.
const ALIASES: [(Endpoint, &str); 5] = [
    (Endpoint::TokenObtainPair, "/gettoken/"),
    (Endpoint::TokenObtainPair, "/auth/token/"),
    (Endpoint::TokenRefresh, "/refreshtoken/"),
    (Endpoint::TokenRefresh, "/auth/token/refresh/"),
    (Endpoint::TokenVerify, "/verifytoken/"),
];

/// Paths that are the server's own.
const RESERVED: [&str; 2] = ["/livez", "/readyz"];

/// The endpoints with their paths; one without is off.
#[derive(Debug)]
pub(crate) struct Paths(Vec<Served>);

#[derive(Debug)]
struct Served {
    endpoint: Endpoint,
    name: &'static str,
    paths: Vec<String>,
}

impl Default for Paths {
    fn default() -> Self {
        let served = |&(endpoint, name, path): &(_, _, &str)| Served {
            endpoint,
            name,
            paths: vec![path.to_owned()],
        };
        Self(ENDPOINTS.iter().map(served).collect())
    }
}

impl Paths {
    pub(super) fn read(section: &Section) -> Result<Self, SettingsError> {
        let mut paths = Self::default();
        for served in &mut paths.0 {
            let default = std::mem::take(&mut served.paths);
            served.paths = section.read(served.name, default.clone(), |setting| {
                read(setting, default)
            })?;
        }
        paths.give_way(section);
        paths.refuse_clashes(section)?;
        Ok(paths)
    }

    /// A path of ours that nobody asked for is not served where one that somebody wrote is in its place, as in a file that is
    /// older than the endpoint.
    fn give_way(&mut self, section: &Section) {
        let bare = |path: &str| path.trim_end_matches('/').to_owned();
        let is_written = |served: &Served| section.find(served.name).is_some();
        let written: Vec<String> = self
            .0
            .iter()
            .filter(|served| is_written(served))
            .flat_map(|served| served.paths.iter().map(|path| bare(path)))
            .collect();
        let ours = self.0.iter_mut();
        for served in ours.filter(|served| !served.endpoint.is_simple_jwts() && !is_written(served))
        {
            served.paths.retain(|path| !written.contains(&bare(path)));
        }
    }

    /// Leaves out endpoints.
    pub(super) fn retain(&mut self, is_served: impl Fn(Endpoint) -> bool) {
        self.0.retain(|served| is_served(served.endpoint));
    }

    /// The defaults and the aliases.
    pub(super) fn demo() -> Self {
        let mut paths = Self::default();
        for served in &mut paths.0 {
            let aliases = ALIASES
                .iter()
                .filter(|(endpoint, _)| *endpoint == served.endpoint);
            served
                .paths
                .extend(aliases.map(|(_, path)| (*path).to_owned()));
        }
        paths
    }

    /// Every endpoint with each of its paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        self.0.iter().flat_map(|served| {
            let paths = served.paths.iter();
            paths.map(|path| (served.endpoint, path.as_str()))
        })
    }

    /// The settings of the endpoints that Django has no counterpart of and that are there unless they are switched off.
    pub(crate) fn ours() -> impl Iterator<Item = &'static str> {
        let is_ours = |one: Endpoint| !one.is_simple_jwts() && !one.is_switched_on();
        let ours = ENDPOINTS.iter().filter(move |(one, ..)| is_ours(*one));
        ours.map(|(_, name, _)| *name)
    }

    /// Every endpoint that is served with the path by which to call it.
    pub(crate) fn firsts(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        let served = self.0.iter();
        served.filter_map(|served| Some((served.endpoint, served.paths.first()?.as_str())))
    }

    /// The path by which to call an endpoint; `None` where it is off.
    pub(crate) fn first(&self, endpoint: Endpoint) -> Option<&str> {
        let mut firsts = self.firsts();
        firsts.find_map(|(served, path)| (served == endpoint).then_some(path))
    }

    /// One path, one endpoint; the path without its final slash is taken too, by the redirect.
    fn refuse_clashes(&self, section: &Section) -> Result<(), SettingsError> {
        let mut taken = RESERVED.map(|path| (path, "the server's health")).to_vec();
        for served in &self.0 {
            for path in &served.paths {
                let bare = path.trim_end_matches('/');
                if let Some((_, owner)) = taken.iter().find(|(other, _)| *other == bare) {
                    let source = Some(section.source(served.name).to_owned());
                    let message = format!("{path} is taken by {owner}");
                    return Err(SettingsError::new(served.name, source, message));
                }
                taken.push((bare, served.name));
            }
        }
        Ok(())
    }

    pub(super) fn shown(&self, section: &Section) -> Vec<Shown> {
        let value = |paths: &[String]| match paths {
            [] => Value::Bool(false),
            [path] => Value::from(path.as_str()),
            paths => Value::Array(
                paths
                    .iter()
                    .map(|path| Value::from(path.as_str()))
                    .collect(),
            ),
        };
        let shown =
            |served: &Served| Shown::new("paths", served.name, value(&served.paths), section);
        self.0.iter().map(shown).collect()
    }
}

fn read(setting: &Setting<'_>, default: Vec<String>) -> Result<Vec<String>, SettingsError> {
    let expected = "a path such as \"/api/token/\", a list of paths, or false";
    let paths = match setting.value() {
        Value::Bool(false) => Vec::new(),
        Value::Bool(true) => default,
        Value::String(path) => vec![path.clone()],
        Value::Array(_) => setting.list()?,
        _ => return Err(setting.expected(expected)),
    };
    if let Some(path) = paths.iter().find(|path| !is_path(path)) {
        return Err(setting.refuse(format!(
            "{path:?} is no path: it starts with / and has letters, digits and -._~/ only"
        )));
    }
    Ok(paths)
}

fn is_path(path: &str) -> bool {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    path.starts_with('/') && !path.contains("//") && path.chars().all(may_stand)
}
