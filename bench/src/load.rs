//! The load generator: one thread, keep-alive connections, each with one request on its way.
//!
//! It costs about two system calls a request, so that the machine is the server's.

use crate::answer::{self, Answer};
use crate::conversation::Conversation;
use crate::interrupt;
use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// An answer that takes longer means that something is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the generator looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(200);
const BUFFER: usize = 16 * 1024;
/// Latencies are kept with three digits.
const DIGITS: u8 = 3;
const OK: u16 = 200;

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Closed loop: each connection asks again when it was answered.
    Closed,
    /// Open loop: so many a second, whatever the answers do. A latency begins when the request was due, so that a
    /// server that stalls is charged for all that waited meanwhile.
    Open(f64),
}

/// What was measured in one go.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// Microseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Sample {
    #[allow(clippy::cast_precision_loss, reason = "a few million requests")]
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }
}

/// Connections to one server.
pub(crate) struct Load {
    address: SocketAddr,
    poll: Poll,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    conversation: Conversation,
    request: Vec<u8>,
    sent: usize,
    buffer: Box<[u8]>,
    filled: usize,
    /// When the request that is on its way was due.
    due: Option<Instant>,
}

impl Load {
    /// Opens a connection for each conversation.
    pub(crate) fn connect(
        address: SocketAddr,
        conversations: Vec<Conversation>,
    ) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for conversation in conversations {
            let token = Token(connections.len());
            connections.push(Connection {
                stream: open(address, &poll, token)?,
                conversation,
                request: Vec::new(),
                sent: 0,
                buffer: vec![0; BUFFER].into(),
                filled: 0,
                due: None,
            });
        }
        Ok(Self {
            address,
            poll,
            connections,
        })
    }

    /// Asks for `time`, or until there is nothing more to ask, and waits for the last answers. Any status but 200 ends
    /// it with an error.
    pub(crate) fn run(&mut self, pace: Pace, time: Duration) -> anyhow::Result<Sample> {
        let start = Instant::now();
        let mut run = Run {
            schedule: Schedule::new(pace, start, start + time)?,
            idle: (0..self.connections.len()).collect(),
            sample: Sample {
                requests: 0,
                elapsed: Duration::ZERO,
                latencies: Histogram::new(DIGITS)?,
            },
        };
        if let Some(timer) = &run.schedule.timer {
            let timer = &timer.as_raw_fd();
            let token = Token(self.connections.len());
            let registry = self.poll.registry();
            registry.register(&mut SourceFd(timer), token, Interest::READABLE)?;
        }
        let done = self.go_on(&mut run);
        if let Some(timer) = &run.schedule.timer {
            let registry = self.poll.registry();
            registry.deregister(&mut SourceFd(&timer.as_raw_fd()))?;
        }
        done?;
        run.sample.elapsed = start.elapsed();
        Ok(run.sample)
    }

    fn go_on(&mut self, run: &mut Run) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut last = Instant::now();
        loop {
            self.send_what_is_due(run)?;
            let is_over = run.idle.len() == self.connections.len() && run.schedule.is_over();
            if is_over {
                return Ok(());
            }
            match self.poll.poll(&mut events, Some(LOOK)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => other?,
            }
            interrupt::check()?;
            for event in &events {
                let Token(index) = event.token();
                if index == self.connections.len() {
                    run.schedule.rung();
                } else if self.attend(index, run)? {
                    last = Instant::now();
                }
            }
            if run.idle.len() < self.connections.len() && last.elapsed() > PATIENCE {
                bail!("no answer for {} s", PATIENCE.as_secs());
            }
        }
    }

    /// Gives what is due to connections that are idle.
    fn send_what_is_due(&mut self, run: &mut Run) -> anyhow::Result<()> {
        while let Some(index) = run.idle.front().copied() {
            let now = Instant::now();
            let Some(due) = run.schedule.next(now) else {
                break;
            };
            let connection = &mut self.connections[index];
            if !connection.conversation.ask(&mut connection.request) {
                run.schedule.end();
                break;
            }
            run.idle.pop_front();
            connection.sent = 0;
            connection.filled = 0;
            connection.due = Some(due);
            connection.write()?;
        }
        Ok(())
    }

    /// Does what the connection is ready for. Whether an answer was complete.
    fn attend(&mut self, index: usize, run: &mut Run) -> anyhow::Result<bool> {
        let connection = &mut self.connections[index];
        let Some(due) = connection.due else {
            return Ok(false);
        };
        connection.write()?;
        let Some(answer) = connection.read()? else {
            return Ok(false);
        };
        let latency = u64::try_from(due.elapsed().as_micros())?;
        run.sample.latencies.record(latency.max(1))?;
        run.sample.requests += 1;
        if answer.status != OK {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            bail!("{} instead of {OK}: {body}", answer.status);
        }
        connection.conversation.hear(&answer.body)?;
        connection.due = None;
        if answer.closes {
            let registry = self.poll.registry();
            registry.deregister(&mut connection.stream)?;
            connection.stream = open(self.address, &self.poll, Token(index))?;
        }
        run.idle.push_back(index);
        Ok(true)
    }
}

