//! django-cors-headers.

use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::{Facts, texts};
use crate::config;
use tokenpair::nearest;

/// Settings of django-cors-headers that concern Django alone.
const OF_DJANGO: [&str; 2] = ["CORS_REPLACE_HTTPS_REFERER", "CORS_MODEL"];

pub(super) fn map(facts: &Facts, draft: &mut Draft) {
    let settings: Vec<_> = facts
        .settings
        .iter()
        .filter(|(name, _)| name.starts_with("CORS_"))
        .collect();
    let Some((_, first)) = settings.first() else {
        return;
    };
    let middleware = facts.settings.get("MIDDLEWARE");
    let is_off = middleware.and_then(texts).is_some_and(|classes| {
        !classes
            .iter()
            .any(|class| class.starts_with("corsheaders."))
    });
    if is_off {
        let reason = "MIDDLEWARE has no corsheaders.middleware.CorsMiddleware, so they have no effect in Django";
        return draft.note(
            "CORS_*",
            Some(&first.at),
            reason,
            "Write them into [cors] if browsers on other origins are to be served.",
        );
    }
    for (name, value) in settings {
        let canonical = config::cors_name(name);
        if OF_DJANGO.contains(&name) {
            continue;
        }
        if config::CORS_NAMES.contains(&canonical) {
            draft.take("cors", canonical, name, value);
        } else {
            let advice = nearest(name, config::CORS_NAMES)
                .map_or(String::new(), |known| format!("Did you mean {known}?"));
            draft.leave(
                name,
                &value.at,
                "django-cors-headers has no such setting",
                advice,
            );
        }
    }
}
