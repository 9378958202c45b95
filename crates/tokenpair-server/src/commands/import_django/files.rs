//! The facts of a project from its files.

use super::facts::Facts;
use super::python::{Environment, Place, Project, Scope, Value, What};
use super::{hashers, models, serializers, urls};
use crate::output::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

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
const IN_CLASS: &str = "has its settings in a class; ask Django with --manage-py";
const NO_SETTINGS: &str = "sets nothing that concerns tokens; is it a Django project's settings?";
/// Files that may say which Django a project has.
const VERSIONS: [&str; 11] = [
    "requirements.txt",
    "requirements/base.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/common.txt",
    "constraints.txt",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pyproject.toml",
];

/// Reads the settings and what they name; nothing is run.
pub(super) fn read(path: &Path) -> Result<Facts, Failure> {
    let mut project = Project::of(path, Environment::of_process());
    let settings = project.run(path)?;
    let is_misspelt = |(name, _): (&str, &_)| tokenpair::nearest(name, TELLING).is_some();
    if !settings.iter().any(is_misspelt)
        && !settings.iter().any(|(name, _)| name.starts_with("CORS_"))
    {
        let reason = match project.flaws.first() {
            Some(flaw) => format!("cannot be read as Python, from line {} on", flaw.at.line),
            None if in_class(&settings) => IN_CLASS.to_owned(),
            None => NO_SETTINGS.to_owned(),
        };
        return Err(Failure::because(path.display())(&reason));
    }
    let root = project.home();
    let routes = urls::read(&mut project, &settings, &path.with_file_name("urls.py"));
    let user = models::read(&mut project, &settings);
    let serializer = settings
        .get("SIMPLE_JWT")
        .and_then(|all| all.member("TOKEN_OBTAIN_SERIALIZER"))
        .and_then(|setting| {
            let name = What::Name(Rc::from(setting.as_text()?));
            serializers::read(&mut project, &Value::new(name, setting.at.clone()))
        });
    let backends = backends(&mut project, &settings);
    let mut settings = (*settings).clone();
    let rounds = hashers::read(&mut project, &mut settings);
    let flaws = std::mem::take(&mut project.flaws);
    let of = |package| pinned(project.roots(), package).map(|text| version(&text));
    let django = of("django").as_deref().and_then(series);
    let simple_jwt = of("djangorestframework-simplejwt");
    Ok(Facts {
        settings: Rc::new(settings),
        root,
        django,
        simple_jwt,
        flaws,
        user,
        routes,
        serializer,
        backends,
        rounds,
        variables: variables(&project),
    })
}

fn backends(project: &mut Project, settings: &Scope) -> Vec<(String, Place)> {
    let listed = settings.get("AUTHENTICATION_BACKENDS");
    let listed = listed.and_then(Value::as_list).unwrap_or_default();
    let place = |backend: &Value| {
        let name = backend.as_text()?;
        let class = What::Name(Rc::from(name));
        let class = project.resolve(&Value::new(class, backend.at.clone()));
        match &class.what {
            What::Class(class) => {
                Some((name.to_owned(), class.body.get("authenticate")?.at.clone()))
            }
            _ => None,
        }
    };
    listed.iter().filter_map(place).collect()
}

/// As django-configurations has it.
fn in_class(settings: &Scope) -> bool {
    let tells = |scope: &Scope| TELLING.iter().any(|name| scope.get(name).is_some());
    let mut values = settings.iter();
    values.any(|(_, value)| matches!(&value.what, What::Class(class) if tells(&class.body)))
}

fn variables(project: &Project) -> Vec<(String, &'static str)> {
    let asked = project.environment.asked();
    asked
        .map(|(name, lookup)| (name.to_owned(), lookup.says()))
        .collect()
}

/// The version of a package: `Django==5.2.3` in requirements, `name = "django"` and `version = "5.2.3"` in a lock file.
fn pinned(roots: &[PathBuf], package: &str) -> Option<String> {
    let places = roots
        .iter()
        .flat_map(|root| VERSIONS.map(|name| root.join(name)));
    let mut texts = places.filter_map(|place| fs::read_to_string(place).ok());
    texts.find_map(|text| {
        let text = text.to_ascii_lowercase().replace('_', "-");
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line == format!("name = \"{package}\"") {
                let version = lines.next()?.strip_prefix("version = \"")?;
                return Some(version.trim_end_matches('"').to_owned());
            }
            if line == format!("\"{package}\": {{") {
                let version = lines.find_map(|line| line.strip_prefix("\"version\": \"=="))?;
                return Some(version.trim_end_matches(['"', ',']).to_owned());
            }
            let line = line.trim_start_matches('"');
            if let Some(version) = line.strip_prefix(package).and_then(requirement) {
                return Some(version.to_owned());
            }
        }
        None
    })
}

/// The version in what follows a package's name: `==5.2.3`, `[argon2]~=5.2.1 ; python-version > "3.9"`.
fn requirement(rest: &str) -> Option<&str> {
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1,
        None => rest,
    };
    let rest = rest.trim_start();
    let version = |rest: &'_ str| {
        rest.split([' ', ';', '#'])
            .find(|part| !part.is_empty())
            .map(str::len)
    };
    let (rest, is_series) = match rest.strip_prefix("==") {
        Some(rest) => (rest, false),
        None => (rest.strip_prefix("~=")?, true),
    };
    let rest = rest.trim_start();
    let found = rest.get(..version(rest)?)?;
    // `~=5.2.1` stays in 5.2, `~=5.1` does not stay in 5.1.
    (!is_series || found.split('.').count() > 2).then_some(found)
}

/// The numbers of a version.
pub(super) fn version(text: &str) -> Vec<u32> {
    let numbers = text.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    numbers.map_while(|number| number).collect()
}

/// The first two numbers.
pub(super) fn series(version: &[u32]) -> Option<(u32, u32)> {
    Some((*version.first()?, *version.get(1)?))
}

#[cfg(test)]
mod tests {
    use super::{requirement, series, version};

    #[test]
    fn requirements_name_a_version_where_they_pin_one() {
        assert_eq!(requirement("==5.2.3"), Some("5.2.3"));
        assert_eq!(
            requirement("[argon2, bcrypt] == 5.2.3 ; python-version > \"3.9\""),
            Some("5.2.3")
        );
        assert_eq!(requirement("~=5.2.1  # why"), Some("5.2.1"));
        assert_eq!(requirement("~=5.1"), None);
        assert_eq!(requirement(">=5.1"), None);
        assert_eq!(requirement("-cors-headers==4.3"), None);
        assert_eq!(requirement(""), None);
        assert_eq!(version("5.2.19rc1"), [5, 2, 19]);
        assert_eq!(series(&version("6")), None);
    }
}
