//! What was measured of one server in one workload, and how it compares with another's.

use crate::load::Sample;
use crate::server::Peer;
use hdrhistogram::Histogram;
use std::time::Duration;
use xtask::vitals::Memory;

/// One round.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) sample: Sample,
    /// Processor time of the server's processes.
    pub(crate) cpu: Duration,
    /// Processor time of the database's processes, where it has its own.
    pub(crate) database_cpu: Duration,
}

impl Round {
    fn per_request(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / count(self.sample.requests.max(1))
    }

    /// Microseconds a request.
    pub(crate) fn cpu(&self) -> f64 {
        self.per_request(self.cpu)
    }

    pub(crate) fn database_cpu(&self) -> f64 {
        self.per_request(self.database_cpu)
    }
}

/// What an open loop measured.
#[derive(Clone, Debug)]
pub(crate) struct Paced {
    /// How fast, such as `10 %`.
    pub(crate) name: String,
    /// Whether its latencies have a limit.
    pub(crate) is_judged: bool,
    pub(crate) round: Round,
}

impl Paced {
    /// The latency that `share` of the answers did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.round.sample.latencies.value_at_quantile(share))
    }
}

/// All rounds of one server.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) peer: Peer,
    pub(crate) version: String,
    pub(crate) start_up: Duration,
    /// Before anybody asked.
    pub(crate) idle: Memory,
    /// At the end, with all connections open.
    pub(crate) memory: Memory,
    pub(crate) rounds: Vec<Round>,
    pub(crate) paced: Vec<Paced>,
    /// Microseconds of this process for what a log-in derives, taken between the rounds.
    pub(crate) derivations: Vec<f64>,
}

impl Measured {
    /// Requests a second, the median of the rounds.
    pub(crate) fn rate(&self) -> f64 {
        median(self.each(|round| round.sample.rate()))
    }

    /// Microseconds of the server a request, the median of the rounds.
    pub(crate) fn cpu(&self) -> f64 {
        median(self.each(Round::cpu))
    }

    /// Microseconds of the server a request, of all rounds together: for requests that are few.
    pub(crate) fn cpu_of_all_rounds(&self) -> f64 {
        let cpu: Duration = self.rounds.iter().map(|round| round.cpu).sum();
        let requests: u64 = self.rounds.iter().map(|round| round.sample.requests).sum();
        cpu.as_secs_f64() * 1e6 / count(requests.max(1))
    }

    /// Microseconds of one derivation of a log-in by itself, the mean; `None` where none was taken.
    pub(crate) fn derivation(&self) -> Option<f64> {
        let number = u64::try_from(self.derivations.len()).ok()?;
        (number > 0).then(|| self.derivations.iter().sum::<f64>() / count(number))
    }

    /// Microseconds of the database a request, the median of the rounds.
    pub(crate) fn database_cpu(&self) -> f64 {
        median(self.each(Round::database_cpu))
    }

    /// The latency that `share` of all answers did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut all: Option<Histogram<u64>> = None;
        for round in &self.rounds {
            match &mut all {
                None => all = Some(round.sample.latencies.clone()),
                // Histograms of the same kind are always added.
                Some(all) => drop(all.add(&round.sample.latencies)),
            }
        }
        Duration::from_micros(all.map_or(0, |all| all.value_at_quantile(share)))
    }

    /// This server's processor time a request, the database's included, as a multiple of another's.
    pub(crate) fn cpu_over(&self, other: &Self) -> Option<Ratio> {
        let cpu = |round: &Round| round.cpu() + round.database_cpu();
        Ratio::of(&self.each(cpu), &other.each(cpu))
    }

    pub(crate) fn rate_over(&self, other: &Self) -> Option<Ratio> {
        let rate = |round: &Round| round.sample.rate();
        Ratio::of(&self.each(rate), &other.each(rate))
    }

    pub(crate) fn each(&self, figure: impl Fn(&Round) -> f64) -> Vec<f64> {
        self.rounds.iter().map(figure).collect()
    }
}

/// How many times one figure is another, round by round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Ratio {
    /// `None` where nothing was counted.
    pub(crate) fn of(these: &[f64], others: &[f64]) -> Option<Self> {
        let pairs = these.iter().zip(others);
        let ratios: Vec<f64> = pairs
            .map(|(this, other)| this / other)
            .filter(|ratio| ratio.is_finite())
            .collect();
        let least = ratios.iter().copied().reduce(f64::min)?;
        let most = ratios.iter().copied().reduce(f64::max)?;
        Some(Self {
            median: median(ratios),
            least,
            most,
        })
    }
}

/// The value in the middle, or between the two in the middle; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.saturating_sub(1)), at(middle))
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few million requests")]
fn count(requests: u64) -> f64 {
    requests as f64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A server that needed so many microseconds a request in its rounds.
    pub(crate) fn measured(peer: Peer, cpu: &[f64], rate: f64) -> Measured {
        let round = |cpu: &f64| {
            let mut latencies = Histogram::new(3).unwrap();
            latencies.record_n(100, 990).unwrap();
            latencies.record_n(5000, 10).unwrap();
            Round {
                sample: Sample {
                    requests: 1000,
                    elapsed: Duration::from_secs_f64(1000.0 / rate),
                    latencies,
                },
                cpu: Duration::from_secs_f64(cpu / 1000.0),
                database_cpu: Duration::ZERO,
            }
        };
        Measured {
            peer,
            version: "1.0".to_owned(),
            start_up: Duration::from_millis(7),
            idle: Memory {
                pss: 1024,
                peak: 1024,
            },
            memory: Memory {
                pss: 2048,
                peak: 4096,
            },
            rounds: cpu.iter().map(round).collect(),
            paced: Vec::new(),
            derivations: Vec::new(),
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0]) - 2.5).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }

    #[test]
    fn ratios_are_made_round_by_round() {
        let ratio = Ratio::of(&[2.0, 9.0, 4.0], &[1.0, 3.0, 4.0]).unwrap();
        assert_eq!(
            ratio,
            Ratio {
                median: 2.0,
                least: 1.0,
                most: 3.0
            }
        );
        assert_eq!(Ratio::of(&[1.0], &[0.0]), None);
    }

    #[test]
    fn figures_are_per_request_and_quantiles_of_all_rounds() {
        let measured = measured(Peer::Tokenpair, &[10.0, 30.0, 20.0], 500.0);
        assert!((measured.cpu() - 20.0).abs() < 1e-6);
        assert!((measured.cpu_of_all_rounds() - 20.0).abs() < 1e-6);
        assert!((measured.rate() - 500.0).abs() < 1e-6);
        assert_eq!(measured.quantile(0.5), Duration::from_micros(100));
        assert!(measured.quantile(0.999) >= Duration::from_micros(4990));
    }
}
