#![doc = include_str!("../README.md")]

mod derivation;
mod kernel;
mod lane;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

use aws_lc_rs::pbkdf2;
use std::num::NonZeroU32;

pub use derivation::Derivation;

use kernel::Kernel;

/// Bytes of a derived key: one block of SHA-256, what Django stores.
pub const OUTPUT: usize = 32;

/// Derives one key, in the shortest time that this processor allows.
///
/// Password and salt may have any length, zero included.
///
/// ```
/// use std::num::NonZeroU32;
///
/// let key = tokenpair_pbkdf2::derive(b"passwd", b"salt", NonZeroU32::MIN);
/// assert_eq!(key[..4], [0x55, 0xac, 0x04, 0x6e]); // RFC 7914, section 11
/// ```
pub fn derive(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> [u8; OUTPUT] {
    if !Kernel::Single.is_available() {
        return derive_elsewhere(password, salt, iterations);
    }
    let mut derivation = Derivation::new(password, salt, iterations);
    loop {
        advance(&mut [&mut derivation]);
        if let Some(key) = derivation.output() {
            return key;
        }
    }
}

/// Carries all derivations forward side by side, until one that was unfinished is done.
///
/// Those that are done stay as they are. Any number is fine; [`groups`] tells which are worth it.
pub fn advance(derivations: &mut [&mut Derivation]) {
    kernel::advance(derivations, &Kernel::available());
}

/// The numbers of passwords that are worth deriving side by side on this processor.
///
/// In ascending order, beginning with one alone. Where nothing is gained, that is all.
pub fn groups() -> Vec<Group> {
    let group = |kernel: Kernel| Group {
        size: kernel.lanes(),
        cost: kernel.cost(),
    };
    let kernels = Kernel::available();
    let faster = kernels
        .into_iter()
        .filter(|&kernel| kernel != Kernel::Portable);
    let mut groups: Vec<Group> = faster.map(group).collect();
    if groups.first().is_none_or(|group| group.size > 1) {
        groups.insert(0, Group { size: 1, cost: 100 });
    }
    groups
}

/// A number of derivations that run side by side, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many at most.
    pub size: usize,
    /// The time of the whole group, full or not, in hundredths of one derivation alone.
    pub cost: u32,
}

/// aws-lc-rs: AVX2 on older processors, the instructions for SHA-256 on ARM.
fn derive_elsewhere(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> [u8; OUTPUT] {
    // Every iteration adds to the output, a tenth slower where that crosses a cache line: its address would decide
    // whether equal work takes equal time.
    #[repr(align(64))]
    struct CacheLine([u8; OUTPUT]);

    let mut line = CacheLine([0; OUTPUT]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password,
        &mut line.0,
    );
    line.0
}
