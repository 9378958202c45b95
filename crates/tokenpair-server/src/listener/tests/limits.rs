//! Every way of sending too much.

use super::*;

fn with_fields(count: usize) -> Vec<u8> {
    let fields: Vec<_> = (1..count)
        .map(|number| format!("x{number}: y\r\n"))
        .collect();
    let fields = fields.concat();
    format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n").into_bytes()
}

fn with_target(length: usize) -> Vec<u8> {
    format!(
        "GET /{} HTTP/1.1\r\nhost: a\r\n\r\n",
        "x".repeat(length - 1)
    )
    .into_bytes()
}

#[tokio::test]
async fn body_over_the_limit_is_answered_413() {
    let server = start(Limits {
        max_body_bytes: 1000,
        ..relaxed()
    })
    .await;
    let mut client = server.connect().await;
    client.send(&post_request("/echo", &"x".repeat(1000))).await;
    assert_eq!(statuses(&client.answer().await), [200]);
    assert_refused(
        &server.talk(&post_request("/echo", &"x".repeat(1001))).await,
        413,
        "length",
    );
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\n";
    let announced = format!("{head}content-length: 1001\r\n\r\n");
    assert_refused(
        &server.talk(announced.as_bytes()).await,
        413,
        "nothing sent yet",
    );
    let chunks = "64\r\n".to_owned() + &"x".repeat(100) + "\r\n";
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{}",
        chunks.repeat(11)
    );
    assert_refused(&server.talk(chunked.as_bytes()).await, 413, "chunked");
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let server = start(relaxed()).await;
    let numbers: Vec<_> = (0..200_000).map(|number| format!("{number},")).collect();
    let body = numbers.concat();
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    let known = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    assert!(server.talk(known.as_bytes()).await.ends_with(&body));
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    assert!(server.talk(chunked.as_bytes()).await.ends_with(&body));
}

#[tokio::test]
async fn head_over_the_limit_is_answered_431() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    client
        .send(
            format!(
                "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
                "y".repeat(16_000)
            )
            .as_bytes(),
        )
        .await;
    assert_eq!(statuses(&client.answer().await), [200]);
    for length in [17_000, 1_000_000] {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
            "y".repeat(length)
        );
        assert_refused(
            &server.talk(request.as_bytes()).await,
            431,
            "one long field",
        );
    }
}

#[tokio::test]
async fn too_many_fields_are_answered_431() {
    for most in [100, 7] {
        let server = start(Limits {
            header_fields: most,
            ..relaxed()
        })
        .await;
        let mut client = server.connect().await;
        client.send(&with_fields(most)).await;
        assert_eq!(statuses(&client.answer().await), [200]);
        assert_refused(&server.talk(&with_fields(most + 1)).await, 431, "fields");
    }
}

#[tokio::test]
async fn target_over_the_limit_is_answered_414_however_long_it_is() {
    let mut server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(&with_target(8192)).await;
    assert_eq!(statuses(&client.answer().await), [200]);
    server.entered().await;
    for length in [
        8193, 8200, 8208, 8220, 8243, 8248, 8254, 8260, 9000, 17_000, 65_535, 1_000_000,
    ] {
        assert_refused(
            &server.talk(&with_target(length)).await,
            414,
            &length.to_string(),
        );
    }
    assert!(server.entered.try_recv().is_err());
}

#[tokio::test]
async fn long_garbage_is_never_taken_for_a_request() {
    let mut server = start(relaxed()).await;
    let long = "x".repeat(9000);
    for garbage in [
        long.clone(),
        format!("GET /short HTTP/1.1 {long}"),
        format!("GET /short HTTP/1.1{long}"),
    ] {
        let answers = server
            .talk(format!("{garbage}\r\nhost: a\r\n\r\n").as_bytes())
            .await;
        assert_refused(&answers, 400, &garbage[..20]);
    }
    assert!(server.entered.try_recv().is_err());
}

#[tokio::test]
async fn full_body_budget_refuses_large_bodies_and_serves_small_ones() {
    let mut server = start(Limits {
        body_bytes_in_flight: 9000,
        ..relaxed()
    })
    .await;
    let large = "x".repeat(9000);
    let mut first = server.connect().await;
    first.send(&post_request("/gate", &large)).await;
    server.entered().await;
    let refused = server.talk(&post_request("/echo", &large)).await;
    assert_refused(&refused, 503, "no room");
    assert!(refused.contains("retry-after: 1"));
    let mut small = server.connect().await;
    small.send(&post_request("/echo", "small")).await;
    assert!(small.answer().await.ends_with("small"));
    server.gate.add_permits(1);
    assert!(first.answer().await.ends_with("opened"));
    first.send(&post_request("/echo", &large)).await;
    assert_eq!(statuses(&first.answer().await), [200]);
}

#[tokio::test]
async fn full_house_closes_those_that_waited_longest_and_never_the_busy() {
    let mut server = start(Limits {
        connections: 4,
        ..relaxed()
    })
    .await;
    let mut busy = server.connect().await;
    busy.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    server.entered().await;
    let mut rested = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.send(HELLO).await;
        client.answer().await;
        rested.push(client);
    }
    let mut newcomer = server.connect().await;
    newcomer.send(HELLO).await;
    assert!(newcomer.answer().await.ends_with("hello"));
    assert_eq!(rested.remove(0).rest().await, "");
    server.gate.add_permits(1);
    assert!(busy.answer().await.ends_with("opened"));
}

#[tokio::test]
async fn newcomer_to_a_full_house_has_time_for_its_request() {
    let mut server = start(Limits {
        connections: 2,
        ..relaxed()
    })
    .await;
    let mut busy = server.connect().await;
    busy.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    server.entered().await;
    let mut newcomer = server.connect().await;
    newcomer.send(&HELLO[..9]).await;
    tokio::time::sleep(PAUSE * 2).await;
    newcomer.send(&HELLO[9..]).await;
    assert!(newcomer.answer().await.ends_with("hello"));
}

#[tokio::test]
async fn one_connection_serves_any_number_of_requests() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    for _ in 0..300 {
        client.send(HELLO).await;
        assert!(client.answer().await.ends_with("hello"));
    }
}

#[tokio::test]
async fn house_full_of_busy_connections_serves_the_next_when_one_is_done() {
    let mut server = start(Limits {
        connections: 2,
        ..relaxed()
    })
    .await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
        server.entered().await;
        busy.push(client);
    }
    let mut next = server.connect().await;
    next.send(HELLO).await;
    server.gate.add_permits(1);
    assert!(next.answer().await.ends_with("hello"));
    server.gate.add_permits(1);
    for client in &mut busy {
        assert!(client.answer().await.ends_with("opened"));
    }
}
