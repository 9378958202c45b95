//! A page of Markdown in two parts: fenced blocks, and the prose around them.

/// A fenced block.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Block {
    /// Of the opening fence, counted from 1.
    pub(super) line: usize,
    /// The first word behind the fence.
    pub(super) language: String,
    /// The words after it.
    pub(super) flags: String,
    pub(super) lines: Vec<String>,
}

impl Block {
    pub(super) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }

    /// The file it wants to be, if its first line is a comment with nothing but a name: `# tokenpair.toml`.
    pub(super) fn file_name(&self) -> Option<&str> {
        let first = self.lines.first()?.trim();
        let name = ["# ", "// ", "-- "]
            .iter()
            .find_map(|comment| first.strip_prefix(comment))?
            .trim();
        let is_name = name.contains('.')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
        let stays_here = !name.starts_with('/') && !name.contains("..") && !name.ends_with('.');
        (is_name && stays_here).then_some(name)
    }
}

/// A page taken apart.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    pub(super) blocks: Vec<Block>,
    /// Line number and text of everything outside of blocks.
    pub(super) prose: Vec<(usize, String)>,
}

pub(super) fn read(text: &str) -> Markdown {
    let mut page = Markdown::default();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(fence) = fence(line) else {
            page.prose.push((number, line.to_owned()));
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let (language, flags) = split_word(line.trim_start().trim_start_matches('`'));
        let inside = lines
            .by_ref()
            .map(|(line, _)| line)
            .take_while(|line| line.trim() != fence);
        page.blocks.push(Block {
            line: number,
            language: language.to_owned(),
            flags: flags.to_owned(),
            lines: inside
                .map(|line| without_indent(line, indent).to_owned())
                .collect(),
        });
    }
    page
}

/// The backticks, if the line opens a block.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let info = line.trim_start_matches('`');
    let (fence, _) = line.split_at(line.len() - info.len());
    (fence.len() >= 3 && !info.contains('`')).then_some(fence)
}

pub(super) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim())
}

fn without_indent(line: &str, indent: usize) -> &str {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    line.get(blanks.min(indent)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Title\n\n```console\n$ true\n```\n\n1. step\n\n   ````toml keep this\n   # a/b.toml\n   x = \"```\"\n     y\n   ````\nend";

    #[test]
    fn blocks_have_line_language_flags_and_text_without_indentation() {
        let blocks = read(PAGE).blocks;
        let [console, toml] = blocks.as_slice() else {
            panic!("{blocks:?}")
        };
        assert_eq!(
            (
                console.line,
                console.language.as_str(),
                console.text().as_str()
            ),
            (3, "console", "$ true\n")
        );
        assert_eq!(
            (toml.line, toml.language.as_str(), toml.flags.as_str()),
            (9, "toml", "keep this")
        );
        assert_eq!(toml.text(), "# a/b.toml\nx = \"```\"\n  y\n");
    }

    #[test]
    fn prose_is_the_rest() {
        let prose = read(PAGE).prose;
        assert_eq!(prose.first(), Some(&(1, "# Title".to_owned())));
        assert_eq!(prose.last(), Some(&(14, "end".to_owned())));
        assert!(prose.iter().all(|(_, line)| !line.contains('`')));
    }

    #[test]
    fn a_file_is_named_in_a_comment_of_its_own() {
        let named = |first: &str| {
            Block {
                lines: vec![first.to_owned()],
                ..Block::default()
            }
            .file_name()
            .map(str::to_owned)
        };
        assert_eq!(named("# tokenpair.toml").as_deref(), Some("tokenpair.toml"));
        assert_eq!(
            named("// app/refresh.mjs").as_deref(),
            Some("app/refresh.mjs")
        );
        for none in [
            "# about settings.",
            "[server]",
            "# /etc/passwd",
            "# ../up.toml",
            "# two words.toml",
        ] {
            assert_eq!(named(none), None, "{none}");
        }
    }
}
