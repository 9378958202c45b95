//! Pages with one form: sign-up, and what is done with links in mails.

use super::{Answer, Link, focus};
use crate::accounts::Accounts;
use crate::web::account_views::{
    password_reset, password_reset_confirm, register, register_resend, register_verify,
};
use crate::web::csrf;
use crate::web::forms::Typed;
use crate::web::login::is_off;
use crate::web::operation::Operation;
use crate::web::pages::browsable::form::{Form, Input, Known};
use crate::web::pages::{Frame, Site, page};
use crate::web::respond::{self, Failure};
use crate::web::view::View;
use crate::web::views::request_info;
use crate::{Error, RequestInfo, SimpleJwt};
use askama::Template;
use axum::extract::{FromRef, Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use std::sync::Arc;

/// What a page is about.
struct About {
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    /// Title and text when it is done.
    done: (&'static str, &'static str),
    /// Where else people may want to go.
    links: fn(&Site) -> [Option<Link>; 2],
}

/// What a link of a mail brings, which people need not see.
const LINK_PARTS: [&str; 2] = ["uid", "token"];

const LOG_IN: &str = "Log in";
const CUT: &str =
    "This link is not complete. Open the whole link of the message, or get another one.";
const SENT: &str = "Check your mail";

fn log_in(site: &Site) -> [Option<Link>; 2] {
    [Link::to(LOG_IN, site.login_path()), None]
}

/// The page to sign up at: POST makes a user, sets the cookies and goes on to `landing`, or says that a mail is on its way.
///
/// ```
/// use axum::Router;
/// use tokenpair::accounts::Accounts;
/// use tokenpair::web::{DjangoUrls, Site, browser_login, browser_register};
///
/// let site = Site::new("Orders").login("/auth/login/").register("/auth/register/");
/// let app: Router<Accounts> = Router::new()
///     .url("/auth/login/", browser_login("/").site(&site))
///     .url("/auth/register/", browser_register("/").site(&site));
/// ```
pub fn browser_register<S>(landing: &str) -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    const ABOUT: About = About {
        title: "Create an account",
        lead: "",
        button: "Create the account",
        done: (
            SENT,
            "Your account is made. Before you can log in, please open the link in the message that is on its way to you.",
        ),
        links: |site| [Link::to("Log in instead", site.login_path()), None],
    };
    mounted(register(), Some(landing), &ABOUT)
}

/// The page behind the link that proves an address: POST lets the user in, sets the cookies and goes on to `landing`.
pub fn browser_register_verify<S>(landing: &str) -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    const ABOUT: About = About {
        title: "Confirm your address",
        lead: "Please enter the password that you signed up with.",
        button: "Confirm",
        done: ("Address confirmed", "You can log in now."),
        links: |site| {
            [
                Link::to("Get another link", site.register_resend_path()),
                None,
            ]
        },
    };
    mounted(register_verify(), Some(landing), &ABOUT)
}

/// The page to ask for another link to prove an address.
pub fn browser_register_resend<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    const ABOUT: About = About {
        title: "Get another link",
        lead: "The message that confirms your address is sent once more.",
        button: "Send the message",
        done: (
            SENT,
            "If an account with this address waits to be confirmed, a message with a link is on its way to it.",
        ),
        links: log_in,
    };
    mounted(register_resend(), None, &ABOUT)
}

/// The page for who has forgotten the password: POST has a link sent.
#[doc(alias = "PasswordResetView")]
pub fn browser_password_reset<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    const ABOUT: About = About {
        title: "Forgot your password?",
        lead: "Enter the address of your account, and a message with a link to set a new password is sent to it.",
        button: "Send the message",
        done: (
            SENT,
            "If there is an account with this address, a message with a link is on its way to it.",
        ),
        links: log_in,
    };
    mounted(password_reset(), None, &ABOUT)
}

/// The page behind the link that sets a password anew.
#[doc(alias = "PasswordResetConfirmView")]
pub fn browser_password_reset_confirm<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    const ABOUT: About = About {
        title: "Set a new password",
        lead: "",
        button: "Set the password",
        done: (
            "Your password is set",
            "You have been logged out everywhere. Log in with the new password.",
        ),
        links: |site| {
            let again = Link::to("Get another link", site.password_reset_path());
            [again, Link::to(LOG_IN, site.login_path())]
        },
    };
    mounted(password_reset_confirm(), None, &ABOUT)
}

fn mounted<S>(view: View<S>, landing: Option<&str>, about: &'static About) -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    let single = Arc::new(Single {
        view,
        landing: landing.map(str::to_owned),
        about,
    });
    let shown = Arc::clone(&single);
    View::page(about.title)
        .description(about.lead)
        .get(
            move |State(state): State<S>, frame: Frame, info: RequestInfo| {
                std::future::ready(shown.show(&state, frame, &info))
            },
        )
        .post(
            move |State(state): State<S>, frame: Frame, request: Request| {
                let single = Arc::clone(&single);
                async move { single.submit(state, frame.way_in(), request).await }
            },
        )
}

/// A page with the form of a view.
struct Single<S> {
    view: View<S>,
    /// Where to go with the cookies of an answer that sets some.
    landing: Option<String>,
    about: &'static About,
}

