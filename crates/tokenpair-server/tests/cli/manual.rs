//! The tables of docs/configuration.md name the keys that there are, with their defaults.

use crate::support::Folder;
use serde_json::Value;
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../docs/configuration.md");
/// A section of which nothing is set is not shown if it would do nothing.
const FILE: &str = "[cors]\nCORS_ALLOWED_ORIGINS = []\n[accounts]\nsite_url = \"https://example.org\"\n\
                    [email]\nDEFAULT_FROM_EMAIL = \"noreply@example.org\"\n";
/// In the page under a page of their own, or free to choose.
const ELSEWHERE: [&str; 3] = ["simple_jwt", "claims", "answer"];

/// Section and key of each setting in effect, with its value.
fn shown(arguments: &str) -> BTreeMap<(String, String), Value> {
    let folder = Folder::new().with_file("tokenpair.toml", FILE);
    let shown = folder.run(&format!("config show --json {arguments}")).out;
    let lines = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    lines
        .map(|line| {
            let key = (text(&line["section"]), text(&line["name"]));
            (key, line["value"].clone())
        })
        .filter(|((section, _), _)| !ELSEWHERE.contains(&section.as_str()))
        .collect()
}

#[test]
fn the_tables_of_the_manual_name_every_key_and_its_default() {
    // PostgreSQL has keys that SQLite does not have, and the defaults are those of SQLite.
    let mut shown_all = shown("--database postgres://localhost/site");
    shown_all.extend(shown(""));
    let shown = shown_all;
    let told = tables();
    assert_eq!(
        told.keys().collect::<Vec<_>>(),
        shown.keys().collect::<Vec<_>>()
    );
    for (key, default) in told {
        // Other cells describe the default in words.
        let default = serde_json::from_str::<Value>(&default).ok();
        assert!(
            default.is_none_or(|default| default == shown[&key]),
            "{key:?}"
        );
    }
}

/// Section and key of each row below a heading `### [section]`, up to the next heading, with the cell of the default.
fn tables() -> BTreeMap<(String, String), String> {
    let mut rows = BTreeMap::new();
    let mut section = "";
    for line in PAGE.lines() {
        if line.starts_with('#') {
            let heading = line.strip_prefix("### [");
            section = heading.map_or("", |heading| heading.trim_end_matches(']'));
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, keys, default, ..] = cells.as_slice() else {
            continue;
        };
        if section.is_empty() {
            continue;
        }
        let keys = keys.split('`').skip(1).step_by(2);
        let default = default.trim_matches('`');
        rows.extend(keys.map(|key| ((section.to_owned(), key.to_owned()), default.to_owned())));
    }
    rows
}
