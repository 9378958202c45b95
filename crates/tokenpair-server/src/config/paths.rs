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
}

/// Every endpoint, its setting and its default path.
const ENDPOINTS: [(Endpoint, &str, &str); NAMES.len()] = [
    (Endpoint::TokenObtainPair, NAMES[0], "/api/token/"),
    (Endpoint::TokenRefresh, NAMES[1], "/api/token/refresh/"),
    (Endpoint::TokenVerify, NAMES[2], "/api/token/verify/"),
    (Endpoint::TokenBlacklist, NAMES[3], "/api/token/blacklist/"),
    (
        Endpoint::TokenObtainSliding,
        NAMES[4],
        "/api/token/sliding/",
    ),
    (
        Endpoint::TokenRefreshSliding,
        NAMES[5],
        "/api/token/sliding/refresh/",
    ),
    (Endpoint::Me, NAMES[6], "/api/me/"),
    (Endpoint::Register, NAMES[7], "/api/register/"),
    (Endpoint::RegisterVerify, NAMES[8], "/api/register/verify/"),
    (Endpoint::RegisterResend, NAMES[9], "/api/register/resend/"),
    (Endpoint::PasswordChange, NAMES[10], "/api/password/change/"),
    (Endpoint::PasswordReset, NAMES[11], "/api/password/reset/"),
    (
        Endpoint::PasswordResetConfirm,
        NAMES[12],
        "/api/password/reset/confirm/",
    ),
    (Endpoint::Logout, NAMES[13], "/api/logout/"),
    (Endpoint::LogoutAll, NAMES[14], "/api/logout/all/"),
    (Endpoint::Sessions, NAMES[15], "/api/sessions/"),
];

pub(super) const NAMES: [&str; 16] = [
    "token_obtain_pair",
    "token_refresh",
    "token_verify",
    "token_blacklist",
    "token_obtain_sliding",
    "token_refresh_sliding",
    "me",
    "register",
    "register_verify",
    "register_resend",
    "password_change",
    "password_reset",
    "password_reset_confirm",
    "logout",
    "logout_all",
    "sessions",
];

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

    /// Without the endpoints that there is nothing to serve for.
    pub(super) fn only(mut self, is_served: impl Fn(Endpoint) -> bool) -> Self {
        self.0.retain(|served| is_served(served.endpoint));
        self
    }

    /// The settings of the endpoints that Django has no counterpart of.
    pub(crate) fn ours() -> impl Iterator<Item = &'static str> {
        let ours = ENDPOINTS.iter().filter(|(one, ..)| !one.is_simple_jwts());
        ours.map(|(_, name, _)| *name)
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

    /// The path by which to call an endpoint; `None` where it is off.
    pub(crate) fn first(&self, endpoint: Endpoint) -> Option<&str> {
        let mut paths = self.iter();
        paths.find_map(|(served, path)| (served == endpoint).then_some(path))
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
