mod case;

use super::super::exchange::Place;
use super::TABLE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use case::Case;
use tokenpair::clock::{Clock as _, SystemClock};

const NO_ACCOUNT: &str =
    r#"{"detail":"No active account found for the given token.","code":"no_active_account"}"#;
const NOT_VALID: &str = r#"{"detail":"Token is invalid","code":"token_not_valid"}"#;
const PAGE: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// A token with this header and these claims, of no key.
fn token(header: &str, claims: &str) -> String {
    [header, claims, "signature"]
        .map(|text| URL_SAFE_NO_PAD.encode(text))
        .join(".")
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[test]
fn every_rule_stands_in_the_documents() {
    let compatibility = include_str!("../../../../../../COMPATIBILITY.md");
    let page = include_str!("../../../../../../docs/shadow.md");
    for row in TABLE {
        let heading = format!("# {}\n", row.section);
        assert!(compatibility.contains(&heading), "{}", row.section);
        let mut codes = compatibility
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        assert!(
            codes.any(|codes| codes.split(", ").any(|code| code == row.code)),
            "COMPATIBILITY.md: {}",
            row.code
        );
        let line = format!("| {} | {} |", row.code, row.reason);
        assert!(page.contains(&line), "docs/shadow.md: {line}");
    }
}

#[test]
fn only_our_no_store_at_an_endpoint_is_explained() {
    let case = Case::at("/api/token/");
    let name = "cache-control";
    assert_eq!(case.header_code(name, None, Some("no-store")), Some("S10"));
    assert_eq!(
        case.header_code(name, Some("max-age=60"), Some("no-store")),
        None
    );
    assert_eq!(case.header_code(name, Some("no-store"), None), None);
    assert_eq!(
        Case::at("/orders/").header_code(name, None, Some("no-store")),
        None
    );
}

#[test]
fn only_our_session_claim_is_explained_and_only_where_sessions_are_kept() {
    let claim = |name: &str| Place::Claim {
        token: "refresh".to_owned(),
        name: name.to_owned(),
    };
    let case = Case::at("/api/token/");
    assert_eq!(case.code(claim("sid"), None, Some("\"1\"")), None);
    let case = case.set(|settings| settings.sessions = true);
    assert_eq!(case.code(claim("sid"), None, Some("\"1\"")), Some("sid"));
    assert_eq!(case.code(claim("sid"), Some("\"1\""), None), None);
    assert_eq!(case.code(claim("session"), None, Some("\"1\"")), None);
}

#[test]
fn headers_of_djangos_own_middleware_are_explained_and_others_are_not() {
    let case = Case::at("/api/token/");
    assert_eq!(
        case.header_code("x-frame-options", Some("DENY"), None),
        Some("headers")
    );
    assert_eq!(
        case.header_code("x-frame-options", None, Some("DENY")),
        None
    );
    assert_eq!(
        case.header_code("x-frame-options", Some("DENY"), Some("SAMEORIGIN")),
        None
    );
    for other in [
        "content-security-policy",
        "set-cookie",
        "x-tenant",
        "access-control-allow-origin",
    ] {
        assert_eq!(case.header_code(other, Some("x"), None), None, "{other}");
    }
}

#[test]
fn texts_of_a_language_that_django_names_are_explained() {
    let german = Case::at("/api/token/")
        .django(401, JSON, "{}")
        .django_header("content-language", "de")
        .tokenpair(401, JSON, "{}");
    let (theirs, ours) = (r#""Kein aktives Konto""#, r#""No active account""#);
    assert_eq!(german.body_code("detail", theirs, ours), Some("language"));
    assert_eq!(
        german.header_code("content-language", Some("de"), None),
        Some("language")
    );
    assert_eq!(
        german.header_code("vary", Some("accept, accept-language"), Some("accept")),
        Some("language")
    );
    assert_eq!(
        german.header_code("vary", Some("accept-language, cookie"), Some("accept")),
        None
    );
    assert_eq!(german.body_code("code", r#""a""#, r#""b""#), None);
    assert_eq!(german.body_code("detail", "1", ours), None);
    let english = Case::at("/api/token/")
        .django(401, JSON, "{}")
        .tokenpair(401, JSON, "{}");
    assert_eq!(english.body_code("detail", theirs, ours), None);
    let mut configured = english;
    configured.language = Some("de");
    assert_eq!(
        configured.body_code("detail", theirs, ours),
        Some("language")
    );
    assert_eq!(configured.body_code("code", theirs, ours), None);
    configured.language = Some("en-us");
    let english = configured;
    let name = "content-length";
    assert_eq!(english.header_code(name, Some("9"), Some("8")), None);
    let mut length = Case::at("/api/token/").method("HEAD");
    length.language = Some("de");
    assert_eq!(length.header_code(name, Some("9"), Some("8")), None);
    length = length.django(405, JSON, "").tokenpair(405, JSON, "");
    assert_eq!(
        length.header_code(name, Some("9"), Some("8")),
        Some("language")
    );
    assert_eq!(english.body_code("detail", theirs, ours), None);
    let named = english.django_header("content-language", "en-gb");
    assert_eq!(named.body_code("detail", theirs, ours), None);
}

#[test]
fn name_and_description_of_options_are_prose() {
    let case = Case::at("/api/token/").method("OPTIONS");
    for member in ["name", "description"] {
        assert_eq!(case.body_code(member, r#""a""#, r#""b""#), Some("prose"));
        assert_eq!(case.body_code(member, r#""a""#, "null"), None);
    }
    assert_eq!(case.body_code("actions", r#""a""#, r#""b""#), None);
    assert_eq!(
        case.body_code("renders", r#"["application/json"]"#, "[…]"),
        Some("pages")
    );
    assert_eq!(case.body_code("renders", r#"["text/html"]"#, "[…]"), None);
    assert_eq!(
        Case::at("/api/token/").body_code("description", r#""a""#, r#""b""#),
        None
    );
}

#[test]
fn pages_may_look_otherwise_and_may_not_say_otherwise() {
    let both = Case::at("/x/")
        .django(404, PAGE, "a")
        .tokenpair(404, PAGE, "b");
    assert_eq!(both.body_code("", "1 bytes", "1 bytes"), Some("pages"));
    let one = Case::at("/x/")
        .django(404, PAGE, "a")
        .tokenpair(401, PAGE, "b");
    assert_eq!(one.body_code("", "1 bytes", "1 bytes"), None);
    assert_eq!(one.status_code(), None);
}

#[test]
fn what_makes_our_pages_safe_is_explained_at_pages_only() {
    let page = Case::at("/api/token/").tokenpair(405, PAGE, "b");
    let token = Some("__Host-csrftoken=<value>; path=/");
    let policy = Some("default-src 'none'");
    assert_eq!(
        page.header_code("content-security-policy", None, policy),
        Some("pages")
    );
    assert_eq!(
        page.header_code("content-security-policy", policy, None),
        None
    );
    let (theirs, ours) = (Some("same-origin"), Some("strict-origin"));
    assert_eq!(
        page.header_code("referrer-policy", theirs, ours),
        Some("pages")
    );
    assert_eq!(page.header_code("referrer-policy", ours, theirs), None);
    assert_eq!(page.header_code("set-cookie", None, token), Some("pages"));
    let theirs = Some("csrftoken=<value>");
    assert_eq!(page.header_code("set-cookie", theirs, token), Some("pages"));
    assert_eq!(
        page.header_code("set-cookie", Some("sessionid=1"), token),
        None
    );
    assert_eq!(
        page.header_code("set-cookie", None, Some("__Host-access=1")),
        None
    );
    let json = Case::at("/api/token/");
    assert_eq!(
        json.header_code("content-security-policy", None, policy),
        None
    );
    assert_eq!(json.header_code("set-cookie", None, token), None);
}

#[test]
fn a_project_without_the_browsable_api_is_explained_where_a_page_was_asked_for() {
    let refused = |path: &str, status| {
        Case::at(path)
            .django(status, JSON, "{}")
            .tokenpair(200, PAGE, "x")
    };
    assert_eq!(refused("/api/token/", 406).status_code(), Some("pages"));
    assert_eq!(
        refused("/api/token/?format=api", 404).status_code(),
        Some("pages")
    );
    let unfit = |path: &str| {
        let case = Case::at(path).django(404, JSON, "{}");
        case.tokenpair(406, JSON, "{}").status_code()
    };
    assert_eq!(unfit("/api/token/?format=api"), Some("pages"));
    assert_eq!(unfit("/api/token/?format=json"), None);
    assert_eq!(refused("/api/token/", 404).status_code(), None);
    assert_eq!(refused("/api/token/", 401).status_code(), None);
    assert_eq!(
        refused("/api/token/", 200).body_code("", "{}", "x"),
        Some("pages")
    );
    let in_json = Case::at("/api/token/").django(406, JSON, "{}");
    assert_eq!(in_json.status_code(), None);
    let case = Case::at("/api/token/");
    assert_eq!(
        case.header_code("vary", None, Some("accept")),
        Some("pages")
    );
    assert_eq!(
        case.header_code("vary", Some("cookie"), Some("accept, origin")),
        None
    );
    assert_eq!(case.header_code("vary", Some("accept"), None), None);
}

#[test]
fn another_python_words_one_flaw_of_json_otherwise() {
    let case = Case::at("/api/token/");
    let ours = r#""JSON parse error - Expecting property name enclosed in double quotes: line 1""#;
    let theirs = r#""JSON parse error - Illegal trailing comma before end of object: line 1""#;
    assert_eq!(case.body_code("detail", theirs, ours), Some("python"));
    assert_eq!(case.body_code("detail", ours, theirs), None);
    assert_eq!(
        case.body_code("detail", theirs, r#""Token is invalid""#),
        None
    );
}

#[test]
fn verify_honours_the_blacklist_only_where_simple_jwt_forgets_it() {
    let body = r#"{"non_field_errors":["Token is blacklisted"]}"#;
    let case = || Case::at("/api/token/verify/").tokenpair(400, JSON, body);
    assert_eq!(case().status_code(), Some("D4"));
    assert_eq!(case().header_code("x-tenant", Some("a"), None), None);
    assert_eq!(
        case()
            .set(|settings| settings.blacklist_after_rotation = true)
            .status_code(),
        None
    );
    assert_eq!(
        case()
            .tokenpair(400, JSON, r#"{"token":["x"]}"#)
            .status_code(),
        None
    );
    let elsewhere = Case::at("/api/token/refresh/").tokenpair(400, JSON, body);
    assert_eq!(elsewhere.status_code(), None);
    let mut without = case();
    without.token_blacklist = false;
    assert_eq!(without.status_code(), None);
}

#[test]
fn a_refresh_that_looks_the_user_up_is_explained_where_simple_jwt_does_not() {
    let sliding = Case::at("/api/token/sliding/refresh/").tokenpair(401, JSON, NO_ACCOUNT);
    assert_eq!(sliding.status_code(), Some("D4"));
    assert_eq!(
        Case::at("/api/token/sliding/refresh/")
            .tokenpair(401, JSON, NOT_VALID)
            .status_code(),
        None
    );
    let pair = || Case::at("/api/token/refresh/").tokenpair(401, JSON, NO_ACCOUNT);
    assert_eq!(pair().status_code(), None);
    assert_eq!(
        pair()
            .set(|settings| settings.check_revoke_token = true)
            .status_code(),
        Some("D4")
    );
}

#[test]
fn a_failure_of_djangos_is_explained_by_a_token_that_is_refused_only() {
    let shown = format!(r#"{{"refresh":"{}"}}"#, token(HEADER, "{}"));
    let case = || Case::at("/api/token/refresh/").django(500, PAGE, "oh");
    assert_eq!(
        case()
            .body(&shown)
            .tokenpair(401, JSON, NO_ACCOUNT)
            .status_code(),
        Some("D4")
    );
    assert_eq!(
        case().body(&shown).tokenpair(200, JSON, "{}").status_code(),
        None
    );
    assert_eq!(
        case()
            .body(r#"{"refresh":"x"}"#)
            .tokenpair(401, JSON, NO_ACCOUNT)
            .status_code(),
        None
    );
    let expired = r#"{"detail":"Token is expired","code":"token_not_valid"}"#;
    assert_eq!(
        case()
            .body(&shown)
            .tokenpair(401, JSON, expired)
            .status_code(),
        None
    );
    let log_in = Case::at("/api/token/")
        .body(&shown)
        .django(500, PAGE, "oh")
        .tokenpair(401, JSON, NO_ACCOUNT);
    assert_eq!(log_in.status_code(), None);
    let orders = Case::at("/orders/")
        .body(&shown)
        .django(500, PAGE, "oh")
        .tokenpair(401, JSON, NO_ACCOUNT);
    assert_eq!(orders.status_code(), None);
}

#[test]
fn a_content_type_that_makes_django_fail_is_explained() {
    let case = || {
        Case::at("/api/token/")
            .django(500, PAGE, "oh")
            .tokenpair(415, JSON, "{}")
    };
    assert_eq!(
        case()
            .header("content-type", "text/plain; x*=nonsense''y")
            .status_code(),
        Some("D4")
    );
    assert_eq!(
        case()
            .header("content-type", "text/plain; x=y")
            .status_code(),
        None
    );
}

#[test]
fn an_iat_of_the_near_future_is_explained() {
    let now = SystemClock.now().as_second();
    let with = |ahead: i64| {
        let shown = token(HEADER, &format!(r#"{{"iat":{}}}"#, now + ahead));
        let case = Case::at("/api/token/verify/").body(format!(r#"{{"token":"{shown}"}}"#));
        case.django(401, JSON, NOT_VALID)
    };
    assert_eq!(with(3).status_code(), Some("D4"));
    assert_eq!(with(60).status_code(), None);
    assert_eq!(with(-60).status_code(), None);
    assert_eq!(
        with(20)
            .set(|settings| settings.leeway = std::time::Duration::from_secs(30))
            .status_code(),
        Some("D4")
    );
}

#[test]
fn a_padded_password_is_explained_where_it_lets_in() {
    let case = |password: &str| {
        let body = format!(r#"{{"username":"ada","password":"{password}"}}"#);
        Case::at("/api/token/").body(body).django(401, JSON, "{}")
    };
    assert_eq!(case(" sesame ").status_code(), Some("D5"));
    assert_eq!(case("sesame").status_code(), None);
    assert_eq!(
        case(" sesame ")
            .django(200, JSON, "{}")
            .tokenpair(401, JSON, "{}")
            .status_code(),
        None
    );
}

#[test]
fn a_user_that_is_no_uuid_is_explained() {
    let text = r#"{"non_field_errors":["“x” is not a valid UUID."]}"#;
    let case = |text| {
        Case::at("/api/token/refresh/")
            .django(400, JSON, text)
            .tokenpair(401, JSON, NO_ACCOUNT)
    };
    assert_eq!(case(text).status_code(), Some("T12"));
    assert_eq!(case(r#"{"non_field_errors":["no"]}"#).status_code(), None);
}

/// The code, a header and claims that break the rule, and ones that nearly do.
const STRICT: &[(&str, [&str; 2], [&str; 2])] = &[
    (
        "T4",
        [r#"{"alg":"HS256","crit":[]}"#, "{}"],
        [r#"{"alg":"HS256","critical":[]}"#, "{}"],
    ),
    (
        "T4",
        [r#"{"alg":"HS256","b64":true}"#, "{}"],
        [r#"{"alg":"HS256"}"#, r#"{"b64":true}"#],
    ),
    ("T5", [r#"{"typ":1}"#, "{}"], [r#"{"typ":"x"}"#, "{}"]),
    (
        "T7",
        [HEADER, r#"{"a":1,"a":2}"#],
        [HEADER, r#"{"a":1,"b":2}"#],
    ),
    ("T7", [HEADER, "\u{feff}{}"], [HEADER, " {}"]),
    ("T8", [HEADER, r#"{"exp":"9"}"#], [HEADER, r#"{"exp":9}"#]),
    (
        "T8",
        [HEADER, r#"{"exp":253402300800}"#],
        [HEADER, r#"{"exp":253402300799}"#],
    ),
    ("T10", [HEADER, r#"{"jti":""}"#], [HEADER, r#"{"jti":"a"}"#]),
];

#[test]
fn what_a_strict_reader_refuses_is_explained_and_its_neighbour_is_not() {
    let case = |shown: &str| {
        let body = format!(r#"{{"refresh":"{shown}"}}"#);
        Case::at("/api/token/refresh/")
            .body(body)
            .tokenpair(401, JSON, NOT_VALID)
    };
    for (code, [header, claims], [near_header, near_claims]) in STRICT {
        assert_eq!(
            case(&token(header, claims)).status_code(),
            Some(*code),
            "{header}.{claims}"
        );
        assert_eq!(
            case(&token(near_header, near_claims)).status_code(),
            None,
            "{near_header}.{near_claims}"
        );
    }
    let whole = token(HEADER, "{}");
    assert_eq!(case(&whole).status_code(), None);
    assert_eq!(case(&format!("{whole}=")).status_code(), Some("T2"));
    assert_eq!(
        case(&format!("{whole}="))
            .tokenpair(401, JSON, NO_ACCOUNT)
            .status_code(),
        None
    );
    assert_eq!(
        case(&format!("{whole}{}", "A".repeat(128 * 1024))).status_code(),
        Some("T1")
    );
    assert_eq!(
        case(&format!("{whole}{}", "A".repeat(1024))).status_code(),
        None
    );
}

#[test]
fn a_body_beyond_a_limit_is_explained() {
    let large = |length: usize| {
        let case = Case::at("/api/token/")
            .django(400, PAGE, "x")
            .tokenpair(413, JSON, "{}");
        case.body("x".repeat(length))
            .set(|settings| settings.data_upload_max_memory_size = 100)
    };
    assert_eq!(large(101).status_code(), Some("H1"));
    assert_eq!(large(100).status_code(), None);
    let ours = |text: &str| {
        Case::at("/api/token/").tokenpair(400, JSON, &format!(r#"{{"detail":"{text}"}}"#))
    };
    assert_eq!(
        ours("JSON parse error - Nesting deeper than 128 levels: line 1").status_code(),
        Some("H1")
    );
    assert_eq!(
        ours("JSON parse error - Expecting value: line 1").status_code(),
        None
    );
}

#[test]
fn only_charsets_that_python_alone_knows_are_explained() {
    let case = |charset: &str| {
        let case = Case::at("/api/token/").header(
            "content-type",
            &format!("application/json; charset={charset}"),
        );
        case.tokenpair(400, JSON, "{}")
    };
    assert_eq!(case("utf-7").status_code(), Some("charset"));
    assert_eq!(case("utf-8").status_code(), None);
    assert_eq!(case("latin-1").status_code(), None);
    assert_eq!(case("utf-7").tokenpair(200, JSON, "{}").status_code(), None);
}

#[test]
fn an_outage_is_explained_where_django_has_it_too() {
    let mut both = Case::at("/api/token/")
        .django(500, PAGE, "x")
        .tokenpair(503, JSON, "{}");
    assert_eq!(both.status_code(), None);
    both.tokenpair.headers.push("retry-after", "1");
    assert_eq!(both.status_code(), Some("503"));
    assert_eq!(both.django(200, JSON, "{}").status_code(), None);
}
