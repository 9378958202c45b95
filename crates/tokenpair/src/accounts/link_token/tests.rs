use super::{Purpose, id_of, uid};
use crate::models::{EncodedPassword, User, UserId, UserIdKind};
use crate::settings::Secret;
use crate::store::Account;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

const NOW: i64 = 1_800_000_000;
const DAY: Duration = Duration::from_secs(86_400);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn secret() -> Secret {
    Secret::from("a secret of at least 32 bytes, kept out of the code")
}

fn ada() -> Account {
    let mut user = User::new(1, "ada");
    user.password = EncodedPassword::new("md5$salt$ada");
    let mut account = Account::new(user);
    account.email = Some("ada@example.com".to_owned());
    account
}

fn is_good(account: &Account, token: &str, now: i64) -> bool {
    Purpose::PasswordReset.check_token(account, token, &secret(), DAY, at(now))
}

/// Recorded with `record.py`, which lies beside the file.
#[test]
fn tokens_are_djangos_byte_for_byte() {
    let recorded = include_str!("../../../tests/vectors/reset-tokens/tokens.json");
    let cases: Vec<Value> = serde_json::from_str(recorded).unwrap();
    assert!(cases.len() > 100);
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap();
        let kind = match text("kind") {
            "integer" => UserIdKind::Integer,
            "uuid" => UserIdKind::Uuid,
            _ => UserIdKind::Text,
        };
        let id = id_of(text("uid"), kind).unwrap();
        assert_eq!(id.to_string(), text("pk"));
        assert_eq!(uid(&id), text("uid"));
        let mut user = User::new(1, "ada");
        user.id = id;
        user.password = EncodedPassword::new(text("password"));
        let mut account = Account::new(user);
        account.email = Some(text("email").to_owned());
        let last_login = case["last_login"].as_str();
        account.last_login = last_login.map(|at| at.parse().unwrap());
        let (secret, now) = (
            Secret::from(text("secret")),
            at(case["now"].as_i64().unwrap()),
        );
        let made = Purpose::PasswordReset.make_token(&account, &secret, now);
        assert_eq!(made, text("token"), "{case}");
        let checked = |purpose: Purpose| purpose.check_token(&account, &made, &secret, DAY, now);
        assert!(checked(Purpose::PasswordReset));
        assert!(!checked(Purpose::EmailVerification), "one kind for another");
    }
}

#[test]
fn a_token_dies_with_what_it_was_made_from_and_with_time() {
    let token = Purpose::PasswordReset.make_token(&ada(), &secret(), at(NOW));
    assert!(is_good(&ada(), &token, NOW));
    assert!(is_good(&ada(), &token, NOW + 86_400));
    assert!(!is_good(&ada(), &token, NOW + 86_401));
    let changes: [fn(&mut Account); 4] = [
        |account| account.user.id = UserId::Int(2),
        |account| account.user.password = EncodedPassword::new("md5$salt$new"),
        |account| account.email = Some("eve@example.com".to_owned()),
        |account| account.last_login = Some(at(NOW)),
    ];
    for change in changes {
        let mut other = ada();
        change(&mut other);
        assert!(!is_good(&other, &token, NOW));
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let token = Purpose::PasswordReset.make_token(&ada(), &secret(), at(NOW));
    let (time, hash) = token.split_once('-').unwrap();
    for forged in [
        String::new(),
        "-".to_owned(),
        hash.to_owned(),
        format!("-{hash}"),
        format!("+{token}"),
        format!("0{token}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}-"),
        token.to_uppercase(),
        format!("{time}1-{hash}"),
        format!("-{time}-{hash}"),
        format!("zzzzzzzzzzzzzzzzzzzz-{hash}"),
        format!("{time}-{}", "0".repeat(32)),
        "\u{661}-x".to_owned(),
    ] {
        assert!(!is_good(&ada(), &forged, NOW), "{forged:?}");
    }
    for uid in ["", "MQ==", "M", "MQ ", "/w", "_w", "eA"] {
        assert_eq!(id_of(uid, UserIdKind::Integer), None, "{uid:?}");
    }
}
