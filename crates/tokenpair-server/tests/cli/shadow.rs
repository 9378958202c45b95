//! `tokenpair shadow` with two servers of ours, one of which stands for Django, or with a scripted one.

use crate::support::{Folder, Server, Transcript};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

/// With a hash that a busy machine is done with in time.
const KEY: &str = "[simple_jwt]\nSIGNING_KEY = \"a key of at least 32 bytes for these tests\"\nPASSWORD_HASHERS = [\"md5\"]\n";
const ROTATION: &str = "ROTATE_REFRESH_TOKENS = true\nBLACKLIST_AFTER_ROTATION = true\n";

/// Two folders with copies of one database, and a server in each.
struct Twins {
    here: Folder,
    django: Server,
    tokenpair: Server,
    _there: Folder,
}

impl Twins {
    fn new(theirs: &str, ours: &str) -> Self {
        let there = Folder::new()
            .with_file("tokenpair.toml", format!("{KEY}{theirs}"))
            .with_user("ada");
        let here = Folder::new().with_file("tokenpair.toml", format!("{KEY}{ours}"));
        // Not by copying the file: what was written last may stand in its log.
        let original = rusqlite::Connection::open(there.path("tokenpair.sqlite3")).unwrap();
        let copy = here.path("tokenpair.sqlite3");
        original
            .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
            .unwrap();
        drop(original);
        Self {
            django: there.serve("serve"),
            tokenpair: here.serve("serve"),
            here,
            _there: there,
        }
    }

    fn shadow(&self, arguments: &str) -> Transcript {
        let (django, tokenpair) = (self.django.url(), self.tokenpair.url());
        self.here.run(&format!(
            "shadow {arguments} --django {django} --tokenpair {tokenpair}"
        ))
    }

    fn shadow_json(&self, arguments: &str) -> (Option<i32>, Value) {
        let told = self.shadow(&format!("{arguments} --json"));
        let report = serde_json::from_str(&told.out);
        (
            told.status,
            report.unwrap_or_else(|_| panic!("{}{}", told.out, told.err)),
        )
    }

    fn with_file(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.here = self.here.with_file(name, content);
        self
    }
}

/// A line of a log with a log-in of ada's.
fn log_in(password: &str) -> String {
    let body = json!({"username": "ada", "password": password}).to_string();
    let line = json!({"method": "POST", "uri": "/api/token/", "content_type": "application/json", "body": body});
    format!("{line}\n")
}

fn entry(path: &str, body: &Value, bearer: &str, answer: &Value) -> Value {
    json!({
        "request": {
            "method": "POST", "url": format!("https://a.example{path}"),
            "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Authorization", "value": bearer}],
            "postData": {"mimeType": "application/json", "text": body.to_string()},
        },
        "response": {"status": 200, "content": {"text": answer.to_string()}},
    })
}

/// A token of the recording's server, whose key nobody knows.
fn recorded_token(number: u8) -> String {
    format!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.signature{number}"
    )
}

/// A session as a browser records it: log in, refresh twice with the same token, look, log out.
fn session() -> String {
    let [refresh, access, next] = [1, 2, 3].map(recorded_token);
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    let pair = json!({"refresh": refresh, "access": access});
    let body = json!({"refresh": refresh});
    let entries = json!([
        entry("/api/token/", &login, "", &pair),
        entry(
            "/api/token/verify/",
            &json!({"token": access}),
            "",
            &json!({})
        ),
        entry(
            "/api/me/",
            &json!({}),
            &format!("Bearer {access}"),
            &json!({})
        ),
        entry(
            "/api/token/refresh/",
            &body,
            "",
            &json!({"access": access, "refresh": next})
        ),
        entry(
            "/api/token/refresh/",
            &body,
            "",
            &json!({"detail": "Token is blacklisted"})
        ),
        entry(
            "/api/token/blacklist/",
            &json!({"refresh": next}),
            "",
            &json!({})
        ),
        entry("/logo.png", &json!({}), "", &json!({})),
    ]);
    json!({"log": {"version": "1.2", "creator": {"name": "Firefox"}, "entries": entries}})
        .to_string()
}

