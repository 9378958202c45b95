//! Accounts from outside: sign-up, profile, password; mail over SMTP to a server that the tests start.

use crate::smtp::{Encryption, MailServer, Manner};
use crate::support::{Folder, Server, wait_until};
use serde_json::{Value, json};

const EMAIL: &str = "DEFAULT_FROM_EMAIL = \"Site <noreply@site.example>\"\n";
const ADA: &str = "ada@example.com";
const ON_ITS_WAY: &str =
    "If there is an account with this e-mail address, a message with a link is on its way to it.";

/// A configuration that sends mail to this port.
fn config(port: u16, accounts: &str, email: &str) -> String {
    format!(
        "[accounts]\nsite_url = \"https://site.example\"\n{accounts}\n[email]\nEMAIL_HOST = \"localhost\"\nEMAIL_PORT = {port}\n{EMAIL}{email}"
    )
}

/// A folder with that and ada, who has an address.
fn with_ada(config: &str) -> Folder {
    let folder = Folder::new().with_file("tokenpair.toml", config);
    let line = format!("createuser --password-stdin --username ada --email {ADA}");
    let told = folder.run_with_input(&line, "s3cret-enough\n");
    assert_eq!(told.status, Some(0), "{}", told.err);
    folder
}

fn ask(server: &Server) {
    let answer = server.post("/api/password/reset/", &json!({"email": ADA}));
    assert_eq!(answer, (200, json!({"detail": ON_ITS_WAY})));
}

fn log_in(server: &Server, username: &str, password: &str) -> (u16, Value) {
    let login = json!({"username": username, "password": password});
    server.post("/api/token/", &login)
}

