//! "Did you mean …?": the known name that a misspelt one is nearest to.

/// The known name with the fewest edits, letters' case not counted, when it is near enough to be meant.
///
/// ```
/// assert_eq!(tokenpair::nearest("listn", ["listen", "log_format"]), Some("listen"));
/// assert_eq!(tokenpair::nearest("colour", ["listen", "log_format"]), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known
        .into_iter()
        .map(|known| (edit_distance(name, known), known));
    let (distance, known) = scored.min()?;
    (distance <= 1 + name.len() / 4).then_some(known)
}

/// Levenshtein's distance over bytes; names are ASCII, or near enough.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.bytes()) {
            let substituted = diagonal + usize::from(!a.eq_ignore_ascii_case(&b));
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, nearest};

    #[test]
    fn the_distance_counts_edits() {
        assert_eq!(edit_distance("LEEWAY", "leeway"), 0);
        assert_eq!(edit_distance("LEWAY", "LEEWAY"), 1);
        assert_eq!(edit_distance("", "ABC"), 3);
    }

    #[test]
    fn only_a_near_name_is_offered() {
        assert_eq!(nearest("emial", ["id", "email"]), Some("email"));
        assert_eq!(nearest("mail_addr", ["id", "email"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
