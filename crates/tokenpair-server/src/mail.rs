//! Mail by SMTP: messages wait in a bounded room, each in a task of its own, until the mail server has taken them.
//!
//! Nothing of a message is logged, as it may hold a link that lets somebody in. What waits is lost when the process ends.

use crate::config::{Email, Security};
use crate::output::Failure;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::sync::Arc;
use std::time::Duration;
use tokenpair::accounts::{self, Mailer, MailerFull};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Messages that may wait at a time.
const ROOM: u32 = 256;
/// Connections to the mail server at a time.
const CONNECTIONS: usize = 4;
/// How long to wait after each failure that may pass; a mail server that is gone for longer costs the message.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1800),
];
/// Answers of a mail server that a delivery may wait for, each as long as `EMAIL_TIMEOUT`.
const ANSWERS: u32 = 6;
/// How long a server that stops waits for the mail server.
const PATIENCE: Duration = Duration::from_secs(5);

/// The room for messages, one for all configurations that a process ever has. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Outbox(Arc<Semaphore>);

impl Outbox {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }

    /// Sends what waits, as far as that takes no longer than a moment.
    pub(crate) async fn drain(&self) {
        if timeout(PATIENCE, self.0.acquire_many(ROOM)).await.is_err() {
            let lost = ROOM as usize - self.0.available_permits();
            tracing::error!(
                mails = lost,
                "mails were not sent: the mail server did not take them"
            );
        }
    }
}

/// A mail server.
pub(crate) struct Smtp {
    delivery: Arc<Delivery>,
    outbox: Outbox,
}

struct Delivery {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// For a whole delivery: the transport's own limit ends with the connection.
    patience: Duration,
    /// Whose turn it is.
    turns: Semaphore,
}

impl Smtp {
    /// Nothing is connected before there is something to send.
    pub(crate) fn new(email: &Email, outbox: &Outbox) -> Result<Self, Failure> {
        let failed = Failure::because("[email]");
        let tls = || TlsParameters::new(email.host.clone()).map_err(|error| failed(&error));
        let tls = match email.security {
            Security::Plain => Tls::None,
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host)
            .port(email.port)
            .tls(tls)
            .timeout(Some(email.timeout));
        if !email.user.is_empty() {
            let password = email.password.expose().to_owned();
            builder = builder.credentials(Credentials::new(email.user.clone(), password));
        }
        if let Some(name) = own_name() {
            builder = builder.hello_name(ClientId::Domain(name));
        }
        Ok(Self {
            delivery: Arc::new(Delivery {
                transport: builder.build(),
                from: email.from.clone(),
                patience: email.timeout.saturating_mul(ANSWERS),
                turns: Semaphore::new(CONNECTIONS),
            }),
            outbox: outbox.clone(),
        })
    }
}

/// What this machine calls itself, if a mail server may be told so.
fn own_name() -> Option<String> {
    let name = whoami::hostname().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    (!name.is_empty() && name.chars().all(is_plain)).then_some(name)
}

impl Mailer for Smtp {
    fn send(&self, message: accounts::Message) -> Result<(), MailerFull> {
        let place = self.outbox.0.clone().try_acquire_owned();
        let place = place.map_err(|_| MailerFull)?;
        tokio::spawn(Arc::clone(&self.delivery).deliver(message, place));
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.outbox.0.available_permits() > 0
    }
}

impl Delivery {
    /// Keeps its place in the room until the message is sent or given up.
    async fn deliver(self: Arc<Self>, message: accounts::Message, _place: OwnedSemaphorePermit) {
        let message = match self.write(message) {
            Ok(message) => message,
            Err(reason) => {
                tracing::error!(reason, "a mail cannot be sent");
                return;
            }
        };
        for (attempt, pause) in (1..).zip(PAUSES.map(Some).into_iter().chain([None])) {
            let Err(Unsent { reason, is_final }) = self.try_to_send(&message).await else {
                return;
            };
            let Some(pause) = pause.filter(|_| !is_final) else {
                tracing::error!(reason, attempt, "a mail was not sent, and is given up");
                return;
            };
            tracing::warn!(
                reason,
                attempt,
                "a mail was not sent, it will be tried again"
            );
            sleep(pause).await;
        }
    }

    async fn try_to_send(&self, message: &Message) -> Result<(), Unsent> {
        let _turn = self.turns.acquire().await;
        match timeout(self.patience, self.transport.send(message.clone())).await {
            Ok(sent) => sent.map(drop).map_err(|error| Unsent::because(&error)),
            Err(_) => Err(Unsent {
                reason: "the mail server did not answer".to_owned(),
                is_final: false,
            }),
        }
    }

    fn write(&self, message: accounts::Message) -> Result<Message, &'static str> {
        let to = message.to.parse();
        let to = to.map_err(|_| "the user's e-mail address is none that a mail can be sent to")?;
        let written = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject)
            .message_id(None)
            .header(ContentType::TEXT_PLAIN)
            .body(message.body);
        written.map_err(|_| "it cannot be written")
    }
}

/// Why a message was not sent. What the mail server said is left out: it repeats addresses, and perhaps the link.
struct Unsent {
    reason: String,
    /// Whether another attempt would end alike.
    is_final: bool,
}

impl Unsent {
    fn because(error: &Error) -> Self {
        let reason = match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None => chain(error),
        };
        Self {
            reason,
            is_final: error.is_permanent() || error.is_client(),
        }
    }
}

/// An error of this side or of the connection, with its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenpair::Secret;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_mail_server_that_says_nothing_holds_nobody_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let email = Email {
            host: "127.0.0.1".to_owned(),
            port: silent.local_addr().unwrap().port(),
            user: String::new(),
            password: Secret::from(""),
            security: Security::Plain,
            timeout: Duration::from_millis(50),
            from: "site@example.org".parse().unwrap(),
        };
        let smtp = Smtp::new(&email, &Outbox::new()).unwrap();
        let message = Message::builder()
            .from(email.from.clone())
            .to("ada@example.org".parse().unwrap())
            .body(String::new())
            .unwrap();
        let sending = smtp.delivery.try_to_send(&message);
        let unsent = timeout(Duration::from_secs(30), sending).await.unwrap();
        let Unsent { reason, is_final } = unsent.unwrap_err();
        assert_eq!(reason, "the mail server did not answer");
        assert!(!is_final, "it may speak again");
        drop(silent);
    }
}
