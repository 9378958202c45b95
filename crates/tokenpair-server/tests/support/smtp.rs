//! A mail server that keeps what it is sent: SMTP on a port of its own, with STARTTLS, TLS and AUTH where wanted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

/// Certificates for `localhost`; the first is what a client has to trust.
const CERTIFICATES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tokenpair/tests/vectors/postgres"
);

/// How a mail server behaves.
#[derive(Clone, Default)]
pub struct Manner {
    pub encryption: Encryption,
    /// Name and password that a client has to give.
    pub login: Option<(&'static str, &'static str)>,
    /// Messages that are put off with a temporary failure before one is taken.
    pub puts_off: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Encryption {
    #[default]
    None,
    StartTls,
    Tls,
}

/// A mail server that runs for as long as the test.
pub struct MailServer {
    pub port: u16,
    messages: Arc<Mutex<Vec<String>>>,
    log_ins: Arc<AtomicUsize>,
}

/// What one client says.
struct Session {
    manner: Manner,
    put_off: Arc<AtomicUsize>,
    messages: Arc<Mutex<Vec<String>>>,
    log_ins: Arc<AtomicUsize>,
    is_known: bool,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl MailServer {
    pub fn start(manner: &Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let messages: Arc<Mutex<Vec<String>>> = Arc::default();
        let (manner, put_off) = (manner.clone(), Arc::new(AtomicUsize::new(0)));
        let kept = messages.clone();
        let log_ins: Arc<AtomicUsize> = Arc::default();
        let counted = log_ins.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let session = Session {
                    manner: manner.clone(),
                    put_off: put_off.clone(),
                    messages: kept.clone(),
                    log_ins: counted.clone(),
                    is_known: manner.login.is_none(),
                };
                let stream = stream.unwrap();
                // A client that goes away ends its session.
                thread::spawn(move || session.serve(stream));
            }
        });
        Self {
            port,
            messages,
            log_ins,
        }
    }

    /// How often somebody said a name and a password.
    pub fn log_ins(&self) -> usize {
        self.log_ins.load(SeqCst)
    }

    /// What was sent so far, head and body as they came.
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }

    /// The only message, once it is there, with its lines as they were written.
    pub fn message(&self) -> String {
        super::support::wait_until(|| !self.messages().is_empty());
        let messages = self.messages();
        assert_eq!(messages.len(), 1);
        messages[0].replace("=\r\n", "").replace("=3D", "=")
    }

    /// The only message's link, once it is there: what stands for `{uid}` and `{token}` in `?uid={uid}&token={token}`.
    pub fn link(&self) -> (String, String) {
        let message = self.message();
        let (_, link) = message.split_once("?uid=").unwrap();
        let link = link.split_whitespace().next().unwrap();
        let (uid, token) = link.split_once("&token=").unwrap();
        (uid.to_owned(), token.to_owned())
    }

    /// The file that a client has to trust for TLS.
    pub fn trusted() -> String {
        format!("{CERTIFICATES}/ca.pem")
    }
}

impl Session {
    fn serve(mut self, stream: TcpStream) -> Option<()> {
        let mut stream: Box<dyn Stream> = match self.manner.encryption {
            Encryption::None => Box::new(stream),
            Encryption::Tls => encrypted(stream),
            Encryption::StartTls => encrypted(plainly_asked(stream)?),
        };
        if self.manner.encryption != Encryption::StartTls {
            stream.write_all(b"220 sink\r\n").ok()?;
        }
        self.talk(&mut BufReader::new(stream))
    }

    fn talk(&mut self, stream: &mut BufReader<Box<dyn Stream>>) -> Option<()> {
        loop {
            let line = line(stream)?;
            let word = line.split([' ', ':']).next()?.to_ascii_uppercase();
            let answer = match word.as_str() {
                "EHLO" => self.greeting(),
                "AUTH" => self.check(&line).to_owned(),
                "MAIL" if !self.is_known => "530 who are you".to_owned(),
                "DATA" => {
                    say(stream.get_mut(), "354 go on")?;
                    self.take(stream)?
                }
                "QUIT" => return say(stream.get_mut(), "221 bye"),
                _ => "250 ok".to_owned(),
            };
            say(stream.get_mut(), &answer)?;
        }
    }

    fn greeting(&self) -> String {
        let mut lines = vec!["sink"];
        if self.manner.login.is_some() {
            lines.push("AUTH PLAIN");
        }
        lines.push("8BITMIME");
        let last = lines.pop().unwrap();
        let more: Vec<String> = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        format!("{}250 {last}", more.concat())
    }

    fn check(&mut self, line: &str) -> &'static str {
        self.log_ins.fetch_add(1, SeqCst);
        let given = line
            .rsplit(' ')
            .next()
            .and_then(|text| STANDARD.decode(text).ok());
        let wanted = self.manner.login;
        let wanted = wanted.map(|(name, password)| format!("\0{name}\0{password}").into_bytes());
        self.is_known = given == wanted;
        if self.is_known {
            "235 welcome"
        } else {
            "535 no"
        }
    }

    fn take(&self, stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
        let mut message = String::new();
        loop {
            match line(stream)?.as_str() {
                "." => break,
                text => {
                    message.push_str(text.strip_prefix('.').unwrap_or(text));
                    message.push_str("\r\n");
                }
            }
        }
        if self.put_off.fetch_add(1, SeqCst) < self.manner.puts_off {
            return Some("451 later".to_owned());
        }
        self.messages.lock().unwrap().push(message);
        Some("250 taken".to_owned())
    }
}

/// What is said before a client asks for TLS, which it does not go on without.
fn plainly_asked(mut stream: TcpStream) -> Option<TcpStream> {
    say(&mut stream, "220 sink")?;
    // Byte by byte, as what follows is no text.
    let mut reader = BufReader::with_capacity(1, stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.starts_with("STARTTLS") {
            say(&mut stream, "220 go on")?;
            return Some(stream);
        }
        let answer = if line.starts_with("EHLO") {
            "250-sink\r\n250 STARTTLS"
        } else {
            "530 encrypt first"
        };
        say(&mut stream, answer)?;
    }
}

fn say(stream: &mut impl Write, answer: &str) -> Option<()> {
    stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    stream.flush().ok()
}

fn line(stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn encrypted(stream: TcpStream) -> Box<dyn Stream> {
    let file = |name: &str| fs::read(format!("{CERTIFICATES}/{name}")).unwrap();
    let certificates = CertificateDer::pem_slice_iter(&file("server.pem"))
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(&file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let connection = ServerConnection::new(Arc::new(config)).unwrap();
    Box::new(StreamOwned::new(connection, stream))
}
