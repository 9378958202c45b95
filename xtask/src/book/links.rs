//! Links: a relative one must lead to a file or folder of the repository and to a heading that is there; an address of
//! the web must be well formed, and is not called.

use super::fences;
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

/// A link as it stands in a file.
#[derive(Debug, PartialEq)]
struct Link {
    line: usize,
    target: String,
}

/// The number of links in the files (path and text), and what is wrong with them. `exists` knows other files and folders.
pub(super) fn check(
    files: &[(String, String)],
    exists: impl Fn(&Path) -> bool,
) -> (usize, Vec<String>) {
    let anchors: HashMap<&Path, HashSet<String>> = files
        .iter()
        .map(|(path, text)| (Path::new(path), anchors(text)))
        .collect();
    let mut number = 0;
    let mut problems = Vec::new();
    for (path, text) in files {
        for Link { line, target } in links(text) {
            number += 1;
            if let Some(problem) = flaw(Path::new(path), &target, &anchors, &exists) {
                problems.push(format!("{path}:{line}: {target}: {problem}"));
            }
        }
    }
    (number, problems)
}

fn flaw(
    from: &Path,
    target: &str,
    anchors: &HashMap<&Path, HashSet<String>>,
    exists: impl Fn(&Path) -> bool,
) -> Option<&'static str> {
    if let Some((scheme, rest)) = target.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_fine = ["http", "https"].contains(&scheme)
            && host.contains('.')
            && !rest.contains(char::is_whitespace);
        return (!is_fine).then_some("is no address");
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        Some(from.to_owned())
    } else {
        joined(from, path)
    };
    let Some(path) = path.filter(|path| anchors.contains_key(path.as_path()) || exists(path))
    else {
        return Some("there is no such file");
    };
    let is_there = anchor.is_empty()
        || anchors
            .get(path.as_path())
            .is_some_and(|anchors| anchors.contains(anchor));
    (!is_there).then_some("there is no such heading")
}

/// The path that `target` means in the file `from`; `None` if it leaves the repository.
fn joined(from: &Path, target: &str) -> Option<PathBuf> {
    let mut path = from.parent()?.to_owned();
    for component in Path::new(target).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

/// Inline links, images and the targets of `[name]: target`; nothing from code.
fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (line, text) in fences::read(text).prose {
        let text = without_code(&text, &mut in_code);
        let inline = text.split("](").skip(1);
        let inline = inline.filter_map(|rest| rest.split([')', ' ']).next());
        let defined = text
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]: "));
        let targets = inline.chain(defined.map(|(_, target)| target.trim()));
        links.extend(targets.map(|target| Link {
            line,
            target: target.to_owned(),
        }));
    }
    links
}

/// The line without what stands in backticks, which may go on in the next line of a paragraph.
fn without_code(line: &str, in_code: &mut bool) -> String {
    let mut kept = String::new();
    *in_code &= !line.trim().is_empty();
    for (index, part) in line.split('`').enumerate() {
        *in_code ^= index > 0;
        if !*in_code {
            kept.push_str(part);
        }
    }
    kept
}

/// What the headings of a file can be addressed by, as GitHub makes it of their text.
fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for (_, line) in fences::read(text).prose {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with(' ') {
            continue;
        }
        let slug = slug(title.trim());
        let again = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone())
            .chain(again)
            .find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

fn slug(title: &str) -> String {
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let files = [
            ("docs/a.md".to_owned(), text.to_owned()),
            (
                "docs/b.md".to_owned(),
                "# The `B` page\n## Twice\n## Twice\n".to_owned(),
            ),
            ("README.md".to_owned(), "# Title: what, why\n".to_owned()),
        ];
        check(&files, |path| path == Path::new("crates/x/src")).1
    }

    #[test]
    fn links_to_files_folders_headings_and_the_web_are_fine() {
        let text = "# Here\n[b](b.md) [h](#here) [t](b.md#twice-1) [c](b.md#the-b-page) [r](../README.md#title-what-why)\n\
                    [s](../crates/x/src) [w](https://example.com/a?b#c) ![i](b.md \"title\")\n[d]: b.md\n";
        assert_eq!(problems(text), Vec::<String>::new());
    }

    #[test]
    fn links_to_nowhere_are_found() {
        for target in [
            "c.md",
            "b.md#thrice",
            "#there",
            "../../x.md",
            "/docs/b.md",
            "https://nowhere",
            "ftp://example.com/",
            "",
        ] {
            let found = problems(&format!("\n[x]({target})"));
            // A link without target means the page itself.
            assert_eq!(
                found.len(),
                usize::from(!target.is_empty()),
                "{target}: {found:?}"
            );
            assert!(
                found
                    .iter()
                    .all(|problem| problem.starts_with("docs/a.md:2: ")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn code_holds_no_links() {
        let text =
            "`[x](nowhere)` `[x]\n(nowhere)` [b](b.md)\n```text\n[x](nowhere)\n```\n`\n\n[y](c.md)";
        assert_eq!(problems(text), ["docs/a.md:8: c.md: there is no such file"]);
    }
}
