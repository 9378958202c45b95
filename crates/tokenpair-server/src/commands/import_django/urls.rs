//! The URL configuration, read from `urls.py`: which path leads to which of Simple JWT's views.

mod views;

use super::facts::{Route, Routes, Unread, View};
use super::python::{Call, Place, Project, Scope, Value, What};
use std::path::Path;
use std::rc::Rc;

const VIEWS: &str = "rest_framework_simplejwt.views.";
/// Simple JWT's views as classes and as functions.
const NAMES: [(&str, &str); 6] = [
    ("TokenObtainPairView", "token_obtain_pair"),
    ("TokenRefreshView", "token_refresh"),
    ("TokenVerifyView", "token_verify"),
    ("TokenBlacklistView", "token_blacklist"),
    ("TokenObtainSlidingView", "token_obtain_sliding"),
    ("TokenRefreshSlidingView", "token_refresh_sliding"),
];
/// What djoser mounts with `djoser.urls.jwt`.
const DJOSER: [(&str, &str); 3] = [
    ("jwt/create/", "TokenObtainPairView"),
    ("jwt/refresh/", "TokenRefreshView"),
    ("jwt/verify/", "TokenVerifyView"),
];
/// Packages whose URLs have none of Simple JWT's views.
const WITHOUT_TOKENS: [&str; 6] = [
    "django.",
    "rest_framework.",
    "debug_toolbar",
    "drf_spectacular",
    "allauth",
    "djoser.urls",
];
/// What dj-rest-auth mounts for tokens with `dj_rest_auth.urls`.
const REST_AUTH: [(&str, &str); 3] = [
    ("login/", "dj_rest_auth.views.LoginView"),
    ("logout/", "dj_rest_auth.views.LogoutView"),
    ("token/refresh/", REFRESH_VIEW),
];
const REFRESH_VIEW: &str = "dj_rest_auth.jwt_auth.get_refresh_view";
/// What is special about its views.
pub(super) const WITH_COOKIES: &str =
    "dj-rest-auth's own view: it also answers with the user, and sets and reads cookies";
const DEEPEST: usize = 16;
const MOST_ROUTES: usize = 20_000;

/// The routes of `ROOT_URLCONF`, or of `urlpatterns` in the settings themselves, as printed examples have it.
pub(super) fn read(project: &mut Project, settings: &Rc<Scope>, beside: &Path) -> Routes {
    project.settings = Some(settings.clone());
    let root = settings.get("ROOT_URLCONF");
    let scope = match root.map(|root| (root, root.as_text())) {
        None if has_patterns(settings) => Some(settings.clone()),
        None if beside.is_file() => project.run(beside).ok(),
        None => None,
        Some((root, None)) => return unread(root.at.clone(), root.describe()),
        Some((root, Some(module))) => match project.find(module).map(|file| project.run(&file)) {
            Some(Ok(scope)) => Some(scope),
            Some(Err(failure)) => return unread(root.at.clone(), failure.to_string()),
            None => {
                return unread(
                    root.at.clone(),
                    format!("the module {module} is not in the project"),
                );
            }
        },
    };
    let Some(scope) = scope else {
        return Routes::Unsaid;
    };
    let mut reader = Reader {
        project,
        routes: Vec::new(),
        unread: Vec::new(),
        visits: 0,
    };
    match scope.get("urlpatterns") {
        Some(patterns) => reader.patterns(patterns, &Ok(String::new()), 0),
        None => reader.unread.extend(misspelt(&scope, root)),
    }
    Routes::Read {
        routes: reader.routes,
        unread: reader.unread,
    }
}

fn unread(at: Place, reason: String) -> Routes {
    Routes::Read {
        routes: Vec::new(),
        unread: vec![Unread {
            at,
            reason,
            is_note: false,
        }],
    }
}

fn has_patterns(scope: &Scope) -> bool {
    scope.get("urlpatterns").is_some() || misspelt(scope, None).is_some()
}

