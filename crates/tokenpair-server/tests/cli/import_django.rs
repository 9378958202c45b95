//! `tokenpair import-django`: settings in, a configuration that is accepted and a report out.

mod beside;
mod django;
mod environment;
mod projects;
mod seeds;
mod serializers;
mod settings;

pub(crate) use django::python as django_python;

use crate::support::{Folder, Transcript, is_private};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What an import left behind.
struct Import {
    folder: Folder,
    told: Transcript,
}

impl Import {
    /// Of a settings file alone.
    fn of(settings: &str) -> Self {
        Self::with(settings, &[])
    }

    fn with(settings: &str, variables: &[(&str, &str)]) -> Self {
        let mut folder = Folder::new().with_file("settings.py", settings);
        let variables = variables.iter();
        folder.variables = variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self::in_folder(folder, "settings.py")
    }

    fn in_folder(folder: Folder, settings: &str) -> Self {
        let told = folder.run(&format!("import-django {settings} --output out.toml"));
        Self { folder, told }
    }

    /// The file, which a server accepts.
    #[track_caller]
    fn file(&self) -> String {
        assert_eq!(self.told.status, Some(0), "{}", self.told.err);
        let shown = self.folder.run("config show --config out.toml");
        assert_eq!(shown.status, Some(0), "{}", shown.err);
        assert!(is_private(&self.folder.path("out.toml")));
        fs::read_to_string(self.folder.path("out.toml")).unwrap()
    }

    #[track_caller]
    fn table(&self) -> toml::Table {
        self.file().parse().unwrap()
    }

    /// A setting of the file as TOML writes it; empty where it is not set.
    #[track_caller]
    fn setting(&self, section: &str, name: &str) -> String {
        let table = self.table();
        let found = table.get(section).and_then(|section| section.get(name));
        found.map(ToString::to_string).unwrap_or_default()
    }

    /// What was told under "Not taken over".
    fn left(&self) -> &str {
        part(&self.told.out, "Not taken over")
    }

    fn notes(&self) -> &str {
        part(&self.told.out, "Good to know")
    }
}

/// The paragraph with this title.
fn part<'a>(text: &'a str, title: &str) -> &'a str {
    let found = text.split_once(title).map_or("", |(_, rest)| rest);
    found.split("\n\n").next().unwrap_or_default()
}

