//! One illness from its beginning to the recovery, and whether every answer on the way was what it may be.

use super::load::Sample;
use super::table::{EITHER, Endpoint, Failing, GOOD};
use crate::report::{Report, milliseconds, quantile};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// No answer takes longer, whatever is wrong.
const LONGEST: Duration = Duration::from_secs(3);
/// Nor this long, once a server knows that there is nobody to ask.
const AT_ONCE: Duration = Duration::from_millis(100);
const RECOVERY: Duration = Duration::from_secs(2);
/// A server may say that it is ready until somebody wanted something of it that is not to be had.
const NOTICED: Duration = Duration::from_secs(1);
/// What the machine does beside may cost an answer that needs no database.
const UNCHANGED: Duration = Duration::from_millis(20);
/// Percent of the changes that find no room on a full disk: the last pages are not always quite full.
const PUT_OFF: usize = 75;
/// Complaints that are shown.
const SHOWN: usize = 5;

/// What happened when.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) name: String,
    pub(super) failing: Failing,
    /// From here on it was made ill,
    pub(super) began: Instant,
    /// here it was,
    pub(super) ill: Instant,
    /// from here on it was made well,
    pub(super) ended: Instant,
    /// here it was,
    pub(super) well: Instant,
    /// and here all servers knew.
    pub(super) recovered: Instant,
}

impl Course {
    /// The statuses that an answer may have. What comes in between is answered as luck will have it.
    fn allowed(&self, sample: &Sample) -> &'static [u16] {
        let lasted = |from, to| sample.sent >= from && sample.answered() < to;
        if sample.answered() < self.began || sample.sent >= self.recovered {
            GOOD
        } else if sample.endpoint == Endpoint::Readyz && lasted(self.ill, self.ill + NOTICED) {
            EITHER
        } else if lasted(self.ill, self.ended) {
            self.failing.allows(sample.endpoint)
        } else if Failing::Everything.allows(sample.endpoint) == GOOD {
            GOOD
        } else {
            EITHER
        }
    }

    fn complaint(&self, sample: &Sample) -> Option<String> {
        let allowed = self.allowed(sample);
        let is_allowed = sample.status.is_some_and(|is| allowed.contains(&is));
        let what = match (&sample.flaw, sample.status) {
            (Some(flaw), _) => flaw.clone(),
            (None, Some(status)) if !is_allowed => status.to_string(),
            _ => return None,
        };
        let at = sample.sent.saturating_duration_since(self.ill);
        Some(format!(
            "{}: {what} where {allowed:?} is right ({} after the start)",
            sample.endpoint,
            milliseconds(at)
        ))
    }

    pub(super) fn judge(&self, samples: &[Sample], report: &mut Report) {
        let name = &self.name;
        let while_ill =
            |sample: &&Sample| sample.sent >= self.ill && sample.answered() < self.ended;
        let with = |status| {
            let samples = samples.iter().filter(while_ill);
            samples
                .filter(|sample| sample.status == Some(status))
                .count()
        };
        let slowest = samples.iter().max_by_key(|sample| sample.took);
        let (slowest, by) = slowest.map_or((Duration::ZERO, String::new()), |sample| {
            (sample.took, sample.endpoint.to_string())
        });
        let recovery = self.recovered - self.well;
        report.figure(
            name,
            format!(
                "{} × 200, {} × 503; slowest {} ({by}), {} once noticed; recovered in {}",
                with(200),
                with(503),
                milliseconds(slowest),
                milliseconds(self.once_noticed(samples)),
                milliseconds(recovery),
            ),
        );
        let complaints: Vec<String> = samples
            .iter()
            .filter_map(|one| self.complaint(one))
            .collect();
        let found = match complaints.len() {
            0 => format!("{} answers", samples.len()),
            number => {
                let shown: Vec<&str> = complaints.iter().take(SHOWN).map(String::as_str).collect();
                format!("{number} of {} not: {}", samples.len(), shown.join("; "))
            }
        };
        report.target(
            format!("{name}: every answer as in the table"),
            complaints.is_empty(),
            found,
        );
        report.target_at_most(format!("{name}: the slowest answer"), LONGEST, slowest);
        report.target_at_most(format!("{name}: recovery"), RECOVERY, recovery);
        if self.failing == Failing::Everything {
            let what = format!("{name}: p99 of answers once it is noticed");
            report.target_at_most(what, AT_ONCE, self.once_noticed(samples));
        }
        if self.failing == Failing::MostChanges {
            let changes = || {
                samples
                    .iter()
                    .filter(while_ill)
                    .filter(|sample| sample.endpoint.changes())
            };
            let refused = changes()
                .filter(|sample| sample.status == Some(503))
                .count();
            report.target(
                format!("{name}: changes put off, at least {PUT_OFF} %"),
                refused * 100 >= changes().count() * PUT_OFF,
                format!("{refused} of {}", changes().count()),
            );
        }
        if self.failing == Failing::Pace {
            let unchanged =
                UNCHANGED + signature_p99(samples, |sample| sample.answered() < self.began);
            let what = format!("{name}: p99 of a look at the signature only");
            report.target_at_most(
                what,
                unchanged,
                signature_p99(samples, |sample| while_ill(&sample)),
            );
        }
    }

    /// How long answers take on a server that has said once that it cannot.
    fn once_noticed(&self, samples: &[Sample]) -> Duration {
        let mut noticed: HashMap<SocketAddr, Instant> = HashMap::new();
        for sample in samples {
            if sample.status == Some(503) && sample.answered() >= self.began {
                let first = noticed.entry(sample.server).or_insert(sample.answered());
                *first = sample.answered().min(*first);
            }
        }
        let later = samples.iter().filter(|sample| {
            let noticed = noticed.get(&sample.server);
            noticed.is_some_and(|noticed| sample.sent >= *noticed.max(&self.ill))
                && sample.answered() < self.ended
        });
        quantile(
            &mut later.map(|sample| sample.took).collect::<Vec<_>>(),
            0.99,
        )
    }
}

