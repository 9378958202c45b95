//! Every way of taking one's time.

use super::*;

#[tokio::test]
async fn silent_connection_is_closed_at_the_header_deadline() {
    let server = start(Limits {
        header_deadline: NEAR,
        ..relaxed()
    })
    .await;
    assert_eq!(server.connect().await.rest().await, "");
}

#[tokio::test]
async fn dribbled_head_is_closed_at_the_header_deadline() {
    let server = start(Limits {
        header_deadline: NEAR,
        ..relaxed()
    })
    .await;
    let (mut from, mut to) = server.connect().await.0.into_split();
    let dribble = async {
        to.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
            .await
            .unwrap();
        let mut pace = tokio::time::interval(NEAR / 6);
        while to.write_all(b"x").await.is_ok() {
            pace.tick().await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = dribble => {}
        _ = soon(from.read_to_end(&mut answer)) => {}
    }
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn second_head_has_its_own_deadline() {
    let server = start(Limits {
        header_deadline: NEAR,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client.send(HELLO).await;
    assert!(client.answer().await.ends_with("hello"));
    client.send(b"GET / HT").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn resting_connection_is_closed_at_the_idle_deadline_only() {
    let server = start(Limits {
        header_deadline: NEAR,
        idle: NEAR * 4,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client.send(HELLO).await;
    client.answer().await;
    let resting = tokio::time::Instant::now();
    assert_eq!(client.rest().await, "");
    assert!(resting.elapsed() > NEAR * 3, "{:?}", resting.elapsed());
}

#[tokio::test]
async fn slow_body_is_answered_408_and_the_connection_is_closed() {
    let server = start(Limits {
        body_deadline: NEAR,
        ..relaxed()
    })
    .await;
    for framing in [
        "content-length: 5\r\n\r\nab",
        "transfer-encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let answers = server
            .talk(format!("POST /echo HTTP/1.1\r\nhost: a\r\n{framing}").as_bytes())
            .await;
        assert_refused(&answers, 408, framing);
    }
}

#[tokio::test]
async fn slow_handler_is_answered_503_and_the_connection_goes_on() {
    let server = start(Limits {
        request_deadline: NEAR,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client.send(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!(statuses(&answer), [503]);
    assert!(answer.contains("retry-after: 1") && answer.contains("content-type: application/json"));
    assert!(answer.ends_with(
        r#"{"detail":"The service is temporarily unavailable.","code":"service_unavailable"}"#
    ));
    client.send(HELLO).await;
    assert!(client.answer().await.ends_with("hello"));
}

#[tokio::test]
async fn handler_deadline_counts_from_the_end_of_the_body() {
    let mut server = start(Limits {
        request_deadline: NEAR * 3,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client
        .send(b"POST /gate HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n1")
        .await;
    let before = tokio::time::Instant::now();
    tokio::time::sleep_until(before + NEAR * 4).await;
    client.send(b"2").await;
    server.entered().await;
    server.gate.add_permits(1);
    assert!(client.answer().await.ends_with("opened"));
}

#[tokio::test]
async fn reader_who_stopped_reading_is_dropped_at_the_write_deadline() {
    let mut server = start(Limits {
        write_deadline: NEAR,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client
        .send(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    assert_eq!(server.entered().await, "endless is over");
}

#[tokio::test]
async fn refused_uploader_who_keeps_sending_still_reads_the_answer() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    let upload = post_request("/echo", &"x".repeat(30_000_000));
    soon(client.0.write_all(&upload)).await.unwrap();
    assert_refused(&client.rest().await, 413, "upload");
}
