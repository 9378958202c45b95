//! Tokens in answers.

use super::super::Judge;
use super::{KEY, NOW, answer, compare, half, jwt, post, settings, token, told};

const ID: &str = "0123456789abcdef0123456789abcdef";
const OTHER_ID: &str = "00112233445566778899aabbccddeeff";

fn claims(rest: &str) -> String {
    format!(
        r#"{{"token_type":"access","exp":{},"iat":{NOW},"jti":"{ID}"{rest}}}"#,
        NOW + 300
    )
}

async fn compare_tokens(django: &str, ours: &str) -> Vec<String> {
    compare_raw(&token(KEY, django), &token(KEY, ours)).await
}

async fn compare_raw(django: &str, ours: &str) -> Vec<String> {
    let body = |token: &str| answer(200, &[], &format!(r#"{{"access":"{token}"}}"#));
    compare(&post(""), &body(django), &body(ours)).await
}

#[tokio::test]
async fn tokens_may_differ_in_id_moment_and_signature() {
    let later = format!(
        r#"{{"token_type":"access","exp":{},"iat":{},"jti":"{OTHER_ID}"}}"#,
        NOW + 302,
        NOW + 1
    );
    assert!(compare_tokens(&claims(""), &later).await.is_empty());
}

#[tokio::test]
async fn a_users_date_is_the_same_however_long_the_log_ins_take() {
    let made = |at: i64, joined: i64| {
        let ends = at + 300;
        format!(r#"{{"exp":{ends},"iat":{at},"jti":"{ID}","joined":{joined}}}"#)
    };
    let joined = NOW - 1000;
    let (early, late) = (made(NOW - 2, joined), made(NOW + 3, joined));
    assert!(compare_tokens(&early, &late).await.is_empty());
    let other = made(NOW + 3, joined - 60);
    assert_eq!(
        compare_tokens(&early, &other).await,
        [
            "claim joined of access: 998 s before the token's making | 1063 s before the token's making"
        ]
    );
}

#[tokio::test]
async fn another_lifetime_is_a_difference() {
    let longer = claims("").replace(&(NOW + 300).to_string(), &(NOW + 600).to_string());
    assert_eq!(
        compare_tokens(&claims(""), &longer).await,
        ["claim exp of access: 300 s after the token's making | 600 s after the token's making"]
    );
}

#[tokio::test]
async fn a_token_that_was_made_at_another_time_is_a_difference() {
    let (made, ends) = (NOW - 100, NOW + 200);
    let earlier = format!(r#"{{"token_type":"access","exp":{ends},"iat":{made},"jti":"{ID}"}}"#);
    assert_eq!(
        compare_tokens(&claims(""), &earlier).await,
        [
            "claim exp of access: 300 s after the token's making | 199 s after the answer",
            "claim iat of access: 0 s after the token's making | 101 s before the answer",
        ]
    );
}

#[tokio::test]
async fn claims_are_compared_with_order_type_and_presence() {
    assert_eq!(
        compare_tokens(
            &claims(r#","user_id":"1","a":1"#),
            &claims(r#","a":1,"user_id":1,"b":2"#)
        )
        .await,
        [
            r#"claim user_id of access: "1" | 1"#,
            "claim b of access: nothing | 2",
            "claims of access: in the order token_type, exp, iat, jti, user_id, a | in the order token_type, exp, iat, jti, a, user_id",
        ]
    );
}

#[tokio::test]
async fn a_date_as_a_float_is_a_difference() {
    let float = claims("").replace(&format!("\"iat\":{NOW}"), &format!("\"iat\":{NOW}.0"));
    let found = compare_tokens(&claims(""), &float).await;
    assert_eq!(
        found,
        [
            "claim iat of access: 0 s after the token's making | 0 s after the token's making, a float"
        ]
    );
}

#[tokio::test]
async fn a_time_in_a_claim_of_ones_own_may_differ_by_its_moment() {
    let with = |time: i64| claims(&format!(r#","auth_time":{time},"level":3"#));
    assert!(compare_tokens(&with(NOW), &with(NOW + 1)).await.is_empty());
    assert_eq!(compare_tokens(&with(NOW), &with(NOW - 60)).await.len(), 1);
}

#[tokio::test]
async fn an_id_is_compared_by_its_form() {
    let uuid = claims("").replace(ID, "01234567-89ab-cdef-0123-456789abcdef");
    assert_eq!(
        compare_tokens(&claims(""), &uuid).await,
        ["claim jti of access: 32 hexadecimal digits | another text"]
    );
}

#[tokio::test]
async fn an_id_that_is_kept_is_told_from_a_new_one() {
    let sent = token(KEY, &claims(""));
    let request = post(&format!(r#"{{"token":"{sent}"}}"#));
    let body = |id: &str| {
        let token = token(KEY, &claims("").replace(ID, id));
        answer(200, &[], &format!(r#"{{"token":"{token}"}}"#))
    };
    assert!(compare(&request, &body(ID), &body(ID)).await.is_empty());
    assert_eq!(
        compare(&request, &body(ID), &body(OTHER_ID)).await,
        ["claim jti of token: that of the token sent | 32 hexadecimal digits"]
    );
}

#[tokio::test]
async fn header_signature_and_writing_are_compared() {
    let good = token(KEY, &claims(""));
    let elsewhere = token("another key that has 32 bytes, too.", &claims(""));
    assert_eq!(
        compare_raw(&good, &elsewhere).await,
        [
            "signature of access: signed with the configured key | not signed with the configured key"
        ]
    );
    // {"typ":"JWT","alg":"HS256","kid":"a"}
    let header = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ";
    let rest = good.split_once('.').unwrap().1;
    let found = compare_raw(&good, &format!("{header}.{rest}")).await;
    assert_eq!(
        found[..2],
        [
            r#"token header kid of access: nothing | "a""#,
            "token header of access: in the order alg, typ | in the order typ, alg",
        ]
    );
    // {"a": 1} and {"a":1}
    let (spaced, compact) = (
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjogMX0.x",
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x",
    );
    assert_eq!(
        compare_raw(compact, spaced).await,
        ["claims of access: compact JSON in ASCII | JSON in another form"]
    );
}

#[tokio::test]
async fn a_key_that_neither_server_uses_is_noticed_and_no_difference() {
    let elsewhere = token("another key that has 32 bytes, too.", &claims(""));
    let both = answer(200, &[], &format!(r#"{{"access":"{elsewhere}"}}"#));
    let (request, settings) = (post(""), settings());
    let mut judge = Judge::new(&settings, Some(jwt(KEY)));
    assert!(
        told(
            &judge
                .differences(&half(&request, &both), &half(&request, &both))
                .await
        )
        .is_empty()
    );
    assert!(judge.met_another_key);
}

#[tokio::test]
async fn a_token_where_the_other_has_none_is_shown_without_its_text() {
    let body = format!(r#"{{"access":"{}"}}"#, token(KEY, &claims("")));
    let found = compare(&post(""), &answer(200, &[], &body), &answer(200, &[], "{}")).await;
    assert_eq!(found, ["body access: <access token> | nothing"]);
    let found = compare(
        &post(""),
        &answer(200, &[], &body),
        &answer(200, &[], r#"{"access":"x"}"#),
    )
    .await;
    assert_eq!(found, [r#"body access: <access token> | "x""#]);
    let found = compare(&post(""), &answer(200, &[], &body), &answer(200, &[], "")).await;
    assert_eq!(found, [r#"body: {"access":"<access token>"} | nothing"#]);
}

/// Each server hashes with a salt of its own.
#[tokio::test]
async fn revoke_claims_correspond_over_a_run() {
    let mut settings = settings();
    settings.check_revoke_token = true;
    let mut judge = Judge::new(&settings, Some(jwt(KEY)));
    let digest = |letter: &str| letter.repeat(32);
    let mut found = Vec::new();
    for (theirs, ours) in [("A", "B"), ("C", "C"), ("A", "B"), ("A", "C")] {
        let body = |letter: &str| {
            let token = token(
                KEY,
                &claims(&format!(r#","hash_password":"{}""#, digest(letter))),
            );
            answer(200, &[], &format!(r#"{{"access":"{token}"}}"#))
        };
        let (request, theirs, ours) = (post(""), body(theirs), body(ours));
        let differences = judge
            .differences(&half(&request, &theirs), &half(&request, &ours))
            .await;
        found.push(told(&differences));
    }
    let expected =
        "claim hash_password of access: <digest of one password> | <digest of another password>";
    assert_eq!(found, [vec![], vec![], vec![], vec![expected.to_owned()]]);
}
