//! The only file that knows JOSE: compact serialisation, header, signature, registered claims.
//!
//! Writes PyJWT's exact bytes and reads strictly: nothing of a payload is believed before its signature. Knows
//! nothing of token types, users or blacklists. Answers to Simple JWT's `backends.py` and PyJWT's `api_jwt.py`.

mod algorithm;
mod claims;
pub(crate) use claims::date_in_micros;
mod error;
#[cfg(any(test, feature = "jwk-url"))]
mod jwk;
#[cfg(feature = "jwk-url")]
mod jwk_url;
mod key;
mod pem;
mod roca;

pub use algorithm::Algorithm;
pub use error::KeyError;

use crate::error::TokenError;
use crate::json::{self, Object, Value};
use crate::settings::{Settings, SettingsError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claims::RegisteredClaims;
use jiff::Timestamp;
use key::{SigningKey, VerifyingKey};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 128 * 1024;

/// The longest encoded header that is parsed: nothing of it is authenticated yet.
const MAX_HEADER_BYTES: usize = 16 * 1024;

const MAX_KID_BYTES: usize = 256;

/// An RSA key of 8192 bits makes the longest.
const MAX_SIGNATURE_BYTES: usize = 1024;

/// Signs claims and reads signed ones.
pub(crate) struct TokenBackend {
    algorithm: Algorithm,
    /// `None`: somebody else issues the tokens, here they are only verified.
    signing: Option<SigningKey>,
    verifying: Verifying,
    /// `{"alg":…,"typ":"JWT"}` as PyJWT writes it, encoded, with the dot.
    header: String,
    /// The same with `typ` first, as other libraries write it: recognised without parsing.
    other_header: String,
    registered: RegisteredClaims,
}

enum Verifying {
    Key(Box<VerifyingKey>),
    #[cfg(feature = "jwk-url")]
    Fetched(jwk_url::KeySource),
}

/// Why a token could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Token(TokenError),
    /// The key named by the token is not at hand; fetching the keys again may help.
    #[cfg_attr(
        not(feature = "jwk-url"),
        expect(dead_code, reason = "only fetched keys can be missing")
    )]
    KeyNotAtHand,
}

