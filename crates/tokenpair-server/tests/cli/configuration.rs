//! init, check, config show, and a reload while the server runs.

use crate::failures::refusal;
use crate::support::{Folder, is_private, wait_until};
use serde_json::{Value, json};
use std::fs;

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn init_writes_a_file_that_changes_nothing_and_is_never_overwritten() {
    let folder = Folder::new();
    let shown = |folder: &Folder| {
        let mut shown = lines(&folder.run("config show --json").out);
        for setting in &mut shown {
            setting.as_object_mut().unwrap().remove("source");
        }
        shown
    };
    let before = shown(&folder);
    let told = folder.run("init");
    assert_eq!((told.status, told.err.as_str()), (Some(0), ""));
    assert!(
        told.out.starts_with("Wrote tokenpair.toml."),
        "{}",
        told.out
    );
    assert!(is_private(&folder.path("tokenpair.toml")));
    assert_eq!(before, shown(&folder));

    let again = folder.run("init --hardened");
    assert_eq!(again.status, Some(1));
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert_eq!(before, shown(&folder));
    assert_eq!(folder.names(), ["tokenpair.toml"]);
}

#[test]
fn init_answers_in_json_where_json_was_asked_for() {
    let folder = Folder::new();
    let text = folder.run("init --hardened --output -").out;
    let told = folder.run("init --hardened --output - --json");
    assert_eq!(lines(&told.out), [json!({ "content": text })]);
    let told = folder.run("init --hardened --json");
    assert_eq!(lines(&told.out), [json!({"written": "tokenpair.toml"})]);
    assert_eq!(
        fs::read_to_string(folder.path("tokenpair.toml")).unwrap(),
        text
    );
}

#[test]
fn the_template_shows_the_defaults() {
    let folder = Folder::new();
    let template = folder.run("init --output -").out;
    let defaults = lines(&folder.run("config show --json").out);
    let uncommented = template.lines().map(|line| {
        let setting = line.strip_prefix("# ");
        setting.filter(|line| line.contains(" = ")).unwrap_or(line)
    });
    let uncommented = uncommented.collect::<Vec<_>>().join("\n");
    let folder = Folder::new().with_file("tokenpair.toml", uncommented);
    let examples = [
        "SIGNING_KEY",
        "site_url",
        "site_name",
        "password_reset_link",
        "email_verification_link",
        "email",
        "groups",
        "tenant",
    ];
    let hardened = [
        "ROTATE_REFRESH_TOKENS",
        "BLACKLIST_AFTER_ROTATION",
        "ROTATION_GRACE_PERIOD",
        "REUSE_DETECTION",
        "SESSIONS",
    ];
    let told = folder.run("config show --json");
    assert_eq!(told.status, Some(0), "{}", told.err);
    for setting in lines(&told.out) {
        let name = setting["name"].as_str().unwrap();
        // While nothing is said about CORS or mail, they have no defaults to compare with.
        let is_silent = setting["section"] == "cors" || setting["section"] == "email";
        if is_silent || examples.contains(&name) || hardened.contains(&name) {
            continue;
        }
        let default = defaults
            .iter()
            .find(|default| default["section"] == setting["section"] && default["name"] == name);
        assert_eq!(default.unwrap()["value"], setting["value"], "{name}");
    }
}

#[test]
fn the_hardened_file_passes_the_check() {
    let folder = Folder::new();
    assert_eq!(folder.run("init --hardened").status, Some(0));
    let told = folder.run("check --fail-level warning");
    assert_eq!(
        (told.status, told.out.as_str(), told.err.as_str()),
        (Some(0), "System check identified no issues.\n", "")
    );
    assert_eq!(folder.names(), ["tokenpair.toml"]);
}

#[test]
fn the_check_finds_what_is_unsafe() {
    let folder = Folder::new().with_file(
        "tokenpair.toml",
        "[server]\nlisten = \"0.0.0.0:8000\"\nflush_interval = 0\n[simple_jwt]\nSIGNING_KEY = \"django-insecure-0123456789abcdef\"\n\
         ACCESS_TOKEN_LIFETIME = \"2h\"\nREFRESH_TOKEN_LIFETIME = \"365 days\"\nCHECK_USER_IS_ACTIVE = false\n\
         STORE_FULL_TOKENS = true\nPASSWORD_HASHERS = [\"django.contrib.auth.hashers.MD5PasswordHasher\"]\nLEEWAY = \"3h\"\n",
    );
    let told = folder.run("check --json");
    assert_eq!(told.status, Some(0), "{}", told.err);
    let ids: Vec<String> = lines(&told.out)
        .iter()
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect();
    for id in [
        "W002", "W005", "W006", "W007", "W008", "W009", "W010", "W011", "W012", "W013", "W015",
    ] {
        assert!(ids.contains(&format!("tokenpair.{id}")), "{id} of {ids:?}");
    }
    assert_eq!(folder.run("check --fail-level warning").status, Some(1));
    assert!(folder.run("check").out.contains("HINT: "));
}

