//! The generator against small servers of this process.

use super::*;
use crate::conversation::{Requests, post};
use std::io::BufReader;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A server that answers each request with what `answer` makes of its body, and tells the bodies.
fn serve(answer: fn(&str) -> String) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, bodies) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let told = told.clone();
            thread::spawn(move || {
                let stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(body) = body(&mut reader) {
                    (&stream).write_all(answer(&body).as_bytes()).unwrap();
                    // The test may be over.
                    let _ = told.send(body);
                }
            });
        }
    });
    (address, bodies)
}

fn body(reader: &mut impl io::BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            return Some(String::from_utf8(body).unwrap());
        }
    }
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn requests(count: usize) -> Requests {
    Requests::new((0..count).map(|number| post("/", number.to_string().as_bytes())))
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn each_request_is_sent_once_and_its_answer_counted() {
    let (address, bodies) = serve(ok);
    let conversations = vec![Conversation::Once(requests(100)); 8];
    let sample = Load::connect(address, conversations)
        .unwrap()
        .run(Pace::Closed, LONG)
        .unwrap();
    assert_eq!(sample.requests, 100);
    assert_eq!(sample.latencies.len(), 100);
    let mut bodies: Vec<usize> = bodies
        .iter()
        .take(100)
        .map(|body| body.parse().unwrap())
        .collect();
    bodies.sort_unstable();
    assert!(bodies.into_iter().eq(0..100));
}

#[test]
fn an_open_loop_keeps_its_rate_whatever_the_answers_take() {
    let (address, _bodies) = serve(|body| {
        thread::sleep(Duration::from_millis(5));
        ok(body)
    });
    let conversations = vec![Conversation::Again(requests(1)); 2];
    let mut load = Load::connect(address, conversations).unwrap();
    let sample = load
        .run(Pace::Open(2000.0), Duration::from_millis(100))
        .unwrap();
    assert_eq!(sample.requests, 200);
    // Two connections manage 400 a second at most: the last requests waited for the others.
    assert!(sample.latencies.max() > sample.latencies.min() + 10_000);
}

#[test]
fn a_chain_walks_from_answer_to_answer() {
    let (address, bodies) = serve(|body| {
        let token = body.trim_matches(|letter: char| !letter.is_ascii_digit());
        let next = token.parse::<usize>().unwrap() + 1;
        ok(&format!(r#"{{"access": "a", "refresh": "{next}"}}"#))
    });
    let chain = Conversation::chain("/", [b"0".to_vec()].into_iter());
    let mut load = Load::connect(address, vec![chain]).unwrap();
    let first = load.run(Pace::Closed, Duration::from_millis(20)).unwrap();
    let second = load.run(Pace::Closed, Duration::from_millis(20)).unwrap();
    let all = usize::try_from(first.requests + second.requests).unwrap();
    let walked: Vec<String> = bodies.iter().take(all).collect();
    let expected = (0..all).map(|number| format!(r#"{{"refresh":"{number}"}}"#));
    assert!(walked.into_iter().eq(expected));
}

#[test]
fn any_status_but_200_ends_the_run_with_the_answer() {
    let (address, _bodies) =
        serve(|_| "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull".to_owned());
    let conversations = vec![Conversation::Again(requests(1))];
    let mut load = Load::connect(address, conversations).unwrap();
    let error = load.run(Pace::Closed, LONG).unwrap_err();
    assert_eq!(error.to_string(), "503 instead of 200: full");
}

#[test]
fn a_server_that_closes_in_order_is_connected_to_again() {
    let (address, _bodies) =
        serve(|_| "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned());
    let conversations = vec![Conversation::Once(requests(3))];
    let sample = Load::connect(address, conversations)
        .unwrap()
        .run(Pace::Closed, LONG)
        .unwrap();
    assert_eq!(sample.requests, 3);
}
