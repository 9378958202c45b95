//! Tokens that no server gave out: expired, damaged, of another key, of the wrong type, of nobody.

use super::plan::Plan;
use crate::commands::token;
use crate::config::Endpoint::{TokenBlacklist, TokenRefresh, TokenRefreshSliding, TokenVerify};
use crate::output::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokenpair::json::Value;
use tokenpair::{Access, Error, Kind, Refresh, SimpleJwt, Sliding, Token, UserIdKind};

const HOUR: i64 = 3600;
/// Never a number of a user's.
const NOBODY: &str = "2147483646";
const NOBODYS_UUID: &str = "00000000-0000-4000-8000-00000000dead";

pub(super) fn add(plan: &mut Plan<'_>) -> Result<(), Failure> {
    for (about, text) in [
        ("a text", "x"),
        ("three letters", "a.b.c"),
        ("a blank text", ""),
        ("white space", " "),
        (
            "an unsigned token",
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.",
        ),
        (
            "a token of four parts",
            "eyJhbGciOiJIUzI1NiJ9.e30.c2ln.c2ln",
        ),
    ] {
        everywhere(plan, about, [text; 3]);
    }
    let schemes = plan.settings.auth_header_types.clone();
    let scheme = schemes.first().map_or("Bearer", String::as_str);
    for value in [
        scheme,
        "Basic eDp5",
        &format!("{scheme} a b"),
        &format!("{} x.y.z", scheme.to_lowercase()),
        "",
    ] {
        plan.authorize("odd credentials", value);
    }
    let Some(jwt) = plan.jwt.clone() else {
        return Ok(());
    };
    let failed = |error: Error| Failure::new(error.to_string());
    for (about, change) in changes(plan) {
        let tokens = signed(&jwt, &*change).map_err(failed)?;
        everywhere(plan, &about, [&tokens[0], &tokens[1], &tokens[2]]);
    }
    let whole = signed(&jwt, &|_: &mut dyn Claims| ()).map_err(failed)?;
    let damaged = whole.clone().map(|token| damage(&token));
    everywhere(
        plan,
        "a damaged signature",
        [&damaged[0], &damaged[1], &damaged[2]],
    );
    let padded = whole.map(|token| format!("{token}="));
    everywhere(
        plan,
        "a padded signature",
        [&padded[0], &padded[1], &padded[2]],
    );
    if plan.settings.algorithm.is_symmetric() {
        let mut settings = plan.settings.clone();
        settings.signing_key = "a-key-of-somebody-else-that-is-as-long-as-the-longest-hash-of-all"
            .to_owned()
            .into();
        let other = token::reader(settings).build()?;
        let foreign = signed(&other, &|_: &mut dyn Claims| ()).map_err(failed)?;
        everywhere(
            plan,
            "another key's signature",
            [&foreign[0], &foreign[1], &foreign[2]],
        );
    }
    Ok(())
}

/// What a token's claims are changed by, whatever its kind.
trait Claims {
    fn set(&mut self, name: &str, value: Value);
    fn drop(&mut self, name: &str);
}

impl<K: Kind> Claims for Token<K> {
    fn set(&mut self, name: &str, value: Value) {
        self.insert(name, value);
    }

    fn drop(&mut self, name: &str) {
        self.remove(name);
    }
}

type Change = Box<dyn Fn(&mut dyn Claims)>;

fn changes(plan: &Plan<'_>) -> Vec<(String, Change)> {
    let settings = plan.settings;
    let now = plan.now.as_second();
    let user = settings.user_id_claim.clone();
    let nobody = if plan.user_id_kind == UserIdKind::Uuid {
        NOBODYS_UUID
    } else {
        NOBODY
    };
    let set = |about: &str, name: &str, value: Value| -> (String, Change) {
        let name = name.to_owned();
        (
            about.to_owned(),
            Box::new(move |claims| claims.set(&name, value.clone())),
        )
    };
    let without = |about: &str, name: &str| -> (String, Change) {
        let name = name.to_owned();
        (about.to_owned(), Box::new(move |claims| claims.drop(&name)))
    };
    let window = settings.sliding_token_refresh_exp_claim.clone();
    let mut changes = vec![
        set("an expired token", "exp", Value::from(now - HOUR)),
        without("a token without exp", "exp"),
        set(
            "a token that is not valid yet",
            "nbf",
            Value::from(now + HOUR),
        ),
        set("a token of the future", "iat", Value::from(now + HOUR)),
        set("a token whose exp is a text", "exp", Value::from("soon")),
        set(
            "a token whose window has ended",
            &window,
            Value::from(now - HOUR),
        ),
        set("a token of nobody", &user, Value::from(nobody)),
        set(
            "a token of what is no user",
            &user,
            Value::from("no id of a user"),
        ),
        without("a token without a user", &user),
    ];
    if let Some(name) = &settings.token_type_claim {
        changes.push(set(
            "a token of an unknown type",
            name,
            Value::from("ticket"),
        ));
        changes.push(without("a token without a type", name));
    }
    if let Some(name) = &settings.jti_claim {
        changes.push(without("a token without an id", name));
    }
    changes
}

/// An access, a refresh and a sliding token.
fn signed(jwt: &SimpleJwt, change: &dyn Fn(&mut dyn Claims)) -> Result<[String; 3], Error> {
    fn one<K: Kind>(jwt: &SimpleJwt, change: &dyn Fn(&mut dyn Claims)) -> Result<String, Error> {
        let mut token = Token::<K>::new(jwt);
        change(&mut token);
        jwt.encode(&token)
    }
    Ok([
        one::<Access>(jwt, change)?,
        one::<Refresh>(jwt, change)?,
        one::<Sliding>(jwt, change)?,
    ])
}

/// Shows an access, a refresh and a sliding token wherever one is taken.
fn everywhere(plan: &mut Plan<'_>, about: &str, [access, refresh, sliding]: [&str; 3]) {
    let before = plan.requests.len();
    let of = |door: &str| format!("{door}: {about}");
    plan.post(
        &of("refresh"),
        TokenRefresh,
        &[("refresh", Value::from(refresh))],
    );
    plan.post(
        &of("verify"),
        TokenVerify,
        &[("token", Value::from(access))],
    );
    plan.post(
        &of("log out"),
        TokenBlacklist,
        &[("refresh", Value::from(refresh))],
    );
    plan.post(
        &of("prolong"),
        TokenRefreshSliding,
        &[("token", Value::from(sliding))],
    );
    plan.present(about, access);
    // Its dates are those of this moment.
    let now = plan.now;
    for request in &mut plan.requests[before..] {
        request.recorded_at = Some(now);
    }
}

/// With one bit of the signature turned.
fn damage(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    if let Some(first) = bytes.first_mut() {
        *first ^= 1;
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}
