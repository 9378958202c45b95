//! [`AccountsApp`]: a [`TestApp`] with the endpoints of accounts, and a mailer that keeps what it is given.

use crate::app::{Pair, Reply, TestApp, text_of};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokenpair::accounts::{AccountOptions, Accounts, Mail, Mailer, MailerFull, Message};
use tokenpair::store::{AccountStore, Changes};
use tokenpair::web::account_urls;
use tokenpair::{Settings, SettingsError, UserId};

pub(crate) const REGISTER: &str = "/api/register/";
pub(crate) const ME: &str = "/api/me/";
pub(crate) const CHANGE: &str = "/api/password/change/";
pub(crate) const RESET: &str = "/api/password/reset/";
pub(crate) const CONFIRM: &str = "/api/password/reset/confirm/";
pub(crate) const CAROL: &str =
    r#"{"username":"carol2","email":"carol@example.com","password":"s3cret-enough"}"#;

pub(crate) struct AccountsApp {
    pub(crate) app: TestApp,
    pub(crate) outbox: Outbox,
}

/// Messages that were given to be sent.
#[derive(Clone, Default)]
pub(crate) struct Outbox {
    messages: Arc<Mutex<Vec<Message>>>,
    pub(crate) is_full: Arc<AtomicBool>,
    /// Whether there is room and then there is none.
    pub(crate) refuses: Arc<AtomicBool>,
}

impl Mailer for Outbox {
    fn send(&self, message: Message) -> Result<(), MailerFull> {
        if !self.has_room() || self.refuses.load(SeqCst) {
            return Err(MailerFull);
        }
        self.messages.lock().unwrap().push(message);
        Ok(())
    }

    fn has_room(&self) -> bool {
        !self.is_full.load(SeqCst)
    }
}

impl Outbox {
    pub(crate) fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.messages.lock().unwrap())
    }

    /// The one message there is: to whom, and the two parts of its link.
    #[track_caller]
    pub(crate) fn link(&self) -> (String, String, String) {
        let messages = self.take();
        assert_eq!(messages.len(), 1);
        let body = &messages[0].body;
        let (_, link) = body.split_once("https://site.example/").unwrap();
        let mut parts = link.split_whitespace().next().unwrap().split('/').skip(1);
        let mut part = || parts.next().unwrap().to_owned();
        (messages[0].to.clone(), part(), part())
    }

    pub(crate) fn mail(&self) -> Mail {
        Mail {
            mailer: Arc::new(self.clone()),
            site_name: "Site".to_owned(),
            password_reset_link: "https://site.example/reset/{uid}/{token}/".to_owned(),
            email_verification_link: "https://site.example/verify/{uid}/{token}/".to_owned(),
        }
    }
}

pub(crate) const TAKEN: &str = r#"{"username":["A user with that username already exists."]}"#;

/// Anybody may sign up.
pub(crate) fn open() -> AccountOptions {
    let mut options = AccountOptions::default();
    options.registration = true;
    options
}

impl AccountsApp {
    /// Anybody may sign up, and mail is sent.
    pub(crate) fn new() -> Self {
        Self::with(|_| (), |_| ())
    }

    pub(crate) fn with(
        settings: impl FnOnce(&mut Settings),
        options: impl FnOnce(&mut AccountOptions),
    ) -> Self {
        Self::over(TestApp::with(settings), None, options)
    }

    /// Users in another store than the app's own.
    pub(crate) fn over(
        app: TestApp,
        store: Option<Arc<dyn AccountStore>>,
        change: impl FnOnce(&mut AccountOptions),
    ) -> Self {
        let outbox = Outbox::default();
        let mut options = open();
        options.mail = Some(outbox.mail());
        change(&mut options);
        let store = store.unwrap_or_else(|| Arc::new(app.store.clone()));
        let accounts = Accounts::new(app.jwt.clone(), store, options).unwrap();
        let urls = Router::new().nest("/api", account_urls(&accounts));
        let urls = urls.merge(crate::people::pages()).with_state(accounts);
        let app = app.layered(|router| router.merge(urls));
        Self { app, outbox }
    }

    /// New users have to prove their address.
    pub(crate) fn verifying() -> Self {
        Self::with(|_| (), |options| options.email_verification = true)
    }

    /// alice's address.
    pub(crate) async fn with_address(self, email: &str) -> Self {
        let changes = Changes {
            email: Some(email.to_owned()),
            ..Changes::default()
        };
        let updating = self.app.store.update_profile(&UserId::Int(1), &changes);
        updating.await.unwrap();
        self
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        self.app.post(path, body.to_owned()).await
    }

    pub(crate) async fn post_fields<const N: usize>(
        &self,
        path: &str,
        fields: [(&str, &str); N],
    ) -> Reply {
        self.app.post(path, text_of(fields)).await
    }

    pub(crate) async fn send_as(
        &self,
        access: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.app.send(request).await
    }

    pub(crate) async fn patch_me(&self, access: &str, body: &str) -> Reply {
        self.send_as(access, "PATCH", ME, body).await
    }

    /// Logs in; `None` where that is refused.
    pub(crate) async fn log_in(&self, username: &str, password: &str) -> Option<Pair> {
        let fields = [("username", username), ("password", password)];
        let reply = self.post_fields(crate::app::TOKEN, fields).await;
        (reply.status == 200).then(|| Pair {
            refresh: reply.text("refresh"),
            access: reply.text("access"),
        })
    }
}

/// What options are refused with.
#[track_caller]
pub(crate) fn refusal(
    settings: impl FnOnce(&mut Settings),
    change: impl FnOnce(&mut AccountOptions),
) -> SettingsError {
    let app = TestApp::with(settings);
    let mut options = AccountOptions::default();
    change(&mut options);
    Accounts::new(app.jwt, Arc::new(app.store), options).unwrap_err()
}

pub(crate) const DAY: i64 = 86_400;