impl From<TokenError> for Unreadable {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl TokenBackend {
    /// Reads the keys. Every flaw is an error here, so that no request can meet it.
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let algorithm = settings.algorithm;
        let signing = Self::signing(settings)?;
        let verifying = Self::verifying(settings, signing.as_ref())?;
        let encoded = |header: String| URL_SAFE_NO_PAD.encode(header) + ".";
        Ok(Self {
            algorithm,
            signing,
            verifying,
            header: encoded(format!(r#"{{"alg":"{}","typ":"JWT"}}"#, algorithm.name())),
            other_header: encoded(format!(r#"{{"typ":"JWT","alg":"{}"}}"#, algorithm.name())),
            registered: RegisteredClaims::new(settings),
        })
    }

    fn signing(settings: &Settings) -> Result<Option<SigningKey>, SettingsError> {
        let key = settings.signing_key.expose();
        if key.is_empty() && settings.verifies_only() {
            return Ok(None);
        }
        SigningKey::new(settings.algorithm, key, settings.insecure_allow_short_keys)
            .map(Some)
            .map_err(|error| settings.error("SIGNING_KEY", error.to_string()))
    }

    fn verifying(
        settings: &Settings,
        signing: Option<&SigningKey>,
    ) -> Result<Verifying, SettingsError> {
        let algorithm = settings.algorithm;
        #[cfg(feature = "jwk-url")]
        if let Some(url) = &settings.jwk_url {
            return jwk_url::KeySource::start(url, algorithm)
                .map(Verifying::Fetched)
                .map_err(|message| settings.error("JWK_URL", message));
        }
        if let Some(signing) =
            signing.filter(|_| algorithm.is_symmetric() || settings.verifying_key.is_empty())
        {
            return Ok(Verifying::Key(Box::new(signing.verifying_key().clone())));
        }
        let refused = |error: KeyError| settings.error("VERIFYING_KEY", error.to_string());
        let given = VerifyingKey::new(
            algorithm,
            &settings.verifying_key,
            settings.insecure_allow_short_keys,
        );
        let given = given.map_err(refused)?;
        if let Some(signing) = signing {
            signing.check_pair(&given).map_err(refused)?;
        }
        Ok(Verifying::Key(Box::new(given)))
    }

    /// What the operator should know about the key, if anything.
    pub(crate) fn warning(&self) -> Option<String> {
        match &self.signing {
            Some(key) => key.warning().map(str::to_owned),
            None => Some(
                "there is no SIGNING_KEY: tokens are verified but none can be issued".to_owned(),
            ),
        }
    }

    /// The signed compact form of `claims`, with the configured `aud` and `iss`.
    pub(crate) fn encode(&self, claims: &Object) -> Result<String, KeyError> {
        let key = self.signing.as_ref().ok_or(KeyError::NoSigningKey)?;
        let mut token = self.encode_unsigned(claims);
        let mut signature = Vec::new();
        key.sign(token.as_bytes(), &mut signature)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }

    /// Header and payload alone: what is signed, and what is kept on record.
    pub(crate) fn encode_unsigned(&self, claims: &Object) -> String {
        let payload = self.registered.with_audience_and_issuer(claims);
        let json = json::encode_ascii(&payload);
        let mut token = String::with_capacity(self.header.len() + json.len() * 4 / 3 + 100);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(json, &mut token);
        token
    }

    /// The claims of a token whose signature and registered claims are good (part A of the validation order).
    pub(crate) fn decode(&self, token: &str, now: Timestamp) -> Result<Object, Unreadable> {
        let claims = self.decode_undated(token)?;
        self.check_registered(&claims, now)
            .map_err(|(_, error)| error)?;
        Ok(claims)
    }

    /// The claims of a token that this engine has made a moment ago. Nothing is verified: for no other token.
    #[cfg(feature = "axum")]
    pub(crate) fn claims_of_own(token: &str) -> Option<Object> {
        let payload = URL_SAFE_NO_PAD.decode(Parts::split(token)?.payload).ok()?;
        json::decode_strict(&payload).ok()
    }

    /// The claims of a token whose signature is good, whatever they say.
    pub(crate) fn decode_undated(&self, token: &str) -> Result<Object, Unreadable> {
        let parts = Parts::split(token).ok_or(TokenError::Invalid)?;
        let kid = if self.is_usual_header(token) {
            None
        } else {
            self.check_header(parts.header)?
        };
        let mut signature = [0; MAX_SIGNATURE_BYTES];
        let length = URL_SAFE_NO_PAD
            .decode_slice(parts.signature, &mut signature)
            .map_err(|_| TokenError::Invalid)?;
        self.verify(parts.signed, &signature[..length], kid.as_deref())?;
        let payload = URL_SAFE_NO_PAD
            .decode(parts.payload)
            .map_err(|_| TokenError::Invalid)?;
        json::decode_strict(&payload).map_err(|_| TokenError::Invalid.into())
    }

    /// Refuses with the first registered claim that is not acceptable now.
    pub(crate) fn check_registered(
        &self,
        claims: &Object,
        now: Timestamp,
    ) -> Result<(), (&'static str, TokenError)> {
        self.registered.check(claims, now)
    }

    fn is_usual_header(&self, token: &str) -> bool {
        token.starts_with(&self.header) || token.starts_with(&self.other_header)
    }

    /// T3 to T5: one object, the one algorithm, nothing critical. Gives the `kid`.
    fn check_header(&self, segment: &str) -> Result<Option<String>, TokenError> {
        if segment.len() > MAX_HEADER_BYTES {
            return Err(TokenError::Invalid);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(segment)
            .map_err(|_| TokenError::Invalid)?;
        let header = json::decode_strict(&bytes).map_err(|_| TokenError::Invalid)?;
        let refused = ["crit", "b64", "zip", "enc"]
            .iter()
            .any(|name| header.contains_key(name));
        let alg = header.get("alg").and_then(Value::as_str);
        let typ_is_text = header.get("typ").is_none_or(|typ| typ.as_str().is_some());
        if refused || alg != Some(self.algorithm.name()) || !typ_is_text {
            return Err(TokenError::Invalid);
        }
        match header.get("kid") {
            None => Ok(None),
            Some(Value::String(kid)) if kid.len() <= MAX_KID_BYTES => Ok(Some(kid.clone())),
            Some(_) => Err(TokenError::Invalid),
        }
    }

    #[cfg_attr(
        not(feature = "jwk-url"),
        expect(unused_variables, reason = "only fetched keys have names")
    )]
    fn verify(&self, signed: &str, signature: &[u8], kid: Option<&str>) -> Result<(), Unreadable> {
        let good = match &self.verifying {
            Verifying::Key(key) => key.verify(signed.as_bytes(), signature),
            #[cfg(feature = "jwk-url")]
            Verifying::Fetched(source) => {
                let kid = kid.ok_or(TokenError::Invalid)?;
                source
                    .key(kid)
                    .ok_or(Unreadable::KeyNotAtHand)?
                    .verify(signed.as_bytes(), signature)
            }
        };
        if good {
            Ok(())
        } else {
            Err(TokenError::Invalid.into())
        }
    }

    /// Fetches the keys again, if they come from `JWK_URL` and the last fetch is long enough ago.
    ///
    /// `Ok(true)`: there may be new keys. `Ok(false)`: the keys at hand are current. `Err`: they cannot be had.
    #[cfg(feature = "jwk-url")]
    pub(crate) async fn fetch_keys(&self) -> Result<bool, crate::error::StoreError> {
        match &self.verifying {
            Verifying::Key(_) => Ok(false),
            Verifying::Fetched(source) => source.fetch_again().await,
        }
    }
}

/// A compact token cut at its dots.
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Parts<'a> {
    /// Exactly three segments of a token of bearable length (T1).
    fn split(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        (!payload.contains('.')).then_some(Self {
            header,
            payload,
            signature,
            signed,
        })
    }
}

impl std::fmt::Debug for TokenBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenBackend")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
