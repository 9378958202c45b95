//! Which token each server is sent where a recording has one.
//!
//! A token that an answer of the recording gave out stands for what the servers answered in its place now. Any other
//! token came from elsewhere: where the configured key signed it and it has expired since, it is signed again with its
//! dates moved by the time since the recording, so that it is worth what it was worth then; otherwise it is sent as it is.

#[cfg(test)]
mod tests;

use super::exchange::{Answer, Headers, Request};
use super::jose::{self, Parts};
use crate::commands::token;
use crate::output::Failure;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use tokenpair::json::{Number, Object, Value};
use tokenpair::{Flaw, Settings, SimpleJwt, UntypedToken};

/// The tokens of a run.
pub(super) struct Tokens {
    /// By token of the recording.
    known: HashMap<String, Pair>,
    /// Where the signing key is known.
    jwt: Option<SimpleJwt>,
    refresh_exp: String,
    pub(super) count: Count,
}

/// One token of the recording, as each server gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    django: String,
    tokenpair: String,
}

impl Pair {
    fn same(token: String) -> Self {
        Self {
            django: token.clone(),
            tokenpair: token,
        }
    }
}

/// What is done about a token that no answer gave out.
enum Renewal {
    /// It is worth what it was worth when it was recorded.
    Unneeded,
    Done(String),
    Impossible,
}

/// How many requests carried tokens, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Each server was sent its own.
    pub(super) replaced: usize,
    /// Signed again with their dates moved.
    pub(super) renewed: usize,
    /// Sent as recorded: of an unknown origin, or not signed with the key.
    pub(super) foreign: usize,
}

impl Tokens {
    /// `settings` hold the signing key only if `has_key`.
    pub(super) fn new(settings: &Settings, has_key: bool) -> Result<Self, Failure> {
        let jwt = has_key.then(|| token::reader(settings.clone()).build());
        Ok(Self {
            known: HashMap::new(),
            jwt: jwt.transpose()?,
            refresh_exp: settings.sliding_token_refresh_exp_claim.clone(),
            count: Count::default(),
        })
    }

    /// Whether signatures can be checked.
    pub(super) fn jwt(&self) -> Option<&SimpleJwt> {
        self.jwt.as_ref()
    }

    /// The request as Django is sent it, and as tokenpair is.
    pub(super) async fn translate(
        &mut self,
        request: &Request,
        now: Timestamp,
    ) -> (Request, Request) {
        let mut pairs = HashMap::new();
        let mut met = Count::default();
        for token in tokens_of(request) {
            if let Some(pair) = self.known.get(&token) {
                met.replaced = 1;
                pairs.insert(token, pair.clone());
                continue;
            }
            match self.renewal(&token, request.recorded_at, now).await {
                Renewal::Unneeded => {}
                Renewal::Done(renewed) => {
                    met.renewed = 1;
                    pairs.insert(token, Pair::same(renewed));
                }
                Renewal::Impossible => met.foreign = 1,
            }
        }
        self.count.replaced += met.replaced;
        self.count.renewed += met.renewed;
        self.count.foreign += met.foreign;
        let django = with_tokens(request, |token| Some(pairs.get(token)?.django.clone()));
        let tokenpair = with_tokens(request, |token| Some(pairs.get(token)?.tokenpair.clone()));
        (django, tokenpair)
    }

    /// Learns what the tokens of the recorded answer are now. Where only one server gave one, the other is sent that,
    /// so that one difference does not become many.
    pub(super) fn learn(&mut self, request: &Request, django: &Answer, tokenpair: &Answer) {
        let Some(recorded) = &request.recorded else {
            return;
        };
        let django: HashMap<_, _> = jose::members(&django.body).into_iter().collect();
        let tokenpair: HashMap<_, _> = jose::members(&tokenpair.body).into_iter().collect();
        for (place, token) in jose::members(recorded) {
            let (theirs, ours) = (django.get(&place), tokenpair.get(&place));
            if let Some(any) = theirs.or(ours) {
                let pair = Pair {
                    django: theirs.unwrap_or(any).clone(),
                    tokenpair: ours.unwrap_or(any).clone(),
                };
                self.known.insert(token, pair);
            }
        }
    }

