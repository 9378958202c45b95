//! Compares versions of crates, as far as minimum versions need it.

/// Whether `version` comes before `oldest`. A pre-release counts as its release.
pub(super) fn is_older(version: &str, oldest: &str) -> bool {
    figures(version) < figures(oldest)
}

fn figures(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release
        .split('.')
        .map(|figure| figure.parse().unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_compared_as_numbers() {
        assert!(is_older("0.4.9", "0.4.16"));
        assert!(!is_older("0.4.16", "0.4.16"));
        assert!(!is_older("1.0.0", "0.39.0"));
        assert!(is_older("0.38.9+upstream.1", "0.39.0"));
    }
}