#[test]
fn the_check_tells_when_every_origin_is_allowed() {
    for (cors, found) in [
        ("CORS_ALLOW_ALL_ORIGINS = true", true),
        ("CORS_ALLOWED_ORIGIN_REGEXES = [\"https://\"]", true),
        ("CORS_ALLOWED_ORIGIN_REGEXES = \"\"", false),
        ("CORS_ALLOWED_ORIGINS = [\"https://a.example\"]", false),
        (
            "CORS_ALLOWED_ORIGIN_REGEXES = [\"^https://a.example$\"]",
            false,
        ),
    ] {
        let folder = Folder::new().with_file("tokenpair.toml", format!("[cors]\n{cors}\n"));
        assert_eq!(
            folder.run("check").out.contains("tokenpair.W020"),
            found,
            "{cors}"
        );
    }
}

#[test]
fn the_check_looks_at_the_tables() {
    let folder = Folder::new();
    assert_eq!(folder.run("migrate").status, Some(0));
    let found = |content: &str| {
        fs::write(folder.path("tokenpair.toml"), content).unwrap();
        let told = folder.run("check --json");
        let findings = lines(&told.out).into_iter();
        let ids = findings.map(|finding| finding["id"].as_str().unwrap().to_owned());
        (told.status, ids.collect::<Vec<_>>())
    };
    let has = |ids: &[String], id: &str| ids.iter().any(|one| one == &format!("tokenpair.{id}"));

    let (status, ids) = found("[user_model]\nusername = \"email\"\n");
    assert!(status == Some(0) && has(&ids, "W018"), "{ids:?}");
    let (status, ids) = found("[claims]\nmail = \"user.emial\"\n");
    assert!(status == Some(1) && has(&ids, "E003"), "{ids:?}");
    let (status, ids) = found("");
    assert!(
        status == Some(0) && !has(&ids, "W018") && !has(&ids, "E003"),
        "{ids:?}"
    );
}

#[test]
fn the_check_fails_where_the_server_would_not_start() {
    for (name, content) in [
        (
            "tokenpair.toml",
            "[simple_jwt]\nALGORITHM = \"RS256\"\nSIGNING_KEY = \"no key\"\n",
        ),
        ("tokenpair.toml", "[simple_jwt]\nLEEWAY = \"x\"\n"),
        (
            "tokenpair.sqlite3",
            "not a database, not a database, not a database, not a database",
        ),
        ("tokenpair.key", ""),
        ("tokenpair.toml", "[database]\nurl = \"sqlite:no/dir/db\"\n"),
        (
            "tokenpair.toml",
            "[server]\nsigning_key_file = \"no/dir/key\"\n",
        ),
        ("tokenpair.toml", "[user_model]\ntable = \"customers\"\n"),
        ("tokenpair.toml", "[user_model]\nusername = \"nick\"\n"),
        ("tokenpair.toml", "[simple_jwt]\nUSER_ID_FIELD = \"nope\"\n"),
        ("tokenpair.toml", "[claims]\nx = \"user.nope\"\n"),
    ] {
        let folder = Folder::new().with_file(name, content);
        let told = folder.run("check");
        assert_eq!(told.status, Some(1), "{content}: {}", told.out);
    }
}

#[test]
fn a_key_file_that_is_missing_is_made_for_hmac_only() {
    let folder = Folder::new().with_file(
        "tokenpair.toml",
        "[server]\nsigning_key_file = \"some.pem\"\n[simple_jwt]\nALGORITHM = \"RS256\"\n",
    );
    let told = folder.run("check");
    assert_eq!(told.status, Some(1), "{}", told.out);
    let said =
        "(tokenpair.E001) The signing key cannot be read: some.pem: there is no such file.\n";
    assert!(told.out.contains(said), "{}", told.out);
    assert!(!told.out.contains("E002"), "{}", told.out);

    let folder = folder.with_variable("TOKENPAIR_ALGORITHM", "HS256");
    let told = folder.run("check --json");
    assert_eq!(told.status, Some(0), "{}", told.out);
    assert!(!told.out.contains("tokenpair.E"), "{}", told.out);
    assert_eq!(folder.names(), ["tokenpair.toml"]);
}

