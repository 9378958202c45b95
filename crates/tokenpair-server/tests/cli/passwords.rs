//! Commands that ask: `createsuperuser`, `changepassword`, and what a terminal looks like afterwards.

use crate::failures::refusal;
use crate::support::Folder;
use crate::terminal::Terminal;
use serde_json::json;

const SHELL: (bool, bool, bool) = (true, true, true);

fn ask(folder: &Folder, line: &str, dialogue: &[(&str, &str)]) -> (Option<i32>, String) {
    Terminal::run(folder, line).answer(dialogue).end()
}

/// Whether somebody can log in.
fn accepts(folder: &Folder, username: &str, password: &str) -> bool {
    let server = folder.serve("--json");
    let login = json!({"username": username, "password": password});
    server.post("/api/token/", &login).0 == 200
}

#[test]
fn createsuperuser_asks_as_django_does() {
    let folder = Folder::new().with_variable("LOGNAME", "Jo Söder");
    assert_eq!(folder.run("migrate").status, Some(0));
    let told = ask(
        &folder,
        "createsuperuser",
        &[
            ("Username (leave blank to use 'josoder'): ", ""),
            ("Email address: ", "jo@example.com"),
            ("Password: ", "unheard-of 42"),
            ("Password (again): ", "unheard-of 42"),
        ],
    );
    assert_eq!(
        told,
        (
            Some(0),
            "Username (leave blank to use 'josoder'): \nEmail address: jo@example.com\nPassword: \nPassword (again): \n\
             Superuser created successfully.\n"
                .to_owned()
        )
    );
    let listed = folder.run("users list --json").out;
    assert!(
        listed.contains(r#""username":"josoder","email":"jo@example.com","is_active":true,"is_staff":true,"is_superuser":true"#),
        "{listed}"
    );
    assert!(accepts(&folder, "josoder", "unheard-of 42"));
}

#[test]
fn createsuperuser_asks_again_after_a_flawed_answer() {
    let folder = Folder::new()
        .with_user("ada")
        .with_variable("LOGNAME", "ada");
    let (status, shown) = ask(
        &folder,
        "createsuperuser",
        &[
            ("Username: ", "ada"),
            ("Error: That username is already taken.\r\nUsername: ", ""),
            ("Error: This field cannot be blank.\r\nUsername: ", "a/b"),
            (
                "Error: Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.\r\nUsername: ",
                "eve",
            ),
            ("Email address: ", "eve"),
            ("Error: Enter a valid email address.\r\nEmail address: ", ""),
            ("Password: ", "unheard-of 42"),
            ("Password (again): ", "unheard-of 43"),
            ("Error: Your passwords didn't match.\r\nPassword: ", "  "),
            ("Password (again): ", "  "),
            (
                "Error: Blank passwords aren't allowed.\r\nPassword: ",
                "unheard-of 42",
            ),
            ("Password (again): ", "unheard-of 42"),
        ],
    );
    assert_eq!(status, Some(0), "{shown}");
    assert!(
        shown.ends_with("Superuser created successfully.\n"),
        "{shown}"
    );
    assert!(!shown.contains("unheard-of"), "{shown}");
}

#[test]
fn createsuperuser_warns_of_a_password_that_is_no_good_and_may_be_told_to_take_it() {
    let folder = Folder::new().with_variable("LOGNAME", "root");
    let flaws = "This password is too short. It must contain at least 8 characters.\r\n\
                 This password is too common.\r\n\
                 This password is entirely numeric.\r\n\
                 Bypass password validation and create user anyway? [y/N]: ";
    let similar = "The password is too similar to the email address.\r\n\
                   Bypass password validation and create user anyway? [y/N]: ";
    let (status, shown) = ask(
        &folder,
        "createsuperuser",
        &[
            ("Username", ""),
            ("Email address: ", "root@analytical-engine.example"),
            ("Password: ", "analytical-engine"),
            ("Password (again): ", "analytical-engine"),
            (similar, ""),
            ("Password: ", "1234"),
            ("Password (again): ", "1234"),
            (flaws, "y"),
        ],
    );
    assert_eq!(status, Some(0), "{shown}");
    assert!(accepts(&folder, "root", "1234"));
}

#[test]
fn createsuperuser_says_what_is_wrong_with_an_argument_and_asks() {
    let folder = Folder::new()
        .with_user("ada")
        .with_variable("LOGNAME", "root");
    let (status, shown) = ask(
        &folder,
        "createsuperuser --username ada --email root@localhost",
        &[
            (
                "Error: That username is already taken.\r\nUsername (leave blank to use 'root'): ",
                "",
            ),
            ("Password: ", "unheard-of 42"),
            ("Password (again): ", "unheard-of 42"),
        ],
    );
    assert_eq!(status, Some(0), "{shown}");
}

#[test]
fn createsuperuser_without_questions_takes_what_django_takes() {
    let folder = Folder::new();
    for (line, missing) in [
        ("--noinput", "You must use --username with --noinput."),
        (
            "--noinput --username ada",
            "You must use --email with --noinput.",
        ),
        (
            "--noinput --username a/b --email a@b.org",
            "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
        ),
        (
            "--noinput --username ada --email ada",
            "Enter a valid email address.",
        ),
        (
            "--password-stdin --email a@b.org",
            "You must use --username with --password-stdin.",
        ),
    ] {
        let told = folder.run(&format!("createsuperuser {line}"));
        assert_eq!(refusal(&told), missing);
    }
    assert!(
        folder.names().is_empty(),
        "nothing was made: {:?}",
        folder.names()
    );

    let told =
        folder.run("createsuperuser --no-input --username ada --email ada@EXAMPLE.org --json");
    assert_eq!(told.out, "{\"id\":1,\"username\":\"ada\"}\n");
    assert!(!accepts(&folder, "ada", ""), "its password is unusable");
    let told = folder.run("createsuperuser --noinput --username ada --email ada@example.org");
    assert_eq!(refusal(&told), "Error: That username is already taken.");

    let folder = folder
        .with_variable("DJANGO_SUPERUSER_USERNAME", "eve")
        .with_variable("DJANGO_SUPERUSER_EMAIL", "eve@example.org")
        .with_variable("DJANGO_SUPERUSER_PASSWORD", "unheard-of 42");
    assert_eq!(folder.run("createsuperuser --noinput").status, Some(0));
    assert!(accepts(&folder, "eve", "unheard-of 42"));
    let line = "createsuperuser --password-stdin --username bob";
    assert_eq!(folder.run_with_input(line, "of bob\n").status, Some(0));
    assert!(accepts(&folder, "bob", "of bob"));
}

#[test]
fn createsuperuser_needs_somebody_to_ask() {
    let told = Folder::new().run("createsuperuser");
    assert!(refusal(&told).contains("--noinput"), "{}", told.err);
}

#[test]
fn changepassword_replaces_the_password_of_who_runs_it() {
    let folder = Folder::new()
        .with_user("ada")
        .with_variable("LOGNAME", "ada");
    let told = ask(
        &folder,
        "changepassword",
        &[
            (
                "Changing password for user 'ada'\r\nPassword: ",
                "unheard-of 42",
            ),
            ("Password (again): ", "unheard-of 43"),
            (
                "Passwords do not match. Please try again.\r\nPassword: ",
                "unheard-of 42",
            ),
            ("Password (again): ", "unheard-of 42"),
        ],
    );
    assert_eq!(told.0, Some(0));
    assert!(
        told.1
            .ends_with("Password changed successfully for user 'ada'\n"),
        "{}",
        told.1
    );
    assert!(!accepts(&folder, "ada", "s3cret-enough"));
    assert!(accepts(&folder, "ada", "unheard-of 42"));
}

#[test]
fn changepassword_refuses_what_django_refuses() {
    let folder = Folder::new().with_user("lovelace");
    let (status, shown) = ask(
        &folder,
        "changepassword lovelace",
        &[
            ("Password: ", "password1"),
            ("Password (again): ", "password1"),
            ("This password is too common.\r\nPassword: ", "lovelace1815"),
            ("Password (again): ", "lovelace1815"),
            (
                "The password is too similar to the username.\r\nPassword: ",
                "unheard-of 42",
            ),
            ("Password (again): ", "unheard-of 42"),
        ],
    );
    assert_eq!(status, Some(0), "{shown}");
    let told = folder.run_with_input("changepassword --password-stdin lovelace", "1234\n");
    assert!(
        refusal(&told).starts_with("This password is too short."),
        "{}",
        told.err
    );
    assert!(accepts(&folder, "lovelace", "unheard-of 42"));
}

#[test]
fn changepassword_gives_up_after_three_tries() {
    let folder = Folder::new().with_user("ada");
    let mut dialogue = Vec::new();
    for _ in 0..3 {
        dialogue.extend([("Password: ", "one"), ("Password (again): ", "other")]);
    }
    let (status, shown) = ask(&folder, "changepassword ada", &dialogue);
    assert_eq!(status, Some(1));
    assert!(
        shown.ends_with("tokenpair: Aborting password change for user 'ada' after 3 attempts\n"),
        "{shown}"
    );
    assert!(accepts(&folder, "ada", "s3cret-enough"));
}

#[test]
fn changepassword_reads_standard_input_and_knows_who_is_there() {
    let folder = Folder::new().with_user("ada");
    let change = |line: &str, password: &str| {
        folder.run_with_input(&format!("changepassword --password-stdin {line}"), password)
    };
    assert_eq!(refusal(&change("eve", "x\n")), "user 'eve' does not exist");
    assert!(refusal(&change("ada", "\n")).contains("1 to 4096 bytes"));
    assert!(refusal(&folder.run("changepassword ada")).contains("--password-stdin"));
    let told = change("ada --json", "unheard-of 42\n");
    assert_eq!(
        told.out,
        "{\"username\":\"ada\",\"changed\":true,\"sessions\":0}\n"
    );
    assert!(accepts(&folder, "ada", "unheard-of 42"));
    assert!(
        refusal(&Folder::new().run("changepassword ada")).starts_with("there is no database"),
        "nothing is made for it"
    );
}

/// Whoever knew the old password is not to go on with what they got for it.
#[test]
fn changepassword_ends_the_sessions_of_the_user_and_nobody_elses() {
    let folder = Folder::new().with_user("ada").with_user("bob");
    let server = folder.serve("serve");
    let log_in = |name: &str| {
        let login = json!({"username": name, "password": "s3cret-enough"});
        let (status, pair) = server.post("/api/token/", &login);
        assert_eq!(status, 200, "{pair}");
        json!({"refresh": pair["refresh"]})
    };
    let (ada, adas_other, bob) = (log_in("ada"), log_in("ada"), log_in("bob"));
    let line = "changepassword --password-stdin ada";
    let told = folder.run_with_input(line, "unheard-of 42\n");
    assert_eq!(
        told.out,
        "Sessions ended: 2\nPassword changed successfully for user 'ada'\n"
    );
    for (refresh, status) in [(ada, 401), (adas_other, 401), (bob, 200)] {
        assert_eq!(server.post("/api/token/refresh/", &refresh).0, status);
    }
}

#[test]
fn without_a_blacklist_changepassword_says_that_it_ended_nothing() {
    let folder = Folder::new()
        .with_variable("TOKENPAIR_TOKEN_BLACKLIST", "false")
        .with_user("ada");
    let line = "changepassword --password-stdin ada";
    let told = folder.run_with_input(line, "unheard-of 42\n");
    assert!(
        told.out
            .starts_with("No session was ended, as token_blacklist is off\n"),
        "{} {}",
        told.out,
        told.err
    );
    assert!(accepts(&folder, "ada", "unheard-of 42"));
}

#[test]
fn a_password_is_not_shown_from_the_moment_it_is_asked_for() {
    let folder = Folder::new().with_user("ada");
    let mut terminal = Terminal::run(&folder, "changepassword ada");
    assert_eq!(terminal.modes(), SHELL);
    terminal.expect("Password: ");
    assert!(!terminal.modes().0);
    terminal.type_in("hidden\n");
    terminal.expect("Password (again): ");
    assert!(!terminal.modes().0);
    terminal.type_in("\u{4}");
    let (status, shown) = terminal.end();
    assert_eq!(status, Some(1));
    assert!(
        shown.ends_with("tokenpair: operation cancelled\n"),
        "{shown}"
    );
    assert!(!shown.contains("hidden"), "{shown}");
    assert_eq!(terminal.modes(), SHELL);
}

#[test]
fn whoever_interrupts_a_question_gets_the_terminal_back() {
    let folder = Folder::new().with_user("ada");
    for signal in ["CTRL-C", "INT", "TERM", "HUP"] {
        let mut terminal = Terminal::run(&folder, "changepassword ada");
        terminal.expect("Password: ");
        if signal == "CTRL-C" {
            terminal.type_in("half a pass\u{3}");
        } else {
            terminal.signal(signal);
        }
        let (status, shown) = terminal.end();
        assert_eq!(status, Some(1), "{signal}: {shown}");
        assert!(
            shown.ends_with("\ntokenpair: operation cancelled\n"),
            "{signal}: {shown}"
        );
        assert_eq!(terminal.modes(), SHELL, "{signal}");
    }
    let mut terminal = Terminal::run(&folder, "createsuperuser");
    terminal.expect("Username");
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end().0, Some(1));
}
