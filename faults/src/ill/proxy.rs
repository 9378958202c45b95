//! A TCP proxy before the database, for what the network does.

use anyhow::Context as _;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Answers come so much later.
    Slow(Duration),
    /// Connections are accepted and closed, those there are as well.
    Closed,
}

/// Stands before a server until it is dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    way: watch::Sender<Way>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn before(server: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr().context("the proxy has no address")?;
        let (way, watched) = watch::channel(Way::Open);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, watched));
        Ok(Self {
            address,
            way,
            _tasks: tasks,
        })
    }

    pub(super) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn accept(listener: TcpListener, server: String, way: watch::Receiver<Way>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, mut way) = (server.clone(), way.clone());
        connections.spawn(async move {
            let mut closed = way.clone();
            tokio::select! {
                _ = closed.wait_for(|way| *way == Way::Closed) => {}
                _ = pass(client, server, &mut way) => {}
            }
        });
    }
}

async fn pass(
    client: TcpStream,
    server: String,
    way: &mut watch::Receiver<Way>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    tokio::select! {
        () = copy(client_reads, server_writes, |_| Duration::ZERO, way.clone()) => {}
        () = copy(server_reads, client_writes, delay, way.clone()) => {}
    }
    Ok(())
}

fn delay(way: Way) -> Duration {
    match way {
        Way::Slow(delay) => delay,
        Way::Open | Way::Closed => Duration::ZERO,
    }
}

/// What is under way does not hold up what follows.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: impl Fn(Way) -> Duration,
    way: watch::Receiver<Way>,
) {
    let (sender, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now() + delay(*way.borrow());
            if sender.send((due, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some((due, bytes)) = under_way.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
