//! `tokenpair shadow --manage-py`: a real Django and tokenpair on copies of one database, which are gone afterwards.

mod copies;

use crate::import_django::{copy_folder, django_python};
use crate::postgres;
use crate::support::{Folder, Transcript};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Enough to reach everything but the random changes.
const SHADOW: &str = "shadow --manage-py manage.py --guarded /api/me/ --json";
const MEMBER: &str = "accounts.Member";

/// A project of Django's whose database is made, and imported into `tokenpair.toml`.
struct Project {
    folder: Folder,
    python: String,
}

/// What `shadow` says.
struct Told {
    status: Option<i32>,
    report: Value,
    err: String,
}

impl Project {
    /// With the fixture's settings and these lines behind them.
    fn new(python: &str, user_model: &str, database: &Value, more: &str) -> Self {
        let folder = Folder::new()
            .with_variable("SITE_USER_MODEL", user_model)
            .with_variable("SITE_DATABASE", &database.to_string())
            .with_variable("PATH", &std::env::var("PATH").unwrap_or_default());
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/shadow_django/project");
        copy_folder(&fixture, &folder.path("."));
        let project = Self {
            folder,
            python: python.to_owned(),
        };
        project.append(more);
        if user_model == MEMBER {
            project.manage(&["makemigrations", "accounts"]);
        }
        project.manage(&["migrate"]);
        project.manage(&[
            "shell",
            "-c",
            "from django.contrib.auth import get_user_model as model; model()(**{model().USERNAME_FIELD: 'ada@example.com', **({'born': '2000-01-01'} if hasattr(model(), 'born') else {})}).save()",
        ]);
        let told = project.run("import-django --manage-py manage.py");
        assert_eq!(told.status, Some(0), "{}", told.err);
        project
    }

    fn on_sqlite(more: &str) -> Option<Self> {
        Some(Self::new(
            &django_python()?,
            "auth.User",
            &Value::Null,
            more,
        ))
    }

    fn on_postgres(user_model: &str) -> Option<(Self, String)> {
        let python = django_python()?;
        let url = postgres::new_database()?;
        let database = database(&url);
        Some((Self::new(&python, user_model, &database, ""), url))
    }

    /// Changes Django's settings, from now on.
    fn append(&self, lines: &str) {
        let path = self.folder.path("config/settings.py");
        let settings = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{settings}\n{lines}\n")).unwrap();
    }

    fn manage(&self, arguments: &[&str]) {
        let mut command = Command::new(&self.python);
        command
            .arg("manage.py")
            .args(arguments)
            .current_dir(self.folder.path("."))
            .envs(self.folder.variables.iter().cloned());
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }

    fn run(&self, line: &str) -> Transcript {
        self.folder.run(&format!("{line} --python {}", self.python))
    }

    fn shadow(&self, more: &str) -> Told {
        let told = self.run(&format!("{SHADOW} {more}"));
        Told {
            status: told.status,
            report: serde_json::from_str(&told.out).unwrap_or_default(),
            err: told.err,
        }
    }
}

/// An address as Django's `DATABASES` have it.
fn database(url: &str) -> Value {
    let (_, rest) = url.split_once("://").unwrap();
    let (credentials, place) = rest.split_once('@').unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    let (address, name) = place.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    json!({"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": user, "PASSWORD": password, "HOST": host, "PORT": port})
}

impl Told {
    #[track_caller]
    fn expect_alike(&self) {
        assert_eq!(self.status, Some(0), "{}\n{}", self.err, self.differences());
        assert_eq!(self.report["otherwise"], 0);
        let compared = self.report["compared"].as_u64().unwrap();
        assert!(compared > 300, "{compared}");
        let codes = self.codes();
        for code in ["D4", "S10", "T2", "headers", "pages", "prose"] {
            assert!(codes.contains(&code.to_owned()), "{code}: {codes:?}");
        }
    }

