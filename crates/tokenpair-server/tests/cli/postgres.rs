//! The server and its commands on PostgreSQL, one node and three.

use crate::support::{Folder, Server, wait_until};
use crate::terminal::Terminal;
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{fs, thread};
use tokio_postgres::NoTls;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// What the environment says; `None` where tests may be left out.
fn server(variable: &str) -> Option<String> {
    let address = std::env::var(variable).ok();
    if address.is_none() {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        assert!(!is_ci, "{variable} is not set, and CI must not skip");
        let skipped = format!("SKIPPED: {variable} is not set; `cargo xtask check` sets it\n");
        // Not `eprintln!`, which is shown for failed tests only.
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    address
}

/// The address of a new, empty database.
pub(crate) fn new_database() -> Option<String> {
    let server = server("TEST_POSTGRES")?;
    let number = COUNT.fetch_add(1, Relaxed);
    let name = format!("tokenpair_cli_{}_{number}", std::process::id());
    run(
        &server,
        &format!("CREATE DATABASE {name} TEMPLATE template0"),
    );
    let (place, _) = server.rsplit_once('/').unwrap();
    Some(format!("{place}/{name}"))
}

pub(crate) fn run(url: &str, sql: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}

/// The copies that `shadow` made of a database.
pub(crate) fn copies(url: &str) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let query = "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1";
        let (_, name) = url.rsplit_once('/').unwrap();
        let pattern = format!("tokenpair_shadow_{name}_%");
        let rows = client.query(query, &[&pattern]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    })
}

fn folder(url: &str) -> Folder {
    Folder::new().with_variable("TOKENPAIR_DATABASE", url)
}

/// What the shown address may not contain.
fn password(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    let (credentials, _) = rest.split_once('@').unwrap();
    credentials.split_once(':').unwrap().1
}

fn log_in(server: &Server, username: &str, password: &Value) -> (u16, Value) {
    let login = json!({"username": username, "password": password});
    server.post("/api/token/", &login)
}

#[test]
fn a_first_start_makes_tables_and_a_superuser_and_a_second_is_quiet() {
    let Some(url) = new_database() else { return };
    let folder = folder(&url);
    let first = folder.serve("serve --json");
    let announced = first.announced();
    let (status, pair) = log_in(&first, "admin", &announced["password"]);
    assert_eq!(status, 200, "{pair}");
    let me = first.get("/api/me/", pair["access"].as_str().unwrap());
    let profile =
        json!({"id": 1, "username": "admin", "email": "", "first_name": "", "last_name": ""});
    assert_eq!(me, (200, profile));
    let refresh = json!({"refresh": pair["refresh"]});
    assert_eq!(first.post("/api/token/refresh/", &refresh).0, 200);
    assert_eq!(first.get("/readyz", "").0, 200);
    let stopped = first.stop();
    assert_eq!(stopped.status, Some(0));
    assert!(!stopped.err.contains(password(&url)), "{}", stopped.err);

    let second = folder.serve("serve --json");
    assert!(second.announced().get("password").is_none());
    assert_eq!(second.post("/api/token/blacklist/", &refresh).0, 200);
    assert_eq!(second.post("/api/token/refresh/", &refresh).0, 401);
    assert_eq!(folder.names(), ["tokenpair.key"], "there is no other file");
}

/// The same database behind a PgBouncer with `pool_mode = transaction`.
fn pooled(url: &str) -> Option<String> {
    let pooler = server("TEST_PGBOUNCER")?;
    let (place, _) = pooler.rsplit_once('/').unwrap();
    let (_, name) = url.rsplit_once('/').unwrap();
    Some(format!("{place}/{name}"))
}

#[test]
fn every_command_works() {
    let Some(url) = new_database() else { return };
    every_command_works_in(folder(&url), &url);
}

#[test]
fn every_command_works_where_a_primary_is_asked_for() {
    let Some(url) = new_database() else { return };
    let asking = format!("{url}?target_session_attrs=read-write");
    every_command_works_in(folder(&asking), &url);
}

