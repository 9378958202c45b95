//! Imported projects beside Django itself on one database, with the project's own clients.

use super::projects::project;
use crate::postgres::new_database;
use crate::support::{Folder, Server, send, wait_until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const OLD: &str = "an-old-passphrase";
const NEW: &str = "a-new-passphrase";

/// A project, and what its clients know of it.
struct Site {
    project: &'static str,
    settings: &'static str,
    /// Apps whose tables Django makes.
    apps: &'static str,
    /// Python that makes the user `user`, with `OLD` as its password.
    user: &'static str,
    username: (&'static str, &'static str),
    log_in: &'static str,
    refresh: &'static str,
    log_out: Option<&'static str>,
    /// A view of Django's that wants a user.
    guarded: &'static str,
    header: &'static str,
    /// `CHECK_REVOKE_TOKEN`
    checks_password: bool,
}

const COOKIECUTTER: Site = Site {
    project: "cookiecutter",
    settings: "config/settings/local.py",
    apps: "users",
    user: "user = User.objects.create_user('ada@example.com', 'an-old-passphrase')",
    username: ("email", "ada@example.com"),
    log_in: "/api/auth/jwt/create/",
    refresh: "/api/auth/jwt/refresh/",
    log_out: Some("/api/auth/logout/"),
    guarded: "/api/users/me/",
    header: "Bearer",
    checks_password: false,
};
const DECOUPLE: Site = Site {
    project: "decouple",
    settings: "clinic/settings.py",
    apps: "accounts",
    user: "user = User.objects.create_user('123.456', 'an-old-passphrase', full_name='Ada L.')\nfrom django.contrib.auth.models import Group\nuser.groups.add(Group.objects.create(name='staff'))",
    username: ("cpf", "123.456"),
    log_in: "/api/v1/auth/login",
    refresh: "/api/v1/auth/refresh/",
    log_out: None,
    guarded: "/api/v1/me/",
    header: "JWT",
    checks_password: true,
};
const TUTORIAL: Site = Site {
    project: "tutorial",
    settings: "mysite/settings.py",
    apps: "",
    user: "user = User.objects.create_user('ada', 'ada@example.com', 'an-old-passphrase', is_staff=True)",
    username: ("username", "ada"),
    log_in: "/api/token/",
    refresh: "/api/token/refresh/",
    log_out: Some("/api/logout/"),
    guarded: "/api/me/",
    header: "Bearer",
    checks_password: false,
};

/// `manage.py runserver`, killed when a test forgets it.
struct Django {
    child: Child,
    address: String,
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn manage(folder: &Folder, python: &str) -> Command {
    let mut command = Command::new(python);
    command
        .arg("manage.py")
        .current_dir(folder.path("."))
        .envs(folder.variables.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn shell(folder: &Folder, python: &str, code: &str) {
    let code =
        format!("from django.contrib.auth import get_user_model\nUser = get_user_model()\n{code}");
    let output = manage(folder, python)
        .args(["shell", "-c", &code])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
}

fn run_django(folder: &Folder, python: &str) -> Django {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let mut command = manage(folder, python);
    command.args(["runserver", "--noreload", "--skip-checks", &address]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let django = Django { child, address };
    wait_until(|| TcpStream::connect(&django.address).is_ok());
    django
}

/// Does what the report says comes next: sets the variables that it names, from those that Django has.
fn import(mut folder: Folder, site: &Site) -> Folder {
    let line = format!("import-django {} --output out.toml --json", site.settings);
    let told = folder.run(&line);
    assert_eq!(told.status, Some(0), "{}", told.err);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    for reference in report["environment"].as_array().unwrap() {
        let mut value = reference["value"].as_str().unwrap().to_owned();
        for (name, text) in &folder.variables {
            value = value.replace(&format!("${name}"), text);
        }
        let name = reference["variable"].as_str().unwrap().to_owned();
        folder.variables.push((name, value));
    }
    folder
}

impl Site {
    /// What Django's own view answers to this token.
    fn visit(&self, django: &Django, access: &Value) -> u16 {
        let (path, header) = (self.guarded, self.header);
        let access = access.as_str().unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nAuthorization: {header} {access}\r\n");
        send(&django.address, &head, "").status
    }
}

/// One side or the other.
#[derive(Clone, Copy)]
enum Side<'a> {
    Django(&'a Django),
    Tokenpair(&'a Server),
}

impl Side<'_> {
    fn post(self, path: &str, body: &Value) -> (u16, Value) {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n");
        let body = body.to_string();
        // A busy machine may be asked to come again while it hashes.
        let mut answer = (503, Value::Null);
        wait_until(|| {
            let given = match self {
                Side::Django(django) => send(&django.address, &head, &body),
                Side::Tokenpair(server) => server.send(&head, &body),
            };
            answer = (given.status, given.body);
            answer.0 != 503
        });
        answer
    }
}

/// The claims that are not the token's own.
fn claims(token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let mut claims: Value = serde_json::from_slice(&decoded(payload)).unwrap();
    for name in ["exp", "iat", "jti"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    claims
}

fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = text
        .bytes()
        .map(|c| DIGITS.iter().position(|digit| *digit == c).unwrap());
    let digits: Vec<usize> = digits.collect();
    let groups = digits.chunks(4).flat_map(|group| {
        let bits = group.iter().enumerate();
        let bits = bits.fold(0, |bits, (index, digit)| bits | digit << (18 - 6 * index));
        let bytes = [16, 8, 0].map(|shift| u8::try_from(bits >> shift & 0xff).unwrap());
        bytes.into_iter().take(group.len() - 1)
    });
    groups.collect()
}

fn names(answer: &Value) -> BTreeSet<&String> {
    answer.as_object().unwrap().keys().collect()
}

/// Its clients log in at either, refresh at the other, are let in by Django, and are out where they log out.
fn walk(site: &Site, python: &str, variables: &[(&str, &str)]) {
    let mut folder = project(site.project);
    folder.variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let apps: Vec<String> = site
        .apps
        .split_whitespace()
        .map(|app| format!("'{app}'"))
        .collect();
    let make = if apps.is_empty() {
        String::new()
    } else {
        format!(
            "call_command('makemigrations', {}, verbosity=0)\n",
            apps.join(", ")
        )
    };
    let tables = format!(
        "from django.core.management import call_command\n{make}call_command('migrate', verbosity=0)\n{}",
        site.user
    );
    shell(&folder, python, &tables);
    let django = run_django(&folder, python);
    let mut folder = import(folder, site);
    for line in [
        format!("import-django --manage-py manage.py --python {python} --output live.toml"),
        "check --config live.toml".to_owned(),
        "check --config out.toml".to_owned(),
    ] {
        let told = folder.run(&line);
        assert_eq!(told.status, Some(0), "{line}: {}{}", told.out, told.err);
    }
    let server = folder.serve("serve --config out.toml");
    let (name, value) = site.username;
    let login = |password: &str| json!({name: value, "password": password});
    let sides = [Side::Django(&django), Side::Tokenpair(&server)];
    let pairs = sides.map(|side| {
        let (status, pair) = side.post(site.log_in, &login(OLD));
        assert_eq!(status, 200, "{pair}");
        pair
    });
    assert_eq!(names(&pairs[0]), names(&pairs[1]));
    for token in ["access", "refresh"] {
        assert_eq!(claims(&pairs[0][token]), claims(&pairs[1][token]));
    }
    let mut kept = Vec::new();
    for (pair, [here, there]) in pairs.iter().zip([sides, [sides[1], sides[0]]]) {
        let (status, fresh) = there.post(site.refresh, &json!({"refresh": pair["refresh"]}));
        assert_eq!(status, 200, "{fresh}");
        assert_eq!(site.visit(&django, &fresh["access"]), 200);
        kept.push(fresh["access"].clone());
        let last = fresh.get("refresh").unwrap_or(&pair["refresh"]);
        if let Some(log_out) = site.log_out {
            assert_eq!(there.post(log_out, &json!({"refresh": last})).0, 200);
            assert_eq!(here.post(site.refresh, &json!({"refresh": last})).0, 401);
        }
    }
    let change = format!("user = User.objects.get()\nuser.set_password('{NEW}')\nuser.save()");
    folder
        .variables
        .retain(|(name, _)| !name.starts_with("TOKENPAIR_"));
    shell(&folder, python, &change);
    for side in sides {
        assert_eq!(side.post(site.log_in, &login(OLD)).0, 401);
        assert_eq!(side.post(site.log_in, &login(NEW)).0, 200);
    }
    let after = if site.checks_password { 401 } else { 200 };
    for access in kept {
        assert_eq!(site.visit(&django, &access), after);
    }
}

#[test]
fn a_project_of_cookiecutter_django_runs_beside_on_sqlite() {
    let Some(python) = super::django::python() else {
        return;
    };
    let key = "an-environment-s-key-0123456789-0123456789-0123456789";
    walk(&COOKIECUTTER, &python, &[("DJANGO_SECRET_KEY", key)]);
}

#[test]
fn a_project_with_decouple_runs_beside_on_postgres() {
    let (Some(python), Some(url)) = (super::django::python(), new_database()) else {
        return;
    };
    walk(&DECOUPLE, &python, &[("DATABASE_URL", &url)]);
}

#[test]
fn the_tutorials_project_runs_beside_on_postgres() {
    let (Some(python), Some(url)) = (super::django::python(), new_database()) else {
        return;
    };
    // postgres://USER:PASSWORD@HOST:PORT/NAME
    let (_, rest) = url.split_once("://").unwrap();
    let (user, rest) = rest.split_once(':').unwrap();
    let (password, rest) = rest.split_once('@').unwrap();
    let (place, name) = rest.split_once('/').unwrap();
    let (host, port) = place.split_once(':').unwrap();
    let variables = [
        ("DB_ENGINE", "django.db.backends.postgresql"),
        ("DB_NAME", name),
        ("DB_USER", user),
        ("DB_PASSWORD", password),
        ("DB_HOST", host),
        ("DB_PORT", port),
    ];
    walk(&TUTORIAL, &python, &variables);
}
