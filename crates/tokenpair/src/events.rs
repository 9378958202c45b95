//! Security events: who logged in, refreshed and logged out, who was refused, and which rotated token came back.
//!
//! Decides nothing. The flows say what happened, [`on_event`](crate::SimpleJwtBuilder::on_event) hears it.

use crate::error::Error;
use crate::json::{self, Value};
use crate::jwt::{SimpleJwt, listed_jti};
use crate::models::{RequestInfo, User};
use crate::tokens::Claims;
use std::borrow::Cow;
use std::fmt;

/// What one of the [`flows`](crate::flows) did or refused, told when it is durable. An outage (503) is no event.
///
/// `user_id` and `jti` are those of the presented token, `None` where it has none or could not be believed. A user
/// name is what a client typed, a claim what its issuer wrote: escape both in a log.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Tokens were issued for a user's credentials.
    LogIn {
        /// The user.
        user: &'a User,
    },
    /// Wrong credentials, or those of an account that may not log in.
    LogInRefused {
        /// The log-in name as sent.
        username: &'a str,
    },
    /// Somebody signed up and is a user now: where the address has to be proved, when it was. `LogIn` follows.
    SignUp {
        /// The user.
        user: &'a User,
    },
    /// Somebody proved the e-mail address they signed up with; `LogIn` follows.
    EmailVerified {
        /// The user.
        user: &'a User,
    },
    /// A user changed the password.
    PasswordChange {
        /// The user.
        user: &'a User,
    },
    /// A user's token was used to change the password, without knowing the old one.
    PasswordChangeRefused {
        /// The user.
        user: &'a User,
    },
    /// A user changed the e-mail address, to which links for a forgotten password go.
    EmailChange {
        /// The user.
        user: &'a User,
    },
    /// A user's token was used to change the e-mail address, without knowing the password.
    EmailChangeRefused {
        /// The user.
        user: &'a User,
    },
    /// A password was set anew by a link that was sent by mail.
    PasswordReset {
        /// The user.
        user: &'a User,
    },
    /// A refresh or sliding token bought new ones.
    Refresh {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
    },
    /// A refresh or sliding token was refused.
    RefreshRefused {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
        /// What the client was told.
        reason: &'a Error,
    },
    /// A refresh token that had been exchanged came back: somebody has a copy. `RefreshRefused` follows.
    ///
    /// Only with `ROTATION_GRACE_PERIOD` or `REUSE_DETECTION`, and after the grace period. Without them such a token
    /// is not told from other blacklisted ones.
    Reuse {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
        /// Whether its line was ended now. It was not if it had ended before or `REUSE_DETECTION` is off.
        line_revoked: bool,
    },
    /// A refresh token was blacklisted: a log-out.
    Revoke {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
    },
    /// A token that was to be blacklisted was refused.
    RevokeRefused {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
        /// What the client was told.
        reason: &'a Error,
    },
    /// The session of a refresh token was ended.
    LogOut {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
    },
    /// A token that was to end its session was refused.
    LogOutRefused {
        /// The user claim.
        user_id: Option<&'a Value>,
        /// The token's id.
        jti: Option<&'a str>,
        /// What the client was told.
        reason: &'a Error,
    },
    /// A user ended all sessions, or all the others.
    LogOutAll {
        /// The user.
        user: &'a User,
        /// How many lived.
        sessions: usize,
    },
    /// A user ended a session.
    SessionEnd {
        /// The user.
        user: &'a User,
        /// The session's id.
        session: &'a str,
    },
}

impl<'a> Event<'a> {
    /// `log_in`, `sign_up`, `email_verification`, `password_change`, `email_change`, `password_reset`, `refresh`, `reuse`,
    /// `revoke`, `log_out`, `log_out_all` or `session_end`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LogIn { .. } | Self::LogInRefused { .. } => "log_in",
            Self::SignUp { .. } => "sign_up",
            Self::EmailVerified { .. } => "email_verification",
            Self::PasswordChange { .. } | Self::PasswordChangeRefused { .. } => "password_change",
            Self::EmailChange { .. } | Self::EmailChangeRefused { .. } => "email_change",
            Self::PasswordReset { .. } => "password_reset",
            Self::Refresh { .. } | Self::RefreshRefused { .. } => "refresh",
            Self::Reuse { .. } => "reuse",
            Self::Revoke { .. } | Self::RevokeRefused { .. } => "revoke",
            Self::LogOut { .. } | Self::LogOutRefused { .. } => "log_out",
            Self::LogOutAll { .. } => "log_out_all",
            Self::SessionEnd { .. } => "session_end",
        }
    }

    /// `success` or `refused`; of a reuse, `line_revoked` or `refused`.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::LogIn { .. }
            | Self::SignUp { .. }
            | Self::EmailVerified { .. }
            | Self::PasswordChange { .. }
            | Self::EmailChange { .. }
            | Self::PasswordReset { .. }
            | Self::Refresh { .. }
            | Self::Revoke { .. }
            | Self::LogOut { .. }
            | Self::LogOutAll { .. }
            | Self::SessionEnd { .. } => "success",
            Self::Reuse { line_revoked, .. } if *line_revoked => "line_revoked",
            _ => "refused",
        }
    }

    /// The value of `USER_ID_FIELD` as a text, where the user is known.
    pub fn user_id(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::LogIn { user }
            | Self::SignUp { user }
            | Self::EmailVerified { user }
            | Self::PasswordChange { user }
            | Self::PasswordChangeRefused { user }
            | Self::EmailChange { user }
            | Self::EmailChangeRefused { user }
            | Self::PasswordReset { user }
            | Self::LogOutAll { user, .. }
            | Self::SessionEnd { user, .. } => Some(user.user_id.to_string().into()),
            Self::LogInRefused { .. } => None,
            Self::Refresh { user_id, .. }
            | Self::RefreshRefused { user_id, .. }
            | Self::Reuse { user_id, .. }
            | Self::Revoke { user_id, .. }
            | Self::RevokeRefused { user_id, .. }
            | Self::LogOut { user_id, .. }
            | Self::LogOutRefused { user_id, .. } => user_id.map(|claim| match claim {
                Value::String(text) => Cow::from(text),
                other => json::encode_utf8(other).into(),
            }),
        }
    }

    /// The id of the presented token.
    pub fn jti(&self) -> Option<&'a str> {
        match *self {
            Self::LogIn { .. }
            | Self::LogInRefused { .. }
            | Self::SignUp { .. }
            | Self::EmailVerified { .. }
            | Self::PasswordChange { .. }
            | Self::PasswordChangeRefused { .. }
            | Self::EmailChange { .. }
            | Self::EmailChangeRefused { .. }
            | Self::PasswordReset { .. }
            | Self::LogOutAll { .. }
            | Self::SessionEnd { .. } => None,
            Self::Refresh { jti, .. }
            | Self::RefreshRefused { jti, .. }
            | Self::Reuse { jti, .. }
            | Self::Revoke { jti, .. }
            | Self::RevokeRefused { jti, .. }
            | Self::LogOut { jti, .. }
            | Self::LogOutRefused { jti, .. } => jti,
        }
    }
}

