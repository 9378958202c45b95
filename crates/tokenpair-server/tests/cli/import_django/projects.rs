//! Whole projects of other people's making: each is read, told by Django itself in the same way, and run beside it.

use super::{Import, copy_folder, part};
use crate::support::Folder;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder in `projects`, its settings, and whether the tests' Python has its packages.
const PROJECTS: &[(&str, &str, bool)] = &[
    ("cookiecutter", "config/settings/local.py", true),
    ("decouple", "clinic/settings.py", true),
    ("djoser", "shop/settings.py", false),
    ("monolith", "project/settings.py", true),
    ("restauth", "backend/settings.py", true),
    ("rs256", "gateway/settings.py", true),
    ("tutorial", "mysite/settings.py", true),
];

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/import_django/projects")
}

/// A copy of a project.
pub fn project(name: &str) -> Folder {
    let folder = Folder::new();
    copy_folder(&place().join(name), &folder.path("."));
    folder
}

/// Beside each folder stands what is written for it. With `UPDATE_EXPECTED=1` it is made anew, to be looked at.
#[test]
fn whole_projects_are_read_as_they_are_written() {
    for (name, settings, _) in PROJECTS {
        let import = Import::in_folder(project(name), settings);
        let root = import.folder.path(".").canonicalize().unwrap();
        let found = import.file().replace(&root.display().to_string(), "ROOT");
        let expected = place().join(format!("{name}.toml"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(expected).unwrap(), "{name}");
    }
}

/// Keys and addresses may stay in the environment or in a file; `beside` shows that they are the same.
fn values(text: &str) -> toml::Table {
    let mut table: toml::Table = text.parse().unwrap();
    table.remove("server");
    if let Some(settings) = table
        .get_mut("simple_jwt")
        .and_then(toml::Value::as_table_mut)
    {
        settings.remove("SIGNING_KEY");
        settings.remove("VERIFYING_KEY");
    }
    table
}

/// What is proposed, without its place.
fn suggestions(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("# Suggested"));
    lines
        .filter_map(|line| line.rsplit_once("  #"))
        .map(|(line, _)| line)
        .collect()
}

#[test]
fn django_tells_the_same_of_whole_projects() {
    let Some(python) = super::django::python() else {
        return;
    };
    for (name, settings, is_installed) in PROJECTS {
        if !is_installed {
            continue;
        }
        let folder = project(name);
        let command =
            format!("import-django --manage-py manage.py --python {python} --output live.toml");
        let told = folder.run(&command);
        assert_eq!(told.status, Some(0), "{name}: {}", told.err);
        let live = fs::read_to_string(folder.path("live.toml")).unwrap();
        let import = Import::in_folder(folder, settings);
        let file = import.file();
        assert_eq!(values(&live), values(&file), "{name}");
        assert_eq!(suggestions(&live), suggestions(&file), "{name}");
        let count = |out: &str| part(out, "Not taken over").matches("\n  - ").count();
        assert_eq!(
            count(&told.out),
            count(&import.told.out),
            "{name}: {}{}",
            told.out,
            import.told.out
        );
    }
}