#[test]
fn every_command_works_behind_a_pooler() {
    let Some(url) = new_database() else { return };
    let Some(pooled) = pooled(&url) else { return };
    let folder = folder(&pooled);
    let told = folder.run("migrate");
    assert_eq!(told.status, Some(1), "{}", told.out);
    let hint = "switch prepared statements off";
    assert!(told.err.contains(hint), "{}", told.err);
    let folder = folder.with_variable("TOKENPAIR_DATABASE_PREPARED_STATEMENTS", "false");
    every_command_works_in(folder, &url);
}

fn every_command_works_in(folder: Folder, url: &str) {
    let told = folder.run("users list");
    assert_eq!(told.status, Some(1));
    assert!(told.err.contains("`tokenpair migrate`"), "{}", told.err);
    let told = folder.run("check");
    assert!(told.out.contains("tokenpair.W017"), "{}", told.out);

    assert_eq!(folder.run("migrate").status, Some(0));
    assert_eq!(folder.run("migrate").out, "  No migrations to apply.\n");
    let folder = folder.with_user("ada");
    let make = "createsuperuser --username bob --email bob@example.com --password-stdin";
    assert_eq!(
        folder.run_with_input(make, "s3cret-enough\n").status,
        Some(0)
    );
    let told = folder.run_with_input("createuser --username ada --password-stdin", "x\n");
    assert_eq!(
        (told.status, told.err.as_str()),
        (Some(1), "tokenpair: the user name \"ada\" is taken\n")
    );
    let change = "changepassword ada --password-stdin";
    let changed = folder.run_with_input(change, "an0ther-Secret\n");
    assert_eq!(changed.status, Some(0), "{}", changed.err);
    let told = folder.run("users deactivate ada");
    assert_eq!(told.out, "User 'ada' is now inactive.\n");
    let users = folder.run("users list --json");
    assert_eq!(users.out.lines().count(), 2, "{}", users.out);

    let refresh = folder.run("token mint --user bob --type refresh");
    assert_eq!(refresh.status, Some(1), "there is no key: {}", refresh.out);
    let server = folder.serve("serve");
    assert_eq!(log_in(&server, "ada", &json!("an0ther-Secret")).0, 401);
    assert_eq!(log_in(&server, "bob", &json!("s3cret-enough")).0, 200);
    let refresh = folder.run("token mint --user bob --type refresh").out;
    let verified = folder.run_with_input("token verify", &refresh);
    assert_eq!(verified.status, Some(0), "{}", verified.err);
    let body = json!({"refresh": refresh.trim()});
    assert_eq!(server.post("/api/token/blacklist/", &body).0, 200);
    let refused = folder.run_with_input("token verify", &refresh);
    assert_eq!(refused.status, Some(1), "{}", refused.out);

    let expired = "UPDATE token_blacklist_outstandingtoken SET expires_at = '2020-01-01'";
    run(url, expired);
    let told = folder.run("flushexpiredtokens --dry-run");
    assert_eq!(told.out, "2 expired tokens would be deleted.\n");
    let told = folder.run("flushexpiredtokens");
    assert_eq!(told.out, "Deleted 2 expired tokens.\n", "{}", told.err);
}

#[test]
fn no_command_shows_the_databases_password() {
    let Some(url) = new_database() else { return };
    let secret = password(&url);
    let missing = format!("{url}_missing");
    for (url, line) in [
        (&url, "config show"),
        (&url, "config show --json"),
        (&url, "check"),
        (&url, "users list"),
        (&url, "migrate"),
        (&missing, "migrate"),
        (&missing, "serve"),
        (&missing, "check --json"),
    ] {
        let told = folder(url).run(line);
        let text = format!("{}{}", told.out, told.err);
        assert!(!text.is_empty() && !text.contains(secret), "{line}: {text}");
    }
    let told = folder(&missing).run("serve");
    assert_eq!(told.status, Some(1));
    assert!(told.err.contains("does not exist"), "{}", told.err);
    assert_eq!(told.err.lines().count(), 1, "{}", told.err);
}

