use super::document::Document;
use super::{Config, Endpoint, Flags, SECTIONS, Sources};
use crate::Options;
use crate::database::DatabaseOptions;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokenpair::json;

/// What the file says, or why it cannot be used.
fn load(text: &str) -> Result<Config, String> {
    let document =
        Document::parse(Path::new("a.toml"), text.to_owned()).map_err(|error| error.to_string())?;
    document
        .check_sections(&SECTIONS)
        .map_err(|error| error.to_string())?;
    let sources = Sources {
        document: Some(&document),
        options: Some(&Options::default()),
        has_environment: true,
        flags: &Flags::NONE,
    };
    Config::gather(&sources)
        .map_err(|(section, error)| document.explain(section, error).to_string())
}

fn refusal(text: &str) -> String {
    load(text)
        .err()
        .unwrap_or_else(|| panic!("accepted: {text}"))
}

#[test]
fn a_wrong_value_is_shown_with_a_caret() {
    assert_eq!(
        refusal("# a comment\n[simple_jwt]\nACCESS_TOKEN_LIFETIME = \"soon\"\n"),
        "a.toml:3:25: ACCESS_TOKEN_LIFETIME: expected a duration such as \"15m\", \"7 days\" or a number of seconds, \
         got \"soon\"\n  |\n3 | ACCESS_TOKEN_LIFETIME = \"soon\"\n  |                         ^^^^^^"
    );
}

#[test]
fn a_wrong_name_is_shown_without_its_value() {
    assert_eq!(
        refusal("[simple_jwt]\n\n\n  SIGNIN_KEY = \"top secret\"\n"),
        "a.toml:4:3: SIGNIN_KEY: no such setting, did you mean SIGNING_KEY?\n  |\n4 |   SIGNIN_KEY = …\n  |   ^^^^^^^^^^"
    );
}

/// A file, where its flaw is, and what the error says of it.
const FLAWS: &[(&str, &str, &str)] = &[
    (
        "[server]\nSIGNING_KEY = \"x\"",
        "a.toml:2:1: ",
        "belongs to [simple_jwt]",
    ),
    (
        "[simple_jwt]\nlisten = \"x\"",
        "a.toml:2:1: ",
        "no such setting",
    ),
    (
        "[database]\nurl = \"sqlite:a?mode=ro\"",
        "a.toml:2:7: ",
        "without options",
    ),
    (
        "[database]\nurl = \"mysql://me@host/db\"",
        "a.toml:2:7: ",
        "use sqlite:PATH or postgres://",
    ),
    (
        "[simple_jwt]\nUSER_ID_FIELD = \"password\"",
        "password (default): ",
        "tokens would carry",
    ),
    ("listen = 1", "a.toml:1:1: ", "outside of a section"),
    ("[simplejwt]", "a.toml:1:2: ", "[simple_jwt]"),
    ("[nothing_like_it]", "a.toml:1:2: ", "server, database"),
    ("[server]\nport = 1", "a.toml:2:1: ", "listen"),
    ("[server]\nlisten = 8000", "a.toml:2:10: ", "127.0.0.1:8000"),
    (
        "[server]\nlog_format = \"xml\"",
        "a.toml:2:14: ",
        "\"json\"",
    ),
    (
        "[server]\nflush_interval = \"5s\"",
        "a.toml:2:18: ",
        "1 minute",
    ),
    (
        "[server]\ndrain_delay = \"6m\"",
        "a.toml:2:15: ",
        "5 minutes",
    ),
    ("[database]\nurl = 3", "a.toml:2:7: ", "sqlite:"),
    (
        "[database]\ntoken_blacklist = \"maybe\"",
        "a.toml:2:19: ",
        "true or false",
    ),
    ("[user_model]\nusrname = \"a\"", "a.toml:2:1: ", "username"),
    (
        "[user_model]\ntable = \"a-b\"",
        "a.toml:2:9: ",
        "letters, digits",
    ),
    (
        "[user_model]\nid_kind = \"bigint\"",
        "a.toml:2:11: ",
        "\"integer\"",
    ),
    ("[paths]\nme = \"api/me\"", "a.toml:2:6: ", "starts with /"),
    ("[paths]\nme = 3", "a.toml:2:6: ", "or false"),
    ("[paths]\nme = \"/a{b}/\"", "a.toml:2:6: ", "letters"),
    ("[paths]\nme = \"/readyz\"", "a.toml:2:6: ", "health"),
    (
        "[paths]\nme = [\"/a/\", \"/a\"]",
        "a.toml:2:6: ",
        "taken by me",
    ),
    (
        "[paths]\ntoken_verify = \"/api/token/\"",
        "a.toml:2:16: ",
        "token_obtain_pair",
    ),
    (
        "[simple_jwt]\nROTATION_GRACE_PERIOD = 5",
        "a.toml:2:25: ",
        "ROTATE_REFRESH_TOKENS",
    ),
    (
        "[simple_jwt]\nLEEWAY = 1\nLEEWAY = 2",
        "a.toml:3:1: ",
        "duplicate",
    ),
    (
        "[simple_jwt]\nLEEWAY = 1\nleeway = 2",
        "a.toml:3:1: ",
        "twice",
    ),
    (
        "[cors]\nCORS_ALOW_HEADERS = []",
        "a.toml:2:1: ",
        "CORS_ALLOW_HEADERS",
    ),
    (
        "[cors]\nCORS_ORIGIN_WHITELIST = [\"a.com\"]",
        "a.toml:2:25: ",
        "scheme",
    ),
    (
        "[cors]\nCORS_ALLOWED_ORIGIN_REGEXES = \"(\"",
        "a.toml:2:31: ",
        "expression",
    ),
    (
        "[cors]\nCORS_ALLOW_HEADERS = \"a,,b\"",
        "a.toml:2:22: ",
        "list of texts",
    ),
];

