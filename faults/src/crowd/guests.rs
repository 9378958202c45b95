//! Connections that want something for nothing, and what became of them.

use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

/// How a guest behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Has asked once, and keeps the connection.
    Idle,
    /// A head that goes on and on, a byte now and then.
    Head,
    /// A body that does.
    Body,
    /// Asks and asks, and reads no answer.
    Reader,
    /// A head of 64 KiB, sent as fast as it goes.
    LargeHead,
    /// A body of 3 MiB.
    LargeBody,
    /// Most of a body that is just small enough, and no more of it.
    Unfinished,
}

const PAUSE: Duration = Duration::from_secs(2);
/// Two thousand come in a second: how fast connections are made is not the subject.
const GAP: Duration = Duration::from_micros(500);
/// A kernel keeps as much for a slow reader as would fit some of his segments; with small ones that is little.
const SMALL_SEGMENT: u32 = 536;
const SMALL_WINDOW: usize = 4096;
const SENT_AT_ONCE: usize = 100;

const QUESTION: &str = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &str = "GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: ";
/// As an application's client sends it, but for its length.
const POST: &str = "POST /api/token/verify/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ";
const MIB: usize = 1 << 20;

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::Head => "dribbled heads",
            Self::Body => "slow bodies",
            Self::Reader => "slow readers",
            Self::LargeHead => "oversize heads",
            Self::LargeBody => "oversize bodies",
            Self::Unfinished => "large bodies without an end",
        })
    }
}

impl Manner {
    /// What is sent first.
    fn opening(self) -> Vec<u8> {
        let body = |length: usize, sent: usize| {
            let head = format!("{POST}{length}\r\n\r\n");
            [head.into_bytes(), vec![b' '; sent]].concat()
        };
        match self {
            Self::Idle => QUESTION.into(),
            Self::Head => HEAD.into(),
            Self::Body => body(MIB, 0),
            Self::Reader => QUESTION.repeat(SENT_AT_ONCE).into(),
            Self::LargeHead => [HEAD.as_bytes(), &vec![b'a'; 64 * 1024]].concat(),
            Self::LargeBody => body(3 * MIB, 3 * MIB),
            Self::Unfinished => body(5 * MIB / 2, 2 * MIB),
        }
    }

    /// What it must be told in the end, if it listens; otherwise it is cut off.
    pub(super) fn deserves(self) -> &'static [u16] {
        match self {
            Self::Idle | Self::Head | Self::Reader => &[],
            Self::Body => &[408],
            Self::LargeHead => &[431],
            Self::LargeBody => &[413],
            // Those that there is no memory for are put off.
            Self::Unfinished => &[408, 503],
        }
    }
}

/// A connection that the server has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    /// From its first byte.
    pub(super) lasted: Duration,
    /// The answer's status, if one came.
    pub(super) status: Option<u16>,
}

/// Guests of one manner. They hang up when this is dropped.
#[derive(Debug)]
pub(super) struct Guests {
    pub(super) manner: Manner,
    pub(super) number: usize,
    visits: JoinSet<io::Result<Visit>>,
    arrived: Arc<AtomicUsize>,
    pub(super) over: Vec<Visit>,
    /// Those that did not get in, or that were cut off while they still came.
    pub(super) failed: BTreeMap<String, usize>,
}

impl Guests {
    /// Opens connections from an address of this machine, one after another.
    pub(super) fn come(server: SocketAddr, from: Ipv4Addr, manner: Manner, number: usize) -> Self {
        let arrived = Arc::new(AtomicUsize::new(0));
        let opening: Arc<[u8]> = manner.opening().into();
        let start = Instant::now();
        let visits = (0..).take(number).map(|place| {
            let (opening, arrived) = (opening.clone(), arrived.clone());
            async move {
                sleep_until((start + GAP * place).into()).await;
                visit(
                    connect(server, from, manner).await?,
                    manner,
                    &opening,
                    &arrived,
                )
                .await
            }
        });
        Self {
            manner,
            number,
            visits: visits.collect(),
            arrived,
            over: Vec::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Whether all have sent what they send first, and an idle one has its answer.
    pub(super) fn have_arrived(&mut self) -> bool {
        self.look();
        self.arrived.load(Relaxed) + self.failed.values().sum::<usize>() >= self.number
    }

    /// Whether the server has ended all connections.
    pub(super) fn have_gone(&mut self) -> bool {
        self.left() == 0
    }

    /// How many the server still has.
    pub(super) fn left(&mut self) -> usize {
        self.look();
        self.visits.len()
    }

    fn look(&mut self) {
        while let Some(visit) = self.visits.try_join_next() {
            match visit.map_err(io::Error::other).flatten() {
                Ok(visit) => self.over.push(visit),
                Err(error) => *self.failed.entry(error.to_string()).or_default() += 1,
            }
        }
    }
}

async fn connect(server: SocketAddr, from: Ipv4Addr, manner: Manner) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    if manner == Manner::Reader {
        socket.set_tcp_mss(SMALL_SEGMENT)?;
        socket.set_recv_buffer_size(SMALL_WINDOW)?;
    }
    socket.set_nonblocking(true)?;
    let socket = TcpSocket::from_std_stream(socket.into());
    // The kernel has ports for 28,000 connections from one address to one server.
    socket.bind((from, 0).into())?;
    socket.connect(server).await
}

async fn visit(
    mut stream: TcpStream,
    manner: Manner,
    opening: &[u8],
    arrived: &AtomicUsize,
) -> io::Result<Visit> {
    let began = Instant::now();
    let (mut input, mut output) = stream.split();
    let mut start = [0; 12];
    let status = if manner == Manner::Reader {
        flood(&mut output, opening, arrived).await;
        None
    } else {
        let talking = talk(&mut output, manner, opening, arrived);
        tokio::select! {
            () = hear(&mut input, &mut start, manner, arrived) => {}
            // What the server said when it had enough is still to be heard.
            () = async { talking.await; pending().await } => {}
        }
        status(&start)
    };
    Ok(Visit {
        lasted: began.elapsed(),
        status,
    })
}

/// Asks until the server hangs up.
async fn flood(output: &mut WriteHalf<'_>, opening: &[u8], arrived: &AtomicUsize) {
    arrived.fetch_add(1, Relaxed);
    while output.write_all(opening).await.is_ok() {}
}

/// Says what is to be said first, then a byte now and then if that is its manner.
async fn talk(output: &mut WriteHalf<'_>, manner: Manner, opening: &[u8], arrived: &AtomicUsize) {
    let mut said = output.write_all(opening).await;
    if manner != Manner::Idle {
        arrived.fetch_add(1, Relaxed);
    }
    while said.is_ok() && matches!(manner, Manner::Head | Manner::Body) {
        sleep(PAUSE).await;
        said = output.write_all(b"a").await;
    }
}

/// Reads to the end, and keeps the beginning.
async fn hear(input: &mut ReadHalf<'_>, start: &mut [u8], manner: Manner, arrived: &AtomicUsize) {
    if input.read_exact(start).await.is_err() {
        return;
    }
    if manner == Manner::Idle {
        arrived.fetch_add(1, Relaxed);
    }
    let mut rest = [0; 512];
    while input.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

/// The status of an answer that begins like this.
fn status(start: &[u8]) -> Option<u16> {
    let number = start.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_in_the_first_bytes_of_an_answer() {
        assert_eq!(status(b"HTTP/1.1 408"), Some(408));
        assert_eq!(status(&[0; 12]), None);
    }
}
