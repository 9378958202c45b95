//! What is wrong with a token, in more detail than clients are told.

use crate::SimpleJwt;
use crate::backend::Unreadable;
use crate::error::{StoreError, TokenError};
use crate::settings::TokenClass;
use crate::tokens::{self, Claims};

/// What is wrong with a token; see [`find_flaw`](SimpleJwt::find_flaw).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// It is malformed, or not signed with this key and algorithm: nothing it says may be believed.
    Signature,
    /// It is well signed, but refused for one claim, which is missing, wrong, or not acceptable at this time.
    Claim {
        /// The claim's name.
        claim: String,
        /// What clients are told.
        error: TokenError,
    },
}

impl SimpleJwt {
    /// What is wrong with a token, for somebody who looks into it: a bad signature is told apart from claims that are
    /// not acceptable now. Type, user and blacklist are not looked at.
    ///
    /// Fails where the keys of `JWK_URL` cannot be had.
    pub async fn find_flaw(&self, raw: &str) -> Result<Option<Flaw>, StoreError> {
        let mut decoded = self.backend().decode_undated(raw);
        if matches!(decoded, Err(Unreadable::KeyNotAtHand)) && self.fetch_keys().await? {
            decoded = self.backend().decode_undated(raw);
        }
        Ok(match decoded {
            Ok(claims) => self.flaw_of(&claims),
            Err(_) => Some(Flaw::Signature),
        })
    }

    fn flaw_of(&self, claims: &Claims) -> Option<Flaw> {
        let (settings, now) = (self.settings(), self.now());
        let registered = self.backend().check_registered(claims, now).err();
        let required = || {
            let error = tokens::check(settings, TokenClass::Untyped, claims, now).err()?;
            let claim = match &settings.jti_claim {
                Some(jti) if error == TokenError::NoId => jti,
                _ => "exp",
            };
            Some((claim, error))
        };
        let (claim, error) = registered.or_else(required)?;
        let claim = claim.to_owned();
        Some(Flaw::Claim { claim, error })
    }
}
