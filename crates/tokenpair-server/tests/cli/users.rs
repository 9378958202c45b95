//! `createuser` and `users`.

use crate::failures::refusal;
use crate::support::Folder;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn users_are_listed_as_a_table_or_as_json() {
    let folder = Folder::new().with_user("ada");
    let line = "createuser --password-stdin --username 李明 --email ming@EXAMPLE.com --staff";
    assert_eq!(folder.run_with_input(line, "x\n").status, Some(0));
    let row = "UPDATE auth_user SET last_login = '2026-07-01 10:11:12.5' WHERE username = 'ada'";
    folder.database().execute(row, []).unwrap();

    assert_eq!(
        folder.run("users list").out,
        "ID  USERNAME  EMAIL             ACTIVE  STAFF  SUPERUSER  LAST LOGIN (UTC)\n\
         1   ada                         yes     no     no         2026-07-01 10:11:12\n\
         2   李明      ming@example.com  yes     yes    no\n"
    );
    let lines = folder.run("users list --json").out;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        json!({"id": 1, "username": "ada", "email": "", "is_active": true, "is_staff": false, "is_superuser": false,
               "last_login": "2026-07-01T10:11:12.5Z"})
    );
    assert_eq!((lines.len(), &lines[1]["last_login"]), (2, &Value::Null));

    assert_eq!(folder.run("users list --limit 1").out.lines().count(), 2);
    assert!(
        folder
            .run("users list --search EXAMPLE.com")
            .out
            .contains("李明")
    );
    assert_eq!(folder.run("users list --search nobody").out, "No users.\n");
    assert_eq!(folder.run("users list --search nobody --json").out, "");
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let folder = Folder::new().with_user("ada");
    let evil = "x\u{1b}]0;owned\u{7}\u{202e}";
    let sql = "UPDATE auth_user SET username = ?1";
    folder.database().execute(sql, [evil]).unwrap();
    for told in [
        folder.run("users list"),
        folder.run_arguments(&["users", "deactivate", evil]),
        folder.run_arguments(&["users", "activate", "\u{1b}[2J"]),
    ] {
        let shown = told.out + &told.err;
        assert!(shown.contains(r"\u001b"), "{shown:?}");
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{shown:?}"
        );
    }
}