/// A list of routes under a name that Django does not read.
fn misspelt(scope: &Scope, root: Option<&Value>) -> Option<Unread> {
    let mut names = scope.iter();
    let found = names.find(|(name, value)| {
        value.as_list().is_some() && tokenpair::nearest(name, ["urlpatterns"]).is_some()
    });
    match (found, root) {
        (Some((name, value)), _) => Some(Unread {
            at: value.at.clone(),
            reason: format!("Django reads no {name}, did you mean urlpatterns?"),
            is_note: false,
        }),
        (None, Some(root)) => Some(Unread {
            at: root.at.clone(),
            reason: "its module has no urlpatterns".to_owned(),
            is_note: false,
        }),
        (None, None) => None,
    }
}

struct Reader<'a> {
    project: &'a mut Project,
    routes: Vec<Route>,
    unread: Vec<Unread>,
    visits: usize,
}

/// A path so far, or why it is none.
pub(super) type Prefix = Result<String, String>;

impl Reader<'_> {
    fn skip(&mut self, at: &Place, reason: impl Into<String>) {
        self.unread.push(Unread {
            at: at.clone(),
            reason: reason.into(),
            is_note: false,
        });
    }

    fn remark(&mut self, at: &Place, reason: impl Into<String>) {
        self.skip(at, reason);
        if let Some(unread) = self.unread.last_mut() {
            unread.is_note = true;
        }
    }

    fn patterns(&mut self, value: &Value, prefix: &Prefix, depth: usize) {
        self.visits += 1;
        if depth > DEEPEST || self.visits > MOST_ROUTES {
            if self.visits <= MOST_ROUTES + 1 {
                self.skip(
                    &value.at,
                    "there are too many routes, or they are nested too deeply",
                );
            }
            return;
        }
        match &value.what {
            What::List(values) => {
                for value in values {
                    self.patterns(value, prefix, depth + 1);
                }
            }
            What::Call(call) => self.route(&value.at, call, prefix, depth),
            What::Unknown(reason) => self.skip(
                &value.at,
                format!("some routes are not known: a part {reason}"),
            ),
            _ => {}
        }
    }

    fn route(&mut self, at: &Place, call: &Call, prefix: &Prefix, depth: usize) {
        let name = call.callee.rsplit('.').next().unwrap_or_default();
        let is_regex = match name {
            "path" => false,
            "re_path" | "url" => true,
            "i18n_patterns" => {
                let reason = Err("begins with the language".to_owned());
                for pattern in &call.arguments {
                    self.patterns(pattern, &reason, depth + 1);
                }
                return;
            }
            "format_suffix_patterns" => {
                if let Some(patterns) = call.arguments.first() {
                    self.patterns(patterns, prefix, depth + 1);
                }
                return;
            }
            _ => return,
        };
        let (Some(route), Some(view)) = (call.argument(0, "route"), call.argument(1, "view"))
        else {
            return;
        };
        let (more, is_slash_optional) = match route.as_text() {
            Some(text) => part(if is_regex { "regex" } else { "path" }, text),
            None => (Err(route.describe()), false),
        };
        let path = match (prefix, more) {
            (Ok(prefix), Ok(more)) => Ok(prefix.clone() + &more),
            (Err(reason), _) => Err(reason.clone()),
            (_, Err(reason)) => Err(reason),
        };
        match &view.what {
            What::Call(inner) if inner.callee.rsplit('.').next() == Some("include") => {
                self.include(at, inner, &path, depth);
            }
            _ => {
                if let Some(view) = self.view(at, view, 0) {
                    self.routes.push(Route {
                        at: at.clone(),
                        path: path.map(|path| format!("/{path}")),
                        view,
                        is_slash_optional,
                    });
                }
            }
        }
    }

    fn include(&mut self, at: &Place, call: &Call, prefix: &Prefix, depth: usize) {
        let Some(included) = call.arguments.first() else {
            return;
        };
        // `include(("accounts.urls", "accounts"))`
        let module = match included.as_list() {
            Some([first, ..])
                if first.as_text().is_some() || matches!(first.what, What::Name(_)) =>
            {
                first
            }
            // `include((patterns, "accounts"))`
            Some([first, rest @ ..])
                if first.as_list().is_some()
                    && rest.iter().all(|value| value.as_list().is_none()) =>
            {
                first
            }
            _ => included,
        };
        let name = match &module.what {
            What::Text(name) | What::Name(name) => name.to_string(),
            What::Module(scope) => {
                let patterns = scope.get("urlpatterns").cloned();
                if let Some(patterns) = patterns {
                    self.patterns(&patterns, prefix, depth + 1);
                }
                return;
            }
            _ => return self.patterns(module, prefix, depth + 1),
        };
        match &*name {
            "djoser.urls.jwt" => return self.djoser(at, prefix),
            "dj_rest_auth.urls" => return self.rest_auth(at, prefix),
            _ => {}
        }
        let Some(file) = self.project.find(&name) else {
            if !WITHOUT_TOKENS
                .iter()
                .any(|package| name.starts_with(package))
                && !name.ends_with(".site.urls")
            {
                self.remark(at, format!("the URLs of {name} are not in the project"));
            }
            return;
        };
        match self.project.run(&file) {
            Ok(scope) => {
                if let Some(patterns) = scope.get("urlpatterns") {
                    self.patterns(patterns, prefix, depth + 1);
                }
            }
            Err(failure) => self.skip(at, failure.to_string()),
        }
    }

    fn djoser(&mut self, at: &Place, prefix: &Prefix) {
        for (path, class) in DJOSER {
            self.routes.push(Route {
                at: at.clone(),
                path: prefix.clone().map(|prefix| format!("/{prefix}{path}")),
                view: View::SimpleJwt(class.to_owned()),
                is_slash_optional: true,
            });
        }
    }

    fn rest_auth(&mut self, at: &Place, prefix: &Prefix) {
        let settings = self.project.settings.clone();
        let settings = settings.as_deref();
        let own = settings.and_then(|settings| settings.get("REST_AUTH")?.member("USE_JWT"));
        let older = settings.and_then(|settings| settings.get("REST_USE_JWT"));
        if own.or(older).and_then(Value::truth) != Some(true) {
            return;
        }
        let mut mount = |path: &str, view: View| {
            self.routes.push(Route {
                at: at.clone(),
                path: prefix.clone().map(|prefix| format!("/{prefix}{path}")),
                view,
                is_slash_optional: true,
            });
        };
        for (path, name) in REST_AUTH {
            let name = name.to_owned();
            let what = WITH_COOKIES;
            mount(path, View::Foreign { name, what });
        }
        let verify = View::SimpleJwt("TokenVerifyView".to_owned());
        mount("token/verify/", verify);
    }
}

