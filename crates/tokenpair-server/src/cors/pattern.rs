//! Expressions of Python's `re`, matched from the first character as `re.match` does.
//!
//! The engine is the crate `regex`, which takes linear time and has no look-around and no references back. An
//! expression that it cannot do, or that it reads otherwise than Python, is refused: an allow list must not silently
//! mean something else.

use regex::Regex;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
};
use std::fmt::Display;

/// One expression.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// The error is a sentence about the expression.
    pub(super) fn new(expression: &str) -> Result<Self, String> {
        let translated = end_of_text(expression);
        let flaw = |text: String| format!("the expression {expression:?} {text}");
        let cannot = |error: &dyn Display| {
            flaw(format!(
                "is not understood, its syntax is that of the Rust crate regex: {error}"
            ))
        };
        let parsed = ast::parse::Parser::new().parse(&translated);
        let parsed = parsed.map_err(|error| cannot(error.kind()))?;
        ast::visit(&parsed, Foreign)
            .map_err(|what| flaw(format!("means something else in Python: {what}")))?;
        match Regex::new(&translated) {
            Ok(compiled) => Ok(Self(compiled)),
            // The last line says what, those before point at where.
            Err(regex::Error::Syntax(text)) => {
                let what = text.lines().last().unwrap_or_default();
                Err(cannot(&what.trim_start_matches("error: ")))
            }
            Err(_) => Err(flaw("is too large".to_owned())),
        }
    }

    /// `bool(re.match(expression, text))`.
    pub(super) fn matches(&self, text: &str) -> bool {
        let matches = |text| self.0.find(text).is_some_and(|found| found.start() == 0);
        // Python's `$` is also before a line break that ends the text.
        matches(text) || text.strip_suffix('\n').is_some_and(matches)
    }
}

/// Python's `\Z` is `\z` here.
fn end_of_text(expression: &str) -> String {
    let mut text = String::with_capacity(expression.len());
    let mut is_escaped = false;
    for c in expression.chars() {
        text.push(if is_escaped && c == 'Z' { 'z' } else { c });
        is_escaped = c == '\\' && !is_escaped;
    }
    text
}

/// Finds what Python reads otherwise.
struct Foreign;

impl ast::Visitor for Foreign {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Result<(), Self::Err> {
        Ok(())
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), Self::Err> {
        match node {
            Ast::Repetition(outer) if matches!(*outer.ast, Ast::Repetition(_)) => {
                Err("a quantifier after a quantifier is possessive there")
            }
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine
                | AssertionKind::EndLine
                | AssertionKind::StartText
                | AssertionKind::EndText
                | AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary => Ok(()),
                _ => Err(r"it has no \<, \> and \b{…}"),
            },
            Ast::Flags(set) => check_flags(&set.flags),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(flags) => check_flags(flags),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ClassSetItem::Bracketed(_) | ClassSetItem::Ascii(_) => {
                Err("a bracket within brackets is a character there; escape it")
            }
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), Self::Err> {
        Err("&&, -- and ~~ within brackets are characters there; escape them")
    }
}

fn check_flags(flags: &Flags) -> Result<(), &'static str> {
    let is_foreign =
        |kind: &FlagsItemKind| matches!(kind, FlagsItemKind::Flag(Flag::SwapGreed | Flag::CRLF));
    if flags.items.iter().any(|item| is_foreign(&item.kind)) {
        return Err("it has no flags U and R");
    }
    Ok(())
}