#[test]
fn the_effective_configuration_names_its_sources_and_redacts_secrets() {
    let folder = Folder::new()
        .with_file(
            "tokenpair.toml",
            "[simple_jwt]\nLEEWAY = 3\nSIGNING_KEY = \"a key that nobody must ever see here\"\nISSUER = \"file\"\n",
        )
        .with_variable("TOKENPAIR_ISSUER", "variable")
        .with_variable("TOKENPAIR_LISTEN", "127.0.0.1:1");
    let told = folder.run("config show --json --database sqlite:other.sqlite3");
    assert_eq!((told.status, told.err.as_str()), (Some(0), ""));
    assert!(!told.out.contains("nobody must"));
    let settings = lines(&told.out);
    let setting = |section: &str, name: &str| {
        let found = settings
            .iter()
            .find(|one| one["section"] == section && one["name"] == name);
        let found = found.unwrap();
        (found["value"].clone(), found["source"].clone())
    };
    assert_eq!(setting("simple_jwt", "LEEWAY").1, json!("tokenpair.toml:2"));
    assert_eq!(
        setting("simple_jwt", "SIGNING_KEY"),
        (json!("[redacted]"), json!("tokenpair.toml:3"))
    );
    let variable = json!("environment variable TOKENPAIR_ISSUER");
    assert_eq!(
        setting("simple_jwt", "ISSUER"),
        (json!("variable"), variable)
    );
    assert_eq!(
        setting("simple_jwt", "ALGORITHM"),
        (json!("HS256"), json!("default"))
    );
    assert_eq!(
        setting("database", "url"),
        (json!("sqlite:other.sqlite3"), json!("flag --database"))
    );
    assert_eq!(setting("server", "listen").0, json!("127.0.0.1:1"));
    assert_eq!(folder.names(), ["tokenpair.toml"], "nothing is made");
}