#[derive(Template)]
#[template(path = "single.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: &'a str,
    lead: &'a str,
    button: &'a str,
    errors: Vec<String>,
    /// Nothing where there is nothing left to be sent.
    form: Option<Form>,
    /// The parts of the link, by name.
    link: Vec<(String, String)>,
    links: Vec<Link>,
    is_wrong: bool,
}

impl<'a> Page<'a> {
    fn bare(frame: &'a Frame, title: &'a str) -> Self {
        Self {
            frame,
            title,
            lead: "",
            button: "",
            errors: Vec::new(),
            form: None,
            link: Vec::new(),
            links: Vec::new(),
            is_wrong: false,
        }
    }
}

/// A page that says what is wrong, and nothing else.
pub(super) fn told(
    frame: &Frame,
    title: &str,
    status: StatusCode,
    error: Option<String>,
) -> Response {
    let template = Page {
        errors: error.into_iter().collect(),
        is_wrong: true,
        ..Page::bare(frame, title)
    };
    page(status, &template)
}

impl<S> Single<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    fn show(&self, state: &S, frame: Frame, info: &RequestInfo) -> Response {
        let jwt = &SimpleJwt::from_ref(state);
        if !jwt.settings().auth_cookies {
            return respond::answer_or_failure(jwt, info, Err(is_off()));
        }
        let linked = Typed::in_link(frame.query());
        let frame = frame.way_in();
        if linked.text("done").is_some() {
            return self.done(&frame);
        }
        let known = Known {
            errors: None,
            typed: None,
            values: None,
            linked: &linked,
            can_get: false,
        };
        self.written(state, &frame, StatusCode::OK, &known, None)
    }

    fn done(&self, frame: &Frame) -> Response {
        let (title, lead) = self.about.done;
        let template = Page {
            lead,
            links: log_in(frame.site()).into_iter().flatten().collect(),
            ..Page::bare(frame, title)
        };
        page(StatusCode::OK, &template)
    }

    async fn submit(&self, state: S, frame: Frame, request: Request) -> Response {
        let jwt = SimpleJwt::from_ref(&state);
        let info = request_info(request.headers(), request.extensions());
        let (parts, body) = request.into_parts();
        let typed: Option<Typed> = parts.extensions.get().cloned();
        let answer = match guard(&jwt, &parts).await {
            Ok(()) => Answer::of(&self.view, Method::POST, (parts, body), state.clone()).await,
            Err(failure) => {
                Answer::read(respond::answer_or_failure(&jwt, &info, Err(failure))).await
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(response) => return response,
        };
        if answer.status().is_success() {
            let done = format!("{}?done=yes", frame.bare_path());
            let landing = self.landing.as_ref().filter(|_| answer.has_cookies());
            return answer.seen_at(landing.unwrap_or(&done));
        }
        let known = Known {
            errors: answer.object(),
            typed: typed.as_ref(),
            values: None,
            linked: &Typed::in_link(""),
            can_get: false,
        };
        let trouble = answer.trouble();
        let page = self.written(&state, &frame, answer.status(), &known, trouble);
        answer.shown_as(page)
    }

    fn operation(&self, state: &S) -> Operation {
        let accounts = Accounts::from_ref(state);
        let operation = self.view.operation(&Method::POST, accounts.jwt());
        if accounts.options().email_verification {
            operation.require("email")
        } else {
            operation
        }
    }

    fn written(
        &self,
        state: &S,
        frame: &Frame,
        status: StatusCode,
        known: &Known<'_>,
        trouble: Option<String>,
    ) -> Response {
        let mut form = Form::new(&Method::POST, &self.operation(state), true, known);
        let link = take_link(&mut form);
        let mut errors = flaws(&link);
        let is_good = errors.is_empty();
        errors.append(&mut form.errors);
        errors.extend(trouble);
        if errors.is_empty() {
            focus(&mut form, true);
        }
        let about = self.about;
        let template = Page {
            frame,
            title: about.title,
            lead: if is_good { about.lead } else { "" },
            button: about.button,
            is_wrong: !status.is_success() || !errors.is_empty(),
            errors,
            form: is_good.then_some(form),
            link: link
                .into_iter()
                .map(|part| (part.name, part.value))
                .collect(),
            links: (about.links)(frame.site()).into_iter().flatten().collect(),
        };
        page(status, &template)
    }
}

/// Takes what a link brings out of the fields that people see.
fn take_link(form: &mut Form) -> Vec<Input> {
    let inputs = std::mem::take(&mut form.inputs).into_iter();
    let is_of_link = |input: &Input| LINK_PARTS.contains(&input.name.as_str());
    let (link, inputs) = inputs.partition(is_of_link);
    form.inputs = inputs;
    link
}

/// What is wrong with a link.
fn flaws(link: &[Input]) -> Vec<String> {
    if link.iter().any(|part| part.value.is_empty()) {
        return vec![CUT.to_owned()];
    }
    link.iter().flat_map(|part| part.errors.clone()).collect()
}

/// As the log-in page does it: with the token of the page, whoever is logged in.
async fn guard(jwt: &SimpleJwt, parts: &Parts) -> Result<(), Failure> {
    if !jwt.settings().auth_cookies {
        return Err(is_off());
    }
    let holder = csrf::holder(jwt, &parts.headers).await?;
    Ok(csrf::check(jwt, parts, &holder).map_err(Error::from)?)
}
