//! What is wanted of a workload, and whether it holds.

use crate::measured::{Measured, Ratio};
use crate::server::Peer;
use std::fmt;

/// What the project wants of a workload, each a ratio within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Targets {
    /// Processor time a request, as a multiple of the bare axum handler's, at most.
    axum: Option<f64>,
    /// Django's processor time a request, as a multiple of ours, at least.
    django: Option<f64>,
    /// Our requests a second, as a multiple of Django's, at least.
    django_rate: Option<f64>,
    /// What would be better still, such as `0.75×`.
    stretch: Option<&'static str>,
    /// What a target rests on that this machine lacks.
    lacks: Option<&'static str>,
}

impl Targets {
    pub(crate) fn axum(mut self, most: f64) -> Self {
        self.axum = Some(most);
        self
    }

    pub(crate) fn django(mut self, least: f64) -> Self {
        self.django = Some(least);
        self
    }

    pub(crate) fn django_rate(mut self, least: f64) -> Self {
        self.django_rate = Some(least);
        self
    }

    pub(crate) fn stretch(mut self, stretch: &'static str) -> Self {
        self.stretch = Some(stretch);
        self
    }

    pub(crate) fn lacks(mut self, what: Option<&'static str>) -> Self {
        self.lacks = what;
        self
    }
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// This machine lacks what the target rests on.
    NotHere(&'static str),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met => f.write_str("met"),
            Self::Missed => f.write_str("MISSED"),
            Self::NotHere(what) => write!(f, "not to be met on this machine, which lacks {what}"),
        }
    }
}

/// A ratio, what is wanted of it, and whether that holds.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) what: &'static str,
    pub(crate) ratio: Ratio,
    /// As people read it; empty where nothing is wanted.
    pub(crate) target: String,
    pub(crate) verdict: Option<Verdict>,
}

/// A limit of a ratio.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    AtMost(f64),
    AtLeast(f64),
}

impl Wanted {
    fn holds(self, ratio: Ratio) -> bool {
        match self {
            Self::AtMost(most) => ratio.median <= most,
            Self::AtLeast(least) => ratio.median >= least,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most}×"),
            Self::AtLeast(least) => write!(f, "≥ {least}×"),
        }
    }
}

/// All ratios of a workload.
pub(crate) fn findings(targets: &Targets, measured: &[Measured]) -> Vec<Finding> {
    use Wanted::{AtLeast, AtMost};
    let find = |wanted: fn(Peer) -> bool| measured.iter().find(|measured| wanted(measured.peer));
    let Some(ours) = find(Peer::is_tokenpair) else {
        return Vec::new();
    };
    let axum = find(|peer| peer == Peer::Axum);
    let django = find(|peer| peer == Peer::Django);
    #[rustfmt::skip]
    let ratios = [
        ("CPU: tokenpair ÷ axum", axum.and_then(|axum| ours.cpu_over(axum)), targets.axum.map(AtMost)),
        ("CPU: Django ÷ tokenpair", django.and_then(|django| django.cpu_over(ours)), targets.django.map(AtLeast)),
        ("requests/s: tokenpair ÷ Django", django.and_then(|django| ours.rate_over(django)), targets.django_rate.map(AtLeast)),
    ];
    let mut stretch = targets.stretch;
    let findings = ratios.into_iter().filter_map(|(what, ratio, wanted)| {
        let ratio = ratio?;
        let target = wanted.map(|wanted| match stretch.take() {
            Some(stretch) => format!("{wanted}, stretch {stretch}"),
            None => wanted.to_string(),
        });
        Some(Finding {
            what,
            ratio,
            target: target.unwrap_or_default(),
            verdict: wanted.map(|wanted| targets.verdict(wanted.holds(ratio))),
        })
    });
    findings.collect()
}

impl Targets {
    fn verdict(&self, holds: bool) -> Verdict {
        match self.lacks {
            _ if holds => Verdict::Met,
            Some(what) => Verdict::NotHere(what),
            None => Verdict::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::tests::measured;

    #[test]
    fn a_ratio_is_judged_by_its_target_and_without_one_not_at_all() {
        let all = [
            measured(Peer::Tokenpair, &[10.0, 11.0, 10.0], 100.0),
            measured(Peer::Axum, &[10.0, 10.0, 10.0], 100.0),
            measured(Peer::Django, &[900.0, 1100.0, 1000.0], 1.0),
        ];
        let targets = Targets::default().axum(0.9).stretch("0.75×").django(90.0);
        let findings = findings(&targets, &all);
        let verdicts: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Some(Verdict::Missed), Some(Verdict::Met), None]);
        assert_eq!(findings[0].target, "≤ 0.9×, stretch 0.75×");
    }

    #[test]
    fn a_target_that_rests_on_the_processor_is_not_missed_on_another() {
        let all = [
            measured(Peer::Tokenpair, &[500.0], 1.0),
            measured(Peer::Django, &[1000.0], 1.0),
        ];
        let targets = Targets::default().django(7.5);
        let verdict = |lacks| findings(&targets.lacks(lacks), &all)[0].verdict;
        assert_eq!(verdict(None), Some(Verdict::Missed));
        assert_eq!(verdict(Some("AVX-512")), Some(Verdict::NotHere("AVX-512")));
    }
}
