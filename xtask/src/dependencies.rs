//! The crates we rest on: which (`deny.toml`, the same file that cargo-deny reads), how many, how old.
//!
//! Bans and licences are looked for in what is shipped, on every platform, not in what tests use.

mod graph;
mod licence;
mod version;

use crate::check::{Outcome, Trouble, verdict};
use crate::hygiene::manifest;
use crate::process::output;
use crate::project::Project;
use graph::Package;
use std::collections::BTreeMap;
use version::is_older;

/// The server as it is built on this machine.
const SERVER: &str = "--package tokenpair-server --edges normal,build";
const SHIPPED: &str = "--package tokenpair-server --package tokenpair --package tokenpair-client --package tokenpair-pbkdf2 --all-features --target all --edges normal,build";
const EVERYTHING: &str = "--workspace --all-features --target all --edges normal,build,dev";
/// A server that needs more has taken in something it should not.
const MOST_CRATES: usize = 260;
/// Earlier versions have known holes.
const OLDEST: [(&str, &str); 7] = [
    ("aws-lc-sys", "0.39.0"),
    ("h2", "0.4.16"),
    ("jsonwebtoken", "10.3.0"),
    ("postgres-protocol", "0.6.12"),
    ("sqlx", "0.8.1"),
    ("time", "0.3.47"),
    ("tokio-postgres", "0.7.18"),
];
/// Two versions of one of these: one is not looked after, or a process-wide state is there twice.
const ONLY_ONCE: [&str; 6] = ["aws-lc-rs", "aws-lc-sys", "h2", "hyper", "rustls", "tokio"];

pub(crate) fn check(project: &Project) -> Outcome {
    let shipped = graph::packages(project, SHIPPED)?;
    let server = graph::packages(project, SERVER)?.len();
    let mut problems = Rules::read(project)?.violations(&shipped);
    problems.extend(duplicates(&shipped));
    problems.extend(outdated(&graph::packages(project, EVERYTHING)?));
    if server > MOST_CRATES {
        problems.push(format!(
            "the server needs {server} crates; at most {MOST_CRATES} are agreed"
        ));
    }
    problems.extend(cargo_deny(project));
    let everywhere = shipped.len();
    verdict(
        &problems,
        format!("{server} crates in the server, {everywhere} on all platforms"),
    )
}

/// What `deny.toml` says.
struct Rules {
    /// Name and reason.
    banned: BTreeMap<String, String>,
    licences: Vec<String>,
}

impl Rules {
    fn read(project: &Project) -> Result<Self, Trouble> {
        let file = manifest(&project.root.join("deny.toml"))?;
        let list = |section: &str, name: &str| file.get(section)?.get(name)?.as_array();
        let (Some(deny), Some(allow)) = (list("bans", "deny"), list("licenses", "allow")) else {
            return Err(Trouble::Failed(
                "deny.toml lacks bans.deny or licenses.allow".to_owned(),
            ));
        };
        let text = |value: &toml::Value| value.as_str().map(str::to_owned);
        let ban =
            |entry: &toml::Value| Some((text(entry.get("crate")?)?, text(entry.get("reason")?)?));
        let banned = deny.iter().filter_map(ban).collect();
        Ok(Self {
            banned,
            licences: allow.iter().filter_map(text).collect(),
        })
    }

    fn violations(&self, packages: &[Package]) -> Vec<String> {
        let mut problems = Vec::new();
        for Package {
            name,
            version,
            licence,
        } in packages
        {
            if let Some(reason) = self.banned.get(name) {
                let see = format!("cargo tree --target all --invert {name}");
                problems.push(format!("{name} {version} is banned: {reason}; see `{see}`"));
            }
            if !licence::is_allowed(licence, &self.licences) {
                problems.push(format!(
                    "{name} {version}: deny.toml does not allow {licence:?}"
                ));
            }
        }
        problems
    }
}

fn duplicates(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for name in ONLY_ONCE {
        let same = packages.iter().filter(|package| package.name == name);
        let versions: Vec<&str> = same.map(|package| package.version.as_str()).collect();
        if versions.len() > 1 {
            problems.push(format!(
                "{name} is there more than once: {}",
                versions.join(", ")
            ));
        }
    }
    problems
}

fn outdated(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for Package { name, version, .. } in packages {
        let oldest = OLDEST
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, oldest)| *oldest);
        if let Some(oldest) = oldest.filter(|oldest| is_older(version, oldest)) {
            problems.push(format!("{name} {version} is older than {oldest}"));
        }
    }
    problems
}

/// cargo-deny asks for advisories, too. It is not needed: the rest of its rules is checked above.
fn cargo_deny(project: &Project) -> Option<String> {
    if output(&mut project.cargo("deny --version")).is_err() {
        println!("cargo-deny is not installed: nobody was asked for advisories");
        return None;
    }
    let mut command = project.cargo("deny check bans licenses sources");
    if output(&mut project.cargo("deny fetch db")).is_ok() {
        command.arg("advisories");
    } else {
        println!("the advisory database cannot be reached: nobody was asked for advisories");
    }
    project.run(&mut command).problem()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, licence: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.to_owned(),
        }
    }

    #[test]
    fn bans_and_licences_are_enforced() {
        let rules = Rules {
            banned: BTreeMap::from([("ring".to_owned(), "one provider".to_owned())]),
            licences: vec!["MIT".to_owned()],
        };
        assert!(
            rules
                .violations(&[package("syn", "2.0.0", "MIT")])
                .is_empty()
        );
        assert_eq!(
            rules
                .violations(&[package("ring", "0.17.0", "GPL-3.0")])
                .len(),
            2
        );
    }

    #[test]
    fn a_second_version_of_a_crate_that_matters_is_found() {
        let tokio = |version| package("tokio", version, "MIT");
        assert!(duplicates(&[tokio("1.0.0")]).is_empty());
        assert_eq!(duplicates(&[tokio("0.2.0"), tokio("1.0.0")]).len(), 1);
    }

    #[test]
    fn a_version_with_known_holes_is_found() {
        assert!(outdated(&[package("h2", "0.4.16", "MIT")]).is_empty());
        assert_eq!(
            outdated(&[package("h2", "0.4.15", "MIT")]),
            ["h2 0.4.15 is older than 0.4.16"]
        );
    }
}