#[test]
fn two_servers_that_answer_alike_are_no_difference() {
    let twins = Twins::new(ROTATION, ROTATION).with_file("site.har", session());
    let told = twins.shadow("site.har");
    assert_eq!(told.status, Some(0), "{}{}", told.out, told.err);
    assert_eq!(
        told.out,
        "Left out: 1 request, as its path is not tokenpair's.\n\
         Tokens: in 5 requests, each server was sent the tokens it gave out itself.\n\
         6 requests compared: 6 alike, 0 with documented differences only, 0 with others.\n"
    );
    assert_eq!(told.err, "");
}

#[test]
fn every_difference_is_told_and_the_exit_status_with_it() {
    let longer = "ACCESS_TOKEN_LIFETIME = \"10 minutes\"\n";
    let twins = Twins::new(ROTATION, longer).with_file("site.har", session());
    let (status, report) = twins.shadow_json("site.har");
    assert_eq!(status, Some(1), "{report}");
    let found: Vec<_> = report["differences"].as_array().unwrap().iter().collect();
    let is = |path: &str, place: &str, name: Value, django: Value, tokenpair: Value| {
        let mut found = found.iter();
        found.any(|it| {
            (&it["path"], &it["where"]) == (&json!(path), &json!(place))
                && (&it["name"], &it["django"], &it["tokenpair"]) == (&name, &django, &tokenpair)
        })
    };
    let lifetime = |seconds: u32| json!(format!("{seconds} s after the token's making"));
    assert!(
        is(
            "/api/token/",
            "claim",
            json!("exp"),
            lifetime(300),
            lifetime(600)
        ),
        "{report}"
    );
    assert!(
        is(
            "/api/token/refresh/",
            "body",
            json!("refresh"),
            json!("<refresh token>"),
            Value::Null
        ),
        "{report}"
    );
    assert!(
        is(
            "/api/token/refresh/",
            "status",
            Value::Null,
            json!("401"),
            json!("200")
        ),
        "{report}"
    );
    assert_eq!(report["compared"], 6);

    let told = twins.shadow("site.har");
    assert_eq!(told.status, Some(1));
    assert!(told.out.starts_with("REQUEST "), "{}", told.out);
    assert!(
        told.err
            .contains("answered otherwise than COMPATIBILITY.md says"),
        "{}",
        told.err
    );
    for secret in ["s3cret-enough", "eyJ"] {
        assert!(
            !told.out.contains(secret) && !report.to_string().contains(secret),
            "{secret}"
        );
    }
}

#[test]
fn a_log_without_answers_is_played_with_its_tokens_as_good_as_they_were() {
    let twins = Twins::new("", "");
    let old = twins.here.run("token mint --user ada").out;
    let old = old.trim();
    let line = |at: i64, token: &str| {
        json!({"msec": format!("{at}.5"), "request_method": "POST", "request_uri": "/api/token/verify/",
               "content_type": "application/json", "request_body": json!({"token": token}).to_string()})
    };
    let claims = twins.here.run_with_input("token inspect --json", old).out;
    let issued = serde_json::from_str::<Value>(&claims).unwrap()["claims"]["iat"]
        .as_i64()
        .unwrap();
    let lines = [
        line(issued, old),
        line(issued + 1000, old),
        line(issued, &recorded_token(1)),
    ];
    let log = lines.map(|line| format!("{line}\n")).concat();
    let twins = twins.with_file("access.log", log);
    let (status, report) = twins.shadow_json("access.log");
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(
        report["tokens"],
        json!({"replaced": 0, "renewed": 1, "foreign": 1})
    );
    assert_eq!(report["alike"], 3);
}

