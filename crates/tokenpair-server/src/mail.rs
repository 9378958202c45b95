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
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokenpair::accounts::{self, Mailer, MailerFull};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Messages that may wait at a time.
const ROOM: u32 = 256;
/// Of these, messages to one address: nobody fills the room by asking for another one again and again. As many as a single
/// request may send.
const MOST_TO_ONE: usize = 10;
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
#[derive(Clone)]
pub(crate) struct Outbox(Arc<Room>);

struct Room {
    places: Arc<Semaphore>,
    /// Messages that wait, by the address in small letters.
    waiting: Mutex<HashMap<String, usize>>,
}

/// A message's place in the room, which it leaves when this is dropped.
struct Place {
    outbox: Outbox,
    to: String,
    _permit: OwnedSemaphorePermit,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Room {
            places: Arc::new(Semaphore::new(ROOM as usize)),
            waiting: Mutex::default(),
        }))
    }

    /// `None`: as many as may wait for this address do so.
    fn place(&self, to: &str) -> Result<Option<Place>, MailerFull> {
        let to = to.to_lowercase();
        let mut waiting = self.waiting();
        let number = waiting.get(&to).copied().unwrap_or(0);
        if number >= MOST_TO_ONE {
            return Ok(None);
        }
        let permit = self.0.places.clone().try_acquire_owned();
        let permit = permit.map_err(|_| MailerFull)?;
        waiting.insert(to.clone(), number + 1);
        Ok(Some(Place {
            outbox: self.clone(),
            to,
            _permit: permit,
        }))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits, as far as that takes no longer than a moment.
    pub(crate) async fn drain(&self) {
        let mails = self.unsent().await;
        if mails > 0 {
            tracing::error!(
                mails,
                "mails were not sent: the mail server did not take them"
            );
        }
    }

    /// Messages that wait after that moment.
    async fn unsent(&self) -> usize {
        let all = self.0.places.acquire_many(ROOM);
        match timeout(PATIENCE, all).await {
            Ok(_) => 0,
            Err(_) => ROOM as usize - self.0.places.available_permits(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.outbox.waiting();
        if let Some(number) = waiting.get_mut(&self.to) {
            *number -= 1;
            if *number == 0 {
                waiting.remove(&self.to);
            }
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
                from: Mailbox::new(
                    email.from.name.clone(),
                    address(email.from.email.as_ref()).map_err(Failure::new)?,
                ),
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
        // Without a word where enough wait: another answer would tell that the address is somebody's.
        if let Some(place) = self.outbox.place(&message.to)? {
            tokio::spawn(Arc::clone(&self.delivery).deliver(message, place));
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.outbox.0.places.available_permits() > 0
    }
}

impl Delivery {
    /// Keeps its place in the room until the message is sent or given up.
    async fn deliver(self: Arc<Self>, message: accounts::Message, _place: Place) {
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
        let to = address(&message.to)?;
        let written = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject)
            .message_id(Some(new_id(self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(message.body);
        written.map_err(|_| "it cannot be written")
    }
}

/// The address as every mail server takes it, with the domain in ASCII: as Django's `sanitize_address`.
fn address(email: &str) -> Result<Address, &'static str> {
    const NONE: &str = "the e-mail address is none that a mail can be sent to";
    let (name, domain) = email.rsplit_once('@').ok_or(NONE)?;
    let ascii = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).map_err(|_| NONE)?
    };
    Address::new(name, ascii).map_err(|_| NONE)
}

/// A `Message-ID` of the sender's domain: one of `localhost` looks like junk.
fn new_id(domain: &str) -> String {
    format!("<{:032x}@{domain}>", fastrand::u128(..))
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

    #[test]
    fn one_address_fills_a_corner_of_the_room_and_many_fill_it() {
        let outbox = Outbox::new();
        let mut places = Vec::new();
        let mut ask = |to: &str| outbox.place(to).map(|place| places.extend(place));
        for number in 0..ROOM {
            let spelling = if number % 2 == 0 { "ada" } else { "ADA" };
            assert_eq!(ask(&format!("{spelling}@example.org")), Ok(()));
        }
        let left = || outbox.0.places.available_permits();
        assert_eq!(left(), ROOM as usize - MOST_TO_ONE);
        for number in 0..left() {
            assert_eq!(
                ask(&format!("{}@example.org", number / MOST_TO_ONE)),
                Ok(())
            );
        }
        assert_eq!(ask("bob@example.org"), Err(MailerFull));
        assert_eq!(ask("ada@example.org"), Ok(()), "as before");
        drop(places);
        assert_eq!(left(), ROOM as usize);
        assert!(outbox.waiting().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waits_for_what_is_being_sent_and_counts_what_is_lost() {
        let outbox = Outbox::new();
        let sent = outbox.place("ada@example.org").unwrap();
        let sending = tokio::spawn(async move {
            sleep(PATIENCE / 2).await;
            drop(sent);
        });
        assert_eq!(outbox.unsent().await, 0);
        sending.await.unwrap();
        let stuck = [
            outbox.place("ada@example.org"),
            outbox.place("bob@example.org"),
        ];
        assert_eq!(outbox.unsent().await, 2);
        drop(stuck);
    }

    #[test]
    fn a_domain_beyond_ascii_is_written_to_by_its_other_name() {
        for (email, written) in [
            ("ada@example.org", "ada@example.org"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            (
                "ada@उदाहरण.परीक्षा",
                "ada@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g",
            ),
            ("ada@[127.0.0.1]", "ada@[127.0.0.1]"),
            ("ada@localhost", "ada@localhost"),
        ] {
            let address = address(email).map(|address| address.to_string());
            assert_eq!(address.as_deref(), Ok(written));
        }
        for email in [
            "ada",
            "ada@",
            "a da@example.org",
            "ada@xn--a\u{2c5}.example",
        ] {
            assert!(address(email).is_err(), "{email}");
        }
    }

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