#[test]
fn what_is_shown_can_be_used_as_a_file() {
    let folder = Folder::new().with_file(
        "a.toml",
        "[simple_jwt]\nLEEWAY = \"1m\"\nAUDIENCE = [\"a\", \"b\"]\nINSECURE_ALLOW_SHORT_KEYS = true\n\
         [claims]\n\"http://x/y z\" = \"user.email\"\n[claims.\"a.b\"]\n\"c d\" = \"user.id\"\n\
         [cors]\nCORS_ALLOWED_ORIGINS = [\"https://a.example\"]\n",
    );
    let shown = folder.run("config show --config a.toml").out;
    fs::write(folder.path("b.toml"), shown).unwrap();
    let values = |file: &str| {
        let told = folder.run(&format!("config show --json --config {file}"));
        assert_eq!(told.status, Some(0), "{}", told.err);
        let settings = lines(&told.out).into_iter();
        settings
            .map(|one| (one["name"].clone(), one["value"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(values("a.toml"), values("b.toml"));
    let folder = Folder::new().with_file("c.toml", "[simple_jwt]\nSIGNING_KEY = \"[redacted]\"\n");
    assert!(
        folder
            .run("check --config c.toml")
            .err
            .contains("not a key")
    );
}

#[test]
fn the_demo_takes_settings_from_the_environment_but_no_file() {
    let folder = Folder::new()
        .with_file("tokenpair.toml", "nonsense")
        .with_variable("TOKENPAIR_ROTATE_REFRESH_TOKENS", "true");
    let server = folder.serve("serve --demo");
    for (path, user, password) in [
        ("/api/token/", "test", "test"),
        ("/gettoken/", "user1", "yourpassword"),
        ("/auth/token/", "your_username", "your_password"),
    ] {
        let (status, pair) = server.post(path, &json!({"username": user, "password": password}));
        assert_eq!(status, 200, "{path}: {pair}");
        let refresh = json!({"refresh": pair["refresh"]});
        for path in ["/refreshtoken/", "/auth/token/refresh/"] {
            assert!(server.post(path, &refresh).1["refresh"].is_string());
        }
        assert_eq!(
            server
                .post("/verifytoken/", &json!({"token": pair["access"]}))
                .0,
            200
        );
    }
}

#[test]
fn without_the_blacklist_its_tables_are_neither_made_nor_missed() {
    let folder = Folder::new()
        .with_file("tokenpair.toml", "[database]\ntoken_blacklist = false\n")
        .with_user("ada");
    let tables = "SELECT count(*) FROM sqlite_master WHERE name LIKE '%blacklist%' OR name LIKE 'tokenpair%'";
    let rows = "SELECT count(*) FROM django_migrations WHERE app = 'token_blacklist'";
    let count = |sql: &str| {
        folder
            .database()
            .query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    assert_eq!((count(tables).unwrap(), count(rows).unwrap()), (0, 0));
    let server = folder.serve("");
    assert_eq!(server.get("/readyz", "").0, 200);
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    let (status, pair) = server.post("/api/token/", &login);
    assert_eq!(status, 200, "{pair}");
    let refresh = json!({"refresh": pair["refresh"]});
    assert_eq!(server.post("/api/token/refresh/", &refresh).0, 200);

    assert_eq!(folder.run("migrate").out, "  No migrations to apply.\n");
    let found = folder.run("check --json").out;
    assert!(found.contains("W001") && !found.contains("W017"), "{found}");
    let told = folder.run("flushexpiredtokens");
    assert_eq!(
        refusal(&told),
        "token_blacklist is off in [database]: no tokens are on record"
    );

    // A reload makes no tables.
    fs::write(folder.path("tokenpair.toml"), "").unwrap();
    server.signal("HUP");
    wait_until(|| server.log().contains("`tokenpair migrate` makes them"));
    assert_eq!(folder.run("migrate").status, Some(0));
    server.signal("HUP");
    let recorded = "SELECT count(*) FROM token_blacklist_outstandingtoken";
    wait_until(|| {
        assert_eq!(server.post("/api/token/", &login).0, 200);
        count(recorded).is_ok_and(|count| count > 0)
    });
    assert_eq!(server.get("/readyz", "").0, 200);
}

/// A database as Django makes it: not in WAL mode.
fn django() -> Folder {
    let folder = Folder::new().with_user("ada").with_file(
        "tokenpair.key",
        "a secret of at least 32 bytes, kept out of the code",
    );
    let into = folder.path("copy.sqlite3");
    let sql = "VACUUM INTO ?1";
    folder
        .database()
        .execute(sql, [into.to_str().unwrap()])
        .unwrap();
    for name in folder.names() {
        if name.starts_with("tokenpair.sqlite3") {
            fs::remove_file(folder.path(&name)).unwrap();
        }
    }
    fs::rename(into, folder.path("tokenpair.sqlite3")).unwrap();
    folder
}

#[test]
fn commands_that_only_look_change_nothing_on_the_disk() {
    let folder = django();
    let access = folder.run("token mint --user ada --lifetime 1h").out;
    let folder = django();
    let seen = || {
        let files = folder.names().into_iter();
        files
            .map(|name| {
                let content = fs::read(folder.path(&name)).unwrap();
                (
                    name,
                    content.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
                    content.len(),
                )
            })
            .collect::<Vec<_>>()
    };
    let before = seen();
    for line in [
        "check",
        "config show",
        "users list",
        "flushexpiredtokens --dry-run",
        "token verify",
        "token inspect",
    ] {
        let told = folder.run_with_input(line, &access);
        assert_eq!((told.status, told.err.as_str()), (Some(0), ""), "{line}");
        assert_eq!(seen(), before, "{line}");
    }
}

#[test]
fn commands_that_only_look_see_what_a_server_just_did() {
    let folder = Folder::new();
    let server = folder.serve("--json");
    let login = json!({"username": "admin", "password": server.announced()["password"]});
    let pair = server.post("/api/token/", &login).1;
    let refresh = pair["refresh"].as_str().unwrap();
    let verified = || folder.run_with_input("token verify", refresh).status;
    assert_eq!(verified(), Some(0));
    assert_eq!(
        server
            .post("/api/token/blacklist/", &json!({"refresh": refresh}))
            .0,
        200
    );
    assert_eq!(verified(), Some(1));
    assert!(folder.run("users list").out.contains("admin"));
    assert_eq!(folder.run("check").status, Some(0));
    assert_eq!(server.post("/api/token/", &login).0, 200);
}

#[test]
fn the_check_says_that_a_database_has_no_folder() {
    let told = Folder::new().run("check --database sqlite:no/such/folder/db.sqlite3");
    assert_eq!(told.status, Some(1), "{}", told.out);
    let said = "(tokenpair.E002) The server would not start: no/such/folder cannot be written: No such file";
    assert!(told.out.contains(said), "{}", told.out);
}