impl fmt::Debug for Event<'_> {
    /// Without the user name, which may be a password in the wrong field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name())
            .field("outcome", &self.outcome())
            .field("jti", &self.jti())
            .finish_non_exhaustive()
    }
}

pub(crate) fn refreshed(jwt: &SimpleJwt, claims: &Claims, info: &RequestInfo) {
    jwt.report(info, || {
        let (user_id, jti) = of_token(jwt, Some(claims));
        Event::Refresh { user_id, jti }
    });
}

/// Without `claims` the token could not be read. Outages are not told.
pub(crate) fn refresh_refused<'a>(
    jwt: &SimpleJwt,
    claims: Option<&'a Claims>,
    error: &'a Error,
    info: &RequestInfo,
) {
    report_refusal(jwt, claims, error, info, |user_id, jti| {
        Event::RefreshRefused {
            user_id,
            jti,
            reason: error,
        }
    });
}

pub(crate) fn revoked(jwt: &SimpleJwt, claims: &Claims, info: &RequestInfo) {
    jwt.report(info, || {
        let (user_id, jti) = of_token(jwt, Some(claims));
        Event::Revoke { user_id, jti }
    });
}

/// As [`refresh_refused`].
pub(crate) fn revoke_refused<'a>(
    jwt: &SimpleJwt,
    claims: Option<&'a Claims>,
    error: &'a Error,
    info: &RequestInfo,
) {
    report_refusal(jwt, claims, error, info, |user_id, jti| {
        Event::RevokeRefused {
            user_id,
            jti,
            reason: error,
        }
    });
}

pub(crate) fn logged_out(jwt: &SimpleJwt, claims: &Claims, info: &RequestInfo) {
    jwt.report(info, || {
        let (user_id, jti) = of_token(jwt, Some(claims));
        Event::LogOut { user_id, jti }
    });
}

/// As [`refresh_refused`].
pub(crate) fn log_out_refused<'a>(
    jwt: &SimpleJwt,
    claims: Option<&'a Claims>,
    error: &'a Error,
    info: &RequestInfo,
) {
    report_refusal(jwt, claims, error, info, |user_id, jti| {
        Event::LogOutRefused {
            user_id,
            jti,
            reason: error,
        }
    });
}

pub(crate) fn reused(jwt: &SimpleJwt, claims: &Claims, line_revoked: bool, info: &RequestInfo) {
    jwt.report(info, || {
        let (user_id, jti) = of_token(jwt, Some(claims));
        Event::Reuse {
            user_id,
            jti,
            line_revoked,
        }
    });
}

fn report_refusal<'a>(
    jwt: &SimpleJwt,
    claims: Option<&'a Claims>,
    error: &Error,
    info: &RequestInfo,
    event: impl FnOnce(Option<&'a Value>, Option<&'a str>) -> Event<'a>,
) {
    if is_refusal(error) {
        jwt.report(info, || {
            let (user_id, jti) = of_token(jwt, claims);
            event(user_id, jti)
        });
    }
}

fn of_token<'a>(
    jwt: &SimpleJwt,
    claims: Option<&'a Claims>,
) -> (Option<&'a Value>, Option<&'a str>) {
    let settings = jwt.settings();
    let user_id = claims.and_then(|claims| claims.get(&settings.user_id_claim));
    let jti = claims.and_then(|claims| listed_jti(settings, claims));
    (user_id, jti)
}

/// Whether something was decided: an outage is neither success nor refusal.
fn is_refusal(error: &Error) -> bool {
    !matches!(error, Error::Store(_) | Error::Busy { .. })
}
