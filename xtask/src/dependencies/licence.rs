//! SPDX licence expressions: is there a way to obey one with the licences we allow?

/// Whether the allowed licences satisfy `expression`. `MIT/Apache-2.0`, as old manifests write it, means OR.
pub(super) fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    reader.either() == Some(true) && reader.words.is_empty()
}

/// Reads from the front; `None` says that the expression is malformed.
struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl<'a> Reader<'a> {
    fn either(&mut self) -> Option<bool> {
        let mut fine = self.both()?;
        while self.skip("OR") {
            fine |= self.both()?;
        }
        Some(fine)
    }

    fn both(&mut self) -> Option<bool> {
        let mut fine = self.one()?;
        while self.skip("AND") {
            fine &= self.one()?;
        }
        Some(fine)
    }

    fn one(&mut self) -> Option<bool> {
        if self.skip("(") {
            let fine = self.either()?;
            return self.skip(")").then_some(fine);
        }
        let mut name = self.next()?.to_owned();
        if self.skip("WITH") {
            name = format!("{name} WITH {}", self.next()?);
        }
        Some(self.allowed.contains(&name))
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.next();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(expression: &str) -> bool {
        is_allowed(expression, &["MIT".to_owned(), "ISC".to_owned()])
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(fits("GPL-3.0 OR MIT"));
        assert!(fits("Apache-2.0/MIT"));
        assert!(fits("Apache-2.0 WITH LLVM-exception OR ISC"));
    }

    #[test]
    fn all_parts_of_a_conjunction_are_needed() {
        assert!(fits("ISC AND (GPL-3.0 OR MIT)"));
        assert!(!fits("MIT AND GPL-3.0"));
        assert!(!fits("MIT AND (GPL-3.0 OR Zlib) OR Zlib"));
    }

    #[test]
    fn an_exception_is_part_of_the_name() {
        assert!(!fits("MIT WITH Some-exception"));
    }

    #[test]
    fn malformed_expressions_are_refused() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC"] {
            assert!(!fits(expression), "{expression:?}");
        }
    }
}
