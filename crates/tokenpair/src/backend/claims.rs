//! The registered claims `iat`, `nbf`, `exp`, `iss`, `aud`, `sub`, `jti` (RFC 7519 §4.1), in PyJWT's order.
//!
//! Numbers are converted as Python's `int()` does, so that every token Simple JWT accepts for its dates is judged
//! alike; what Simple JWT crashes on is "Token is invalid".

use crate::convert::python_int;
use crate::error::TokenError;
use crate::json::{Number, Object, Value};
use crate::settings::{Audience, Settings};
use jiff::Timestamp;
use std::borrow::Cow;
use std::time::Duration;

/// The last second of the year 9999; later dates fit no database column.
const LAST_SECOND: i128 = 253_402_300_799;

/// How far in the future `iat` may lie: nodes of one service have clocks of their own.
/// DIFFERENCE: PyJWT tolerates nothing beyond `LEEWAY`.
const IAT_TOLERANCE: Duration = Duration::from_secs(5);

pub(super) struct RegisteredClaims {
    leeway: Duration,
    audience: Option<Audience>,
    issuer: Option<String>,
}

impl RegisteredClaims {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            leeway: settings.leeway,
            audience: settings.audience.clone(),
            issuer: settings.issuer.clone(),
        }
    }

    /// The claims as they are signed: configured values overwrite in place or are appended, `aud` first.
    pub(super) fn with_audience_and_issuer<'a>(&self, claims: &'a Object) -> Cow<'a, Object> {
        let mut payload = Cow::Borrowed(claims);
        if let Some(audience) = &self.audience {
            payload.to_mut().insert("aud", audience);
        }
        if let Some(issuer) = &self.issuer {
            payload.to_mut().insert("iss", issuer.as_str());
        }
        payload
    }

    /// Refuses with the first claim that is not acceptable.
    pub(super) fn check(
        &self,
        claims: &Object,
        now: Timestamp,
    ) -> Result<(), (&'static str, TokenError)> {
        let now = now.as_microsecond().into();
        let of = |claim| move |error| (claim, error);
        self.check_issued_at(claims, now).map_err(of("iat"))?;
        self.check_not_before(claims, now).map_err(of("nbf"))?;
        self.check_expiry(claims, now).map_err(of("exp"))?;
        self.check_issuer(claims).map_err(of("iss"))?;
        self.check_audience(claims).map_err(of("aud"))?;
        for claim in ["sub", "jti"] {
            let value = claims.get(claim);
            let is_text_or_absent = value.is_none_or(|value| value.as_str().is_some());
            valid_if(is_text_or_absent).map_err(of(claim))?;
        }
        Ok(())
    }

    fn check_issued_at(&self, claims: &Object, now: i128) -> Result<(), TokenError> {
        let Some(iat) = claims.get("iat") else {
            return Ok(());
        };
        let latest = now + micros(self.leeway + IAT_TOLERANCE);
        valid_if(seconds_in_micros(iat)? <= latest)
    }

    fn check_not_before(&self, claims: &Object, now: i128) -> Result<(), TokenError> {
        let Some(nbf) = claims.get("nbf") else {
            return Ok(());
        };
        valid_if(seconds_in_micros(nbf)? <= now + micros(self.leeway))
    }

    /// A missing `exp` is reported by the token layer, with a text of its own.
    fn check_expiry(&self, claims: &Object, now: i128) -> Result<(), TokenError> {
        let Some(exp) = claims.get("exp") else {
            return Ok(());
        };
        if seconds_in_micros(exp)? <= now - micros(self.leeway) {
            return Err(TokenError::Expired);
        }
        // T8: only now, so that an expired date of an odd type is reported as the reference does.
        valid_if(
            matches!(exp, Value::Number(_))
                && python_int(exp).is_some_and(|second| second <= LAST_SECOND),
        )
    }

    fn check_issuer(&self, claims: &Object) -> Result<(), TokenError> {
        let Some(issuer) = &self.issuer else {
            return Ok(());
        };
        valid_if(claims.get("iss").and_then(Value::as_str) == Some(issuer))
    }

    fn check_audience(&self, claims: &Object) -> Result<(), TokenError> {
        let Some(accepted) = &self.audience else {
            return Ok(());
        };
        match claims.get("aud") {
            Some(Value::String(one)) => valid_if(accepted.contains(one)),
            Some(Value::Array(many)) => {
                let texts: Option<Vec<&str>> = many.iter().map(Value::as_str).collect();
                valid_if(texts.is_some_and(|texts| texts.iter().any(|one| accepted.contains(one))))
            }
            _ => Err(TokenError::Invalid),
        }
    }
}

impl From<&Audience> for Value {
    fn from(audience: &Audience) -> Self {
        match audience {
            Audience::One(one) => Self::from(one.as_str()),
            Audience::Any(many) => {
                Self::Array(many.iter().map(|one| Self::from(one.as_str())).collect())
            }
        }
    }
}

fn valid_if(condition: bool) -> Result<(), TokenError> {
    if condition {
        Ok(())
    } else {
        Err(TokenError::Invalid)
    }
}

fn seconds_in_micros(claim: &Value) -> Result<i128, TokenError> {
    python_int(claim)
        .map(|seconds| seconds.saturating_mul(1_000_000))
        .ok_or(TokenError::Invalid)
}

fn micros(duration: Duration) -> i128 {
    i128::try_from(duration.as_micros()).unwrap_or(i128::MAX / 2)
}

/// A date claim in microseconds since 1970, fractions kept. `None` for what is no number or beyond the year 9999.
pub(crate) fn date_in_micros(claim: &Value) -> Option<i64> {
    let Value::Number(number) = claim else {
        return None;
    };
    let micros = match number {
        Number::Int(seconds) => seconds.checked_mul(1_000_000)?,
        Number::Float(seconds) if seconds.abs() < 1e12 => {
            #[expect(clippy::cast_possible_truncation, reason = "bounded by the guard")]
            // As datetime.fromtimestamp(): the fraction alone is scaled, and ties go to even.
            let micros = seconds.trunc() as i64 * 1_000_000
                + (seconds.fract() * 1e6).round_ties_even() as i64;
            micros
        }
        _ => return None,
    };
    (i128::from(micros / 1_000_000) <= LAST_SECOND).then_some(micros)
}

#[cfg(test)]
mod tests {
    use super::date_in_micros;
    use crate::json::Value;

    #[test]
    fn fractions_are_rounded_as_python_rounds_them() {
        for (seconds, micros) in [
            (1_795_245_611.569_336_4, 1_795_245_611_569_336),
            (1.000_000_5, 1_000_001),
            (1.25, 1_250_000),
            (0.999_999_9, 1_000_000),
        ] {
            assert_eq!(
                date_in_micros(&Value::from(seconds)),
                Some(micros),
                "{seconds}"
            );
        }
    }
}
