//! Help, wrong usage, completions, the manual.

use crate::support::Folder;
use serde_json::Value;

#[test]
fn help_says_where_the_configuration_is_and_what_the_exit_status_means() {
    let told = Folder::new().run("--help");
    assert_eq!(told.status, Some(0));
    for part in [
        "/etc/tokenpair/tokenpair.toml",
        "Exit status:",
        "  2  wrong usage\n",
        "Examples:",
    ] {
        assert!(told.out.contains(part), "{part}: {}", told.out);
    }
}

#[test]
fn the_document_of_the_api_needs_no_server_no_database_and_no_key() {
    let folder = Folder::new().with_file(
        "tokenpair.toml",
        "[paths]\ntoken_verify = false\nme = [\"/who/\", \"/me/\"]\n[user_model]\nusername_field = \"login\"\n",
    );
    for line in ["openapi", "openapi --json"] {
        let told = folder.run(line);
        assert_eq!((told.status, told.err.as_str()), (Some(0), ""), "{line}");
        let document: Value = serde_json::from_str(&told.out).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.contains_key("/who/") && !paths.contains_key("/me/"));
        assert!(!paths.contains_key("/api/token/verify/"));
        let log_in = &document["components"]["schemas"]["TokenObtainPairRequest"];
        assert!(log_in["properties"]["login"].is_object(), "{log_in}");
    }
    assert_eq!(folder.names(), ["tokenpair.toml"], "nothing is made");
}

#[test]
fn the_document_names_a_password_for_a_new_address_where_mail_is_sent() {
    let mail = "[accounts]\nsite_url = \"https://site.example\"\n[email]\nDEFAULT_FROM_EMAIL = \"noreply@site.example\"\n";
    for (config, is_named) in [("", false), (mail, true)] {
        let folder = Folder::new().with_file("tokenpair.toml", config);
        let told = folder.run("openapi");
        assert_eq!(told.status, Some(0), "{}", told.err);
        let document: Value = serde_json::from_str(&told.out).unwrap();
        let change = &document["paths"]["/api/me/"]["patch"]["requestBody"];
        let schema = change["content"]["application/json"]["schema"]["$ref"].as_str();
        let name = schema.unwrap().rsplit('/').next().unwrap();
        let fields = &document["components"]["schemas"][name]["properties"];
        assert!(fields["first_name"].is_object(), "{fields}");
        assert_eq!(fields["password"].is_object(), is_named, "{fields}");
    }
}

const OF_SERVE: &str = "--listen, --log-format and --demo belong to serve: write them after it, or leave the command out";

#[test]
fn wrong_usage_is_json_where_json_was_asked_for() {
    for (line, said) in [
        ("--json --nonsense", "--nonsense"),
        ("users lits --json", "lits"),
        (
            "users --json",
            "[subcommands: list, activate, deactivate, help]",
        ),
        ("serve --listen 8000 --json", "127.0.0.1:8000"),
        ("createuser --json", "--username"),
        ("migrate --demo --json --listen x", "unexpected argument"),
        ("--demo migrate --json", OF_SERVE),
        ("--log-format text users list --json", OF_SERVE),
        ("--listen 127.0.0.1:1 check --json", OF_SERVE),
    ] {
        let told = Folder::new().run(line);
        assert_eq!(
            (told.status, told.out.as_str()),
            (Some(2), ""),
            "{line}: {}",
            told.err
        );
        assert_eq!(told.err.lines().count(), 1, "{}", told.err);
        let error: Value = serde_json::from_str(&told.err).unwrap();
        let error = error["error"].as_str().unwrap();
        assert!(error.contains(said) && !error.contains("Usage"), "{error}");
    }
}

#[test]
fn a_wrong_value_is_answered_with_an_example() {
    for (line, said) in [
        (
            "serve --listen 8000",
            "expected an IP address and a port such as 127.0.0.1:8000",
        ),
        (
            "--listen localhost",
            "expected an IP address and a port such as 127.0.0.1:8000",
        ),
        ("serve --listen 9", "such as 127.0.0.1:9"),
        (
            "users list --limit many",
            "expected a number from 1 on, such as 20",
        ),
        ("users list --limit 0", "expected a number from 1 on"),
        (
            "flushexpiredtokens --batch-size 0",
            "expected a number from 1 to 1000, such as 100",
        ),
        (
            "flushexpiredtokens --batch-size 1001",
            "expected a number from 1 to 1000",
        ),
        (
            "token mint --user ada --type id",
            "[possible values: access, refresh, sliding]",
        ),
        (
            "token mint --user ada --lifetime 0",
            "'--lifetime <DURATION>': must lie between 1 second and 36525 days",
        ),
        (
            "completions tcsh",
            "[possible values: bash, elvish, fish, powershell, zsh]",
        ),
    ] {
        let told = Folder::new().run(line);
        assert_eq!(told.status, Some(2), "{line}");
        assert!(told.err.contains(said), "{line}: {}", told.err);
    }
}

#[test]
fn scripts_and_pages_are_no_json_and_say_so() {
    let folder = Folder::new();
    for line in ["completions bash", "man"] {
        let told = folder.run(&format!("{line} --json"));
        assert_eq!(
            (told.status, told.out),
            (Some(0), folder.run(line).out),
            "{line}"
        );
        let help = folder.run(&format!("{line} --help")).out;
        assert!(help.contains("whatever --json says"), "{help}");
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let told = Folder::new().run(&format!("completions {shell}"));
        assert_eq!((told.status, told.err.as_str()), (Some(0), ""), "{shell}");
        assert!(told.out.contains("flushexpiredtokens"), "{shell}");
    }
}

#[test]
fn the_manual_is_one_page_or_a_page_for_each_command() {
    let folder = Folder::new();
    let page = folder.run("man").out;
    assert!(page.contains(".TH tokenpair 1"), "{page}");
    for part in [
        ".SH \"TOKENPAIR USERS LIST\"",
        ".SS SYNOPSIS",
        "Exit status:",
        "\\-\\-dry\\-run",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let everywhere = page.matches("Configuration file").count();
    assert_eq!(everywhere, 1, "options of all commands are explained once");

    assert_eq!(folder.run("man --output pages").status, Some(0));
    let pages = std::fs::read_dir(folder.path("pages")).unwrap();
    let mut names: Vec<_> = pages
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.contains(&"tokenpair.1".to_owned()), "{names:?}");
    assert!(
        names.contains(&"tokenpair-users-list.1".to_owned()),
        "{names:?}"
    );
}