#[test]
fn three_servers_that_start_at_once_make_one_database_with_one_superuser() {
    let Some(url) = new_database() else { return };
    let folder = folder(&url);
    let servers: Vec<Server> = thread::scope(|scope| {
        let starts: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| folder.serve("serve --json")))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let announced: Vec<Value> = servers.iter().map(Server::announced).collect();
    let passwords: Vec<&Value> = announced
        .iter()
        .filter_map(|announced| announced.get("password"))
        .collect();
    let [password] = passwords[..] else {
        panic!("{} servers made a superuser", passwords.len());
    };
    let (status, pair) = log_in(&servers[0], "admin", password);
    assert_eq!(status, 200, "{pair}");
    let refresh = json!({"refresh": pair["refresh"]});
    assert_eq!(servers[1].post("/api/token/refresh/", &refresh).0, 200);
    assert_eq!(servers[2].post("/api/token/blacklist/", &refresh).0, 200);
    for server in &servers {
        assert_eq!(server.post("/api/token/refresh/", &refresh).0, 401);
    }
}

#[test]
fn a_hangup_moves_a_server_to_another_database() {
    let (Some(one), Some(other)) = (new_database(), new_database()) else {
        return;
    };
    let file = |url: &str| format!("[database]\nurl = \"{url}\"\nmax_connections = 3\n");
    let folder = Folder::new()
        .with_file("tokenpair.toml", file(&other))
        .with_user("bob");
    fs::write(folder.path("tokenpair.toml"), file(&one)).unwrap();
    let folder = folder.with_user("ada");
    let server = folder.serve("serve");
    let secret = json!("s3cret-enough");
    assert_eq!(log_in(&server, "ada", &secret).0, 200);
    assert_eq!(log_in(&server, "bob", &secret).0, 401);
    fs::write(folder.path("tokenpair.toml"), file(&other)).unwrap();
    server.signal("HUP");
    wait_until(|| server.log().contains("the configuration was loaded again"));
    assert_eq!(log_in(&server, "bob", &secret).0, 200);
    assert_eq!(log_in(&server, "ada", &secret).0, 401);
}

#[test]
fn a_server_is_ready_when_its_tables_are_there() {
    let Some(url) = new_database() else { return };
    let folder = folder(&url);
    let server = folder.serve("serve");
    run(&url, "ALTER TABLE tokenpair_rotation RENAME TO away");
    let (status, body) = server.get("/readyz", "");
    assert_eq!(
        (status, &body["status"]),
        (503, &json!("schema not migrated"))
    );
    run(&url, "ALTER TABLE away RENAME TO tokenpair_rotation");
    assert_eq!(server.get("/readyz", "").0, 200);
}

#[test]
fn the_check_knows_what_a_shared_database_needs() {
    for (variables, found) in [
        (&[][..], &["W026", "W027"][..]),
        (
            &[("SIGNING_KEY", "0123456789abcdef0123456789abcdef")],
            &["W026"],
        ),
        (&[("SIGNING_KEY_FILE", "shared.key")], &["W026"]),
        (
            &[
                ("SIGNING_KEY_FILE", "shared.key"),
                ("TRUSTED_PROXIES", "10.0.0.1"),
            ],
            &["W026", "W028"],
        ),
        (
            &[
                ("SIGNING_KEY_FILE", "shared.key"),
                ("TRUSTED_PROXIES", "10.0.0.1"),
                ("DRAIN_DELAY", "5s"),
            ],
            &["W026"],
        ),
    ] {
        let mut folder = folder("postgres://ada@db.invalid/site");
        for (name, value) in variables {
            folder = folder.with_variable(&format!("TOKENPAIR_{name}"), value);
        }
        let told = folder.run("check");
        let hints = ["W026", "W027", "W028"]
            .into_iter()
            .filter(|id| told.out.contains(&format!("tokenpair.{id}")));
        assert_eq!(hints.collect::<Vec<_>>(), found, "{}", told.out);
    }
    let told = folder("postgres://ada@localhost:1/site").run("check");
    assert!(!told.out.contains("W026"), "{}", told.out);
    assert!(told.out.contains("tokenpair.E002"), "{}", told.out);
}

