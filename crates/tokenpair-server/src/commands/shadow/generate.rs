//! Requests that nobody recorded: everything tokenpair serves, right and wrong.
//!
//! First the lives of tokens, each from its log-in to its end, then every endpoint with what clients get wrong, then the
//! same with random changes. Endpoints that are not mounted are left out.

mod bodies;
mod forged;
mod lives;
mod log_ins;
mod manners;
mod mutations;
mod plan;

use super::Sites;
use super::arguments::Shadow;
use super::exchange::Request;
use crate::output::Failure;
use plan::Plan;

/// Random changes, where nobody says how many requests are wanted.
const RANDOM: usize = 60;

/// The requests, in the order in which they are to be played: the same for the same seed.
pub(crate) fn requests(sites: &Sites, arguments: &Shadow) -> Result<Vec<Request>, Failure> {
    if !sites.logins.iter().any(|login| login.is_active) {
        return Err(Failure::new(
            "the generated requests need somebody who can log in: name a user with --user NAME",
        ));
    }
    let mut plan = Plan::new(sites, &arguments.guarded)?;
    lives::add(&mut plan);
    log_ins::add(&mut plan);
    forged::add(&mut plan)?;
    manners::add(&mut plan);
    bodies::add(&mut plan);
    let mut requests = plan.requests;
    let wanted = arguments.generate.unwrap_or(requests.len() + RANDOM);
    mutations::add(&mut requests, wanted, arguments.seed);
    requests.truncate(wanted);
    Ok(requests)
}
