//! The facts of a project from its files.

use super::facts::Facts;
use super::python::{Environment, Project};
use super::{models, urls};
use crate::output::Failure;
use std::fs;
use std::path::Path;

/// One of these makes a file the settings of a project, or a part of them.
const TELLING: [&str; 12] = [
    "SIMPLE_JWT",
    "SECRET_KEY",
    "DATABASES",
    "AUTH_USER_MODEL",
    "PASSWORD_HASHERS",
    "INSTALLED_APPS",
    "ROOT_URLCONF",
    "REST_FRAMEWORK",
    "urlpatterns",
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
    "AUTHENTICATION_BACKENDS",
    "MIDDLEWARE",
];
/// Files that may say which Django a project has.
const VERSIONS: [&str; 9] = [
    "requirements.txt",
    "requirements/base.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/common.txt",
    "constraints.txt",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
];

/// Reads the settings and what they name; nothing is run.
pub(super) fn read(path: &Path) -> Result<Facts, Failure> {
    let mut project = Project::of(path, Environment::of_process());
    let settings = project.run(path)?;
    let is_misspelt = |(name, _): (&str, &_)| tokenpair::nearest(name, TELLING).is_some();
    if !settings.iter().any(is_misspelt)
        && !settings.iter().any(|(name, _)| name.starts_with("CORS_"))
    {
        let failed = Failure::because(path.display());
        return Err(failed(&match project.flaws.first() {
            Some(flaw) => format!("cannot be read as Python, from line {} on", flaw.at.line),
            None => {
                "sets nothing that concerns tokens; is it a Django project's settings?".to_owned()
            }
        }));
    }
    let root = project.home();
    let routes = urls::read(&mut project, &settings, &path.with_file_name("urls.py"));
    let user = models::read(&mut project, &settings);
    let flaws = std::mem::take(&mut project.flaws);
    let django = project.roots().iter().find_map(|root| django_version(root));
    Ok(Facts {
        settings,
        root,
        django,
        flaws,
        user,
        routes,
        rounds: Vec::new(),
        variables: variables(&project),
    })
}

fn variables(project: &Project) -> Vec<(String, &'static str)> {
    let asked = project.environment.asked();
    asked
        .map(|(name, lookup)| (name.to_owned(), lookup.says()))
        .collect()
}

/// `Django==5.2.3` in requirements, `name = "django"` and `version = "5.2.3"` in a lock file.
fn django_version(root: &Path) -> Option<(u32, u32)> {
    VERSIONS.iter().find_map(|name| {
        let text = fs::read_to_string(root.join(name))
            .ok()?
            .to_ascii_lowercase();
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line == "name = \"django\"" {
                return version(lines.next()?.strip_prefix("version = \"")?);
            }
            let pinned = line.strip_prefix("django");
            let pinned = pinned.map(|rest| {
                rest.trim_start_matches("[argon2]")
                    .trim_start_matches("[bcrypt]")
                    .trim_start()
            });
            let pinned =
                pinned.and_then(|rest| rest.strip_prefix("==").or(rest.strip_prefix("~=")));
            if let Some(pinned) = pinned {
                // `~=5.2.1` stays in 5.2, `~=5.1` does not stay in 5.1.
                let parts = pinned.split('.').count();
                return if line.contains("~=") && parts < 3 {
                    None
                } else {
                    version(pinned.trim())
                };
            }
        }
        None
    })
}

/// The first two numbers.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    Some((numbers.next()??, numbers.next()??))
}