    /// What a token that no answer gave out has to become.
    async fn renewal(&self, raw: &str, recorded_at: Option<Timestamp>, now: Timestamp) -> Renewal {
        let Some(jwt) = &self.jwt else {
            return Renewal::Impossible;
        };
        let flaw = jwt.find_flaw(raw).await;
        let is_signed = matches!(flaw, Ok(None | Some(Flaw::Claim { .. })));
        let Some(parts) = Parts::read(raw).filter(|_| is_signed) else {
            return Renewal::Impossible;
        };
        let issued = parts.claims.get("iat").and_then(whole);
        // Nobody had the token before it was made: the recording's clock may be slow.
        let Some(then) = recorded_at.map(Timestamp::as_second).max(issued) else {
            return Renewal::Impossible;
        };
        let dates = ["iat", "nbf", "exp", &self.refresh_exp];
        if !has_aged(&parts.claims, dates, then, now.as_second()) {
            return Renewal::Unneeded;
        }
        let mut claims = parts.claims;
        for name in dates {
            shift(&mut claims, name, now.as_second() - then);
        }
        sign(jwt, &claims).map_or(Renewal::Impossible, Renewal::Done)
    }
}

/// The claims as a token; `None` where it would have others, as the signer adds the configured audience and issuer.
fn sign(jwt: &SimpleJwt, claims: &Object) -> Option<String> {
    let mut token = UntypedToken::new(jwt);
    *token.claims_mut() = claims.clone();
    let signed = jwt.encode(&token).ok()?;
    (Parts::read(&signed)?.claims == *claims).then_some(signed)
}

/// Whether a date has come between `then` and `now`, so that the token is worth something else.
fn has_aged(claims: &Object, dates: [&str; 4], then: i64, now: i64) -> bool {
    let mut dates = dates
        .into_iter()
        .filter_map(|name| whole(claims.get(name)?));
    dates.any(|date| (date <= then) != (date <= now))
}

fn whole(date: &Value) -> Option<i64> {
    match date {
        Value::Number(Number::Int(seconds)) => Some(*seconds),
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        Value::Number(Number::Float(seconds)) => Some(*seconds as i64),
        _ => None,
    }
}

/// Moves a date and keeps its form.
fn shift(claims: &mut Object, name: &str, seconds: i64) {
    match claims.get_mut(name) {
        Some(Value::Number(Number::Int(date))) => *date = date.saturating_add(seconds),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a time span in seconds is exact"
        )]
        Some(Value::Number(Number::Float(date))) => *date += seconds as f64,
        _ => {}
    }
}

/// The tokens that a request carries.
fn tokens_of(request: &Request) -> Vec<String> {
    let headers = request.headers.0.iter().map(|(_, value)| value.as_slice());
    let texts = headers.chain([request.target.as_bytes(), &request.body]);
    let mut known = HashSet::new();
    let tokens = texts.flat_map(jose::find);
    let tokens = tokens.filter(|token| known.insert(*token));
    tokens.map(str::to_owned).collect()
}

fn with_tokens(request: &Request, other: impl Fn(&str) -> Option<String>) -> Request {
    let replace = |text: &[u8]| jose::replace(text, &other).into_owned();
    let headers = request.headers.0.iter();
    let headers = headers.map(|(name, value)| (name.clone(), replace(value)));
    // Tokens are ASCII, and so the rest of the text stays what it was.
    let target = String::from_utf8(replace(request.target.as_bytes()));
    Request {
        target: target.unwrap_or_else(|_| request.target.clone()),
        headers: Headers(headers.collect()),
        body: replace(&request.body),
        ..request.clone()
    }
}
