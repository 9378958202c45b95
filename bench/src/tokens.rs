//! Tokens as Simple JWT writes them, minted here so that their number costs the servers nothing.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::time::{SystemTime, UNIX_EPOCH};

/// The secret of all servers.
pub(crate) const KEY: &str = "a secret of the benchmark, which all of its servers share";
/// Far beyond the longest run.
const LIFETIME: u64 = 24 * 60 * 60;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Which of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// Mints tokens with ids that never repeat within a run.
#[derive(Debug)]
pub(crate) struct Mint {
    key: Key,
    header: String,
    iat: u64,
    minted: u64,
}

impl Mint {
    pub(crate) fn new() -> Self {
        Self {
            key: Key::new(HMAC_SHA256, KEY.as_bytes()),
            header: BASE64_URL_SAFE_NO_PAD.encode(HEADER),
            iat: now(),
            minted: 0,
        }
    }

    /// A token of the user with this number.
    pub(crate) fn mint(&mut self, kind: Kind, user: usize) -> String {
        self.minted += 1;
        let Self {
            header,
            iat,
            minted,
            ..
        } = &*self;
        // Ordered by time and 32 hexadecimal digits, as those of the servers' own tokens.
        let jti = format!("{:012x}7{:019x}", iat * 1000, minted);
        let (token_type, exp) = (kind.name(), iat + LIFETIME);
        let claims = format!(
            r#"{{"token_type":"{token_type}","exp":{exp},"iat":{iat},"jti":"{jti}","user_id":"{user}"}}"#
        );
        let signed = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let signature = sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Seconds since 1970.
#[allow(
    clippy::disallowed_methods,
    reason = "the servers believe the same clock"
)]
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_three_parts_and_ids_of_their_own() {
        let mut mint = Mint::new();
        let claims = |token: String| {
            let parts: Vec<&str> = token.split('.').collect();
            assert_eq!(parts.len(), 3);
            let json = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
            serde_json::from_slice::<serde_json::Value>(&json).unwrap()
        };
        let first = claims(mint.mint(Kind::Refresh, 1));
        let second = claims(mint.mint(Kind::Access, 2));
        assert_eq!(first["token_type"], "refresh");
        assert_eq!(second["user_id"], "2");
        assert_eq!(first["jti"].as_str().unwrap().len(), 32);
        assert!(first["jti"].as_str() < second["jti"].as_str());
    }
}