#[test]
fn a_recording_may_come_from_standard_input() {
    let twins = Twins::new("", "");
    let line = log_in("s3cret-enough");
    let (django, tokenpair) = (twins.django.url(), twins.tokenpair.url());
    let told = twins.here.run_with_input(
        &format!("shadow - --django {django} --tokenpair {tokenpair}"),
        &line,
    );
    assert_eq!(told.status, Some(0), "{}{}", told.out, told.err);
    assert!(
        told.out.starts_with("1 request compared: 1 alike"),
        "{}",
        told.out
    );
}

#[test]
fn where_nothing_is_compared_nothing_is_proved() {
    let log = "{\"method\":\"GET\",\"uri\":\"/other/\"}\n";
    let twins = Twins::new("", "").with_file("access.log", log);
    let told = twins.shadow("access.log");
    assert_eq!(told.status, Some(1));
    assert!(
        told.err.starts_with("tokenpair: nothing was compared"),
        "{}",
        told.err
    );
    let told = twins.shadow("access.log --path-prefix /oth");
    assert_eq!(told.status, Some(1));
    assert!(told.out.contains("1 request compared: 1 alike"));
    assert!(
        told.err
            .starts_with("tokenpair: no request succeeded on both sides"),
        "{}",
        told.err
    );
}

#[test]
fn where_nobody_was_let_in_nothing_is_proved() {
    let twins = Twins::new("", "")
        .with_file("wrong.log", log_in("not-the-password"))
        .with_file("right.log", log_in("s3cret-enough"));
    let told = twins.shadow("wrong.log");
    assert_eq!(told.status, Some(1));
    assert!(told.out.contains("1 request compared: 1 alike"));
    assert!(
        told.err.starts_with("tokenpair: none of 1 log-ins"),
        "{}",
        told.err
    );
    let (status, report) = twins.shadow_json("wrong.log right.log");
    assert_eq!(status, Some(0), "{report:#}");
    assert_eq!(report["log_ins"], json!({"played": 2, "succeeded": 1}));
    let generated = |guarded: &str| {
        let (django, tokenpair) = (twins.django.url(), twins.tokenpair.url());
        let line = "shadow --generate 4 --user ada --password-stdin";
        twins.here.run_with_input(
            &format!("{line} --guarded {guarded} --django {django} --tokenpair {tokenpair}"),
            "s3cret-enough",
        )
    };
    let told = generated("/api/me/");
    assert_eq!(told.status, Some(0), "{}{}", told.out, told.err);
    let told = generated("/api/misspelled/");
    assert_eq!(told.status, Some(1));
    assert!(
        told.err
            .starts_with("tokenpair: /api/misspelled/ let nobody in"),
        "{}",
        told.err
    );
}

#[test]
fn a_server_is_not_compared_with_itself() {
    let folder = Folder::new().with_file("access.log", log_in("s3cret-enough"));
    let told =
        folder.run("shadow access.log --django http://127.0.0.1:1 --tokenpair http://127.0.0.1:1/");
    assert_eq!(
        (told.status, told.err.as_str()),
        (
            Some(1),
            "tokenpair: --django and --tokenpair name the same server, which is alike to itself\n"
        )
    );
}

#[test]
fn what_cannot_be_read_or_reached_is_one_sentence() {
    let folder = Folder::new()
        .with_file("bad.log", "{}\n")
        .with_file("good.log", "{\"method\":\"GET\",\"uri\":\"/api/token/\"}");
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let servers = format!("--django http://{closed} --tokenpair http://localhost");
    let refusal = |recording: &str| {
        let told = folder.run(&format!("shadow {recording} {servers}"));
        assert_eq!(
            (told.status, told.out.as_str()),
            (Some(1), ""),
            "{}",
            told.err
        );
        told.err
    };
    assert_eq!(
        refusal("bad.log"),
        "tokenpair: bad.log: line 1: has no request_method\n"
    );
    assert!(refusal("absent.log").starts_with("tokenpair: absent.log: No such file"));
    let unreachable = refusal("good.log");
    let begin = format!(
        "tokenpair: Django (http://{closed}/) does not answer GET /api/token/ (good.log, line 1): "
    );
    assert!(unreachable.starts_with(&begin), "{unreachable}");
}

