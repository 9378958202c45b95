//! What two answers to the same request do not have in common.
//!
//! What has to differ is compared by its meaning: a token by its claims, its dates by their distance from its making, an
//! id by its form. Everything else has to be the same, number forms and the order of members included.

mod body;
mod claims;
mod headers;
mod secrets;
#[cfg(test)]
mod tests;

use super::exchange::{Answer, Difference, Place, Request};
use super::jose::Parts;
use claims::Digests;
use jiff::Timestamp;
use secrets::Secrets;
use tokenpair::{Flaw, Settings, SimpleJwt};

/// One server's half of an exchange.
pub(super) struct Half<'a> {
    pub(super) sent: &'a Request,
    pub(super) sent_at: Timestamp,
    pub(super) answer: &'a Answer,
    pub(super) answered_at: Timestamp,
}

/// Compares answers; remembers what must stay the same over a run.
pub(super) struct Judge<'a> {
    settings: &'a Settings,
    /// For signatures, where the key is known.
    jwt: Option<SimpleJwt>,
    digests: Digests,
    /// Whether a token of both servers had another key's signature than the configured one's.
    pub(super) met_another_key: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(settings: &'a Settings, jwt: Option<SimpleJwt>) -> Self {
        Self {
            settings,
            jwt,
            digests: Digests::default(),
            met_another_key: false,
        }
    }

    pub(super) async fn differences(
        &mut self,
        django: &Half<'_>,
        ours: &Half<'_>,
    ) -> Vec<Difference> {
        let sent = [django.sent, ours.sent];
        let secrets = Secrets::of(sent, [django.answer, ours.answer], self.settings);
        let mut differences = Vec::new();
        if django.answer.status != ours.answer.status {
            differences.push(Difference {
                place: Place::Status,
                django: Some(django.answer.status.to_string()),
                tokenpair: Some(ours.answer.status.to_string()),
            });
            // A throttle answered in the place of the view.
            if django.answer.status == 429 {
                return differences;
            }
        }
        let is_head = django.sent.method == "HEAD";
        differences.extend(headers::differences(
            django.answer,
            ours.answer,
            is_head,
            &secrets,
        ));
        let compared = body::compare(django.answer, ours.answer, &secrets);
        differences.extend(compared.differences);
        for pair in compared.tokens {
            let both = (Parts::read(&pair.django), Parts::read(&pair.tokenpair));
            if let (Some(theirs), Some(mine)) = both {
                let (theirs, mine) = ((django, &theirs), (ours, &mine));
                let token = &pair.place;
                let settings = self.settings;
                let found =
                    claims::differences(token, theirs, mine, settings, &mut self.digests, &secrets);
                differences.extend(found);
            }
            differences.extend(self.signatures(pair).await);
        }
        differences
    }

    async fn signatures(&mut self, pair: body::Tokens) -> Option<Difference> {
        let jwt = self.jwt.as_ref()?;
        let is_signed = |flaw| !matches!(flaw, Some(Flaw::Signature));
        let theirs = is_signed(jwt.find_flaw(&pair.django).await.ok()?);
        let ours = is_signed(jwt.find_flaw(&pair.tokenpair).await.ok()?);
        let says = |signed: bool| {
            let text = if signed {
                "signed with the configured key"
            } else {
                "not signed with the configured key"
            };
            Some(text.to_owned())
        };
        self.met_another_key |= !theirs && !ours;
        (theirs != ours).then(|| Difference {
            place: Place::Signature { token: pair.place },
            django: says(theirs),
            tokenpair: says(ours),
        })
    }
}