    fn codes(&self) -> Vec<String> {
        let documented = self.report["documented"].as_array().unwrap().iter();
        documented
            .map(|rule| rule["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What is not documented, a line each.
    fn differences(&self) -> String {
        let found = self.report["differences"].as_array().into_iter().flatten();
        let found = found.filter(|difference| difference["documented"].is_null());
        let lines: Vec<String> = found.map(Value::to_string).collect();
        lines.join("\n")
    }

    #[track_caller]
    fn expect_difference(&self, parts: &[(&str, Value)]) {
        assert_eq!(self.status, Some(1), "{}", self.err);
        let found = self.report["differences"].as_array().into_iter().flatten();
        let mut found = found.filter(|difference| difference["documented"].is_null());
        let is_it = |difference: &Value| {
            parts
                .iter()
                .all(|(name, value)| difference[*name] == *value)
        };
        assert!(found.any(is_it), "{parts:?}\n{}", self.differences());
    }
}

#[test]
fn a_project_on_sqlite_is_answered_for_as_documented() {
    let Some(project) = Project::on_sqlite("") else {
        return;
    };
    project.shadow("--seed 5").expect_alike();
}

#[test]
fn a_project_on_postgresql_whose_users_have_addresses_and_uuids_is_answered_for_as_documented() {
    let Some((project, url)) = Project::on_postgres(MEMBER) else {
        return;
    };
    let told = project.shadow("--user ada@example.com");
    told.expect_alike();
    assert!(!told.err.contains("sesame"), "{}", told.err);
    assert!(postgres::copies(&url).is_empty(), "{}", told.err);
}

/// A line of Django's settings that tokenpair does not know of, and what is found.
#[test]
fn another_setting_is_told() {
    let Some(project) = Project::on_sqlite("") else {
        return;
    };
    let settings = fs::read_to_string(project.folder.path("config/settings.py")).unwrap();
    let claim = |name: &str| [("where", json!("claim")), ("name", json!(name))].to_vec();
    for (line, difference) in [
        (
            "SIMPLE_JWT['ACCESS_TOKEN_LIFETIME'] = timedelta(minutes=16)",
            vec![
                ("where", json!("claim")),
                ("name", json!("exp")),
                ("token", json!("access")),
                ("django", json!("960 s after the token's making")),
                ("tokenpair", json!("900 s after the token's making")),
            ],
        ),
        (
            "SIMPLE_JWT['ROTATE_REFRESH_TOKENS'] = False",
            vec![
                ("where", json!("body")),
                ("name", json!("refresh")),
                ("django", Value::Null),
            ],
        ),
        (
            "SIMPLE_JWT['SIGNING_KEY'] = 'another-key-of-at-least-32-bytes-0123456789'",
            vec![("where", json!("signature")), ("token", json!("access"))],
        ),
        ("SIMPLE_JWT['ISSUER'] = 'https://example.com'", claim("iss")),
        (
            "INSTALLED_APPS.remove('rest_framework_simplejwt.token_blacklist')",
            vec![
                ("where", json!("status")),
                ("path", json!("/auth/refresh/")),
                ("django", json!("200")),
            ],
        ),
        (
            "MIDDLEWARE.append('config.middleware.stamp')",
            vec![
                ("where", json!("header")),
                ("name", json!("x-stamp")),
                ("tokenpair", Value::Null),
            ],
        ),
    ] {
        fs::write(project.folder.path("config/settings.py"), &settings).unwrap();
        project.append(line);
        // The first of them is the life of a token.
        let told = project.shadow("--generate 40");
        told.expect_difference(&difference);
    }
}

#[test]
fn without_the_browsable_api_pages_are_a_documented_difference() {
    let renderers =
        "REST_FRAMEWORK['DEFAULT_RENDERER_CLASSES'] = ['rest_framework.renderers.JSONRenderer']";
    let Some(project) = Project::on_sqlite(renderers) else {
        return;
    };
    project.shadow("").expect_alike();
}

#[test]
fn throttles_do_not_hide_what_comes_after_their_limit() {
    let throttles = "REST_FRAMEWORK |= {'DEFAULT_THROTTLE_CLASSES': ['rest_framework.throttling.AnonRateThrottle'], 'DEFAULT_THROTTLE_RATES': {'anon': '5/day'}}";
    let Some(project) = Project::on_sqlite(throttles) else {
        return;
    };
    let told = project.shadow("");
    told.expect_alike();
    assert!(
        told.err.contains("Django's throttles are off"),
        "{}",
        told.err
    );
}

#[test]
fn a_django_that_speaks_german_differs_in_texts_as_documented() {
    let Some(project) = Project::on_sqlite("LANGUAGE_CODE = 'de'") else {
        return;
    };
    let told = project.shadow("");
    told.expect_alike();
    assert!(told.codes().contains(&"language".to_owned()));
}
