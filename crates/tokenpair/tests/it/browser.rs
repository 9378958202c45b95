//! [`Browser`]: a client with a cookie jar that says about its pages what browsers say.

use crate::app::{ALICE, REFRESH, Reply, TOKEN, TestApp};
use axum::body::Body;
use axum::http::{Method, Request, header};
use std::collections::BTreeMap;
use tokenpair::Settings;

pub(crate) const ACCESS: &str = "__Host-access";
pub(crate) const REFRESH_COOKIE: &str = "__Host-refresh";
pub(crate) const CSRF: &str = "__Host-csrftoken";
pub(crate) const LOGIN: &str = "/auth/login/";
pub(crate) const LOGOUT: &str = "/auth/logout/";

/// What alice types into the log-in page.
pub(crate) const ALICE_FORM: [(&str, &str); 2] = [("username", "alice"), ("password", "secret")];

/// Every refresh token works once.
pub(crate) fn rotating(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    pub(crate) jar: BTreeMap<String, String>,
    /// Sent with every request; an empty value leaves the header out.
    pub(crate) headers: BTreeMap<&'static str, String>,
}

impl<'a> Browser<'a> {
    /// At a page of `https://auth.example.com` itself.
    pub(crate) fn new(app: &'a TestApp) -> Self {
        let headers = [
            ("host", "auth.example.com"),
            ("origin", "https://auth.example.com"),
            ("sec-fetch-site", "same-origin"),
        ];
        Self {
            app,
            jar: BTreeMap::new(),
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
        }
    }

    /// The same browser at another moment: same cookies.
    pub(crate) fn again(&self) -> Self {
        Self {
            app: self.app,
            jar: self.jar.clone(),
            headers: self.headers.clone(),
        }
    }

    /// With another header, or without it if the value is empty.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    pub(crate) fn cookie(&self, name: &str) -> &str {
        self.jar.get(name).map_or("", String::as_str)
    }

    /// A log-in of alice as a script does it.
    pub(crate) async fn log_in(&mut self) -> Reply {
        let reply = self.script(Method::POST, TOKEN, ALICE).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    }

    /// A log-in of alice at the page, which leads on to `next`.
    pub(crate) async fn log_in_by_form(&mut self, next: &str) -> Reply {
        self.open(LOGIN).await;
        let mut fields = ALICE_FORM.to_vec();
        fields.push(("next", next));
        self.submit_with_token(LOGIN, &fields).await
    }

    pub(crate) async fn refresh(&mut self) -> Reply {
        self.script(Method::POST, REFRESH, "").await
    }

    /// What `fetch` sends: JSON, and the header that asks for cookies.
    pub(crate) async fn script(&mut self, method: Method, path: &str, body: &str) -> Reply {
        let headers = [
            ("content-type", "application/json"),
            ("x-token-delivery", "cookie"),
        ];
        self.send(method, path, &headers, body).await
    }

    /// The same with the CSRF token and without asking for cookies.
    pub(crate) async fn call(&mut self, method: Method, path: &str, body: &str) -> Reply {
        let token = self.cookie(CSRF).to_owned();
        let headers = [
            ("content-type", "application/json"),
            ("x-csrftoken", token.as_str()),
        ];
        self.send(method, path, &headers, body).await
    }

    /// A link that was followed, or an address that was typed.
    pub(crate) async fn open(&mut self, path: &str) -> Reply {
        let headers = [("accept", "text/html"), ("origin", "")];
        self.send(Method::GET, path, &headers, "").await
    }

    /// A form that was sent.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send(Method::POST, path, &headers, &encoded(fields))
            .await
    }

    /// The same with the page's token.
    pub(crate) async fn submit_with_token(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.cookie(CSRF).to_owned();
        let mut fields = fields.to_vec();
        fields.push(("csrfmiddlewaretoken", &token));
        self.submit(path, &fields).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Reply {
        let mut all = self.headers.clone();
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, value);
        }
        let cookies: Vec<_> = self.jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if !cookies.is_empty() && !all.contains_key("cookie") {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let reply = self.app.send(request).await;
        self.keep(&reply);
        reply
    }

    fn keep(&mut self, reply: &Reply) {
        for cookie in set_cookies(reply) {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The `Set-Cookie` headers of an answer.
pub(crate) fn set_cookies(reply: &Reply) -> Vec<String> {
    let all = reply.headers.get_all(header::SET_COOKIE).iter();
    all.map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

/// The names of the cookies that an answer sets or takes back.
pub(crate) fn names(reply: &Reply) -> Vec<String> {
    let name = |cookie: &String| cookie.split('=').next().unwrap().to_owned();
    set_cookies(reply).iter().map(name).collect()
}

/// What the forms of a page send as `csrfmiddlewaretoken`.
pub(crate) fn form_token(page: &Reply) -> String {
    let (_, rest) = page
        .body
        .split_once("name=\"csrfmiddlewaretoken\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
        bytes.collect::<String>()
    };
    let pairs = fields
        .iter()
        .map(|(n, v)| format!("{}={}", encode(n), encode(v)));
    pairs.collect::<Vec<_>>().join("&")
}
