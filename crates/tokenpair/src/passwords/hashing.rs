//! The hashers and the threads they run on, as everything that knows passwords shares them.

use super::{Check, HashPool, PasswordError, PasswordHashers};
use crate::error::{Error, StoreError};
use crate::models::EncodedPassword;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Hashers on their threads. Clones share both, so that there is one queue and one bound.
#[derive(Clone)]
pub(crate) struct Hashing {
    hashers: Arc<PasswordHashers>,
    pool: Arc<HashPool>,
}

impl Hashing {
    /// Starts the threads. Fails if the system has none left.
    pub(crate) fn new(hashers: PasswordHashers) -> io::Result<Self> {
        Ok(Self {
            hashers: Arc::new(hashers),
            pool: Arc::new(HashPool::new()?),
        })
    }

    /// Checks a password as received, then without its outer white space; `None` stands for an unknown user.
    pub(crate) async fn check(
        &self,
        password: &str,
        encoded: Option<&str>,
    ) -> Result<Check, Error> {
        let encoded = encoded.map(str::to_owned);
        let hashers = self.hashers.clone();
        let check = hashers.check_on(&self.pool, password.to_owned(), encoded);
        check.await.map_err(|busy| Error::Busy {
            retry_after: busy.retry_after,
        })
    }

    /// Encodes a new password; `None` where the preferred hasher cannot take it whole.
    pub(crate) async fn make(&self, password: &str) -> Result<Option<EncodedPassword>, Error> {
        let (hashers, password) = (self.hashers.clone(), password.to_owned());
        let made = self.pool.run(move || hashers.make_password(&password));
        let made = made.await.map_err(|busy| Error::Busy {
            retry_after: busy.retry_after,
        })?;
        match made {
            Ok(encoded) => Ok(Some(EncodedPassword::new(encoded))),
            Err(PasswordError::Unhashable) => Ok(None),
            Err(error @ PasswordError::NoRandomness) => Err(StoreError::new(error).into()),
        }
    }
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashing")
    }
}
