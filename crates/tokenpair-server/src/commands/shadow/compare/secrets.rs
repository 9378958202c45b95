//! What must not be shown: passwords and tokens of the requests, tokens, keys and hashes of the answers.

use super::super::exchange::{Answer, Request};
use super::super::jose::{self, Parts};
use crate::output;
use regex::Regex;
use reqwest::Url;
use std::sync::LazyLock;
use tokenpair::Settings;
use tokenpair::json::{self, Value};

/// Members whose values are secrets, by a part of their names.
const SECRET_NAMES: [&str; 5] = ["password", "passwd", "secret", "otp", "code"];

/// Members of answers whose texts are secrets although they are no tokens of ours, by the ends of their names.
const GIVEN_OUT: [&str; 5] = ["token", "key", "secret", "password", "sessionid"];

/// A shorter secret is blackened only where it stands alone: its letters are in every word.
const SHORTEST: usize = 4;

/// What is shown of a value at most.
const LONGEST: usize = 300;

/// Password hashes as Django stores them.
#[expect(clippy::expect_used, reason = "the expression is a constant")]
static HASH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:pbkdf2_sha\w+|argon2|bcrypt\w*|scrypt|md5|sha1)\$[^\s\x22']+")
        .expect("it is one")
});

/// The secrets of an exchange.
pub(super) struct Secrets<'a> {
    texts: Vec<String>,
    settings: &'a Settings,
}

impl<'a> Secrets<'a> {
    pub(super) fn of(
        requests: [&Request; 2],
        answers: [&Answer; 2],
        settings: &'a Settings,
    ) -> Self {
        let mut texts = Vec::new();
        for request in requests {
            collect(&request.body, &mut texts);
        }
        for answer in answers.into_iter().filter_map(Answer::json) {
            collect_json(&answer, is_given_out, &mut texts);
        }
        texts.sort_by_key(|text: &String| std::cmp::Reverse(text.len()));
        texts.dedup();
        Self { texts, settings }
    }

    /// A text of an answer as it may be shown.
    pub(super) fn show(&self, text: &str) -> String {
        if self.texts.iter().any(|secret| secret == text) {
            return "<secret>".to_owned();
        }
        let placeholder = |token: &str| Some(Parts::read(token)?.placeholder(self.settings));
        let shown = jose::replace(text.as_bytes(), placeholder);
        let mut shown = String::from_utf8_lossy(&shown).into_owned();
        for secret in self.texts.iter().filter(|secret| secret.len() >= SHORTEST) {
            shown = shown.replace(secret.as_str(), "<secret>");
        }
        let shown = HASH.replace_all(&shown, "<password hash>");
        shorten(&output::printable(&shown))
    }

    /// A JSON value as it may be shown.
    pub(super) fn show_json(&self, value: &Value) -> String {
        match value {
            Value::String(text) if Parts::read(text).is_some() => self.show(text),
            Value::String(text) if self.texts.contains(text) => self.show(text),
            value => self.show(&json::encode_utf8(value)),
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The secrets in a JSON body or a form.
fn collect(body: &[u8], texts: &mut Vec<String>) {
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    if let Ok(value) = json::decode_body(text) {
        return collect_json(&value, is_secret, texts);
    }
    let Ok(mut form) = Url::parse("http://form/") else {
        return;
    };
    form.set_query(Some(text));
    let fields = form.query_pairs();
    let secrets = fields.filter(|(name, value)| is_secret(name) && !value.is_empty());
    texts.extend(secrets.map(|(_, value)| value.into_owned()));
}

fn collect_json(value: &Value, is_secret: fn(&str) -> bool, texts: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, member) in object {
                match member {
                    Value::String(text)
                        if is_secret(name) && !text.is_empty() && Parts::read(text).is_none() =>
                    {
                        texts.push(text.clone());
                        texts.push(text.trim().to_owned());
                    }
                    Value::Number(number) if is_secret(name) => texts.push(number.to_string()),
                    member => collect_json(member, is_secret, texts),
                }
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_json(item, is_secret, texts)),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

fn is_given_out(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    GIVEN_OUT.iter().any(|end| name.ends_with(end))
}
