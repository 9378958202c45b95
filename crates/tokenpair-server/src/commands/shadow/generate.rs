//! Requests that nobody recorded: everything tokenpair serves, right and wrong.

use super::Sites;
use super::arguments::Shadow;
use super::exchange::Request;
use crate::output::Failure;

/// The requests, in the order in which they are to be played: the same for the same seed.
pub(crate) fn requests(_sites: &Sites, _arguments: &Shadow) -> Result<Vec<Request>, Failure> {
    Ok(Vec::new())
}
