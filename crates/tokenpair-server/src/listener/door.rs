//! Closing the listening socket without losing a connection that a client believes to have.
//!
//! The kernel completes connections by itself and resets those that nobody has accepted when the socket is closed, so
//! a client that connects at that moment would lose a request it has sent. Linux can be told to let nobody new begin;
//! who knocks then asks again after a second and is refused, which every client and every balancer tells from a lost
//! answer. Must never wait for what a peer may do or leave.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// How long connections that have begun may take to be complete: round trips of a network of one's own. Whoever comes
/// within that time waits for a second, so it is short.
const HANDSHAKE: Duration = Duration::from_millis(5);

/// Closes the listener; yields the connections that were complete before that.
pub(super) async fn close(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    // The runtime's listener only asks the kernel once the runtime has heard of something.
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    if keep_out(&listener).is_ok() {
        tokio::time::sleep(HANDSHAKE).await;
    }
    let mut arrivals = Vec::new();
    loop {
        match listener.accept() {
            Ok((stream, address)) => arrivals.extend(registered(stream).map(|it| (it, address))),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(_) => return arrivals,
        }
    }
}

fn registered(stream: std::net::TcpStream) -> Option<TcpStream> {
    stream.set_nonblocking(true).ok()?;
    TcpStream::from_std(stream).ok()
}

/// Lets the kernel pass over the first packet of every new connection. What has begun goes on.
#[cfg(target_os = "linux")]
fn keep_out(listener: &StdListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // Classic BPF (Linux, filter.rst): instructions, and where a TCP header keeps which flags (RFC 9293 section 3.1).
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    const NOTHING: u32 = 0;
    const EVERYTHING: u32 = u32::MAX;

    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, NOTHING),
        SockFilter::new(RETURN, 0, 0, EVERYTHING),
    ])
}

#[cfg(not(target_os = "linux"))]
fn keep_out(_: &StdListener) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