/// Copies the fixture, a whole project.
fn project() -> Folder {
    let folder = Folder::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/import_django/project");
    copy_folder(&fixture, &folder.path("."));
    folder
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

const KEY: &str = "a-secret-key-of-django-that-is-long-enough-0123456789";

#[test]
fn a_whole_project_is_taken_over() {
    let import = Import::in_folder(project(), "config/settings/local.py");
    let root = import.folder.path(".").canonicalize().unwrap();
    let expected = include_str!("import_django/expected.toml");
    assert_eq!(
        import.file(),
        expected.replace("ROOT", &root.display().to_string())
    );
    let left = import.left();
    assert_eq!(left.matches("\n  - ").count(), 1, "{left}");
    let fragment = "(config/urls.py:11): has a part that varies";
    assert!(left.contains(fragment), "{left}");
    let taken = "CustomerTokenObtainPairSerializer (accounts/serializers.py:4): only adds what [claims] and [answer] say";
    assert!(import.notes().contains(taken), "{}", import.notes());
    assert!(import.told.out.ends_with(
        "Next:\n  tokenpair check --config out.toml\n  tokenpair serve --config out.toml\n"
    ));
    assert!(
        !import.told.out.contains("fixture-0123456789"),
        "a secret is shown"
    );
}

#[test]
fn a_local_file_beside_is_read_as_python_would() {
    let folder = project().with_file(
        "config/settings/secret.py",
        format!("SIMPLE_JWT[\"SIGNING_KEY\"] = \"{KEY}\"\nfrom .base import SIMPLE_JWT\n"),
    );
    let import = Import::in_folder(folder, "config/settings/local.py");
    // The name is not there yet in that file, so that nothing changes: as in Python, but without its exception.
    assert!(
        import
            .setting("simple_jwt", "SIGNING_KEY")
            .contains("fixture")
    );
    let folder = project().with_file(
        "config/settings/secret.py",
        "ROTATE = 1\nPASSWORD_HASHERS = ['django.contrib.auth.hashers.ScryptPasswordHasher']\n",
    );
    let import = Import::in_folder(folder, "config/settings/local.py");
    assert_eq!(
        import.setting("simple_jwt", "PASSWORD_HASHERS"),
        "[\"scrypt\"]"
    );
}

#[test]
fn a_server_runs_with_what_was_imported() {
    let settings = format!(
        "from datetime import timedelta\nSECRET_KEY = '{KEY}'\nINSTALLED_APPS = ['rest_framework_simplejwt.token_blacklist']\n\
         DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'site.sqlite3'}}}}\n\
         SIMPLE_JWT = {{'ACCESS_TOKEN_LIFETIME': timedelta(minutes=2), 'AUTH_HEADER_TYPES': ('JWT',)}}\n\
         from django.urls import path\nfrom rest_framework_simplejwt.views import token_obtain_pair, TokenVerifyView\n\
         urlpatterns = [path('gettoken/', token_obtain_pair), path('verifytoken/', TokenVerifyView.as_view())]\n"
    );
    let import = Import::of(&settings);
    import.file();
    let folder = import.folder;
    for line in [
        "migrate --config out.toml",
        "createuser --config out.toml --password-stdin --username ada",
    ] {
        let told = folder.run_with_input(line, "s3cret-enough\n");
        assert_eq!(told.status, Some(0), "{}", told.err);
    }
    assert!(folder.path("site.sqlite3").exists());
    let checked = folder.run("check --config out.toml");
    assert_eq!(checked.status, Some(0), "{}", checked.out);
    let server = folder.serve("serve --config out.toml");
    let login = serde_json::json!({"username": "ada", "password": "s3cret-enough"});
    let (status, pair) = server.post("/gettoken/", &login);
    assert_eq!(status, 200, "{pair}");
    let token = serde_json::json!({"token": pair["access"]});
    assert_eq!(server.post("/verifytoken/", &token).0, 200);
    assert_eq!(server.post("/api/token/", &login).0, 404);
    assert_eq!(server.post("/api/token/refresh/", &login).0, 404);
}

#[test]
fn a_file_that_is_there_is_kept_unless_it_is_told_otherwise() {
    let folder = Folder::new()
        .with_file("settings.py", format!("SECRET_KEY = '{KEY}'\n"))
        .with_file("tokenpair.toml", "# mine\n");
    let told = folder.run("import-django settings.py");
    assert_eq!(told.status, Some(1));
    assert!(
        told.err.contains("tokenpair.toml: is there already"),
        "{}",
        told.err
    );
    assert_eq!(
        fs::read_to_string(folder.path("tokenpair.toml")).unwrap(),
        "# mine\n"
    );
    let told = folder.run("import-django settings.py --force");
    assert_eq!(told.status, Some(0), "{}", told.err);
    assert!(is_private(&folder.path("tokenpair.toml")));
    assert!(
        fs::read_to_string(folder.path("tokenpair.toml"))
            .unwrap()
            .contains(KEY)
    );
    assert_eq!(folder.names(), ["settings.py", "tokenpair.toml"]);
}

#[test]
fn the_terminal_gets_a_configuration_without_secrets_only() {
    let folder = Folder::new().with_file("settings.py", "SIMPLE_JWT = {'LEEWAY': 5}\n");
    let told = folder.run("import-django settings.py --output -");
    assert_eq!(told.status, Some(0), "{}", told.err);
    assert!(
        told.out.contains("\nLEEWAY = 5  # settings.py:1\n"),
        "{}",
        told.out
    );
    assert!(told.out.parse::<toml::Table>().is_ok());
    assert!(told.err.contains("Next:"), "{}", told.err);

    let folder = Folder::new().with_file("settings.py", format!("SECRET_KEY = '{KEY}'\n"));
    let told = folder.run("import-django settings.py --output -");
    assert_eq!((told.status, told.out.as_str()), (Some(1), ""));
    assert!(
        told.err.contains("write it with --output FILE") && !told.err.contains(KEY),
        "{}",
        told.err
    );
}

#[test]
fn json_says_the_same_as_one_object() {
    let settings = format!(
        "SECRET_KEY = '{KEY}'\nSIMPLE_JWT = {{'LEEWAY': 5, 'ISSUR': 'x', 'AUDIENCE': __import__('os').environ['A']}}\nDATABASES = {{'default': {{'ENGINE': 'django.db.backends.postgresql', 'NAME': 'n', 'PASSWORD': 'top/secret'}}}}\n"
    );
    let folder = Folder::new().with_file("settings.py", settings);
    let told = folder.run("import-django settings.py --json");
    assert_eq!(told.status, Some(0), "{}", told.err);
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(report["written"], "tokenpair.toml");
    let taken = report["taken"].as_array().unwrap();
    let of = |name: &str| taken.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("LEEWAY")["value"], 5);
    assert_eq!(of("LEEWAY")["source"], "settings.py:2");
    assert_eq!(of("SIGNING_KEY")["value"], "[redacted]");
    assert_eq!(of("url")["value"], "[redacted]");
    let left = report["not_taken"].as_array().unwrap();
    assert_eq!(left[0]["name"], "SIMPLE_JWT.ISSUR");
    assert_eq!(left[0]["advice"], "Did you mean ISSUER?");
    assert_eq!(report["next"][0], "tokenpair check --config tokenpair.toml");
    assert!(
        !told.out.contains(KEY) && !told.out.contains("top"),
        "{}",
        told.out
    );
}

