//! Servers as the seeds' readers have them: the demo, or one with a configuration of its own and a user.

use crate::support::{Answer, Folder, Server};
use serde_json::{Value, json};
use std::ops::Deref;
use std::path::PathBuf;

/// Signs the tokens of configured servers, so that tests can make their own.
pub const KEY: &str = "the key of the seeds' tests: at least sixty-four bytes, for HS512 as well";

/// A server that runs, with its folder.
pub struct Site {
    server: Server,
    folder: Folder,
}

impl Deref for Site {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// `tokenpair serve --demo`.
pub fn demo() -> Site {
    let folder = Folder::new();
    let server = folder.serve("serve --demo");
    Site { server, folder }
}

/// A server with these settings of Simple JWT and the user test, password test.
pub fn with_settings(settings: &str) -> Site {
    configured(settings, "")
}

/// A server with these settings of Simple JWT, these further sections, and the user test, password test.
pub fn configured(settings: &str, sections: &str) -> Site {
    serve(with_user(folder(settings, sections)))
}

/// The folder with a database that has the user test, password test.
pub fn with_user(folder: Folder) -> Folder {
    let created = folder.run_with_input(
        "createuser --username test --email test@example.com --password-stdin",
        "test\n",
    );
    assert_eq!(created.status, Some(0), "{}", created.err);
    folder
}

/// Serves what is prepared in `folder`.
pub fn serve(folder: Folder) -> Site {
    let server = folder.serve("serve");
    Site { server, folder }
}

/// A folder with a `tokenpair.toml`.
pub fn folder(settings: &str, sections: &str) -> Folder {
    Folder::new().with_file("tokenpair.toml", file(settings, sections))
}

/// A configuration. Hashes are cheap, as passwords are not what is tested.
pub fn file(settings: &str, sections: &str) -> String {
    let rounds = "PASSWORD_ROUNDS = { pbkdf2_sha256_iterations = 1000 }";
    format!("[simple_jwt]\nSIGNING_KEY = \"{KEY}\"\n{rounds}\n{settings}\n{sections}\n")
}

/// What a server says that does not start with these settings.
pub fn refusal(settings: &str, sections: &str) -> String {
    let told = folder(settings, sections).run("serve --listen 127.0.0.1:0");
    assert_eq!(told.status, Some(1), "it started: {}", told.out);
    told.err
}

/// What a log-in answers.
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

impl Pair {
    pub fn of(body: &Value) -> Self {
        let token = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{body}"));
        Self {
            access: token("access").to_owned(),
            refresh: token("refresh").to_owned(),
        }
    }
}

impl Site {
    /// The pair of the user test.
    pub fn log_in(&self) -> Pair {
        let body = json!({"username": "test", "password": "test"});
        let (status, body) = self.post("/api/token/", &body);
        assert_eq!(status, 200, "{body}");
        Pair::of(&body)
    }

    pub fn refresh(&self, token: &str) -> (u16, Value) {
        self.post("/api/token/refresh/", &json!({"refresh": token}))
    }

    pub fn verify(&self, token: &str) -> (u16, Value) {
        self.post("/api/token/verify/", &json!({"token": token}))
    }

    pub fn blacklist(&self, token: &str) -> (u16, Value) {
        self.post("/api/token/blacklist/", &json!({"refresh": token}))
    }

    /// Sends a request as a document prints it, head and body apart by an empty line.
    pub fn send_printed(&self, printed: &str) -> Answer {
        let printed = printed.trim();
        let (head, body) = printed.split_once("\n\n").unwrap_or((printed, ""));
        let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
        let version = if line.ends_with(" HTTP/1.1") {
            ""
        } else {
            " HTTP/1.1"
        };
        let fields = fields
            .lines()
            .fold(String::new(), |all, field| all + field + "\r\n");
        self.send(&format!("{line}{version}\r\n{fields}"), body)
    }

    /// Stops the server and starts it again on the same files.
    pub fn restart(self) -> Self {
        let Self { server, folder } = self;
        assert_eq!(server.stop().status, Some(0));
        serve(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }
}

/// The names of a JSON object.
pub fn names(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap_or_else(|| panic!("{object}"));
    object.keys().map(String::as_str).collect()
}
