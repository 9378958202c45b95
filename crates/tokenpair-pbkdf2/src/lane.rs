//! What a kernel carries forward: PBKDF2 between two iterations, as words of SHA-256.

use sha2::block_api::compress256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Words of a SHA-256 state.
pub(crate) type State = [u32; 8];

/// Bytes of a message block.
const BLOCK: usize = 64;

/// FIPS 180-4, section 5.3.3.
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Bits hashed by either half of HMAC in all iterations but the first: a padded key and a digest.
#[cfg(target_arch = "x86_64")]
pub(crate) const MESSAGE_BITS: u32 = 8 * (64 + 32);

/// FIPS 180-4, section 4.2.2.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub(crate) const ROUND_CONSTANTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// One derivation between two iterations (RFC 8018, section 5.2). Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Lane {
    /// After the key block with `ipad`, where every inner hash begins.
    pub(crate) inner: State,
    /// After the key block with `opad`.
    pub(crate) outer: State,
    /// The newest U.
    pub(crate) last: State,
    /// The exclusive or of all U.
    pub(crate) sum: State,
}

impl Lane {
    /// Does the first iteration, the only one whose message is not a digest.
    pub(crate) fn new(password: &[u8], salt: &[u8]) -> Self {
        let key = key_block(password);
        let inner = after(&key, 0x36);
        let outer = after(&key, 0x5c);
        let mut message = Zeroizing::new(salt.to_vec());
        message.extend(1_u32.to_be_bytes());
        let first = hash_on(outer, BLOCK, &bytes(&hash_on(inner, BLOCK, &message)));
        Self {
            inner,
            outer,
            last: first,
            sum: first,
        }
    }

    /// Does further iterations with portable code.
    pub(crate) fn advance(&mut self, iterations: u32) {
        for _ in 0..iterations {
            let inner = hash_on(self.inner, BLOCK, &bytes(&self.last));
            self.last = hash_on(self.outer, BLOCK, &bytes(&inner));
            for (sum, word) in self.sum.iter_mut().zip(self.last) {
                *sum ^= word;
            }
        }
    }
}

/// HMAC's key block: the password with zeros behind it, or its hash where it is longer (RFC 2104, section 2).
fn key_block(password: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let mut block = Zeroizing::new([0; BLOCK]);
    if password.len() > BLOCK {
        block[..32].copy_from_slice(&bytes(&hash_on(INITIAL, 0, password)));
    } else {
        block[..password.len()].copy_from_slice(password);
    }
    block
}

fn after(key: &[u8; BLOCK], pad: u8) -> State {
    let mut state = INITIAL;
    let block = Zeroizing::new(key.map(|byte| byte ^ pad));
    compress256(&mut state, &[*block]);
    state
}

/// Ends a hash that has taken `before` bytes, whole blocks, with the last part of its message.
fn hash_on(mut state: State, before: usize, message: &[u8]) -> State {
    let (blocks, rest) = message.as_chunks::<BLOCK>();
    compress256(&mut state, blocks);
    let bits = 8 * (before as u64 + message.len() as u64);
    // The padding (FIPS 180-4, section 5.1.1) takes nine bytes at least.
    let mut end = Zeroizing::new([[0; BLOCK]; 2]);
    let length = if rest.len() + 9 > BLOCK { 2 } else { 1 };
    let flat = &mut end.as_flattened_mut()[..length * BLOCK];
    flat[..rest.len()].copy_from_slice(rest);
    flat[rest.len()] = 0x80;
    flat[length * BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    compress256(&mut state, &end[..length]);
    state
}

/// A digest as it is written.
pub(crate) fn bytes(state: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (part, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *part = word.to_be_bytes();
    }
    bytes
}
