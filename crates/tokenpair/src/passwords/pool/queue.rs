//! What a thread does next, and whether there is room: the discipline of the queue, free of threads.
//!
//! First come, first served. Neighbours that can share are run side by side where that makes the sum of all waits
//! shorter than one after the other would.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokenpair_pbkdf2::Group;

use super::super::lane::{Lane, Running};
use super::{Busy, MAX_QUEUED, MAX_WAIT};

/// The cost of a job alone, in [`Group::cost`]'s unit.
const ALONE: Group = Group { size: 1, cost: 100 };

/// More jobs than this are grouped as this many would be.
const MAX_PLANNED: usize = 64;

/// Whether a job's derivations can run beside those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sharing {
    None,
    /// They can, and it has nothing else to do.
    Whole,
    /// They can; it has other work, too, for which all jobs of its batch wait: a batch takes one of these.
    Part,
}

pub(super) trait Job: Send {
    fn is_wanted(&self, now: Instant) -> bool;
    fn sharing(&self) -> Sharing;
    fn start(self: Box<Self>, lane: Lane) -> Running;
}

pub(super) struct Queue {
    pub(super) waiting: VecDeque<Box<dyn Job>>,
    /// The cost of what runs.
    pub(super) running: u32,
    /// How long a job takes alone. Unknown before one has run: nobody is refused then by a guess, only by the deadline.
    pub(super) typical: Option<Duration>,
    pub(super) threads: u32,
    plan: Plan,
}

/// For every number of jobs that can share: the group to begin with, and what all of them cost.
struct Plan(Vec<Step>);

struct Step {
    group: Group,
    cost: u32,
    /// The times at which the jobs end, added up.
    ends: u64,
}

impl Plan {
    /// The least sum of ends: all wait for the first group, and those beside it for the rest.
    fn new(groups: &[Group]) -> Self {
        let mut steps = vec![Step {
            group: ALONE,
            cost: 0,
            ends: 0,
        }];
        for jobs in 1..=MAX_PLANNED {
            let step = |&group: &Group| {
                let rest = &steps[jobs.saturating_sub(group.size)];
                Step {
                    group,
                    cost: group.cost + rest.cost,
                    ends: u64::from(group.cost) * jobs as u64 + rest.ends,
                }
            };
            let best = groups.iter().map(step).min_by_key(|step| step.ends);
            steps.extend(best);
        }
        Self(steps)
    }

    fn step(&self, jobs: usize) -> Option<&Step> {
        self.0.get(jobs.min(MAX_PLANNED)).or(self.0.last())
    }

    fn group(&self, jobs: usize) -> Group {
        self.step(jobs).map_or(ALONE, |step| step.group)
    }

    fn cost(&self, jobs: usize) -> u64 {
        let planned = jobs.clamp(1, MAX_PLANNED) as u64;
        let cost = self.step(jobs).map_or(0, |step| step.cost);
        u64::from(cost) * (jobs as u64).max(planned) / planned
    }
}

impl Queue {
    pub(super) fn new(threads: u32, groups: &[Group]) -> Self {
        Self {
            waiting: VecDeque::new(),
            running: 0,
            typical: None,
            threads,
            plan: Plan::new(groups),
        }
    }

    /// Forgets the jobs whose callers have gone or whose deadlines have passed.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.waiting.retain(|job| job.is_wanted(now));
    }

    /// Takes the jobs that a free thread runs next, and what they cost.
    ///
    /// Of neighbours that can share it plans for its own part: the other threads take theirs.
    pub(super) fn take(&mut self) -> Option<(Vec<Box<dyn Job>>, u32)> {
        let neighbours = self.runs().next()?;
        let group = self.plan.group(neighbours.div_ceil(self.threads as usize));
        let size = group.size.min(neighbours).max(1);
        let cost = if size == 1 { ALONE.cost } else { group.cost };
        self.running += cost;
        Some((self.waiting.drain(..size).collect(), cost))
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_QUEUED || self.expected_wait() > MAX_WAIT
    }

    /// How long a job submitted now is likely to wait for its start.
    pub(super) fn expected_wait(&self) -> Duration {
        let idle = u64::from(self.threads - 1) * u64::from(ALONE.cost);
        let ahead = (self.cost() + u64::from(self.running)).saturating_sub(idle);
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let typical = self.typical.unwrap_or_default();
        typical.saturating_mul(ahead) / ALONE.cost / self.threads
    }

    /// What the waiting jobs cost, run by run of neighbours.
    fn cost(&self) -> u64 {
        let threads = self.threads as usize;
        let cost = |jobs: usize| {
            self.plan.cost(jobs.div_ceil(threads)) * u64::from(self.threads).min(jobs as u64)
        };
        self.runs().map(cost).sum()
    }

    /// How many jobs could be run together, then how many of the next, and so on.
    fn runs(&self) -> impl Iterator<Item = usize> {
        let mut jobs = self.waiting.iter().map(|job| job.sharing()).peekable();
        std::iter::from_fn(move || {
            let first = jobs.next()?;
            let mut has_part = first == Sharing::Part;
            let mut run = 1;
            while first != Sharing::None
                && let Some(next) = jobs.next_if(|next| match next {
                    Sharing::None => false,
                    Sharing::Whole => true,
                    Sharing::Part => !has_part,
                })
            {
                has_part |= next == Sharing::Part;
                run += 1;
            }
            Some(run)
        })
    }

    /// Moves the typical duration an eighth of the way to what the newest group was alone.
    pub(super) fn learn(&mut self, duration: Duration, cost: u32) {
        let alone = duration * ALONE.cost / cost.max(1);
        let typical = self.typical.unwrap_or(alone);
        self.typical = Some((typical * 7 + alone) / 8);
    }

    pub(super) fn busy(&self) -> Busy {
        let wait = self.expected_wait().as_secs() + 1;
        Busy {
            retry_after: Duration::from_secs(wait.min(30)),
        }
    }
}
