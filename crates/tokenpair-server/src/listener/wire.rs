//! The byte stream between a socket and hyper: cuts off what [`Framing`] refuses, ends the connection when the
//! peer is too slow, and closes politely when the peer is still talking.
//!
//! To hyper a reader who is too slow looks like one who hung up: it reads an end of file. Writes that make no
//! progress fail. One timer serves all deadlines; it is set again only when a deadline comes before the moment it
//! is set to, so an ordinary request does not touch the runtime's timer wheel.
//! Must never copy or hold incoming bytes.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::framing::Framing;
use super::peer::Peer;

/// How long a peer that is still sending may take to notice that its answer has come and the connection is over.
///
/// Closing a socket that holds unread bytes resets the connection, and the reset can overtake the answer.
const LINGER: Duration = Duration::from_secs(1);

/// What a connection's bytes come from and go to.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Whether the kernel has bytes that the runtime may not have heard of.
    fn has_unread(&self) -> bool;
}

impl Socket for TcpStream {
    fn has_unread(&self) -> bool {
        let mut first = [MaybeUninit::uninit()];
        SockRef::from(self)
            .peek(&mut first)
            .is_ok_and(|read| read > 0)
    }
}

/// A socket with deadlines.
pub(super) struct Wire<T> {
    socket: T,
    peer: Arc<Peer>,
    framing: Framing,
    /// What is left to read in place of refused bytes.
    ending: Option<&'static [u8]>,
    /// Nothing more will be read: the peer hung up or took too long.
    ended: bool,
    head_since: Option<Instant>,
    write_stalled_since: Option<Instant>,
    lingering_since: Option<Instant>,
    timer: Timer,
}

impl<T> Wire<T> {
    pub(super) fn new(socket: T, peer: Arc<Peer>) -> Self {
        Self {
            framing: Framing::new(peer.house.limits.url_bytes),
            timer: Timer::set_to(Instant::now() + peer.house.limits.header_deadline),
            socket,
            peer,
            ending: None,
            ended: false,
            head_since: None,
            write_stalled_since: None,
            lingering_since: None,
        }
    }

    /// When reading must end unless something arrives; a body's deadline is the service's concern.
    fn read_deadline(&self) -> Option<Instant> {
        let limits = &self.peer.house.limits;
        match self.head_since {
            Some(since) if self.peer.is_leaving() => Some(since + limits.farewell),
            Some(since) => Some(since + limits.header_deadline),
            None => self.peer.deadline(),
        }
    }

    /// Whether this is the moment for a connection over HTTP/1 to end, of which nobody can be told before.
    fn may_leave(&self) -> bool {
        let peer = &self.peer;
        peer.is_leaving() && !peer.speaks_http2() && peer.rests() && self.head_since.is_none()
    }

    fn follow(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if fresh.is_empty() {
            self.ended = true;
        } else if let Err(refusal) = self.framing.feed(fresh) {
            buf.set_filled(before + refusal.keep);
            self.ending = Some(refusal.ending);
        }
        if !self.framing.in_head() || self.ending.is_some() {
            self.head_since = None;
        } else if self.head_since.is_none() {
            self.head_since = Some(Instant::now());
        }
    }

    /// Whether the peer may still be sending what nobody will read.
    fn should_linger(&self) -> bool {
        let talking = self.framing.in_head() || self.framing.in_body() || self.ending.is_some();
        talking && !self.ended
    }
}

impl<T: Socket> AsyncRead for Wire<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ending.is_none() && !this.ended {
            let before = buf.filled().len();
            if let Poll::Ready(result) = Pin::new(&mut this.socket).poll_read(cx, buf) {
                result?;
                this.follow(buf, before);
                if buf.filled().len() > before {
                    return Poll::Ready(Ok(()));
                }
            }
        }
        if let Some(ending) = this.ending.as_mut().filter(|ending| !ending.is_empty()) {
            let (now, later) = ending.split_at(ending.len().min(buf.remaining()));
            buf.put_slice(now);
            *ending = later;
            return Poll::Ready(Ok(()));
        }
        let deadline = this.read_deadline();
        this.ended |=
            this.peer.is_abusive() || deadline.is_some_and(|at| this.timer.passed(at, cx));
        if !this.ended && this.may_leave() {
            if this.socket.has_unread() {
                cx.waker().wake_by_ref();
            } else {
                this.ended = true;
            }
        }
        if this.ended {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }
}

impl<T> Wire<T> {
    fn watch_write<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.write_stalled_since = None;
            return written;
        }
        let since = *self.write_stalled_since.get_or_insert_with(Instant::now);
        if self
            .timer
            .passed(since + self.peer.house.limits.write_deadline, cx)
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<T: Socket> AsyncWrite for Wire<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(cx, slices);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.socket).poll_flush(cx);
        this.watch_write(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering_since.is_none() {
            let closed = Pin::new(&mut this.socket).poll_shutdown(cx);
            ready!(this.watch_write(cx, closed))?;
            if !this.should_linger() {
                return Poll::Ready(Ok(()));
            }
        }
        let since = *this.lingering_since.get_or_insert_with(Instant::now);
        let mut scratch = [0; 4096];
        loop {
            let mut unread = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.socket).poll_read(cx, &mut unread) {
                Poll::Ready(Ok(())) if !unread.filled().is_empty() && since.elapsed() < LINGER => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if this.timer.passed(since + LINGER, cx) => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A timer that is moved as rarely as possible.
struct Timer(Pin<Box<Sleep>>);

impl Timer {
    fn set_to(deadline: Instant) -> Self {
        Self(Box::pin(tokio::time::sleep_until(deadline)))
    }

    /// Whether `deadline` has passed; if not, the task is woken at that moment at the latest.
    fn passed(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        if deadline < self.0.deadline() {
            self.0.as_mut().reset(deadline);
        }
        while self.0.as_mut().poll(cx).is_ready() {
            if deadline <= self.0.deadline() {
                return true;
            }
            self.0.as_mut().reset(deadline);
        }
        false
    }
}
