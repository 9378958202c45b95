//! One illness from its beginning to the recovery, and whether every answer on the way was what it may be.

use super::load::Sample;
use super::table::{EITHER, Endpoint, Failing, GOOD, MIX};
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

    /// Whether it was sent while ill and judged by nothing else than the illness.
    fn is_proof(&self, sample: &Sample) -> bool {
        (self.ill..self.ended).contains(&sample.sent)
            && self.allowed(sample) == self.failing.allows(sample.endpoint)
    }

    /// The endpoint with the fewest samples that prove something, and their number.
    fn least_asked(&self, samples: &[Sample]) -> (usize, Endpoint) {
        let number = |endpoint| {
            let proofs = samples.iter().filter(|sample| self.is_proof(sample));
            proofs.filter(|sample| sample.endpoint == endpoint).count()
        };
        let asked = MIX.map(|(endpoint, _)| (number(endpoint), endpoint));
        let first = asked[0];
        let fewer = |least: (usize, Endpoint), next: (usize, Endpoint)| {
            if next.0 < least.0 { next } else { least }
        };
        asked.into_iter().fold(first, fewer)
    }

    /// Of each endpoint there must be `least` answers while ill.
    pub(super) fn judge(&self, samples: &[Sample], least: usize, report: &mut Report) {
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
        let mut noticed = self.once_noticed(samples);
        report.figure(
            name,
            format!(
                "{} × 200, {} × 503; slowest {} ({by}), {} once noticed; recovered in {}",
                with(200),
                with(503),
                milliseconds(slowest),
                milliseconds(quantile(&mut noticed, 0.99)),
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
        let (fewest, endpoint) = self.least_asked(samples);
        report.target(
            format!("{name}: answers of each endpoint while ill, at least {least}"),
            fewest >= least,
            format!("{fewest} ({endpoint})"),
        );
        report.target_at_most(format!("{name}: the slowest answer"), LONGEST, slowest);
        report.target_at_most(format!("{name}: recovery"), RECOVERY, recovery);
        if self.failing == Failing::Everything {
            let least = least * MIX.len();
            report.target(
                format!("{name}: answers once it is noticed, at least {least}"),
                noticed.len() >= least,
                noticed.len(),
            );
            let what = format!("{name}: p99 of answers once it is noticed");
            report.target_at_most(what, AT_ONCE, quantile(&mut noticed, 0.99));
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
            let changes = changes().count();
            report.target(
                format!("{name}: changes put off, at least {PUT_OFF} % of {least} or more"),
                changes >= least && refused * 100 >= changes * PUT_OFF,
                format!("{refused} of {changes}"),
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
    fn once_noticed(&self, samples: &[Sample]) -> Vec<Duration> {
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
        later.map(|sample| sample.took).collect()
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

    /// So many answers of each endpoint with the right status.
    fn right(course: &Course, number: u64) -> Vec<Sample> {
        let answers = MIX.iter().flat_map(|(endpoint, _)| {
            let status = *course.failing.allows(*endpoint).last().unwrap();
            (0..number).map(move |turn| (*endpoint, turn, status))
        });
        let late = Duration::from_millis(1500);
        answers
            .map(|(endpoint, turn, status)| {
                sample(
                    endpoint,
                    course.ill + late + Duration::from_millis(turn),
                    status,
                )
            })
            .collect()
    }

    fn holds(course: &Course, samples: &[Sample]) -> bool {
        let mut report = Report::new("ill", 1, true);
        course.judge(samples, 3, &mut report);
        report.holds()
    }

    #[test]
    fn too_few_answers_while_ill_prove_nothing() {
        for failing in [Failing::Everything, Failing::MostChanges, Failing::Pace] {
            let (_, mut course) = course(failing);
            course.recovered = course.well;
            assert!(!holds(&course, &[]), "{failing:?}");
            assert!(!holds(&course, &right(&course, 2)), "{failing:?}");
            let mut samples = right(&course, 6);
            assert!(holds(&course, &samples), "{failing:?}");
            samples.retain(|sample| sample.endpoint != Endpoint::Blacklist);
            assert!(!holds(&course, &samples), "{failing:?}");
        }
    }

    #[test]
    fn what_is_answered_when_luck_decides_proves_nothing() {
        let (start, course) = course(Failing::Everything);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut late = sample(Endpoint::Verify, at(3500), 503);
        assert!(course.is_proof(&late));
        late.took = Duration::from_secs(1);
        assert!(!course.is_proof(&late));
        assert!(!course.is_proof(&sample(Endpoint::Readyz, at(2500), 503)));
        assert!(course.is_proof(&sample(Endpoint::Readyz, at(3500), 503)));
    }
}
