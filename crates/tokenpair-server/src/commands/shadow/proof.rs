//! Whether likeness says anything: two servers that refuse everything are alike, too.

use super::documented;
use super::exchange::{Answer, Exchange};
use super::jose;
use crate::config::Endpoint;
use std::collections::BTreeMap;

/// What was asked, and how much of it both granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) played: usize,
    pub(super) succeeded: usize,
}

impl Outcome {
    fn take(&mut self, succeeded: bool) {
        self.played += 1;
        self.succeeded += usize::from(succeeded);
    }

    fn is_in_vain(self) -> bool {
        self.played > 0 && self.succeeded == 0
    }
}

/// What succeeded in a run.
#[derive(Default)]
pub(super) struct Proof {
    all: Outcome,
    pub(super) log_ins: Outcome,
    /// By guarded path.
    guarded: BTreeMap<String, Outcome>,
}

impl Proof {
    pub(super) fn of_guarded(paths: &[String]) -> Self {
        let guarded = paths.iter().map(|path| (path.clone(), Outcome::default()));
        Self {
            guarded: guarded.collect(),
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self, exchange: &Exchange<'_>) {
        let answers = [exchange.django, exchange.tokenpair];
        let request = exchange.request;
        let both = |granted: fn(&Answer) -> bool| answers.into_iter().all(granted);
        let describes = matches!(request.method.as_str(), "HEAD" | "OPTIONS");
        self.all.take(!describes && both(is_success));
        if request.method == "POST" && is_log_in(exchange) {
            self.log_ins.take(both(gives_tokens));
        }
        if let Some(guarded) = self.guarded.get_mut(&request.target) {
            guarded.take(both(is_success));
        }
    }

    /// Why answers that are alike prove nothing, if so.
    pub(super) fn gap(&self) -> Option<String> {
        if self.log_ins.is_in_vain() {
            return Some(format!(
                "none of {} log-ins gave tokens on both sides, so that being alike proves nothing: play one that succeeds",
                self.log_ins.played
            ));
        }
        if self.all.is_in_vain() {
            return Some(
                "no request succeeded on both sides, so that being alike proves nothing: play some that succeed"
                    .to_owned(),
            );
        }
        let mut guarded = self.guarded.iter();
        let (path, _) = guarded.find(|(_, outcome)| outcome.is_in_vain())?;
        Some(format!(
            "{path} let nobody in, so that being alike proves nothing there: name a path that takes access tokens with --guarded, or one who may with --user"
        ))
    }
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

fn gives_tokens(answer: &Answer) -> bool {
    is_success(answer) && !jose::members(&answer.body).is_empty()
}

fn is_log_in(exchange: &Exchange<'_>) -> bool {
    matches!(
        documented::endpoint(exchange),
        Some(Endpoint::TokenObtainPair | Endpoint::TokenObtainSliding)
    )
}