#[test]
fn every_flaw_names_its_place_and_what_is_accepted() {
    for (text, place, hint) in FLAWS {
        let refusal = refusal(text);
        assert!(
            refusal.starts_with(place) && refusal.contains(hint),
            "{text}\n{refusal}"
        );
    }
}

#[test]
fn no_error_shows_a_secret() {
    for text in [
        "[simple_jwt]\nSIGNING_KEY = topsecret",
        "[simple_jwt]\nSIGNING_KEY = \"topsecret",
        "[simple_jwt]\nSIGNING_KEY = [\"topsecret\"]",
        "[simple_jwt]\nSIGNING_KEY = \"\"\"\ntopsecret=\n\" topsecret\n",
        "[simple_jwt]\nSIGNING_KEY = '''\n[topsecret]\ntopsecret",
        "[simple_jwt]\nsigning_key = \"a\" topsecret",
        "[simple_jwt]\nSINGING_KEY = \"topsecret\"",
        "[server]\nSIGNING_KEY = \"topsecret\"",
        "SIGNING_KEY = \"topsecret\"",
        "[secrets]\nkey = \"topsecret\"",
        "[simple_jwt]\nSINGING_KEY = \"topsecret",
        "[simple_jwt]\nSIGNING_KEY \"topsecret=abc\"",
        "[simple_jwt]\nSIGNING_KEY = \"\"\"\nA = topsecret\\q\"\"\"",
        "simple_jwt.SIGNING_KEY = \"topsecret",
        "simple_jwt = { SIGNING_KEY = \"topsecret\", LEEWAY = \"x\" }",
        "simple_jwt = { SIGNING_KEY = \"topsecret\", LEWAY = 1 }",
        "simple_jwt = { LEEWAY = \"x\", SIGNING_KEY = \"topsecret\" }",
        "[simple_jwt]\nALGORITHM = \"RS256\"\nVERIFYING_KEY = 3 # topsecret",
        "[database]\nurl = \"postgres//me:topsecret@host/db\"",
        "[simple_jwt]\nJWK_URL = \"ftp://me:topsecret@host/\"",
        "[database]\nurl = \"postgres://me:topsecret@host/db?sslmode=on\"",
        "[database]\nurl = \"postgres://me:topsecret@host@host/db\"",
        "[database]\nurl = \"postgres://me:topsecret@host/db?port=topsecret\"",
        "[database]\nurl = \"postgres://me:topsecret@host/db\"\nmax_connections = 0",
        "[database]\nurl = \"mysql://me:topsecret@host/db\"",
        "[simple_jwt]\nALGORITHM = \"RS256\"\nSIGNING_KEY = \"topsecret\"\nLEEWAY = \"x\"",
    ] {
        let refusal = refusal(text);
        assert!(!refusal.contains("topsecret"), "{refusal}");
    }
}

#[test]
fn a_postgres_address_brings_settings_of_its_own() {
    let config = load(
        "[database]\nurl = \"postgres://me:topsecret@host/db?sslmode=verify-full\"\nmax_connections = 20\n\
         acquire_timeout = \"500ms\"\nprepared_statements = false",
    )
    .unwrap();
    let DatabaseOptions::Postgres(options) = &config.database else {
        panic!("{:?}", config.database);
    };
    assert_eq!(options.max_connections, 20);
    assert_eq!(options.acquire_timeout, Duration::from_millis(500));
    assert_eq!(options.statement_timeout, Duration::from_secs(2));
    assert!(!options.prepared_statements);
    let shown: Vec<String> = config
        .shown()
        .iter()
        .filter(|shown| shown.section == "database")
        .map(|shown| format!("{}={}", shown.name, json::encode_utf8(&shown.value)))
        .collect();
    assert_eq!(
        shown,
        [
            "url=\"postgres://me:[redacted]@host/db?sslmode=verify-full\"",
            "token_blacklist=true",
            "max_connections=20",
            "acquire_timeout=\"500ms\"",
            "statement_timeout=\"2s\"",
            "prepared_statements=false",
        ]
    );
}