#[test]
fn who_tries_it_out_signs_up_and_changes_name_and_password() {
    let folder = Folder::new();
    let server = folder.serve("--demo");
    let ada =
        json!({"username": "ada", "email": ADA, "password": "s3cret-enough", "is_staff": true});
    let (status, made) = server.post("/api/register/", &ada);
    assert_eq!(status, 201, "{made}");
    let access = made["access"].as_str().unwrap();
    let head = |method: &str, path: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {access}\r\n"
        )
    };
    let renamed = server.send(&head("PATCH", "/api/me/"), r#"{"first_name": "Ada"}"#);
    assert_eq!(
        (renamed.status, &renamed.body["first_name"]),
        (200, &json!("Ada"))
    );
    assert_eq!(server.get("/api/me/", access), (200, renamed.body));
    let change = json!({"old_password": "s3cret-enough", "new_password": "another-s3cret"});
    let changed = server.send(&head("POST", "/api/password/change/"), &change.to_string());
    assert_eq!(changed.status, 200);
    assert_eq!(log_in(&server, "ada", "s3cret-enough").0, 401);
    assert_eq!(log_in(&server, "ada", "another-s3cret").0, 200);
    assert_eq!(
        server.post("/api/register/", &ada),
        (
            400,
            json!({"username": ["A user with that username already exists."]})
        )
    );
    let (status, _) = server.post("/api/password/reset/", &json!({"email": ADA}));
    assert_eq!(status, 404, "no mail, no reset");
    let log = server.stop().err;
    assert!(log.contains("sign_up success"), "{log}");
    for secret in ["s3cret-enough", "another-s3cret"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn nobody_signs_up_unless_that_was_switched_on() {
    let folder = Folder::new().with_user("ada");
    let server = folder.serve("serve");
    let new = json!({"username": "eve", "password": "s3cret-enough"});
    assert_eq!(server.post("/api/register/", &new).0, 404);
    std::fs::write(
        folder.path("tokenpair.toml"),
        "[accounts]\nregistration = true\n",
    )
    .unwrap();
    drop(server);
    let server = folder.serve("serve");
    assert_eq!(server.post("/api/register/", &new).0, 201);
}

#[test]
fn a_forgotten_password_is_set_anew_by_mail() {
    let mail = MailServer::start(&Manner::default());
    let folder = with_ada(&config(mail.port, "", ""));
    let server = folder.serve("serve");
    let unknown = server.post(
        "/api/password/reset/",
        &json!({"email": "nobody@example.com"}),
    );
    assert_eq!(unknown, (200, json!({"detail": ON_ITS_WAY})));
    ask(&server);
    let message = mail.message();
    for part in [
        "From: Site <noreply@site.example>\r\n",
        "To: ada@example.com\r\n",
        "Subject: Password reset on site.example\r\n",
        "\r\nhttps://site.example/auth/password/reset/confirm/?uid=",
        "Message-ID: <",
        "@site.example>\r\n",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let (uid, token) = mail.link();
    let page = format!("GET /auth/password/reset/confirm/?uid={uid}&token={token} HTTP/1.1\r\n");
    let page = server.send(&page, "");
    assert!(page.status == 200 && page.body.as_str().unwrap().contains("Set the password"));
    let confirm = json!({"uid": uid, "token": token, "new_password": "another-s3cret"});
    let path = "/api/password/reset/confirm/";
    assert_eq!(server.post(path, &confirm).0, 200);
    assert_eq!(server.post(path, &confirm).0, 400, "once");
    assert_eq!(log_in(&server, "ada", "another-s3cret").0, 200);
    let log = server.stop().err;
    assert!(log.contains("password_reset success"), "{log}");
    assert!(!log.contains(&token), "{log}");
}

#[test]
fn browsers_are_led_from_the_root_to_what_there_is_to_see() {
    let html = "GET / HTTP/1.1\r\nAccept: text/html,*/*;q=0.8\r\n";
    for (paths, place) in [
        ("", Some("/api/docs/")),
        ("docs = false", Some("/auth/account/")),
        ("docs = false\nbrowser_account = false\nlogin = false", None),
    ] {
        let config = format!("[paths]\n{paths}\n");
        let folder = Folder::new().with_file("tokenpair.toml", config);
        let server = folder.serve("serve");
        let answer = server.send(html, "");
        let status = if place.is_some() { 302 } else { 404 };
        assert_eq!((answer.status, answer.header("location")), (status, place));
        assert_eq!(server.get("/", "").0, 404, "programs");
    }
    let folder = Folder::new().with_file("tokenpair.toml", "[paths]\nme = \"/\"\n");
    assert_eq!(folder.serve("serve").get("/", "").0, 401);
}

#[test]
fn who_signs_up_proves_the_address_first() {
    let mail = MailServer::start(&Manner::default());
    let accounts = "registration = true\nemail_verification = true\nsite_name = \"The Site\"\n";
    let folder = Folder::new().with_file("tokenpair.toml", config(mail.port, accounts, ""));
    let server = folder.serve("serve");
    let eve =
        json!({"username": "eve", "email": "eve@bücher.example", "password": "s3cret-enough"});
    let sent = json!({"detail": "Verification e-mail sent."});
    assert_eq!(server.post("/api/register/", &eve), (201, sent));
    assert_eq!(log_in(&server, "eve", "s3cret-enough").0, 401);
    let message = mail.message();
    for part in [
        "Subject: Confirm your email address at The Site\r\n",
        "To: eve@xn--bcher-kva.example\r\n",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let (uid, token) = mail.link();
    let link = json!({"uid": uid, "token": token, "password": "s3cret-enough"});
    let (status, tokens) = server.post("/api/register/verify/", &link);
    assert_eq!(status, 200, "{tokens}");
    let (_, me) = server.get("/api/me/", tokens["access"].as_str().unwrap());
    assert_eq!(me["username"], "eve");
    assert_eq!(log_in(&server, "eve", "s3cret-enough").0, 200);
}

#[test]
fn mail_is_sent_over_tls_to_who_knows_the_password() {
    for (encryption, setting) in [
        (Encryption::StartTls, "EMAIL_USE_TLS = true\n"),
        (Encryption::Tls, "EMAIL_USE_SSL = true\n"),
    ] {
        let mail = MailServer::start(&Manner {
            encryption,
            login: Some(("site", "mail-pa55")),
            ..Manner::default()
        });
        let email = format!("{setting}EMAIL_HOST_USER = \"site\"\n");
        let folder = with_ada(&config(mail.port, "", &email))
            .with_variable("TOKENPAIR_EMAIL_HOST_PASSWORD", "mail-pa55")
            .with_variable("SSL_CERT_FILE", &MailServer::trusted());
        let server = folder.serve("serve");
        ask(&server);
        mail.link();
    }
}

#[test]
fn a_mail_server_that_is_not_the_one_meant_gets_nothing() {
    for (encryption, setting, reason) in [
        (
            Encryption::StartTls,
            "EMAIL_USE_TLS = true\n",
            "certificate",
        ),
        (Encryption::Tls, "EMAIL_USE_SSL = true\n", "certificate"),
        (Encryption::None, "EMAIL_USE_TLS = true\n", "STARTTLS"),
        (Encryption::None, "", "535"),
    ] {
        let mail = MailServer::start(&Manner {
            encryption,
            login: Some(("site", "another")),
            ..Manner::default()
        });
        let login = "EMAIL_HOST_USER = \"site\"\nEMAIL_HOST_PASSWORD = \"mail-pa55\"\n";
        let folder = with_ada(&config(mail.port, "", &format!("{setting}{login}")));
        let server = folder.serve("serve");
        ask(&server);
        wait_until(|| server.log().contains("a mail was not sent"));
        let log = server.log();
        assert!(log.contains(reason), "{log}");
        assert!(
            !log.contains("mail-pa55") && !log.contains("token="),
            "{log}"
        );
        assert_eq!(mail.messages().len(), 0);
        assert_eq!(mail.log_ins() > 0, reason == "535", "{reason}");
    }
}

/// Forty minutes of attempts would be in the way of everybody else's mail.
#[test]
fn who_asks_again_and_again_keeps_nobody_from_asking() {
    let folder = with_ada(&config(1, "", ""));
    let server = folder.serve("serve");
    for _ in 0..300 {
        ask(&server);
    }
}

#[test]
fn what_a_mail_server_puts_off_is_sent_again() {
    let mail = MailServer::start(&Manner {
        puts_off: 1,
        ..Manner::default()
    });
    let folder = with_ada(&config(mail.port, "", ""));
    let server = folder.serve("serve");
    ask(&server);
    mail.link();
    assert!(server.log().contains("it will be tried again"));
}

#[test]
fn a_server_that_stops_sends_what_waits_first() {
    let mail = MailServer::start(&Manner::default());
    let folder = with_ada(&config(mail.port, "", ""));
    let server = folder.serve("serve");
    for _ in 0..10 {
        ask(&server);
    }
    assert_eq!(server.stop().status, Some(0));
    assert_eq!(mail.messages().len(), 10);
}

#[test]
fn without_a_mail_server_everybody_is_answered_alike() {
    let folder = with_ada(&config(1, "", ""));
    let server = folder.serve("serve");
    ask(&server);
    let unknown = json!({"email": "nobody@example.com"});
    let answer = server.post("/api/password/reset/", &unknown);
    assert_eq!(answer, (200, json!({"detail": ON_ITS_WAY})));
    wait_until(|| server.log().contains("a mail was not sent"));
}

#[test]
fn what_cannot_work_is_refused_at_start() {
    let usual = "[email]\nDEFAULT_FROM_EMAIL = \"a@b.example\"\n";
    let site = "[accounts]\nsite_url = \"https://site.example\"\n";
    for (content, complaint) in [
        (
            "[accounts]\nregistration = true\n[user_model]\ntable = \"customer\"\n".to_owned(),
            "registration: cannot be: users of customer that log in by username are created by their own application",
        ),
        (
            "[accounts]\nemail_verification = true\n".to_owned(),
            "email_verification: needs [email]",
        ),
        (
            format!(
                "{site}email_verification = true\n{usual}[database]\ntoken_blacklist = false\n"
            ),
            "email_verification: needs token_blacklist = true",
        ),
        (usual.to_owned(), "site_url: is needed"),
        (
            format!("{site}[email]\nEMAIL_HOST = \"x\"\n"),
            "DEFAULT_FROM_EMAIL: is needed",
        ),
        (
            format!("{site}{usual}EMAIL_USE_TLS = true\nEMAIL_USE_SSL = true\n"),
            "EMAIL_USE_SSL: is one way, EMAIL_USE_TLS the other",
        ),
        (
            format!("{site}{usual}EMAIL_HOST_PASSWORD = \"mail-pa55\"\n"),
            "EMAIL_HOST_PASSWORD: is of no use without EMAIL_HOST_USER",
        ),
        (
            format!("{site}password_reset_link = \"/reset/{{uid}}/\"\n"),
            "password_reset_link: expected an address or a path with {uid} and {token}",
        ),
        (
            "[accounts]\nsite_url = \"site.example\"\n".to_owned(),
            "site_url: expected the address of this site",
        ),
        (
            "[accounts]\nPASSWORD_RESET_TIMEOUT = \"1 second\"\n".to_owned(),
            "PASSWORD_RESET_TIMEOUT: must lie between 1 minute and 30 days",
        ),
    ] {
        let folder = Folder::new().with_file("tokenpair.toml", &content);
        let told = folder.run("serve --listen 127.0.0.1:0");
        assert_eq!(told.status, Some(1), "{content}");
        assert!(told.err.contains(complaint), "{}", told.err);
        assert!(!told.err.contains("mail-pa55"), "{}", told.err);
    }
}

#[test]
fn the_mail_servers_password_is_shown_nowhere() {
    let email = "EMAIL_HOST_USER = \"site\"\nEMAIL_HOST_PASSWORD = \"mail-pa55\"\n";
    let content = config(25, "", email).replace("localhost", "mail.example");
    let folder = Folder::new().with_file("tokenpair.toml", content);
    let shown = folder.run("config show");
    assert!(
        shown.out.contains("# EMAIL_HOST_PASSWORD = \"[redacted]\""),
        "{}",
        shown.out
    );
    let checked = folder.run("check");
    for told in [&shown.out, &checked.out, &checked.err] {
        assert!(!told.contains("mail-pa55"), "{told}");
    }
    for finding in ["W015", "W031"] {
        assert!(checked.out.contains(finding), "{}", checked.out);
    }
}