struct Run {
    schedule: Schedule,
    idle: VecDeque<usize>,
    sample: Sample,
}

impl Connection {
    /// Sends as much of the request as the socket takes.
    fn write(&mut self) -> io::Result<()> {
        while self.sent < self.request.len() {
            match self.stream.write(&self.request[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::NotConnected => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there; the answer, if that completes it.
    fn read(&mut self) -> anyhow::Result<Option<Answer>> {
        loop {
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => bail!("the server closed a connection instead of answering"),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            // One answer is on its way at most: what completes it is the last there is to read.
            if let Some(answer) = answer::read(&self.buffer[..self.filled])? {
                return Ok(Some(answer));
            }
        }
    }
}

fn open(address: SocketAddr, poll: &Poll, token: Token) -> anyhow::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(address);
    let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    let interest = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut stream, token, interest)?;
    Ok(stream)
}

/// When requests are due.
struct Schedule {
    pace: Pace,
    start: Instant,
    end: Instant,
    given: u32,
    /// Rings for every request of an open loop; epoll alone wakes up to a millisecond late.
    timer: Option<OwnedFd>,
}

impl Schedule {
    fn new(pace: Pace, start: Instant, end: Instant) -> anyhow::Result<Self> {
        let timer = match pace {
            Pace::Closed => None,
            Pace::Open(rate) => Some(timer(Duration::from_secs_f64(1.0 / rate))?),
        };
        Ok(Self {
            pace,
            start,
            end,
            given: 0,
            timer,
        })
    }

    /// When the next request was due, if it is by now.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due(now);
        if due > now || due >= self.end {
            return None;
        }
        self.given += 1;
        Some(due)
    }

    fn due(&self, now: Instant) -> Instant {
        match self.pace {
            Pace::Closed => now,
            Pace::Open(rate) => self.start + Duration::from_secs_f64(f64::from(self.given) / rate),
        }
    }

    fn is_over(&self) -> bool {
        self.due(Instant::now()) >= self.end
    }

    /// There is nothing more to ask.
    fn end(&mut self) {
        self.end = self.start;
    }

    /// Makes the timer ring again.
    fn rung(&self) {
        if let Some(timer) = &self.timer {
            // How often it rang is of no interest: the clock says what is due.
            let _ = rustix::io::read(timer, &mut [0; 8]);
        }
    }
}

fn timer(interval: Duration) -> anyhow::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
    let interval = Timespec {
        tv_sec: i64::try_from(interval.as_secs())?,
        tv_nsec: i64::from(interval.subsec_nanos()),
    };
    let setting = Itimerspec {
        it_interval: interval,
        it_value: interval,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &setting)?;
    Ok(timer)
}

#[cfg(test)]
mod tests;
