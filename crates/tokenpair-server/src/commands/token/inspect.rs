//! `tokenpair token inspect`: what is in a token, whether or not it is good.

use super::dates;
use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use tokenpair::clock::{Clock, SystemClock};
use tokenpair::json::{self, Object, Value};
use tokenpair::{Settings, TokenError};

/// Arguments of `token inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads the token from standard input. Shows its header and its claims, what its dates mean, and whether its signature is
good for the configured key. It needs no database: whether the token was blacklisted is for `token verify` to say.
The exit status is 0 for every token that can be read, good or not.

Examples:
  tokenpair token inspect < token.txt
  echo \"$TOKEN\" | tokenpair token inspect --json | jq .claims.user_id")]
pub(crate) struct Inspect {}

impl Inspect {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let mut config = Config::load(options, None)?;
        let has_key = config.use_existing_key_file()?;
        let raw = super::read()?;
        let parts = Parts::read(&raw)?;
        let verdict = if has_key {
            Verdict::reach(&config.settings, &raw, &parts.claims).await?
        } else {
            Verdict::NotChecked("there is no SIGNING_KEY and no key file".to_owned())
        };
        let text = if options.json {
            output::json_line([
                ("header", Value::Object(parts.header)),
                ("claims", Value::Object(parts.claims)),
                ("signature", Value::from(verdict.word())),
                (
                    "problem",
                    verdict.problem().map_or(Value::Null, Value::from),
                ),
            ])
        } else {
            let refresh_exp = &config.settings.sliding_token_refresh_exp_claim;
            parts.describe(refresh_exp, SystemClock.now()) + &verdict.describe()
        };
        output::print(&text).map(drop)
    }
}

/// What a token says, believed or not.
struct Parts {
    header: Object,
    claims: Object,
}

impl Parts {
    fn read(raw: &str) -> Result<Self, Failure> {
        let mut parts = raw.split('.');
        let (Some(header), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Failure::new(
                "this is no JSON Web Token: expected three parts with dots between them",
            ));
        };
        Ok(Self {
            header: object(header, "header")?,
            claims: object(claims, "payload")?,
        })
    }

    fn describe(&self, refresh_exp: &str, now: Timestamp) -> String {
        let indented = |object: &Object| {
            let value = Value::Object(object.clone());
            output::printable_lines(&json::encode_utf8_indented(&value, 2))
        };
        let names = ["iat", "nbf", "exp", refresh_exp];
        let dates: String = names
            .iter()
            .filter_map(|name| {
                let date = dates::date(self.claims.get(name)?)?;
                let name = output::printable(name);
                Some(format!("{name}: {}\n", dates::describe(date, now)))
            })
            .collect();
        format!(
            "Header\n{}\n\nClaims\n{}\n\n{dates}",
            indented(&self.header),
            indented(&self.claims)
        )
    }
}

fn object(part: &str, name: &str) -> Result<Object, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| {
        Failure::new(format!(
            "this is no JSON Web Token: its {name} is no base64url"
        ))
    })?;
    json::decode_strict(&bytes).map_err(|error| {
        Failure::new(format!(
            "this is no JSON Web Token: its {name} is no JSON object: {error}"
        ))
    })
}

/// What can be said about signature and claims.
enum Verdict {
    Good,
    /// The signature is good, but the token is refused.
    Refused(String),
    /// The signature is bad, or made with another key or algorithm.
    Forged,
    NotChecked(String),
}

impl Verdict {
    async fn reach(settings: &Settings, raw: &str, claims: &Object) -> Result<Self, Failure> {
        let jwt = super::reader(settings.clone()).build()?;
        let found = match super::check(&jwt, raw).await {
            Ok(found) => found,
            Err(outage) => return Ok(Self::NotChecked(outage.to_string())),
        };
        match found {
            Ok(()) => Ok(Self::Good),
            Err(TokenError::Invalid) if is_signed(settings, raw, claims).await? => {
                Ok(Self::Refused(
                    "Token is invalid: its aud, iss, nbf or iat is not what the settings ask for"
                        .to_owned(),
                ))
            }
            Err(TokenError::Invalid) => Ok(Self::Forged),
            Err(error) => Ok(Self::Refused(error.to_string())),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Good | Self::Refused(_) => "valid",
            Self::Forged => "invalid",
            Self::NotChecked(_) => "not checked",
        }
    }

    fn problem(&self) -> Option<&str> {
        match self {
            Self::Good => None,
            Self::Refused(reason) | Self::NotChecked(reason) => Some(reason),
            Self::Forged => Some("Token is invalid"),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Good => "Signature: valid for the configured key.\n".to_owned(),
            Self::Refused(reason) => format!(
                "Signature: valid for the configured key, but the server refuses the token: {reason}.\n"
            ),
            Self::Forged => {
                "Signature: NOT VALID for the configured key and algorithm. Believe nothing above.\n"
                    .to_owned()
            }
            Self::NotChecked(reason) => format!(
                "Signature: NOT CHECKED ({reason}). Anybody may have written what stands above.\n"
            ),
        }
    }
}

/// Whether the signature is good, whatever the claims say: asked of an engine that is content with them.
async fn is_signed(settings: &Settings, raw: &str, claims: &Object) -> Result<bool, Failure> {
    let mut settings = settings.clone();
    settings.audience = None;
    settings.issuer = None;
    let shortly_before = |exp: tokenpair::NumericDate| {
        let exp = Timestamp::from_microsecond(exp.as_micros()).ok()?;
        exp.checked_sub(SignedDuration::from_secs(1)).ok()
    };
    let exp = claims.get("exp").and_then(dates::date);
    let Some(at) = exp.and_then(shortly_before) else {
        return Ok(false);
    };
    let jwt = super::reader(settings).clock(At(at)).build()?;
    Ok(super::check(&jwt, raw).await? != Err(TokenError::Invalid))
}

/// A clock that stands.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}
