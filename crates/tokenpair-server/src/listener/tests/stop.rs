//! The end of a server's life.

use super::*;

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
