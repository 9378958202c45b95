//! Two copies of a project's database, with Django on one and tokenpair on the other.

use super::Sites;
use super::arguments::Shadow;
use crate::Options;
use crate::output::Failure;

/// The servers and copies of a run; gone when this is dropped.
pub(crate) struct Started {}

/// Makes the copies and starts both servers.
pub(crate) async fn start(_arguments: &Shadow, _options: &Options) -> Result<Sites, Failure> {
    Err(Failure::new("--manage-py"))
}
