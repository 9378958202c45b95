//! Plays requests, one after the other: to Django, then to tokenpair, then both answers are compared.

use super::Sites;
use super::compare::{Half, Judge};
use super::documented;
use super::exchange::{Exchange, Request};
use super::http::Server;
use super::proof::Proof;
use super::report::Report;
use super::tokens::Tokens;
use crate::output::Failure;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use tokenpair::clock::{Clock as _, SystemClock};

/// Plays everything. Fails where one of the servers does not answer.
pub(super) async fn play(
    sites: &Sites,
    requests: &[Request],
    extra: &[(String, String)],
    guarded: &[String],
) -> Result<Report, Failure> {
    let settings = &sites.config.settings;
    let django = Server::new("Django", sites.django.clone(), extra)?;
    let tokenpair = Server::new("tokenpair", sites.tokenpair.clone(), extra)?;
    let mut tokens = Tokens::new(settings, sites.has_key)?;
    let mut judge = Judge::new(settings, tokens.jwt().cloned());
    let mut report = Report::default();
    let mut proof = Proof::of_guarded(guarded);
    let mut hints = BTreeSet::new();
    let progress = Progress::new(requests.len());
    for (index, request) in requests.iter().enumerate() {
        progress.tell(index);
        let (to_django, to_tokenpair) = tokens.translate(request, SystemClock.now()).await;
        let started = SystemClock.now();
        let theirs = django.send(&to_django).await?;
        let between = SystemClock.now();
        let second = if request.is_for_django {
            &django
        } else {
            &tokenpair
        };
        let ours = second.send(&to_tokenpair).await?;
        let ended = SystemClock.now();
        tokens.learn(request, &theirs, &ours);
        let theirs_half = Half {
            sent: &to_django,
            sent_at: started,
            answer: &theirs,
            answered_at: between,
        };
        let our_half = Half {
            sent: &to_tokenpair,
            sent_at: between,
            answer: &ours,
            answered_at: ended,
        };
        let differences = judge.differences(&theirs_half, &our_half).await;
        let exchange = Exchange {
            request: &to_django,
            django: &theirs,
            tokenpair: &ours,
            settings,
            paths: &sites.config.paths,
            token_blacklist: sites.config.token_blacklist,
            language: sites.language.as_deref(),
        };
        proof.take(&exchange);
        let explained = differences.into_iter().map(|difference| {
            let rule = documented::rule(&exchange, &difference);
            if rule.is_none() {
                hints.extend(documented::hint(&difference));
            }
            (difference, rule)
        });
        report.add(request, explained.collect());
    }
    report.tokens = tokens.count;
    report.notes.extend(hints.into_iter().map(str::to_owned));
    if !sites.has_key {
        report.notes.push(
            "there is no SIGNING_KEY in the configuration, so signatures were not checked and recorded tokens not renewed: the keys of the two may differ".to_owned(),
        );
    }
    if report.compared > 0 && proof.log_ins.played == 0 {
        report.notes.push(
            "there was no log-in among the requests, so nothing is said about log-ins".to_owned(),
        );
    }
    if judge.met_another_key {
        report.notes.push(
            "the servers sign with another key than the configured one, so signatures were not checked and recorded tokens not renewed".to_owned(),
        );
    }
    report.proof = proof;
    Ok(report)
}

/// How far it is, for somebody who looks at a terminal.
struct Progress {
    total: usize,
    is_shown: bool,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self {
            total,
            is_shown: io::stderr().is_terminal(),
        }
    }

    fn tell(&self, done: usize) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r{done} of {} requests played", self.total);
        }
    }
}

impl Drop for Progress {
    /// Leaves no line behind.
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