#[test]
fn strict_fails_where_something_is_left_out() {
    let folder = Folder::new().with_file("settings.py", "SIMPLE_JWT = {'ISSUR': 'x'}\n");
    let told = folder.run("import-django settings.py --strict");
    assert_eq!(told.status, Some(1));
    assert_eq!(told.err, "tokenpair: 1 setting was not taken over\n");
    assert!(folder.path("tokenpair.toml").exists());
    let folder = Folder::new().with_file("settings.py", "SIMPLE_JWT = {'ISSUER': 'x'}\n");
    assert_eq!(
        folder.run("import-django settings.py --strict").status,
        Some(0)
    );
}

#[test]
fn what_is_no_settings_file_is_refused() {
    let folder = Folder::new()
        .with_file("latin.py", b"SECRET_KEY = '\xe9'\n")
        .with_file("other.py", "import os\n\nprint('hello')\n")
        .with_file("prose.py", "This is no Python at all, is it?\n")
        .with_file("empty.py", "")
        .with_file(
            "classes.py",
            "class Dev(Configuration):\n    SECRET_KEY = values.SecretValue()\n",
        );
    fs::create_dir(folder.path("folder.py")).unwrap();
    for (file, reason) in [
        ("latin.py", "is not written in UTF-8"),
        ("other.py", "sets nothing that concerns tokens"),
        ("prose.py", "cannot be read as Python, from line 1 on"),
        ("empty.py", "sets nothing that concerns tokens"),
        (
            "classes.py",
            "has its settings in a class; ask Django with --manage-py",
        ),
        ("folder.py", "directory"),
        ("absent.py", "No such file"),
    ] {
        let told = folder.run(&format!("import-django {file}"));
        assert_eq!((told.status, told.out.as_str()), (Some(1), ""), "{file}");
        assert!(told.err.contains(reason), "{file}: {}", told.err);
    }
    assert!(!folder.path("tokenpair.toml").exists());
    assert_eq!(folder.run("import-django").status, Some(2));
    assert_eq!(
        folder
            .run("import-django a.py --manage-py manage.py")
            .status,
        Some(2)
    );
}

#[test]
fn hostile_settings_end_in_a_report() {
    let deep = format!("SIMPLE_JWT = {}1{}", "(".repeat(90_000), ")".repeat(90_000));
    let includes = "from django.urls import include, path\nSECRET_KEY = 1\nurlpatterns = []\nurlpatterns += [path('a/', include(urlpatterns)), path('b/', include(urlpatterns))]\n".to_owned()
        + &"urlpatterns += [path('c/', include(urlpatterns))]\n".repeat(40);
    for settings in [deep, includes] {
        let import = Import::of(&settings);
        import.file();
        assert!(!import.left().is_empty(), "{}", import.told.out);
    }
    let steering = "SIMPLE_JWT = {'ISSUER': 'a\\x1b[2Jb', '\\x1b[31mX': 1, 'AUDIENCE': 'a\\nSIGNING_KEY = \"x\"'}\nINSTALLED_APPS = ['\\u202e']\n";
    let import = Import::of(steering);
    assert!(!import.file().contains('\u{1b}') && !import.told.out.contains('\u{1b}'));
    assert!(import.setting("simple_jwt", "SIGNING_KEY").is_empty());
}

#[test]
fn urls_that_include_each_other_end() {
    let folder = Folder::new()
        .with_file("settings.py", "ROOT_URLCONF = 'a'\n")
        .with_file("a.py", "from django.urls import include, path\nurlpatterns = [path('b/', include('b'))] * 1 if False else [path('b/', include('b')), path('c/', include('b'))]\n")
        .with_file("b.py", "from django.urls import include, path\nfrom a import urlpatterns as others\nurlpatterns = [path('a/', include('a')), path('x/', include('a'))]\n");
    let import = Import::in_folder(folder, "settings.py");
    assert!(
        import.left().contains("nested too deeply"),
        "{}",
        import.told.out
    );
    import.file();
}

#[test]
fn a_key_in_the_wrong_place_is_not_told_either() {
    let settings = format!(
        "SECRET_KEY = '{KEY}'\nSIMPLE_JWT = {{'ALGORITHM': SECRET_KEY, 'ISSUER': 'x' + SECRET_KEY, 'USER_ID_FIELD': 'a b'}}\n\
         ROOT_URLCONF = SECRET_KEY\nPASSWORD_HASHERS = [SECRET_KEY]\n"
    );
    for more in ["", " --json"] {
        let folder = Folder::new().with_file("settings.py", &settings);
        let told = folder.run(&format!("import-django settings.py{more}"));
        assert_eq!(told.status, Some(0), "{}", told.err);
        assert!(
            told.out.contains("[redacted]") && !told.out.contains(KEY),
            "{}",
            told.out
        );
        assert!(told.out.contains("USER_ID_FIELD"), "{}", told.out);
        let shown = folder.run("config show");
        assert_eq!(shown.status, Some(0), "{}", shown.err);
    }
    let told = Folder::new()
        .with_file("settings.py", settings)
        .run("import-django settings.py --output -");
    assert!(
        told.status == Some(1) && !told.err.contains(KEY),
        "{}",
        told.err
    );
}
