//! Recognises RSA keys made by the broken Infineon library (ROCA, CVE-2017-15361).
//!
//! Their primes are `k * M + (65537^a mod M)` for a product M of small primes, so modulo each of those
//! primes the modulus is a power of 65537. A sound key passes for one about once in 2^27 times.
//! Nothing here is secret. Simple JWT has no counterpart; the test is published by Nemec et al. (CCS 2017).

const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the big-endian `modulus` has the mark of the broken generator.
pub(super) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|&prime| is_power_of_65537(residue(modulus, prime), prime))
}

fn residue(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, &octet| (rest * 256 + u32::from(octet)) % prime)
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let generator = 65_537 % prime;
    std::iter::successors(Some(1), |power| Some(power * generator % prime))
        .take(prime as usize)
        .any(|power| power == value)
}
