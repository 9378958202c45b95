use super::KEY;
use crate::json::Value;
use crate::passwords::Hasher;
use crate::settings::load::Entry;
use crate::settings::{Audience, ErrorTexts, SameSite, Settings, TokenClass, UserIdClaimType};
use crate::{Algorithm, json};
use proptest::prelude::*;
use std::time::Duration;

/// What was shown, with the key put back, read again.
fn reloaded(settings: &Settings) -> Settings {
    let mut entries = settings.entries();
    for entry in &mut entries {
        if entry.name == "SIGNING_KEY" {
            entry.value = Value::from(settings.signing_key.expose());
        }
    }
    Settings::load(entries).unwrap()
}

/// Every field, whatever `entries` makes of it, without the sources.
fn fields(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.sources.clear();
    settings
}

fn value(settings: &Settings, name: &str) -> Value {
    let mut entries = settings.entries().into_iter();
    entries.find(|entry| entry.name == name).unwrap().value
}

/// Nothing in it is a default.
fn customised() -> Settings {
    let mut settings =
        Settings::new("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----");
    settings.access_token_lifetime = Duration::from_millis(2500);
    settings.refresh_token_lifetime = Duration::from_secs(90_061);
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
    settings.update_last_login = true;
    settings.algorithm = Algorithm::PS384;
    settings.verifying_key = "-----BEGIN PUBLIC KEY-----\nAAAA".to_owned();
    settings.audience = Some(Audience::Any(vec!["a,b".to_owned(), String::new()]));
    settings.issuer = Some("me".to_owned());
    settings.jwk_url = Some("https://keys.example/jwks.json".to_owned());
    settings.leeway = Duration::from_nanos(1);
    settings.auth_header_types = vec!["JWT".to_owned(), "a,b".to_owned()];
    settings.auth_header_name = "HTTP_X_TOKEN".to_owned();
    settings.user_id_field = "uuid".to_owned();
    settings.user_id_claim = "uid".to_owned();
    settings.user_id_claim_type = UserIdClaimType::Number;
    settings.auth_token_classes = TokenClass::ALL.to_vec();
    settings.token_type_claim = None;
    settings.jti_claim = None;
    settings.sliding_token_refresh_exp_claim = "window".to_owned();
    settings.sliding_token_lifetime = Duration::from_secs(86_400);
    settings.sliding_token_refresh_lifetime = Duration::from_secs(36_525 * 86_400);
    settings.check_revoke_token = true;
    settings.revoke_token_claim = "digest".to_owned();
    settings.check_user_is_active = false;
    settings.rotation_grace_period = Duration::from_secs(10);
    settings.reuse_detection = true;
    settings.store_full_tokens = true;
    settings.insecure_allow_short_keys = true;
    settings.error_texts = ErrorTexts::V5_4;
    settings.password_hashers = vec![Hasher::Argon2, Hasher::Md5];
    settings.password_rounds.bcrypt_rounds = 4;
    settings.password_rounds.pbkdf2_sha256_iterations = 1;
    settings.data_upload_max_memory_size = 1;
    settings.auth_cookies = false;
    settings.auth_cookie_samesite = SameSite::Strict;
    settings.auth_cookie_secure = false;
    settings.csrf_trusted_origins = vec!["https://app.example.com".to_owned()];
    settings
}

#[test]
fn entries_give_the_same_settings_again() {
    for settings in [Settings::new(KEY), customised()] {
        assert_eq!(fields(&reloaded(&settings)), fields(&settings));
    }
}

#[test]
fn entries_tell_every_setting_but_code_in_order() {
    let entries = Settings::new(KEY).entries();
    let shown: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let is_code = |name: &&str| {
        let code = [
            "JSON_ENCODER",
            "TOKEN_USER_CLASS",
            "USER_AUTHENTICATION_RULE",
        ];
        name.ends_with("_SERIALIZER") || name.starts_with("ON_LOGIN_") || code.contains(name)
    };
    let names = Settings::names().iter().copied();
    let expected: Vec<_> = names.filter(|name| !is_code(name)).collect();
    assert_eq!(shown, expected);
}

#[test]
fn a_customised_set_has_no_default_left() {
    let default = Settings::new("").entries();
    for (entry, default) in customised().entries().iter().zip(default) {
        assert_ne!(entry.value, default.value, "{}", entry.name);
    }
}

#[test]
fn entries_say_where_a_value_came_from() {
    let entry = |name: &str, value: &str, source: &str| Entry {
        name: name.to_owned(),
        value: Value::from(value),
        source: source.to_owned(),
    };
    let mut settings = Settings::load([
        entry("SIGNING_KEY", KEY, "the file"),
        entry("leeway", "0", "the environment"),
    ])
    .unwrap();
    settings.issuer = Some("me".to_owned());
    let source = |name: &str| {
        let mut entries = settings.entries().into_iter();
        entries.find(|entry| entry.name == name).unwrap().source
    };
    assert_eq!(source("SIGNING_KEY"), "the file");
    assert_eq!(source("LEEWAY"), "the environment");
    assert_eq!(source("ISSUER"), "code");
    assert_eq!(source("AUDIENCE"), "default");
}

#[test]
fn entries_show_no_secret() {
    let mut settings = Settings::new(KEY);
    settings.verifying_key = "another secret".to_owned();
    settings.jwk_url = Some("https://me:hunter2@keys.example/jwks?a=@".to_owned());
    let shown = settings.entries().into_iter().map(|entry| entry.value);
    let shown = json::encode_utf8(&Value::Array(shown.collect()));
    for secret in [KEY, "another secret", "hunter2"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert_eq!(value(&settings, "SIGNING_KEY"), Value::from("[redacted]"));
    assert_eq!(
        value(&settings, "JWK_URL"),
        Value::from("https://[redacted]@keys.example/jwks?a=@")
    );
    assert_eq!(value(&Settings::new(""), "SIGNING_KEY"), Value::from(""));
}

#[test]
fn durations_are_shown_as_people_say_them() {
    let mut settings = Settings::new(KEY);
    for (seconds, text) in [
        (0.0, "0s"),
        (2.5, "2s 500ms"),
        (300.0, "5m"),
        (5400.0, "1h 30m"),
        (86_400.0, "1 day"),
        (604_800.0, "7 days"),
        (90_061.0, "25h 1m 1s"),
    ] {
        settings.leeway = Duration::from_secs_f64(seconds);
        assert_eq!(value(&settings, "LEEWAY"), Value::from(text));
    }
}

proptest! {
    /// A failure prints the duration and the seed to repeat it with.
    #[test]
    fn every_duration_survives(seconds in 1..=36_525_u64 * 86_400, nanos in 0..1_000_000_000_u32) {
        let mut settings = Settings::new(KEY);
        settings.access_token_lifetime = Duration::new(seconds - 1, nanos).max(Duration::from_secs(1));
        settings.refresh_token_lifetime = Duration::from_secs(seconds);
        prop_assert_eq!(fields(&reloaded(&settings)), fields(&settings));
    }

    #[test]
    fn every_text_survives(text in "\\PC{1,40}", list in prop::collection::vec("[!-~]{1,20}", 1..4)) {
        let mut settings = Settings::new(text.as_str());
        settings.issuer = Some(text.clone());
        settings.audience = Some(Audience::One(text.clone()));
        settings.user_id_field = text;
        settings.auth_header_types = list;
        prop_assert_eq!(fields(&reloaded(&settings)), fields(&settings));
    }
}
