//! Decisions that a seed repeats.

use fastrand::Rng;

/// A seed for a run that was given none.
pub(crate) fn seed() -> u64 {
    u64::from(fastrand::u32(..))
}

/// The decisions of one part of a run; how another part goes, and how often it asks, changes nothing here.
pub(crate) fn of(seed: u64, part: &str) -> Rng {
    // FNV-1a: the standard library's hashes may change from one version to the next.
    let hash = part.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Rng::with_seed(seed ^ hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_decisions_and_parts_differ() {
        let first = |seed, part| of(seed, part).u64(..);
        assert_eq!(first(1, "client 1"), first(1, "client 1"));
        assert_ne!(first(1, "client 1"), first(1, "client 2"));
        assert_ne!(first(1, "client 1"), first(2, "client 1"));
    }
}