#[test]
fn long_lists_are_read_page_by_page_and_nobody_has_to_read_them_all() {
    let folder = Folder::new().with_user("ada");
    let sql = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO auth_user SELECT i, '', NULL, 0, 'user' || i, '', '', 0, 1, '2026-01-01', '' FROM n";
    folder.database().execute(sql, []).unwrap();
    let all = folder.run("users list --json").out;
    assert_eq!(all.lines().count(), 5000);
    assert!(all.lines().last().unwrap().contains("user5000"));
    assert_eq!(
        folder.run("users list --limit 501").out.lines().count(),
        502
    );

    let mut child = Command::new(env!("CARGO_BIN_EXE_tokenpair"))
        .args(["users", "list"])
        .current_dir(folder.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    let told = child.wait_with_output().unwrap();
    assert!(first.starts_with("ID"), "{first}");
    assert_eq!(
        (
            told.status.code(),
            String::from_utf8(told.stderr).unwrap().as_str()
        ),
        (Some(0), "")
    );
}

#[test]
fn users_are_barred_and_let_in_again() {
    let folder = Folder::new().with_user("ada");
    let logs_in = || {
        let login = json!({"username": "ada", "password": "s3cret-enough"});
        folder.serve("--json").post("/api/token/", &login).0
    };
    for (line, said) in [
        ("users deactivate ada", "User 'ada' is now inactive.\n"),
        ("users deactivate ada", "User 'ada' was inactive already.\n"),
        (
            "users deactivate ada --json",
            "{\"username\":\"ada\",\"is_active\":false,\"changed\":false}\n",
        ),
    ] {
        let told = folder.run(line);
        assert_eq!((told.status, told.out.as_str()), (Some(0), said));
    }
    assert_eq!(logs_in(), 401);
    assert_eq!(
        folder.run("users activate ada").out,
        "User 'ada' is now active.\n"
    );
    assert_eq!(logs_in(), 200);
    assert_eq!(
        refusal(&folder.run("users activate eve")),
        "user 'eve' does not exist"
    );
}

#[test]
fn commands_about_users_make_no_database() {
    for line in [
        "users list",
        "users activate ada",
        "token mint --user ada",
        "flushexpiredtokens",
    ] {
        let folder = Folder::new();
        let told = folder.run(line);
        assert_eq!(
            refusal(&told),
            "there is no database tokenpair.sqlite3: `tokenpair migrate` makes it"
        );
        assert!(folder.names().is_empty(), "{line}: {:?}", folder.names());
    }
    let folder = Folder::new().with_file("tokenpair.sqlite3", "");
    assert_eq!(
        refusal(&folder.run("users list")),
        "tokenpair.sqlite3 lacks the tables of auth (users, groups, permissions): `tokenpair migrate` makes them"
    );
}

#[test]
fn a_mapped_model_is_listed_and_what_it_lacks_is_said() {
    let file = "[user_model]\ntable = \"customer\"\nid = \"key\"\nid_kind = \"text\"\nusername = \"login\"\n\
                is_active = \"\"\nis_staff = \"\"\nis_superuser = \"\"\nlast_login = \"\"\n\
                [simple_jwt]\nUSER_ID_FIELD = \"key\"\n";
    let folder = Folder::new().with_file("tokenpair.toml", file);
    assert_eq!(
        refusal(&folder.run("createuser --username x")),
        "users of customer that log in by login are created by their own application"
    );
    folder
        .database()
        .execute_batch("CREATE TABLE customer (key text PRIMARY KEY, login text, password text); INSERT INTO customer VALUES ('k', 'ada', '')")
        .unwrap();
    assert_eq!(
        folder.run("users list").out,
        "ID  LOGIN  EMAIL  ACTIVE  STAFF  SUPERUSER  LAST LOGIN (UTC)\nk   ada           yes     no     no\n"
    );
    assert_eq!(
        refusal(&folder.run("users deactivate ada")),
        "users of customer are always active: the user model has no column is_active"
    );
}

#[test]
fn where_users_log_in_by_e_mail_the_address_is_the_name() {
    let file = "[user_model]\nusername = \"email\"\n";
    let folder = Folder::new().with_file("tokenpair.toml", file);
    let create = |line: &str| {
        folder.run_with_input(
            &format!("createuser --password-stdin {line}"),
            "s3cret-enough\n",
        )
    };
    assert!(
        refusal(&create("--username ada")).contains("is no e-mail address, which users log in by")
    );
    assert!(refusal(&create("--username a@b.org --email c@b.org")).contains("must be the same"));
    let told = create("--email ada@EXAMPLE.com");
    assert_eq!(
        told.out, "User \"ada@example.com\" created with id 1.\n",
        "{}",
        told.err
    );
    assert!(refusal(&create("--username ada@example.com")).contains("is taken"));
    let line = "createsuperuser --noinput --email root@example.com";
    assert_eq!(folder.run(line).status, Some(0));

    let listed = folder.run("users list").out;
    assert!(listed.starts_with("ID  EMAIL"), "{listed}");
    let server = folder.serve("--json");
    let login = json!({"email": "ada@example.com", "password": "s3cret-enough"});
    assert_eq!(server.post("/api/token/", &login).0, 200);
}

#[test]
fn a_name_that_several_users_have_means_nobody() {
    let folder = Folder::new()
        .with_user("one")
        .with_user("two")
        .with_file(
            "tokenpair.key",
            "a secret of at least 32 bytes, kept out of the code",
        )
        .with_file("tokenpair.toml", "[user_model]\nusername = \"email\"\n");
    let sql = "UPDATE auth_user SET email = 'ada@b.org'";
    folder.database().execute(sql, []).unwrap();
    for line in [
        "users deactivate ada@b.org",
        "changepassword ada@b.org --password-stdin",
        "token mint --user ada@b.org",
        "createsuperuser --noinput --email ada@b.org",
    ] {
        let told = folder.run_with_input(line, "s3cret-enough\n");
        assert_eq!(
            refusal(&told),
            "several users of auth_user have the email \"ada@b.org\": it must be unique to mean one of them",
            "{line}"
        );
    }
    let touched = "SELECT count(*) FROM auth_user WHERE NOT is_active OR is_superuser";
    let touched: i64 = folder
        .database()
        .query_row(touched, [], |row| row.get(0))
        .unwrap();
    assert_eq!(touched, 0);
}

#[test]
fn without_case_commands_and_log_ins_mean_the_only_user_of_a_name() {
    let lookup = "[user_model]\nusername_lookup = \"iexact\"\n";
    let folder = Folder::new()
        .with_file("tokenpair.toml", lookup)
        .with_user("Ada");
    let taken = folder.run_with_input("createuser --password-stdin --username ADA", "x\n");
    assert_eq!((taken.status, taken.out.as_str()), (Some(1), ""));
    assert!(taken.err.contains("\"ADA\" is taken"), "{}", taken.err);
    let superuser = "createsuperuser --noinput --username aDa --email a@example.com";
    let taken = folder.run(superuser);
    assert_eq!(
        taken.err,
        "tokenpair: Error: That username is already taken.\n"
    );

    let changed = folder.run_with_input("changepassword ADA --password-stdin", "an0ther-secret\n");
    assert_eq!(
        changed.out,
        "Sessions ended: 0\nPassword changed successfully for user 'Ada'\n"
    );
    assert_eq!(
        folder.run("users deactivate aDA").out,
        "User 'Ada' is now inactive.\n"
    );
    folder.run("users activate ada");

    let server = folder.serve("serve");
    assert_eq!(folder.run("token mint --user ada").status, Some(0));
    for (name, status) in [("Ada", 200), ("ada", 200), ("ADA", 200), ("Ad_", 401)] {
        let login = json!({"username": name, "password": "an0ther-secret"});
        assert_eq!(server.post("/api/token/", &login).0, status, "{name}");
        let sliding = server.post("/api/token/sliding/", &login);
        assert_eq!(sliding.0, status, "{name}");
    }
    let check = || folder.run("check").out;
    assert!(
        !check().contains("W029") && !check().contains("W030"),
        "{}",
        check()
    );
    let sql = "INSERT INTO auth_user SELECT 2, password, NULL, 0, 'aDA', '', '', 0, 1, date_joined, '' FROM auth_user";
    folder.database().execute(sql, []).unwrap();
    let found = check();
    assert!(
        found.contains("W030") && found.contains("\"Ada\" and \"aDA\""),
        "{found}"
    );
    assert_eq!(folder.run("users deactivate ADA").status, Some(1));
    let login = json!({"username": "ADA", "password": "an0ther-secret"});
    assert_eq!(server.post("/api/token/", &login).0, 401);
    let login = json!({"username": "Ada", "password": "an0ther-secret"});
    assert_eq!(server.post("/api/token/", &login).0, 200);
}
