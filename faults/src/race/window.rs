//! The end of the grace period: an exchanged token yields nothing any more, and its return ends the line.

use super::round::{exchanges_at_once, same_successor};
use super::{exchange, first, refused};
use crate::fleet::{Fleet, Shape, log_in};
use crate::nodes::GRACE_NAME;
use crate::nodes::STRICT;
use crate::report::Report;
use crate::run::Run;
use std::time::Duration;
use tokio::time::sleep;

const SIZE: usize = 10;
const LINES: (usize, usize) = (100, 20);
/// The period in the whole and in the short form, in seconds.
const PERIOD: (usize, usize) = (10, 1);
/// What the clocks of one machine need to agree that it is over.
const MARGIN: Duration = Duration::from_millis(100);

/// Exchanges many tokens, lets the period end, and brings them all again.
pub(super) async fn closes(run: &mut Run, report: &mut Report, shape: Shape) -> anyhow::Result<()> {
    let period = run.rounds(PERIOD.0, PERIOD.1);
    let seconds = format!("{period}s");
    let mut settings = STRICT.to_vec();
    settings.extend([(GRACE_NAME, seconds.as_str()), ("REUSE_DETECTION", "true")]);
    let fleet = Fleet::start(run, shape, 1, &settings).await?;
    let mut clients = fleet.clients(SIZE);
    let mut lines = Vec::new();
    for _ in 0..run.rounds(LINES.0, LINES.1) {
        let grandparent = log_in(first(&mut clients)?, 0).await?;
        let parent = exchange(first(&mut clients)?, &grandparent).await?;
        let seen = exchanges_at_once(&mut clients, SIZE, &parent).await;
        let successor = same_successor(&seen).map(str::to_owned);
        lines.push((grandparent, parent, successor));
    }
    sleep(Duration::from_secs(period as u64) + MARGIN).await;

    let mut flaws = Vec::new();
    for (place, (grandparent, parent, successor)) in lines.iter().enumerate() {
        let successor = match successor {
            Ok(successor) => successor,
            Err(flaw) => {
                flaws.push(flaw.clone());
                continue;
            }
        };
        // Either of the two ends the line.
        let (came_back, what) = if place % 2 == 0 {
            (parent, "the parent after the grace period")
        } else {
            (grandparent, "the grandparent after the grace period")
        };
        let client = first(&mut clients)?;
        flaws.extend(refused(client, came_back, what).await?.err());
        let what = "the last token of a line that was ended";
        flaws.extend(refused(client, successor, what).await?.err());
    }
    let name = format!("{shape}, grace, a token comes back after {seconds}");
    let found = flaws
        .first()
        .cloned()
        .unwrap_or_else(|| format!("{} lines", lines.len()));
    println!("{name}: {found}");
    report.target(
        format!("{name}: 401, and the line has ended"),
        flaws.is_empty(),
        found,
    );
    Ok(())
}
