//! A TCP proxy that falls ill on demand.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Illness {
    Healthy,
    /// Takes what it is sent and passes nothing on, as a server that was stopped.
    Frozen,
    /// Passes nothing on, and what was connected meanwhile stays dead for good without a word, as after a fail-over.
    Cut,
    /// Ends every connection and takes no new one.
    Gone,
    /// Answers come so much later.
    Slow(Duration),
}

/// Stands before the server at `target` until it is dropped.
pub(super) struct Proxy {
    pub(super) port: u16,
    illness: watch::Sender<Illness>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn new(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (illness, watched) = watch::channel(Illness::Healthy);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, port, Arc::new(target), watched));
        Self {
            port,
            illness,
            _tasks: tasks,
        }
    }

    pub(super) fn become_(&self, illness: Illness) {
        self.illness.send_replace(illness);
    }
}

async fn serve(
    first: TcpListener,
    port: u16,
    target: Arc<String>,
    mut illness: watch::Receiver<Illness>,
) {
    let mut listener = Some(first);
    loop {
        let mut connections = JoinSet::new();
        let open = match listener.take() {
            Some(listener) => listener,
            None => TcpListener::bind(("127.0.0.1", port)).await.unwrap(),
        };
        let watched = illness.clone();
        loop {
            tokio::select! {
                Ok((client, _)) = open.accept() => {
                    connections.spawn(pass(client, target.clone(), watched.clone()));
                }
                gone = illness.wait_for(|illness| *illness == Illness::Gone) => {
                    if gone.is_err() { return; }
                    break;
                }
            }
        }
        drop((open, connections));
        if illness
            .wait_for(|illness| *illness != Illness::Gone)
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn pass(client: TcpStream, target: Arc<String>, illness: watch::Receiver<Illness>) {
    let Ok(server) = TcpStream::connect(target.as_str()).await else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    tokio::select! {
        () = copy(client_reads, server_writes, illness.clone(), false) => {}
        () = copy(server_reads, client_writes, illness, true) => {}
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut illness: watch::Receiver<Illness>,
    is_answer: bool,
) {
    // What is under way does not hold up what follows.
    let (sender, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let is_thawed = |illness: &Illness| *illness != Illness::Frozen;
            if illness.wait_for(is_thawed).await.is_err() {
                return;
            }
            if *illness.borrow() == Illness::Cut {
                return std::future::pending().await;
            }
            let delay = match *illness.borrow() {
                Illness::Slow(delay) if is_answer => delay,
                _ => Duration::ZERO,
            };
            let _ = sender.send((Instant::now() + delay, buffer[..length].to_vec()));
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
    tokio::select! {
        () = read => {}
        () = write => {}
    }
}
