//! Asks cargo which packages are built; `cargo tree` knows the features of each build, `cargo metadata` does not.

use crate::check::Trouble;
use crate::process::output;
use crate::project::Project;

/// A package that is not ours.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) licence: String,
}

/// What `cargo tree` lists for these arguments.
pub(super) fn packages(project: &Project, arguments: &str) -> Result<Vec<Package>, Trouble> {
    let mut command = project.cargo("tree --prefix none");
    command.args(["--format", "{p}\t{l}"]);
    let text = output(command.args(arguments.split_whitespace()))?;
    let mut packages: Vec<Package> = text.lines().filter_map(package).collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// Reads `name v1.2.3 (proc-macro)<tab>MIT (*)`; a package of the workspace has its path in parentheses.
fn package(line: &str) -> Option<Package> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let ours = words.any(|word| word.starts_with("(/"));
    let licence = licence.trim_end_matches("(*)").trim_end();
    (!ours).then(|| Package {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_is_read() {
        let expected = Package {
            name: "syn".into(),
            version: "2.0.1".into(),
            licence: "MIT OR Apache-2.0".into(),
        };
        assert_eq!(
            package("syn v2.0.1 (proc-macro)\tMIT OR Apache-2.0 (*)"),
            Some(expected)
        );
    }

    #[test]
    fn our_own_packages_are_left_out() {
        assert_eq!(package("tokenpair v0.1.0 (/src/tokenpair)\tMIT"), None);
    }
}