/// A connection that holds a lock until this is dropped.
struct Holder {
    client: tokio_postgres::Client,
    runtime: tokio::runtime::Runtime,
}

impl Holder {
    fn new(url: &str, lock: i64) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let sql = format!("SELECT pg_advisory_lock({lock})");
            client.batch_execute(&sql).await.unwrap();
            client
        });
        Self { client, runtime }
    }

    fn wait_for_another(&self) {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until(|| {
            let rows = self.runtime.block_on(self.client.query(sql, &[]));
            !rows.unwrap().is_empty()
        });
    }
}

#[test]
fn a_migration_that_waits_for_another_one_says_so() {
    const MIGRATION_LOCK: i64 = 7_281_646_937_120_590;
    for (arguments, said) in [
        (
            "migrate",
            "waiting for another process that migrates this database\n",
        ),
        (
            "migrate --json",
            "{\"progress\":\"waiting for another process that migrates this database\"}\n",
        ),
    ] {
        let Some(url) = new_database() else { return };
        let other = Holder::new(&url, MIGRATION_LOCK);
        let migration = thread::spawn(move || folder(&url).run(arguments));
        other.wait_for_another();
        drop(other);
        let told = migration.join().unwrap();
        assert_eq!((told.status, told.err.as_str()), (Some(0), said));
        assert_eq!(told.out.lines().count(), 5, "{}", told.out);
    }
}

#[test]
fn a_flush_while_another_process_deletes_is_not_told_as_done() {
    const FLUSH_LOCK: i64 = 7_281_646_937_120_591;
    let Some(url) = new_database() else { return };
    assert_eq!(folder(&url).run("migrate").status, Some(0));
    run(
        &url,
        "INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
         SELECT 'x', '2020-01-01', '2020-01-01', NULL, i::text FROM generate_series(1, 300) i",
    );
    let other = Holder::new(&url, FLUSH_LOCK);
    let mut terminal = Terminal::run(&folder(&url), "flushexpiredtokens");
    terminal.expect("0 deleted, waiting for another process");
    drop(other);
    let (status, shown) = terminal.end();
    assert_eq!(status, Some(0), "{shown}");
    assert!(
        shown.ends_with("Deleted 300 expired tokens.\n"),
        "{shown:?}"
    );
}

#[test]
fn names_without_case_want_an_index_and_the_check_says_how_to_make_it() {
    let Some(url) = new_database() else { return };
    let folder = folder(&url).with_file(
        "tokenpair.toml",
        "[user_model]\nusername_lookup = \"iexact\"\n[claims]\ngroups = \"user.groups\"\n",
    );
    let created = folder.run_with_input(
        "createuser --password-stdin --username Ada",
        "s3cret-enough\n",
    );
    assert_eq!(created.status, Some(0), "{}", created.err);
    let taken = folder.run_with_input("createuser --password-stdin --username ADA", "x\n");
    assert_eq!(taken.status, Some(1), "{}", taken.out);

    let check = folder.run("check").out;
    let statement = r#"CREATE INDEX CONCURRENTLY ON "auth_user" (UPPER("username"::text))"#;
    assert!(
        check.contains("W029") && check.contains(statement),
        "{check}"
    );
    run(&url, statement);
    assert!(!folder.run("check").out.contains("W029"));

    let server = folder.serve("serve");
    assert_eq!(log_in(&server, "ADA", &json!("s3cret-enough")).0, 200);
    assert_eq!(log_in(&server, "ADA", &json!("wrong")).0, 401);
}
