//! Security events as log lines, under the target `tokenpair::event`: log-in, refresh, reuse, log-out.
//!
//! What a client sent is escaped by the log and cut. Tokens and passwords are not in an event.

use std::sync::LazyLock;
use tokenpair::{Event, RequestInfo};

/// Where several servers write to one place, who it was.
static NODE: LazyLock<String> = LazyLock::new(|| whoami::hostname().unwrap_or_default());

/// Characters of a user name that are logged: as many as Django's model allows.
const LONGEST: usize = 150;

/// Writes one event. A token that comes back after it was exchanged is a warning.
pub(crate) fn write(event: &Event<'_>, info: &RequestInfo) {
    let (name, outcome) = (event.name(), event.outcome());
    let user_id = event.user_id();
    let user_id = user_id.as_deref().map(cut);
    let username = match event {
        Event::LogIn { user } => Some(cut(&user.username)),
        Event::LogInRefused { username } => Some(cut(username)),
        _ => None,
    };
    let reason = match event {
        Event::RefreshRefused { reason, .. }
        | Event::RevokeRefused { reason, .. }
        | Event::LogOutRefused { reason, .. } => Some(reason.to_string()),
        _ => None,
    };
    let session = match event {
        Event::SessionEnd { session, .. } => Some(cut(session)),
        _ => None,
    };
    let sessions = match event {
        Event::LogOutAll { sessions, .. } => Some(*sessions),
        _ => None,
    };
    let reason = reason.as_deref();
    let jti = event.jti().map(cut);
    let address = info.address.map(|address| address.to_string());
    let address = address.as_deref();
    let request_id = info.request_id.as_deref();
    let node = NODE.as_str();
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(target: "tokenpair::event", event = name, outcome, user_id, username, reason, jti, session, sessions, address, request_id, node, "{name} {outcome}")
        };
    }
    if matches!(event, Event::Reuse { .. }) {
        log!(warn);
    } else {
        log!(info);
    }
}

/// Tokens are signed and accepted with another key from now on.
pub(crate) fn key_changed() {
    let node = NODE.as_str();
    tracing::warn!(target: "tokenpair::event", event = "key_change", outcome = "success", node, "key_change success");
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests;
