//! An exchange to be judged, and which rule explains a difference in it.

use super::super::super::exchange::{Answer, Difference, Exchange, Headers, Place, Request};
use super::super::rule;
use super::JSON;
use crate::config::Paths;
use tokenpair::Settings;

/// An exchange to be judged. What a test does not say is a POST of nothing to the log-in, answered 200 by both.
pub(super) struct Case {
    pub(super) request: Request,
    pub(super) django: Answer,
    pub(super) tokenpair: Answer,
    pub(super) settings: Settings,
    pub(super) token_blacklist: bool,
    pub(super) language: Option<&'static str>,
}

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let mut headers = Headers::default();
    headers.push("content-type", content_type);
    Answer {
        status,
        headers,
        body: body.as_bytes().to_vec(),
    }
}

impl Case {
    pub(super) fn at(path: &str) -> Self {
        Self {
            request: Request::new("test", "POST", path),
            django: answer(200, JSON, "{}"),
            tokenpair: answer(200, JSON, "{}"),
            settings: Settings::new("a key of at least 32 bytes for these tests"),
            token_blacklist: true,
            language: None,
        }
    }

    pub(super) fn method(mut self, method: &str) -> Self {
        self.request.method = method.to_owned();
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.request.headers.push(name, value);
        self
    }

    pub(super) fn body(mut self, body: impl AsRef<str>) -> Self {
        self.request.body = body.as_ref().as_bytes().to_vec();
        self
    }

    pub(super) fn django(mut self, status: u16, content_type: &str, body: &str) -> Self {
        self.django = answer(status, content_type, body);
        self
    }

    pub(super) fn django_header(mut self, name: &str, value: &str) -> Self {
        self.django.headers.push(name, value);
        self
    }

    pub(super) fn tokenpair(mut self, status: u16, content_type: &str, body: &str) -> Self {
        self.tokenpair = answer(status, content_type, body);
        self
    }

    pub(super) fn set(mut self, change: impl Fn(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The code of the rule that explains a difference.
    pub(super) fn code(
        &self,
        place: Place,
        django: Option<&str>,
        tokenpair: Option<&str>,
    ) -> Option<&'static str> {
        let exchange = Exchange {
            request: &self.request,
            django: &self.django,
            tokenpair: &self.tokenpair,
            settings: &self.settings,
            paths: &Paths::default(),
            token_blacklist: self.token_blacklist,
            language: self.language,
        };
        let difference = Difference {
            place,
            django: django.map(str::to_owned),
            tokenpair: tokenpair.map(str::to_owned),
        };
        rule(&exchange, &difference).map(|rule| rule.code)
    }

    pub(super) fn header_code(
        &self,
        name: &str,
        django: Option<&str>,
        tokenpair: Option<&str>,
    ) -> Option<&'static str> {
        self.code(Place::Header(name.to_owned()), django, tokenpair)
    }

    pub(super) fn body_code(
        &self,
        member: &str,
        django: &str,
        tokenpair: &str,
    ) -> Option<&'static str> {
        self.code(
            Place::Body(member.to_owned()),
            Some(django),
            Some(tokenpair),
        )
    }

    pub(super) fn status_code(&self) -> Option<&'static str> {
        let status = |answer: &Answer| answer.status.to_string();
        self.code(
            Place::Status,
            Some(&status(&self.django)),
            Some(&status(&self.tokenpair)),
        )
    }
}
