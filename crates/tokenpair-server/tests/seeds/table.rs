//! Holds README.md against the tests: no point without a test or a reason, no test without a point.

use std::collections::BTreeSet;

const README: &str = include_str!("README.md");
const MODULES: [&str; 5] = [
    include_str!("seed_000.rs"),
    include_str!("seed_001.rs"),
    include_str!("seed_002.rs"),
    include_str!("seed_003.rs"),
    include_str!("seed_004.rs"),
];
const EXAMPLES: [&str; 4] = [
    include_str!("../../../../conformance/seeds/browser.py"),
    include_str!("../../../../conformance/seeds/client.py"),
    include_str!("../../../../conformance/seeds/command_line.py"),
    include_str!("../../../../conformance/seeds/interceptor.py"),
];
const LIBRARY: [&str; 6] = [
    include_str!("../../../tokenpair/tests/it/accounts_sign_up.rs"),
    include_str!("../../../tokenpair/tests/it/browser_login.rs"),
    include_str!("../../../tokenpair/tests/it/cookies.rs"),
    include_str!("../../../tokenpair/tests/it/hooks.rs"),
    include_str!("../../../tokenpair/tests/it/protect.rs"),
    include_str!("../../../tokenpair/tests/it/stores.rs"),
];
const RUST_CLIENT: [&str; 3] = [
    include_str!("../../../tokenpair-client/tests/it/engine.rs"),
    include_str!("../../../tokenpair-client/tests/it/requests.rs"),
    include_str!("../../../tokenpair-client/tests/it/storage.rs"),
];
const PYTHON_CLIENT: [&str; 1] = [include_str!(
    "../../../../clients/python/tests/test_storage.py"
)];

/// Points of each seed.
const POINTS: [usize; 5] = [16, 14, 42, 22, 22];

/// Number, what the document says, where it is tested.
fn rows() -> Vec<[&'static str; 3]> {
    let rows = README.lines().filter(|line| line.starts_with("| S"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        cells
            .try_into()
            .unwrap_or_else(|cells| panic!("three cells: {cells:?}"))
    })
    .collect()
}

/// The names after each `keyword` at the start of a line.
fn defined(sources: &[&'static str], keyword: &str) -> BTreeSet<&'static str> {
    let lines = sources.iter().flat_map(|source| source.lines());
    let names = lines.filter_map(|line| line.strip_prefix(keyword)?.split('(').next());
    names.collect()
}

/// Everything in the last column that looks like the name of a test.
fn listed() -> BTreeSet<&'static str> {
    let cells = rows()
        .into_iter()
        .flat_map(|[_, _, tests]| tests.split('`').skip(1).step_by(2));
    cells.collect()
}

#[test]
fn every_point_is_there_once_and_in_order() {
    let numbers: Vec<&str> = rows().iter().map(|[number, ..]| *number).collect();
    let wanted: Vec<String> = (0..)
        .zip(POINTS)
        .flat_map(|(seed, points)| (1..=points).map(move |point| format!("S{seed}-{point:02}")))
        .collect();
    assert_eq!(numbers, wanted);
}

#[test]
fn every_point_has_a_test_or_a_reason() {
    for [number, says, tests] in rows() {
        assert!(!says.is_empty() && !tests.is_empty(), "{number}");
        let elsewhere = ["documentation", "advice"];
        assert!(
            tests.contains('`') || elsewhere.iter().any(|word| tests.starts_with(word)),
            "{number}: {tests}"
        );
    }
}

#[test]
fn every_listed_test_exists() {
    let mut tests = defined(&MODULES, "fn ");
    tests.extend(defined(&EXAMPLES, "def "));
    tests.extend(defined(&LIBRARY, "async fn "));
    tests.extend(defined(&RUST_CLIENT, "async fn "));
    tests.extend(defined(&PYTHON_CLIENT, "def "));
    let missing: Vec<_> = listed().difference(&tests).copied().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_test_is_listed() {
    let mut tests = defined(&MODULES, "fn ");
    tests.extend(defined(&EXAMPLES, "def "));
    let listed = listed();
    let unlisted: Vec<_> = tests
        .iter()
        .filter(|name| name.starts_with("seed_") && !listed.contains(*name))
        .collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}

/// An example that is defined and never run would pass unseen.
#[test]
fn every_example_is_run() {
    for source in EXAMPLES {
        for name in defined(&[source], "def ")
            .iter()
            .filter(|name| name.starts_with("seed_"))
        {
            assert!(
                source.contains(&format!("    {name},\n")) || source.contains(&format!("[{name}]")),
                "{name}"
            );
        }
    }
}
