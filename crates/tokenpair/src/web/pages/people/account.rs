//! The account of who is logged in: profile, password, sessions.

use super::single::told;
use super::{Answer, focus};
use crate::SimpleJwt;
use crate::accounts::Accounts;
use crate::accounts::sessions::SessionUser;
use crate::json::Value;
use crate::web::account_views::{me, password_change};
use crate::web::extract::{IsAuthenticated, permit};
use crate::web::forms::Typed;
use crate::web::login::redirected;
use crate::web::pages::browsable::form::{Form, Known};
use crate::web::pages::{Frame, page};
use crate::web::respond::{self, Failure};
use crate::web::session_views::{end_session, logout_all, session_list};
use crate::web::view::View;
use crate::web::views::request_info;
use askama::Template;
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use std::sync::Arc;

/// The page of one's own account: profile and password to be changed, sessions to be ended. Who is not logged in is sent to
/// the [log-in of the site](crate::web::Site::login).
pub fn browser_account<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    let account = Arc::new(Asked {
        me: me(),
        password: password_change(),
        sessions: session_list(),
        everywhere: logout_all(),
    });
    let shown = Arc::clone(&account);
    View::page(TITLE)
        .description("Your profile, your password, and where you are logged in.")
        .get(
            move |State(state): State<S>, frame: Frame, request: Request| {
                let account = Arc::clone(&shown);
                let (parts, _) = request.into_parts();
                async move {
                    let linked = Typed::in_link(frame.query());
                    let done = linked.text("done").and_then(Deed::named);
                    let news = done.map_or(News::None, News::Done);
                    account.show(state, &frame.bare(), parts, news).await
                }
            },
        )
        .post(
            move |State(state): State<S>, frame: Frame, request: Request| {
                let account = Arc::clone(&account);
                async move { account.submit(state, &frame.bare(), request).await }
            },
        )
}

const TITLE: &str = "Your account";

/// What can be done here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Profile,
    Password,
    Session,
    Everywhere,
}

impl Deed {
    /// By the name that a form has for it.
    fn named(name: &str) -> Option<Self> {
        match name {
            "profile" => Some(Self::Profile),
            "password" => Some(Self::Password),
            "session" => Some(Self::Session),
            "everywhere" => Some(Self::Everywhere),
            _ => None,
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Profile => "Your profile is saved.",
            Self::Password => "Your password is changed. You are logged out everywhere else.",
            Self::Session => "The session has ended.",
            Self::Everywhere => "You are logged out everywhere.",
        }
    }
}

/// What there is to be told.
enum News {
    None,
    Done(Deed),
    Refused(Option<Deed>, Box<Answer>, Option<Typed>),
}

/// The views whose answers the page is made of.
struct Asked<S> {
    me: View<S>,
    password: View<S>,
    sessions: View<S>,
    everywhere: View<S>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: &'a str,
    done: Option<&'static str>,
    error: Option<String>,
    profile: Form,
    password: Form,
    sessions: Vec<Row>,
    can_end_all: bool,
}

/// A session.
struct Row {
    id: String,
    browser: String,
    address: String,
    begun: Date,
    used: Option<Date>,
    is_current: bool,
}

/// For programs and for people.
struct Date {
    iso: String,
    text: String,
}

impl Page<'_> {
    fn is_wrong(&self) -> bool {
        let mut inputs = self.profile.inputs.iter().chain(&self.password.inputs);
        self.error.is_some() || inputs.any(|input| !input.errors.is_empty())
    }
}