fn signature_p99(samples: &[Sample], when: impl Fn(&Sample) -> bool) -> Duration {
    let samples = samples
        .iter()
        .filter(|sample| sample.endpoint == Endpoint::VerifySignature);
    let times = samples
        .filter(|sample| when(sample))
        .map(|sample| sample.took);
    quantile(&mut times.collect::<Vec<_>>(), 0.99)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ill from the second to the fourth second, and known to be well from the fifth.
    fn course(failing: Failing) -> (Instant, Course) {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let course = Course {
            name: "ill".to_owned(),
            failing,
            began: after(1),
            ill: after(2),
            ended: after(4),
            well: after(4),
            recovered: after(5),
        };
        (start, course)
    }

    fn sample(endpoint: Endpoint, sent: Instant, status: u16) -> Sample {
        Sample {
            endpoint,
            server: ([127, 0, 0, 1], 80).into(),
            sent,
            took: Duration::from_millis(1),
            status: Some(status),
            flaw: None,
        }
    }

    #[test]
    fn an_outage_is_right_while_ill_and_wrong_before_and_afterwards() {
        let (start, course) = course(Failing::Everything);
        for (milliseconds, right) in [(500, 200), (3000, 503), (5500, 200)] {
            for status in [200, 401, 500, 503] {
                let sent = start + Duration::from_millis(milliseconds);
                let complaint = course.complaint(&sample(Endpoint::Obtain, sent, status));
                assert_eq!(
                    complaint.is_none(),
                    status == right,
                    "{milliseconds} {status}"
                );
            }
        }
    }

    #[test]
    fn in_between_luck_decides_but_never_refuses_or_breaks() {
        let (start, course) = course(Failing::Everything);
        for milliseconds in [1500, 4500] {
            let sent = start + Duration::from_millis(milliseconds);
            for (status, is_right) in [(200, true), (401, false), (500, false), (503, true)] {
                let complaint = course.complaint(&sample(Endpoint::Verify, sent, status));
                assert_eq!(complaint.is_none(), is_right, "{milliseconds} {status}");
            }
        }
    }

    #[test]
    fn what_needs_no_database_is_answered_all_the_time() {
        let (start, course) = course(Failing::Pace);
        for milliseconds in [500, 1500, 3000, 4500, 5500] {
            let sent = start + Duration::from_millis(milliseconds);
            let complaint = course.complaint(&sample(Endpoint::VerifySignature, sent, 503));
            assert!(complaint.is_some());
        }
    }
}