/// A part of a route as a path, and whether its final slash may be missing.
pub(super) fn part(kind: &str, text: &str) -> (Prefix, bool) {
    match kind {
        "regex" => pattern(text),
        "path" if text.contains('<') => (Err("has a part that varies".to_owned()), false),
        "path" => (Ok(text.to_owned()), false),
        _ => (Err("begins with the language".to_owned()), false),
    }
}

/// A regular expression that means one path, and whether its final slash may be missing.
fn pattern(text: &str) -> (Prefix, bool) {
    let inner = text.strip_prefix('^').unwrap_or(text);
    let ends = ["\\Z", "\\z", "$"];
    let inner = ends
        .iter()
        .find_map(|end| inner.strip_suffix(end))
        .unwrap_or(inner);
    let (inner, is_optional) = match inner.strip_suffix("/?") {
        Some(bare) => (format!("{bare}/"), true),
        None => (inner.to_owned(), false),
    };
    let mut path = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(escaped) if !escaped.is_ascii_alphanumeric() => path.push(escaped),
                _ => return (Err("is a pattern for more than one path".to_owned()), false),
            },
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => {
                return (Err("is a pattern for more than one path".to_owned()), false);
            }
            c => path.push(c),
        }
    }
    (Ok(path), is_optional)
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_pattern_for_one_path_is_that_path() {
        let path = |text| pattern(text).0.ok();
        assert_eq!(path("^api/token/$").as_deref(), Some("api/token/"));
        assert_eq!(
            path(r"^api/v1\.0/token/\Z").as_deref(),
            Some("api/v1.0/token/")
        );
        assert_eq!(pattern("^token/?$"), (Ok("token/".to_owned()), true));
        assert_eq!(path(r"^(?P<version>\w+)/token/$"), None);
        assert_eq!(path("^a.c/$"), None);
    }
}
