//! What generated requests are made of: the mounted endpoints, who may log in, stand-ins for tokens.

use super::super::Sites;
use super::super::exchange::{Login, Request};
use crate::commands::token;
use crate::config::{Endpoint, Paths};
use crate::output::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::json::{self, Object, Value};
use tokenpair::{Settings, SimpleJwt, UserIdKind};

/// A value for each name.
pub(super) type Fields<'a> = [(&'a str, Value)];

/// What is known of the site, and the requests so far.
pub(super) struct Plan<'a> {
    pub(super) settings: &'a Settings,
    pub(super) paths: &'a Paths,
    pub(super) logins: &'a [Login],
    /// Paths of Django's that take an access token.
    pub(super) guarded: &'a [String],
    /// What the field with the log-in name is called.
    pub(super) username: &'a str,
    pub(super) user_id_kind: UserIdKind,
    /// For tokens of our own making, where the key is known.
    pub(super) jwt: Option<SimpleJwt>,
    pub(super) now: Timestamp,
    pub(super) requests: Vec<Request>,
    stand_ins: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(sites: &'a Sites, guarded: &'a [String]) -> Result<Self, Failure> {
        let settings = &sites.config.settings;
        let model = sites.config.database.user_model();
        let signs = sites.has_key && settings.jwk_url.is_none();
        let jwt = signs.then(|| token::reader(settings.clone()).build());
        Ok(Self {
            settings,
            paths: &sites.config.paths,
            logins: &sites.logins,
            guarded,
            username: model.username_field(),
            user_id_kind: model.user_id_kind,
            jwt: jwt.transpose()?,
            now: SystemClock.now(),
            requests: Vec::new(),
            stand_ins: 0,
        })
    }

    /// Where an endpoint is, if it is mounted.
    pub(super) fn path(&self, endpoint: Endpoint) -> Option<&'a str> {
        self.paths.first(endpoint)
    }

    pub(super) fn add(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// Posts JSON to an endpoint, if it is mounted.
    pub(super) fn post(&mut self, about: &str, endpoint: Endpoint, fields: &Fields<'_>) {
        self.post_and_learn(about, endpoint, fields, &[]);
    }

    /// The same, where the answer holds tokens: under these names, known by these stand-ins from then on.
    pub(super) fn post_and_learn(
        &mut self,
        about: &str,
        endpoint: Endpoint,
        fields: &Fields<'_>,
        tokens: &[(&str, &str)],
    ) {
        let Some(path) = self.path(endpoint) else {
            return;
        };
        let mut request = posted(about, path, "application/json", object(fields));
        if !tokens.is_empty() {
            let tokens = tokens
                .iter()
                .map(|(name, token)| (*name, Value::from(*token)));
            request.recorded = Some(object(&tokens.collect::<Vec<_>>()));
        }
        self.add(request);
    }

    /// Asks every guarded path with a token.
    pub(super) fn present(&mut self, about: &str, token: &str) {
        let scheme = self.settings.auth_header_types.first();
        let scheme = scheme.map_or("Bearer", String::as_str);
        self.authorize(about, &format!("{scheme} {token}"));
    }

    /// Asks every guarded path with a value of the header that credentials come in.
    pub(super) fn authorize(&mut self, about: &str, value: &str) {
        for path in self.guarded {
            let mut request = Request::new(format!("generated: {about}"), "GET", path);
            request.headers.push(self.credentials_header(), value);
            request.is_for_django = !self.paths.iter().any(|(_, served)| served == path);
            self.add(request);
        }
    }

    /// `AUTH_HEADER_NAME` as it is written in a request.
    fn credentials_header(&self) -> String {
        let name = self.settings.auth_header_name.trim_start_matches("HTTP_");
        name.replace('_', "-").to_lowercase()
    }

    /// A text in place of a token that nobody has given out yet.
    pub(super) fn stand_in(&mut self, kind: &str) -> String {
        self.stand_ins += 1;
        let payload = format!(r#"{{"token_type":"{kind}","stand_in":{}}}"#, self.stand_ins);
        let segments =
            [r#"{"alg":"none"}"#, &payload, "shadow"].map(|text| URL_SAFE_NO_PAD.encode(text));
        segments.join(".")
    }

    /// What a log-in sends.
    pub(super) fn credentials(&self, username: &str, password: &str) -> [(&'a str, Value); 2] {
        [
            (self.username, Value::from(username)),
            ("password", Value::from(password)),
        ]
    }
}

/// A POST with a body.
pub(super) fn posted(
    about: &str,
    path: &str,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Request {
    let mut request = Request::new(format!("generated: {about}"), "POST", path);
    if !content_type.is_empty() {
        request.headers.push("content-type", content_type);
    }
    request.body = body.into();
    request
}

/// One object as JSON.
pub(super) fn object(fields: &Fields<'_>) -> Vec<u8> {
    let fields = fields.iter().map(|(name, value)| (*name, value.clone()));
    json::encode_utf8(&Value::Object(fields.collect::<Object>())).into_bytes()
}
