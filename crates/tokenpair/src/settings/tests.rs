use super::load::Entry;
use super::{Audience, Settings, TokenClass};
use crate::json::Value;
use std::time::Duration;

mod entries;

const KEY: &str = "a-test-key-of-more-than-thirty-two-bytes";

fn load(entries: &[(&str, Value)]) -> Result<Settings, String> {
    let key = ("SIGNING_KEY", Value::from(KEY));
    let entries = std::iter::once(&key)
        .chain(entries)
        .map(|(name, value)| Entry {
            name: (*name).to_owned(),
            value: value.clone(),
            source: "test.toml".to_owned(),
        });
    Settings::load(entries).map_err(|error| error.to_string())
}

fn refusal(name: &str, value: impl Into<Value>) -> String {
    load(&[(name, value.into())])
        .map(|_| ())
        .expect_err("the value is refused")
}

#[test]
fn defaults_are_simple_jwts() {
    let settings = load(&[]).unwrap();
    assert_eq!(settings.access_token_lifetime, Duration::from_secs(300));
    assert_eq!(settings.refresh_token_lifetime, Duration::from_secs(86_400));
    assert!(
        !settings.rotate_refresh_tokens
            && !settings.blacklist_after_rotation
            && settings.check_user_is_active
    );
    assert_eq!(settings.auth_token_classes, [TokenClass::Access]);
    assert_eq!(settings.auth_header().as_deref(), Some("authorization"));
}

#[test]
fn names_are_accepted_in_any_case_and_later_entries_win() {
    let settings = load(&[("leeway", Value::from(5)), ("Leeway", Value::from("7 s"))]).unwrap();
    assert_eq!(settings.leeway, Duration::from_secs(7));
}

