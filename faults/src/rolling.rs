//! Servers that are stopped and started again while they are used: no client may notice.
//!
//! `stop`: one server, told to stop over and over under load. `roll`: three servers over one PostgreSQL behind a real
//! nginx and a real `HAProxy`, restarted one after the other.

mod balancer;
mod roll;
mod stop;
mod visitors;

use crate::report::Report;
use crate::run::Run;

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    stop::judge(run, report).await?;
    roll::judge(run, report).await
}
