//! A file of Python, parsed.

use crate::output::Failure;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::rc::Rc;
use tree_sitter::{Node, Parser, Tree};

/// No settings are longer; what is longer is not read.
const LONGEST: u64 = 1 << 20;
/// So many lines that are no Python are told.
const MOST_FLAWS: usize = 5;

/// The text of a file and its syntax tree, which has `ERROR` nodes where the text is no Python.
pub(super) struct Source {
    pub(super) file: Rc<Path>,
    pub(super) text: String,
    tree: Tree,
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

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        let failed = Failure::because(path.display().to_string());
        let mut parser = Parser::new();
        let language = tree_sitter_python::LANGUAGE.into();
        let set = parser.set_language(&language);
        set.map_err(|error| failed(&error))?;
        let tree = parser
            .parse(&text, None)
            .ok_or_else(|| failed(&"cannot be parsed"))?;
        Ok(Self {
            file: Rc::from(path),
            text,
            tree,
        })
    }

    pub(super) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// The lines, from 1, where the text is no Python; the first few of them.
    pub(super) fn flaws(&self) -> Vec<usize> {
        let mut lines = Vec::new();
        let mut cursor = self.tree.walk();
        loop {
            let node = cursor.node();
            let is_flaw = node.is_error() || node.is_missing();
            if is_flaw {
                let line = node.start_position().row + 1;
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
                if lines.len() == MOST_FLAWS {
                    return lines;
                }
            }
            if node.has_error() && !is_flaw && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return lines;
                }
            }
        }
    }
}
