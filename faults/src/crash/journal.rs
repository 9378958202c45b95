//! What the clients were told: the tokens they know, and what has become of each as far as one can know.

use crate::client::{Answer, Outcome};
use crate::fleet::blacklisted;
use serde_json::{Value, json};

/// What came back for an operation.
#[derive(Debug)]
pub(super) enum Said {
    /// It is done.
    Done(Answer),
    /// It is not done: the token is used up.
    UsedUp,
    /// It may be done or not: no answer came, or a 503.
    Unknown,
    /// It was never sent.
    NotSent,
    /// An answer that nobody may get.
    Wrong(String),
}

impl Said {
    pub(super) fn of(outcome: Outcome) -> Self {
        let answer = match outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Refused => return Self::NotSent,
            Outcome::Unknown => return Self::Unknown,
        };
        match answer.status.as_u16() {
            200 => Self::Done(answer),
            503 => Self::Unknown,
            400 | 401 if is_blacklisted(&answer.json()) => Self::UsedUp,
            status => Self::Wrong(format!("{status} {}", answer.json())),
        }
    }
}

/// In the words of refresh and log-out, or those of verify.
fn is_blacklisted(body: &Value) -> bool {
    *body == blacklisted() || *body == json!({"non_field_errors": ["Token is blacklisted"]})
}

/// Something that uses a token up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Exchange,
    LogOut,
}

/// What must be true of a token now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Handed out, and good.
    Living,
    /// Used up, for the successor with this jti.
    Exchanged(String),
    LoggedOut,
    /// Living or used up, and in either case wholly: no answer came.
    Unknown(Change),
}

/// A refresh token that a client was given.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) raw: String,
    pub(super) fate: Fate,
}

/// What clients did.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) tokens: Vec<Token>,
    /// Operations that were answered.
    pub(super) acknowledged: usize,
    /// Operations nobody knows the outcome of.
    pub(super) unknown: usize,
    /// Answers that must not be.
    pub(super) flaws: Vec<String>,
}

impl Journal {
    pub(super) fn merge(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.flaws.extend(other.flaws);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn said(status: u16, body: &Value) -> Said {
        Said::of(Outcome::Answered(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        }))
    }

    #[test]
    fn without_an_answer_an_operation_may_have_been_done() {
        assert!(matches!(Said::of(Outcome::Unknown), Said::Unknown));
        assert!(matches!(
            said(503, &json!({"detail": "later"})),
            Said::Unknown
        ));
        assert!(matches!(Said::of(Outcome::Refused), Said::NotSent));
    }

    #[test]
    fn only_the_right_refusal_says_that_a_token_is_used_up() {
        assert!(matches!(said(401, &blacklisted()), Said::UsedUp));
        let verified = json!({"non_field_errors": ["Token is blacklisted"]});
        assert!(matches!(said(400, &verified), Said::UsedUp));
        let invalid = json!({"detail": "Token is invalid", "code": "token_not_valid"});
        assert!(matches!(said(401, &invalid), Said::Wrong(_)));
        assert!(matches!(said(500, &json!({})), Said::Wrong(_)));
    }
}
