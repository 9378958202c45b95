//! Secrets that nobody chose.

use crate::output::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// So many random bytes, as text.
pub(crate) fn text<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::new("the system's random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