#[test]
fn settings_of_postgres_are_checked_and_are_for_postgres_only() {
    for (setting, part) in [
        ("max_connections = 1", "from 2 to 10000"),
        ("max_connections = 10001", "from 2 to 10000"),
        ("max_connections = \"many\"", "from 2 to 10000"),
        ("acquire_timeout = \"1ms\"", "from 100 ms"),
        ("statement_timeout = \"1h\"", "to 1 minute"),
        ("prepared_statements = 2", "true or false"),
        (
            "pool = 2",
            "there are url, token_blacklist, max_connections",
        ),
    ] {
        let text = format!("[database]\nurl = \"postgres://host/db\"\n{setting}");
        assert!(refusal(&text).contains(part), "{}", refusal(&text));
    }
    let refusal = refusal("[database]\nmax_connections = 3");
    assert!(refusal.contains("for PostgreSQL"), "{refusal}");
}

#[test]
fn paths_are_moved_multiplied_and_switched_off() {
    let config = load(
        "[paths]\ntoken_obtain_pair = [\"/auth/token/\", \"/gettoken/\"]\ntoken_verify = false\nme = \"/whoami\"",
    )
    .unwrap();
    let paths: Vec<&str> = config.paths.iter().map(|(_, path)| path).collect();
    assert_eq!(
        paths[..7],
        [
            "/auth/token/",
            "/gettoken/",
            "/api/token/refresh/",
            "/api/token/blacklist/",
            "/api/token/sliding/",
            "/api/token/sliding/refresh/",
            "/whoami",
        ]
    );
}

#[test]
fn paths_are_served_where_there_is_something_to_do() {
    let ours = |text: &str| {
        let paths = load(text).unwrap().paths;
        let ours = paths
            .iter()
            .filter(|(one, _)| !one.is_simple_jwts() && *one != Endpoint::Me);
        ours.map(|(_, path)| path.to_owned()).collect::<Vec<_>>()
    };
    let always = ["/api/password/change/", "/api/schema/", "/api/docs/"];
    let logouts = ["/api/logout/", "/api/logout/all/"];
    let logins = ["/auth/login/", "/auth/logout/", "/auth/account/"];
    let sets = |paths: &[&[&str]]| paths.concat().into_iter().map(str::to_owned).collect();
    let found = |text: &str| ours(text).into_iter().collect::<BTreeSet<String>>();
    assert_eq!(found(""), sets(&[&always, &logouts, &logins]));
    assert_eq!(
        found("[simple_jwt]\nSESSIONS = true"),
        sets(&[&always, &logouts, &logins, &["/api/sessions/"]])
    );
    assert_eq!(
        found("[database]\ntoken_blacklist = false\n[simple_jwt]\nAUTH_COOKIES = false"),
        sets(&[&always])
    );
    assert_eq!(
        found("[accounts]\nregistration = true"),
        sets(&[
            &always,
            &logouts,
            &logins,
            &["/api/register/", "/auth/register/"]
        ])
    );
}

#[test]
fn links_in_mails_lead_to_pages_where_there_are_some() {
    let text = "[accounts]\nsite_url = \"https://a.example\"\nregistration = true\nemail_verification = true\n\
                [email]\nDEFAULT_FROM_EMAIL = \"a@a.example\"\n";
    let without = format!("{text}[simple_jwt]\nAUTH_COOKIES = false\n");
    for (text, begins) in [(text, "/auth"), (&without, "/api")] {
        let accounts = load(text).unwrap().accounts;
        let link = |path| format!("https://a.example{begins}{path}?uid={{uid}}&token={{token}}");
        assert_eq!(
            accounts.password_reset_link,
            link("/password/reset/confirm/")
        );
        assert_eq!(accounts.email_verification_link, link("/register/verify/"));
    }
}

#[test]
fn a_path_that_was_written_wins_over_a_default_of_ours() {
    let text = "[paths]\ntoken_blacklist = \"/api/logout/\"";
    let paths = load(text).unwrap().paths;
    assert_eq!(paths.first(Endpoint::TokenBlacklist), Some("/api/logout/"));
    assert_eq!(paths.first(Endpoint::Logout), None);
    let refusal = refusal(&format!("{text}\nlogout = \"/api/logout/\""));
    assert!(refusal.contains("is taken by token_blacklist"), "{refusal}");
}

#[test]
fn empty_texts_allow_no_origin_and_an_expression_may_have_commas() {
    let cors = |text: &str| load(text).unwrap().cors.unwrap();
    for empty in ["\"\"", "\" \"", "[]"] {
        let settings = cors(&format!(
            "[cors]\nCORS_ALLOWED_ORIGINS = {empty}\nCORS_ALLOWED_ORIGIN_REGEXES = {empty}"
        ));
        assert!(settings.allowed_origins.is_empty() && settings.allowed_origin_regexes.is_empty());
    }
    let settings = cors("[cors]\nCORS_ORIGIN_REGEX_WHITELIST = \"^https://a{1,3}$\"");
    assert_eq!(settings.allowed_origin_regexes, ["^https://a{1,3}$"]);
}