#[test]
fn wrong_usage_has_its_own_status() {
    let folder = Folder::new();
    for line in [
        "shadow",
        "shadow a.har --django http://127.0.0.1:1",
        "shadow a.har --django ftp://a --tokenpair http://b",
        "shadow a.har --django http://ada:secret@a --tokenpair http://b",
        "shadow a.har --django http://a/path --tokenpair http://b",
        "shadow a.har --django http://a --tokenpair http://b --manage-py manage.py",
        "shadow a.har --django http://a --tokenpair http://b --path-prefix api",
        "shadow a.har --django http://a --tokenpair http://b --header nothing",
    ] {
        let told = folder.run(line);
        assert_eq!(
            (told.status, told.out.as_str()),
            (Some(2), ""),
            "{line}: {}",
            told.err
        );
    }
}

#[test]
fn both_ways_to_name_the_servers_are_said() {
    let told = Folder::new().run("shadow a.har").err;
    assert!(
        told.contains("<--django <URL>|--manage-py <FILE>>"),
        "{told}"
    );
}

/// Answers every request alike and tells what it was sent.
fn scripted(answer: &'static str, requests: usize) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let answer_one = |_| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            reader.into_inner().write_all(answer.as_bytes()).unwrap();
            head + &String::from_utf8(body).unwrap()
        };
        (0..requests).map(answer_one).collect()
    });
    (url, serving)
}

#[test]
fn both_are_sent_the_same_bytes_and_nothing_of_the_connections() {
    let line = json!({
        "method": "POST", "uri": "/api/token/?a=%20b&c", "http_accept": "text/html", "http_host": "live.example",
        "http_connection": "upgrade", "http_x_forwarded_proto": "http", "content_type": "text/plain", "body": "é",
    });
    let folder = Folder::new().with_file("access.log", line.to_string());
    let answer = "HTTP/1.1 302 Found\r\nContent-Length: 2\r\nLocation: /elsewhere/\r\n\r\nhi";
    let (django, theirs) = scripted(answer, 1);
    let (tokenpair, ours) = scripted(answer, 1);
    let told = folder.run_arguments(&[
        "shadow",
        "access.log",
        "--django",
        &django,
        "--tokenpair",
        &tokenpair,
        "--header",
        "X-Forwarded-Proto: https",
        "--header",
        "Host: site.example",
    ]);
    let summary =
        "1 request compared: 1 alike, 0 with documented differences only, 0 with others.\n";
    assert!(told.out.ends_with(summary), "{}{}", told.out, told.err);
    assert!(told.out.contains("no SIGNING_KEY"), "{}", told.out);
    let (theirs, ours) = (theirs.join().unwrap(), ours.join().unwrap());
    assert_eq!(theirs, ours);
    assert!(
        theirs[0].starts_with("POST /api/token/?a=%20b&c HTTP/1.1\r\n"),
        "{}",
        theirs[0]
    );
    let (head, body) = theirs[0].split_once("\r\n\r\n").unwrap();
    let mut headers: Vec<&str> = head.lines().skip(1).collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "accept: text/html",
            "content-length: 2",
            "content-type: text/plain",
            "host: site.example",
            "x-forwarded-proto: https",
        ]
    );
    assert_eq!(body, "é");
}

#[test]
fn an_answer_that_breaks_off_is_the_end_of_the_run() {
    let folder =
        Folder::new().with_file("access.log", "{\"method\":\"GET\",\"uri\":\"/api/token/\"}");
    let (django, _) = scripted("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi", 1);
    let told = folder.run(&format!(
        "shadow access.log --django {django} --tokenpair http://localhost"
    ));
    assert_eq!(
        (told.status, told.out.as_str()),
        (Some(1), ""),
        "{}",
        told.err
    );
    assert!(
        told.err
            .contains("does not answer GET /api/token/ (access.log, line 1)"),
        "{}",
        told.err
    );
}
