//! What stands around every page: the site's name and paths, who is logged in.

use super::{SCRIPT, STYLESHEET, push_escaped};
use crate::SimpleJwt;
use crate::web::csrf::{self, PageToken};
use crate::web::extract::visitor;
use crate::web::urls::of_this_host;
use axum::extract::{FromRequestParts, OriginalUri};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::convert::Infallible;
use std::sync::Arc;

/// The site that pages belong to: its name, and where its other pages are. Clones share it.
///
/// ```
/// use tokenpair::web::Site;
/// let site = Site::new("Orders").home("/api/docs/").login("/auth/login/").logout("/auth/logout/");
/// ```
///
/// A path that is not told is linked nowhere: pages offer what there is.
#[derive(Clone, Debug)]
pub struct Site(Arc<Paths>);

#[derive(Clone, Debug)]
struct Paths {
    name: String,
    home: Option<String>,
    login: Option<String>,
    logout: Option<String>,
    account: Option<String>,
    register: Option<String>,
    register_resend: Option<String>,
    password_reset: Option<String>,
}

impl Default for Site {
    fn default() -> Self {
        Self::new("API")
    }
}

impl Site {
    /// A site with this name, and nothing to link to.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Arc::new(Paths {
            name: name.into(),
            home: None,
            login: None,
            logout: None,
            account: None,
            register: None,
            register_resend: None,
            password_reset: None,
        }))
    }

    /// Where the name leads to, such as the documentation.
    pub fn home(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.home = Some(path.into()))
    }

    /// Where people log in; they come back by `next`.
    pub fn login(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.login = Some(path.into()))
    }

    /// Where people log out, by POST.
    pub fn logout(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.logout = Some(path.into()))
    }

    /// Where people see and change their [account](crate::web::browser_account).
    pub fn account(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.account = Some(path.into()))
    }

    /// Where people [sign up](crate::web::browser_register).
    pub fn register(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.register = Some(path.into()))
    }

    /// Where people ask for another link to [prove their address](crate::web::browser_register_resend).
    pub fn register_resend(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.register_resend = Some(path.into()))
    }

    /// Where people go who have [forgotten their password](crate::web::browser_password_reset).
    pub fn password_reset(self, path: impl Into<String>) -> Self {
        self.with(|paths| paths.password_reset = Some(path.into()))
    }

    fn with(mut self, change: impl FnOnce(&mut Paths)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn home_path(&self) -> Option<&str> {
        self.0.home.as_deref()
    }

    pub(crate) fn login_path(&self) -> Option<&str> {
        self.0.login.as_deref()
    }

    pub(crate) fn logout_path(&self) -> Option<&str> {
        self.0.logout.as_deref()
    }

    pub(crate) fn account_path(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    pub(crate) fn register_path(&self) -> Option<&str> {
        self.0.register.as_deref()
    }

    pub(crate) fn register_resend_path(&self) -> Option<&str> {
        self.0.register_resend.as_deref()
    }

    pub(crate) fn password_reset_path(&self) -> Option<&str> {
        self.0.password_reset.as_deref()
    }
}

/// Who looks at a page.
#[derive(Clone, Default)]
pub struct Visitor {
    name: Option<String>,
    csrf_token: Option<String>,
}

impl Visitor {
    /// The name of the user who is logged in.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What forms send as `csrfmiddlewaretoken`; `None` where cookies are off.
    pub fn csrf_token(&self) -> Option<&str> {
        self.csrf_token.as_deref()
    }
}

/// The token stays out: it is worth as much as a click of the user.
impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut visitor = f.debug_struct("Visitor");
        visitor.field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a page's template needs of the request; handlers of a [`View::page`](crate::web::View::page) extract it.
#[derive(Clone, Default)]
pub struct Frame {
    site: Site,
    visitor: Visitor,
    csrf_cookie: Option<HeaderValue>,
    path: String,
    /// Whether nobody wants to come back here from the log-in.
    is_way_in: bool,
}

/// What stays as it is in `next`: a path and its query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

impl Frame {
    /// Asks who is calling, as a view that looks the user up does. Credentials that are no good, or cannot be looked up,
    /// are nobody's: what that means is for the view to say.
    pub(in crate::web) async fn of(parts: &mut Parts, site: &Site, jwt: &SimpleJwt) -> Self {
        let user = visitor(parts, jwt).await;
        let token = csrf::for_page(jwt, parts).await;
        let PageToken { value, cookie } = token.unwrap_or_default();
        let frame = Self {
            site: site.clone(),
            visitor: Visitor {
                name: user.map(|user| user.username),
                csrf_token: value,
            },
            csrf_cookie: cookie,
            path: path(parts),
            is_way_in: false,
        };
        parts.extensions.insert(frame.clone());
        frame
    }

    /// Sets the cookie for the token of a page, where the browser has none.
    pub(in crate::web) fn keep_token(self, answer: &mut HeaderMap) {
        let is_page = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/html");
        if let Some(cookie) = self.csrf_cookie
            && answer.get(CONTENT_TYPE).is_some_and(is_page)
        {
            answer.append(SET_COOKIE, cookie);
        }
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// Who looks at the page.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The path of the page with its query, as the browser knows it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query of the page.
    pub(super) fn query(&self) -> &str {
        self.path.split_once('?').map_or("", |(_, query)| query)
    }

    /// Whether this is the page with that path.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        self.bare_path() == path
    }

    /// The path of the page without its query.
    pub(crate) fn bare_path(&self) -> &str {
        self.path
            .split_once('?')
            .map_or(self.path.as_str(), |(bare, _)| bare)
    }

    /// The same frame around a page whose query is for nobody else, as it has a link of a mail in it, or old news.
    pub(super) fn bare(mut self) -> Self {
        self.path = self.bare_path().to_owned();
        self
    }

    /// The same frame around a page for who is not logged in.
    pub(super) fn way_in(self) -> Self {
        Self {
            is_way_in: true,
            ..self.bare()
        }
    }

    /// Where to log in, and to come back from there; `None` where one is there already.
    pub(crate) fn login_link(&self) -> Option<String> {
        let login = self.site.login_path();
        let login = login.filter(|login| *login != self.bare_path())?;
        if self.is_way_in {
            return Some(login.to_owned());
        }
        let next = utf8_percent_encode(&self.path, IN_QUERY);
        Some(format!("{login}?next={next}"))
    }

    /// The hidden field of a form, in HTML.
    pub(crate) fn csrf_field(&self) -> String {
        let Some(token) = self.visitor.csrf_token() else {
            return String::new();
        };
        let mut field =
            String::from("<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"");
        push_escaped(&mut field, token);
        field.push_str("\">");
        field
    }

    #[expect(clippy::unused_self, reason = "for templates, which call methods")]
    pub(crate) fn stylesheet(&self) -> &'static str {
        STYLESHEET
    }

    #[expect(clippy::unused_self, reason = "for templates, which call methods")]
    pub(crate) fn script(&self) -> &'static str {
        SCRIPT
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("visitor", &self.visitor)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Frame {
    type Rejection = Infallible;

    /// Outside of a page: an empty frame, that of nobody.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// A router that is nested in another one sees only its part of the path.
fn path(parts: &Parts) -> String {
    let original = parts.extensions.get::<OriginalUri>();
    let uri = original.map_or(&parts.uri, |OriginalUri(uri)| uri);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    of_this_host(path).into_owned()
}