#[test]
fn durations_are_read_in_every_form() {
    for (value, seconds) in [
        (Value::from("15m"), 900.0),
        (Value::from("7 days"), 604_800.0),
        (Value::from("1h 30m"), 5400.0),
        (Value::from(90), 90.0),
        (Value::from(2.5), 2.5),
        (Value::from("300"), 300.0),
        (Value::from("PT15M"), 900.0),
    ] {
        let settings = load(&[("ACCESS_TOKEN_LIFETIME", value.clone())]).unwrap();
        assert_eq!(
            settings.access_token_lifetime,
            Duration::from_secs_f64(seconds),
            "{value:?}"
        );
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    assert_eq!(
        refusal("ACESS_TOKEN_LIFETIME", "5m"),
        "ACESS_TOKEN_LIFETIME (test.toml): no such setting, did you mean ACCESS_TOKEN_LIFETIME?"
    );
    assert_eq!(
        refusal("COLOUR", "red"),
        "COLOUR (test.toml): no such setting"
    );
}

#[test]
fn a_removed_name_is_refused_with_its_successor() {
    assert_eq!(
        refusal("AUTH_HEADER_TYPE", "JWT"),
        "AUTH_HEADER_TYPE (test.toml): has been removed, use AUTH_HEADER_TYPES"
    );
}

#[test]
fn wrong_types_name_setting_source_and_accepted_values() {
    assert_eq!(
        refusal("ACCESS_TOKEN_LIFETIME", Value::Array(vec![])),
        "ACCESS_TOKEN_LIFETIME (test.toml): expected a duration such as \"15m\", \"7 days\" or a number of seconds, got a list"
    );
    assert_eq!(
        refusal("ROTATE_REFRESH_TOKENS", "maybe"),
        "ROTATE_REFRESH_TOKENS (test.toml): expected true or false, got \"maybe\""
    );
    assert!(refusal("ALGORITHM", "none").contains("HS256"));
    assert!(refusal("AUTH_TOKEN_CLASSES", "MyToken").contains("SlidingToken"));
}

#[test]
fn values_out_of_range_are_refused() {
    for (name, value) in [
        ("ACCESS_TOKEN_LIFETIME", Value::from(0)),
        ("REFRESH_TOKEN_LIFETIME", Value::from(-1)),
        ("SLIDING_TOKEN_LIFETIME", Value::from("200 years")),
        ("LEEWAY", Value::from("2 days")),
        ("AUTH_HEADER_TYPES", Value::from("")),
        ("AUTH_HEADER_NAME", Value::from("Authorization")),
        ("JTI_CLAIM", Value::from("exp")),
        ("USER_ID_CLAIM", Value::from("jti")),
        ("JWK_URL", Value::from("ftp://x")),
        ("ROTATION_GRACE_PERIOD", Value::from("10s")),
        ("REUSE_DETECTION", Value::from(true)),
        ("DATA_UPLOAD_MAX_MEMORY_SIZE", Value::from(0)),
    ] {
        assert!(
            refusal(name, value).starts_with(&format!("{name} (test.toml): ")),
            "{name}"
        );
    }
}

#[test]
fn grace_is_limited_to_a_minute() {
    let on = Value::from(true);
    let rotating = |grace: &str| {
        load(&[
            ("ROTATE_REFRESH_TOKENS", on.clone()),
            ("BLACKLIST_AFTER_ROTATION", on.clone()),
            ("ROTATION_GRACE_PERIOD", Value::from(grace)),
        ])
    };
    assert!(rotating("60s").is_ok());
    assert!(rotating("61s").is_err());
}

#[test]
fn a_serializer_class_is_refused_with_our_hook() {
    let message = refusal(
        "TOKEN_OBTAIN_SERIALIZER",
        "my_app.serializers.MyTokenObtainPairSerializer",
    );
    assert!(message.contains("SimpleJwtBuilder::get_token"), "{message}");
    assert!(
        load(&[(
            "TOKEN_OBTAIN_SERIALIZER",
            Value::from("rest_framework_simplejwt.serializers.TokenObtainPairSerializer")
        )])
        .is_ok()
    );
}

#[test]
fn a_missing_or_mistyped_signing_key_is_not_shown() {
    assert!(
        Settings::load([])
            .unwrap_err()
            .to_string()
            .starts_with("SIGNING_KEY: is required")
    );
    let message = refusal("SIGNING_KEY", 12_345_678);
    assert!(!message.contains("12345678"), "{message}");
    assert!(!format!("{:?}", load(&[]).unwrap()).contains(KEY));
}

#[test]
fn audiences_and_token_classes_are_read_in_both_forms() {
    let list = Value::Array(vec![Value::from("a"), Value::from("b")]);
    assert_eq!(
        load(&[("AUDIENCE", list)]).unwrap().audience,
        Some(Audience::Any(vec!["a".into(), "b".into()]))
    );
    assert_eq!(
        load(&[("AUDIENCE", Value::from("a,b"))]).unwrap().audience,
        Some(Audience::One("a,b".into()))
    );
    let dotted = Value::from("rest_framework_simplejwt.tokens.SlidingToken, AccessToken");
    let settings = load(&[("AUTH_TOKEN_CLASSES", dotted)]).unwrap();
    assert_eq!(
        settings.auth_token_classes,
        [TokenClass::Sliding, TokenClass::Access]
    );
}

#[test]
fn every_known_name_is_applied() {
    for name in super::load::NAMES {
        let error = load(&[(name, Value::Array(vec![Value::Null]))])
            .map(|_| ())
            .expect_err("a list of nothing fits no setting");
        assert!(!error.contains("no such setting"), "{error}");
    }
}

#[test]
fn a_record_is_kept_for_as_long_as_a_token_could_live_that_it_decides_on() {
    let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    let mut settings = Settings::new("never used to sign anything");
    settings.leeway = Duration::from_secs(10);
    settings.sliding_token_lifetime = Duration::from_secs(100);
    settings.access_token_lifetime = Duration::from_secs(20_000);
    settings.sliding_token_refresh_lifetime = Duration::from_secs(1000);
    let before = settings.expired_before(now);
    assert_eq!(now.as_second() - before.as_second(), 86_400 + 21_110);
    settings.sliding_token_refresh_lifetime = Duration::MAX;
    assert_eq!(settings.expired_before(now), jiff::Timestamp::MIN);
}

#[test]
fn names_stand_in_alphabetical_order() {
    assert!(Settings::names().is_sorted());
}

#[test]
fn variables_of_the_server_are_no_settings() {
    let variables = [
        "TOKENPAIR_DATABASE_MAX_CONNECTIONS",
        "TOKENPAIR_LEEWAY",
        "TOKENPAIR_LEWAY",
        "TOKENPAIR_LISTEN",
        "TOKENPAIR_LOG",
        "TOKENPAIR_LOG_FORMAT",
        "TOKENPAIR_TRUSTED_PROXIES",
        "TOKENPAIR_DRAIN_DELAY",
        "TOKENPAIR_FLUSH_INTERVAL",
        "TOKENPAIR_SIGNING_KEY_FILE",
        "TOKENPAIR_TOKEN_BLACKLIST",
        "TOKENPAIR_CORS_ALLOWED_ORIGINS",
        "LEEWAY",
    ];
    let entries = super::load::from_variables(variables.map(|name| (name.into(), "5".into())));
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["LEEWAY", "LEWAY"], "a misspelt one is found out");
    assert_eq!(entries[0].source, "environment variable TOKENPAIR_LEEWAY");
}
