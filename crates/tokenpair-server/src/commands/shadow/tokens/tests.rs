use super::{Count, Pair, Tokens, tokens_of};
use crate::commands::shadow::exchange::{Answer, Headers, Request};
use crate::commands::shadow::jose::Parts;
use jiff::Timestamp;
use tokenpair::json::Value;
use tokenpair::{MemoryStore, Settings, SimpleJwt, UntypedToken};

const KEY: &str = "a key of at least 32 bytes for the tests of shadow";
/// When the tests play.
const NOW: i64 = 2_000_000_000;

fn settings(key: &str) -> Settings {
    Settings::new(key)
}

/// A token that any server could have made: `claims` as JSON.
fn token(key: &str, claims: &str) -> String {
    let jwt = SimpleJwt::new(settings(key), MemoryStore::default()).unwrap();
    let mut token = UntypedToken::new(&jwt);
    *token.claims_mut() = tokenpair::json::decode_strict(claims.as_bytes()).unwrap();
    jwt.encode(&token).unwrap()
}

fn numbered(number: i64) -> String {
    token(
        "somebody else's key, which is 32 bytes long",
        &format!(r#"{{"n":{number},"exp":1}}"#),
    )
}

fn tokens(has_key: bool) -> Tokens {
    Tokens::new(&settings(KEY), has_key).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn answer(body: String) -> Answer {
    Answer {
        status: 200,
        headers: Headers::default(),
        body: body.into_bytes(),
    }
}

fn log_in(access: &str, refresh: &str) -> Request {
    let mut request = Request::new("it", "POST", "/api/token/");
    request.recorded =
        Some(format!(r#"{{"refresh":"{refresh}","access":"{access}"}}"#).into_bytes());
    request
}

fn with_bearer(token: &str) -> Request {
    let mut request = Request::new("it", "GET", "/api/me/");
    request
        .headers
        .push("Authorization", format!("Bearer {token}"));
    request
}

fn claims(token: &str) -> Vec<(String, Value)> {
    Parts::read(token).unwrap().claims.into_iter().collect()
}

#[tokio::test]
async fn each_server_is_sent_the_tokens_it_gave_out_itself() {
    let mut tokens = tokens(false);
    let (access, refresh) = (numbered(1), numbered(2));
    let django = answer(format!(
        r#"{{"refresh":"{}","access":"{}"}}"#,
        numbered(3),
        numbered(4)
    ));
    let ours = answer(format!(
        r#"{{"refresh":"{}","access":"{}"}}"#,
        numbered(5),
        numbered(6)
    ));
    tokens.learn(&log_in(&access, &refresh), &django, &ours);

    let mut request = with_bearer(&access);
    request.body = format!("refresh={refresh}&x={access}&refresh={refresh}").into_bytes();
    let (to_django, to_tokenpair) = tokens.translate(&request, now()).await;
    let bearer = |request: &Request| request.headers.get("authorization").unwrap().to_owned();
    assert_eq!(bearer(&to_django), format!("Bearer {}", numbered(4)));
    assert_eq!(bearer(&to_tokenpair), format!("Bearer {}", numbered(6)));
    let body = format!("refresh={0}&x={1}&refresh={0}", numbered(5), numbered(6));
    assert_eq!(to_tokenpair.body, body.into_bytes());
    assert_eq!(
        tokens.count,
        Count {
            replaced: 1,
            ..Count::default()
        }
    );
}

#[test]
fn where_one_server_gives_no_token_it_is_sent_the_others() {
    let mut tokens = tokens(false);
    let given = numbered(3);
    let django = answer(format!(r#"{{"access":"{given}"}}"#));
    let refused = answer(r#"{"detail":"no"}"#.to_owned());
    tokens.learn(&log_in(&numbered(1), &numbered(2)), &django, &refused);
    let pair = Pair {
        django: given.clone(),
        tokenpair: given,
    };
    assert_eq!(tokens.known.get(&numbered(1)), Some(&pair));
    assert_eq!(tokens.known.get(&numbered(2)), None);
}

#[tokio::test]
async fn a_token_of_another_key_is_sent_as_it_is() {
    for has_key in [false, true] {
        let mut tokens = tokens(has_key);
        let request = with_bearer(&numbered(1));
        let (to_django, to_tokenpair) = tokens.translate(&request, now()).await;
        assert_eq!(to_django.headers.0, request.headers.0);
        assert_eq!(to_tokenpair.headers.0, request.headers.0);
        assert_eq!(tokens.count.foreign, 1);
    }
}

#[tokio::test]
async fn without_the_key_an_expired_token_stays_expired() {
    let mut tokens = tokens(false);
    let old = token(KEY, r#"{"exp":1000,"iat":700,"jti":"a"}"#);
    let (to_django, _) = tokens.translate(&with_bearer(&old), now()).await;
    assert_eq!(
        to_django.headers.get("authorization"),
        Some(format!("Bearer {old}").as_str())
    );
}

async fn renewed(claims_then: &str, recorded_at: Option<i64>) -> Vec<(String, Value)> {
    let mut tokens = tokens(true);
    let mut request = with_bearer(&token(KEY, claims_then));
    request.recorded_at = recorded_at.map(|at| Timestamp::from_second(at).unwrap());
    let (to_django, to_tokenpair) = tokens.translate(&request, now()).await;
    assert_eq!(to_django.headers.0, to_tokenpair.headers.0);
    assert_eq!(tokens.count.renewed, 1);
    let sent = to_django.headers.get("authorization").unwrap();
    claims(sent.strip_prefix("Bearer ").unwrap())
}

#[tokio::test]
async fn an_old_token_is_worth_what_it_was_worth_when_it_was_recorded() {
    let then =
        r#"{"token_type":"sliding","exp":1000,"iat":700.5,"jti":"a","refresh_exp":5000,"x":1000}"#;
    let claims = renewed(then, Some(900)).await;
    let expected = [
        ("token_type", Value::from("sliding")),
        ("exp", Value::from(NOW + 100)),
        ("iat", Value::from(2_000_000_000.0 - 199.5)),
        ("jti", Value::from("a")),
        ("refresh_exp", Value::from(NOW + 4100)),
        ("x", Value::from(1000)),
    ];
    assert_eq!(
        claims,
        expected.map(|(name, value)| (name.to_owned(), value))
    );
}

#[tokio::test]
async fn a_token_that_is_worth_what_it_was_worth_is_sent_as_it_is() {
    let cases = [
        (r#"{"exp":1000,"iat":700}"#, Some(1010)),
        (r#"{"exp":2000000001,"iat":700}"#, Some(1010)),
        (r#"{"exp":2000000001,"iat":700}"#, None),
        (r#"{"exp":2000000001,"iat":1015}"#, Some(1010)),
    ];
    for (claims, recorded_at) in cases {
        let mut tokens = tokens(true);
        let mut request = with_bearer(&token(KEY, claims));
        request.recorded_at = recorded_at.map(|at| Timestamp::from_second(at).unwrap());
        let (to_django, _) = tokens.translate(&request, now()).await;
        assert_eq!(to_django.headers.0, request.headers.0);
        assert_eq!(tokens.count, Count::default());
    }
}

#[tokio::test]
async fn a_token_that_was_not_good_yet_stays_so() {
    let claims = renewed(r#"{"exp":5000,"nbf":2000,"iat":700}"#, Some(1000)).await;
    assert_eq!(claims[1], ("nbf".to_owned(), Value::from(NOW + 1000)));
}

/// Signing adds the configured audience, which this token did not have.
#[tokio::test]
async fn a_token_that_cannot_be_made_again_is_sent_as_it_is() {
    let mut settings = settings(KEY);
    settings.issuer = Some("site".to_owned());
    let mut tokens = Tokens::new(&settings, true).unwrap();
    let request = with_bearer(&token(KEY, r#"{"exp":1000,"iat":700}"#));
    tokens.translate(&request, now()).await;
    assert_eq!(tokens.count.foreign, 1);
}

#[tokio::test]
async fn where_nobody_knows_the_time_of_the_recording_a_token_is_new() {
    let claims = renewed(r#"{"exp":1000,"iat":700}"#, None).await;
    assert_eq!(claims[0], ("exp".to_owned(), Value::from(NOW + 300)));
}

#[tokio::test]
async fn a_token_that_says_nothing_about_its_time_is_sent_as_it_is() {
    let mut tokens = tokens(true);
    tokens
        .translate(&with_bearer(&token(KEY, r#"{"exp":1000}"#)), now())
        .await;
    assert_eq!(tokens.count.foreign, 1);
}

#[test]
fn tokens_are_seen_in_headers_address_and_body() {
    let mut request = with_bearer(&numbered(1));
    request.target = format!("/activate/{}/?t={}", numbered(2), numbered(3));
    request.body = format!("{{\"token\":\"{}\"}}", numbered(4)).into_bytes();
    assert_eq!(tokens_of(&request), [1, 2, 3, 4].map(numbered));
}