impl<S> Asked<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    async fn show(&self, state: S, frame: &Frame, parts: Parts, news: News) -> Response {
        let jwt = SimpleJwt::from_ref(&state);
        let get = |view, parts: Parts| {
            let request = (parts, Body::empty());
            Answer::of(view, Method::GET, request, state.clone())
        };
        let me = match get(&self.me, parts.clone()).await {
            Ok(me) => me,
            Err(response) => return response,
        };
        if !me.status().is_success() {
            return nobody(me, frame);
        }
        let sessions = if jwt.settings().sessions {
            match get(&self.sessions, parts).await {
                Ok(sessions) if sessions.status().is_success() => rows(&sessions.body),
                Ok(outage) => return nobody(outage, frame),
                Err(response) => return response,
            }
        } else {
            Vec::new()
        };
        self.written(&Accounts::from_ref(&state), frame, &me, sessions, news)
    }

    fn written(
        &self,
        accounts: &Accounts,
        frame: &Frame,
        me: &Answer,
        sessions: Vec<Row>,
        news: News,
    ) -> Response {
        let mut template = Page {
            frame,
            title: TITLE,
            done: None,
            error: None,
            profile: self.form(Deed::Profile, accounts, me, &news),
            password: self.form(Deed::Password, accounts, me, &news),
            sessions,
            can_end_all: accounts.jwt().session_store().is_some(),
        };
        match news {
            News::None => page(StatusCode::OK, &template),
            News::Done(deed) => {
                template.done = Some(deed.done());
                page(StatusCode::OK, &template)
            }
            News::Refused(_, answer, _) => {
                template.error = answer.trouble();
                let page = page(answer.status(), &template);
                answer.shown_as(page)
            }
        }
    }

    /// The form of a deed, with what was wrong with it.
    fn form(&self, deed: Deed, accounts: &Accounts, me: &Answer, news: &News) -> Form {
        let (view, method) = match deed {
            Deed::Profile => (&self.me, &Method::PATCH),
            _ => (&self.password, &Method::POST),
        };
        let (errors, typed) = match news {
            News::Refused(Some(refused), answer, typed) if *refused == deed => {
                (answer.object(), typed.as_ref())
            }
            _ => (None, None),
        };
        let known = Known {
            errors,
            typed,
            values: me.object(),
            linked: &Typed::in_link(""),
            can_get: true,
        };
        let operation = view.operation(method, accounts.jwt());
        let operation = match accounts.user_model().creates_by_email() {
            Ok(false) => operation,
            _ => operation.without("username"),
        };
        let operation = match deed {
            Deed::Profile if accounts.options().mail.is_none() => operation.without("password"),
            _ => operation,
        };
        let mut form = Form::new(method, &operation, true, &known);
        focus(&mut form, false);
        form
    }

    async fn submit(&self, state: S, frame: &Frame, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let typed: Option<Typed> = parts.extensions.get().cloned();
        let text = |name| typed.as_ref().and_then(|typed| typed.text(name));
        let name = text("form").unwrap_or_default();
        let deed = Deed::named(name);
        let again = parts.clone();
        let to = |view, method| Answer::of(view, method, (again.clone(), body), state.clone());
        let answer = match deed {
            Some(Deed::Profile) => to(&self.me, Method::PATCH).await,
            Some(Deed::Password) => to(&self.password, Method::POST).await,
            Some(Deed::Everywhere) => to(&self.everywhere, Method::POST).await,
            Some(Deed::Session) => {
                let id = text("id").unwrap_or_default();
                let jwt = SimpleJwt::from_ref(&state);
                Answer::read(end(&jwt, &mut parts, id).await).await
            }
            None => Answer::read(unknown(&state, &parts)).await,
        };
        match answer {
            Err(response) => response,
            Ok(answer) if !answer.status().is_success() => {
                let news = News::Refused(deed, Box::new(answer), typed);
                self.show(state, frame, again, news).await
            }
            Ok(answer) if answer.has_cookies() => {
                let login = frame.login_link();
                answer.seen_at(login.as_deref().unwrap_or(frame.bare_path()))
            }
            Ok(answer) => answer.seen_at(&format!("{}?done={name}", frame.bare_path())),
        }
    }
}

async fn end(jwt: &SimpleJwt, parts: &mut Parts, id: &str) -> Response {
    let info = request_info(&parts.headers, &parts.extensions);
    match permit::<IsAuthenticated<SessionUser>>(parts, jwt).await {
        Ok(IsAuthenticated(caller)) => end_session(jwt, &caller, id, &info, &parts.headers).await,
        Err(error) => respond::answer_or_failure(jwt, &info, Err(error.into())),
    }
}

fn unknown<S>(state: &S, parts: &Parts) -> Response
where
    SimpleJwt: FromRef<S>,
{
    let info = request_info(&parts.headers, &parts.extensions);
    let failure = Failure::BadRequest("This page has no such form.".to_owned());
    respond::answer_or_failure(&SimpleJwt::from_ref(state), &info, Err(failure))
}

/// Who is not logged in does that first; an outage is told.
fn nobody(answer: Answer, frame: &Frame) -> Response {
    let login = frame.login_link();
    if let Some(login) = login.filter(|_| answer.status() == StatusCode::UNAUTHORIZED) {
        return redirected(Response::default(), &login);
    }
    let page = told(frame, TITLE, answer.status(), answer.trouble());
    answer.shown_as(page)
}

fn rows(sessions: &Value) -> Vec<Row> {
    let sessions = sessions.as_array().unwrap_or_default().iter();
    sessions
        .filter_map(Value::as_object)
        .map(|session| {
            let text = |name| session.get(name).and_then(Value::as_str);
            let or_unknown = |name, unknown: &str| text(name).unwrap_or(unknown).to_owned();
            Row {
                id: or_unknown("id", ""),
                browser: text("user_agent").map_or("An unknown browser".to_owned(), browser),
                address: or_unknown("address", "an unknown address"),
                begun: Date::of(text("created").unwrap_or_default()),
                used: text("last_refreshed").map(Date::of),
                is_current: session.get("current") == Some(&Value::Bool(true)),
            }
        })
        .collect()
}

/// "Firefox on Linux"; what does not call itself so is shown as it does. Many name others first, to be taken for them.
fn browser(user_agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        let mut names = names.iter();
        names.find_map(|(part, name)| user_agent.contains(part).then_some(*name))
    };
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => user_agent.to_owned(),
    }
}

impl Date {
    /// To the minute.
    fn of(iso: &str) -> Self {
        let text = iso.get(..16).unwrap_or(iso).replace('T', " ") + " UTC";
        let iso = iso.to_owned();
        Self { iso, text }
    }
}
