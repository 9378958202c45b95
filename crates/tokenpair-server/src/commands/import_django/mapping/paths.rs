//! `urls.py`: where Simple JWT's views are.

use super::HOOKS;
use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::{Facts, Route, Routes, Serializer, View};
use crate::config::Paths;
use tokenpair::json;

/// Simple JWT's views and our names for them.
const VIEWS: [(&str, &str); 6] = [
    ("TokenObtainPairView", "token_obtain_pair"),
    ("TokenRefreshView", "token_refresh"),
    ("TokenVerifyView", "token_verify"),
    ("TokenBlacklistView", "token_blacklist"),
    ("TokenObtainSlidingView", "token_obtain_sliding"),
    ("TokenRefreshSlidingView", "token_refresh_sliding"),
];

pub(super) fn map(facts: &Facts, taken: Option<&Serializer>, draft: &mut Draft) {
    let Routes::Read { routes, unread } = &facts.routes else {
        return draft.note(
            "urls.py",
            None,
            "no URL configuration is named, so the usual paths such as /api/token/ are served",
            "Write others into [paths].",
        );
    };
    for part in unread {
        if part.is_note {
            draft.note(
                "urls.py",
                Some(&part.at),
                part.reason.as_str(),
                "Token routes that are there belong into [paths].",
            );
        } else {
            draft.leave(
                "urls.py",
                &part.at,
                part.reason.as_str(),
                "Token routes that are there belong into [paths].",
            );
        }
    }
    if routes.is_empty() {
        if unread.is_empty() {
            draft.note(
                "urls.py",
                None,
                "Django mounts none of Simple JWT's views; the usual paths such as /api/token/ are served",
                "Write others into [paths].",
            );
        }
        return;
    }
    for route in routes {
        if let View::Foreign { name, what } = &route.view {
            let path = route.path.as_deref().unwrap_or("a path that varies");
            let advice = "Leave this route to Django: each side accepts the tokens of the other.";
            draft.leave(
                format!("{name} at {path}"),
                &route.at,
                format!("is {what}"),
                advice,
            );
        }
    }
    for (class, name) in VIEWS {
        endpoint(draft, class, name, routes, taken);
    }
    for name in Paths::ours() {
        draft.set_from("paths", name, false, "Django has no such view");
    }
}

fn endpoint(
    draft: &mut Draft,
    class: &str,
    name: &'static str,
    routes: &[Route],
    taken: Option<&Serializer>,
) {
    let mut paths: Vec<&str> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    let mut left = None;
    for route in routes {
        match (&route.view, &route.path) {
            (view, Ok(path)) if is_of(view, class, taken) => {
                if paths
                    .iter()
                    .any(|known| known.trim_end_matches('/') == path.trim_end_matches('/'))
                {
                    continue;
                }
                paths.push(path);
                let place = route.at.to_string();
                if !places.contains(&place) {
                    places.push(place);
                }
                if route.is_slash_optional {
                    let reason = "Django serves it without its final slash, too; here such a request is redirected or refused as Django's APPEND_SLASH does it";
                    draft.note(path.as_str(), Some(&route.at), reason, "");
                }
            }
            (view, Err(reason)) if is_of(view, class, taken) => {
                let shown = format!("the path of {class}");
                draft.leave(
                    shown,
                    &route.at,
                    reason.as_str(),
                    "tokenpair serves fixed paths.",
                );
            }
            (
                View::Own {
                    name: own,
                    base,
                    how,
                    ..
                },
                path,
            ) if base == class => {
                let place = path.as_deref().unwrap_or("a path that varies");
                let reason =
                    format!("is a view of your own at {place}, on top of {base}: it {how}");
                left = Some(format!("left to Django, {}", route.at));
                let advice = format!(
                    "Leave this route to Django, or write it into [paths] as {name} to have Simple JWT's own behaviour there. {HOOKS}"
                );
                draft.leave(own.as_str(), &route.at, reason, advice);
            }
            _ => {}
        }
    }
    let (value, source) = match paths.as_slice() {
        [] => {
            let why = left.unwrap_or_else(|| "not in urls.py".to_owned());
            (json::Value::from(false), why)
        }
        [path] => (json::Value::from(*path), places.join(", ")),
        paths => (
            json::Value::Array(paths.iter().map(|path| json::Value::from(*path)).collect()),
            places.join(", "),
        ),
    };
    draft.set_from("paths", name, value, source);
}

/// Whether tokenpair answers as this view does.
fn is_of(view: &View, class: &str, taken: Option<&Serializer>) -> bool {
    match view {
        View::SimpleJwt(view) => view == class,
        View::Own {
            base, serializer, ..
        } => {
            let is_taken = |own: &Serializer| taken.is_some_and(|taken| taken.at == own.at);
            base == class && serializer.as_deref().is_some_and(is_taken)
        }
        View::Foreign { .. } => false,
    }
}
