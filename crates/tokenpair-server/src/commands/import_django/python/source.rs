//! A file of Python, parsed.

use crate::output::Failure;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::rc::Rc;
use tree_sitter::{Node, Parser, Tree};

/// No settings are longer; what is longer is not read.
const LONGEST: u64 = 1 << 20;
/// So many lines that are no Python are left out, one after the other, from files that are not longer than this.
const MOST_REPAIRS: usize = 40;
const LONGEST_REPAIRED: usize = 1 << 16;

/// The text of a file and its syntax tree, which has `ERROR` nodes where the text is no Python.
pub(super) struct Source {
    pub(super) file: Rc<Path>,
    pub(super) text: String,
    tree: Tree,
    left_out: Vec<usize>,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = Failure::because(path.display().to_string());
        let file = fs::File::open(path).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
        if read.map_err(|error| failed(&error))? as u64 > LONGEST {
            return Err(failed(&"is longer than 1 MiB, which no settings are"));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| failed(&"is not written in UTF-8; save it so, and try again"))?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(text) => text.to_owned(),
            None => text,
        };
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        let failed = Failure::because(path.display().to_string());
        let mut parser = Parser::new();
        let language = tree_sitter_python::LANGUAGE.into();
        let set = parser.set_language(&language);
        set.map_err(|error| failed(&error))?;
        let mut parse = |text: &str| {
            let tree = parser.parse(text, None);
            tree.ok_or_else(|| failed(&"cannot be parsed"))
        };
        let mut source = Self {
            file: Rc::from(path),
            tree: parse(&text)?,
            text,
            left_out: Vec::new(),
        };
        // One line of prose would otherwise take all that follows with it.
        while source.text.len() <= LONGEST_REPAIRED && source.left_out.len() < MOST_REPAIRS {
            let Some(line) = source.first_flaw() else {
                break;
            };
            source.left_out.push(line);
            source.text = without_line(&source.text, line);
            source.tree = parse(&source.text)?;
        }
        Ok(source)
    }

    pub(super) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// The lines, from 1, that are left out because they are no Python; the first of those that are still there.
    pub(super) fn flaws(&self) -> Vec<usize> {
        let mut lines = self.left_out.clone();
        lines.extend(self.first_flaw());
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// The line of the first place that is no Python.
    fn first_flaw(&self) -> Option<usize> {
        let mut cursor = self.tree.walk();
        loop {
            let node = cursor.node();
            if node.is_error() || node.is_missing() {
                let line = node.start_position().row + 1;
                return (!self.left_out.contains(&line)).then_some(line);
            }
            if node.has_error() && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return None;
                }
            }
        }
    }
}

/// The same text with an empty line in the place of one.
fn without_line(text: &str, line: usize) -> String {
    let lines = text.split('\n').enumerate();
    let lines = lines.map(|(index, content)| if index + 1 == line { "" } else { content });
    lines.collect::<Vec<_>>().join("\n")
}
