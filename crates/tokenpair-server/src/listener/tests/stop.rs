//! The end of a server's life.

use super::*;

/// How often the door is closed in the face of a crowd.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 30;

#[tokio::test]
async fn request_in_flight_is_answered_before_the_stop() {
    let mut server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    server.entered().await;
    let (address, gate) = (server.address, Arc::clone(&server.gate));
    let stopping = tokio::spawn(server.stop());
    while TcpStream::connect(address).await.is_ok() {}
    gate.add_permits(1);
    let answer = client.rest().await;
    assert!(answer.ends_with("opened"));
    assert!(answer.contains("connection: close"));
    assert_eq!(stopping.await.unwrap().aborted, 0);
}

#[tokio::test]
async fn resting_connection_may_bring_one_more_request_and_is_then_closed() {
    let server = start(Limits {
        farewell: FAR,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client.send(HELLO).await;
    client.answer().await;
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    while TcpStream::connect(address).await.is_ok() {}
    client.send(HELLO).await;
    let answer = client.rest().await;
    assert!(answer.ends_with("hello") && answer.contains("connection: close"));
    drop(stopping);
}

#[tokio::test]
async fn resting_connection_does_not_hold_up_the_stop() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(HELLO).await;
    client.answer().await;
    let silent = server.connect().await;
    assert_eq!(
        server.stop().await,
        Outcome {
            accepted: 2,
            aborted: 0
        }
    );
    assert_eq!(client.rest().await, "");
    assert_eq!(silent.rest().await, "");
}

#[tokio::test]
async fn request_that_outlasts_the_drain_is_cut_off_and_counted() {
    let mut server = start(Limits {
        drain: NEAR * 2,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    server.entered().await;
    assert_eq!(
        server.stop().await,
        Outcome {
            accepted: 1,
            aborted: 1
        }
    );
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn connections_in_the_backlog_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client(TcpStream::connect(address).await.unwrap());
        client.send(HELLO).await;
        clients.push(client);
    }
    let (stage, _entered) = stage();
    let outcome = soon(serve(
        listener,
        app(&stage),
        Middleware::default(),
        relaxed(),
        std::future::ready(()),
    ))
    .await;
    assert_eq!(
        outcome,
        Outcome {
            accepted: 5,
            aborted: 0
        }
    );
    for client in clients {
        assert!(client.rest().await.ends_with("hello"));
    }
}

/// Asks on new connections until an answer says that the server is stopping.
pub(super) async fn is_stopping(address: SocketAddr) {
    loop {
        let mut client = Client(TcpStream::connect(address).await.unwrap());
        client.send(HELLO).await;
        if client.answer().await.contains("connection: close") {
            return;
        }
    }
}

#[tokio::test]
async fn within_the_drain_delay_every_connection_is_served_once_more() {
    let server = start(Limits {
        drain_delay: FAR,
        ..relaxed()
    })
    .await;
    let mut before = server.connect().await;
    before.send(HELLO).await;
    assert!(!before.answer().await.contains("connection: close"));
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    is_stopping(address).await;
    let during = Client(TcpStream::connect(address).await.unwrap());
    for mut client in [before, during] {
        client.send(HELLO).await;
        let answer = client.rest().await;
        assert!(answer.ends_with("hello") && answer.contains("connection: close"));
    }
    stopping.abort();
}

#[tokio::test]
async fn after_the_drain_delay_nobody_is_let_in() {
    let server = start(Limits {
        drain_delay: NEAR,
        ..relaxed()
    })
    .await;
    let address = server.address;
    assert_eq!(server.stop().await.aborted, 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn half_a_head_does_not_hold_up_the_stop() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(HELLO).await;
    client.answer().await;
    client.send(b"GET / HTTP/1.1\r\nho").await;
    assert_eq!(server.stop().await.aborted, 0);
}

/// Asks on one new connection after the other until no more is to be had; fails where one stays without its answer.
#[cfg(target_os = "linux")]
async fn ask_until_refused(address: SocketAddr) -> u64 {
    let mut answered = 0;
    while let Ok(stream) = TcpStream::connect(address).await {
        let mut client = Client(stream);
        client
            .send(b"GET /door HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        let answer = client.rest().await;
        assert!(answer.ends_with("seen"), "{answer:?}");
        answered += 1;
    }
    answered
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_the_listener_loses_no_connection() {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut server = start(relaxed()).await;
        let clients = [(); 8].map(|()| tokio::spawn(ask_until_refused(server.address)));
        for _ in 0..100 {
            server.entered().await;
        }
        rounds.push((server.stop().await, clients));
    }
    for (outcome, clients) in rounds {
        let mut answered = 0;
        for client in clients {
            answered += soon(client).await.unwrap();
        }
        assert_eq!((outcome.accepted, outcome.aborted), (answered, 0));
    }
}
