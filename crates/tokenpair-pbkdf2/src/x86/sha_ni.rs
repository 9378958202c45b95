//! SHA-NI (Intel, "New Instructions Supporting the Secure Hash Algorithm"), one lane or a few interleaved.
//!
//! The state stays in the order that the instructions want, a digest becomes the next message by four shuffles, and
//! no byte is ever swapped.

use crate::lane::{Lane, MESSAGE_BITS, ROUND_CONSTANTS, State};
use std::arch::asm;
use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_extract_epi32, _mm_set_epi32, _mm_sha256msg1_epu32,
    _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi32, _mm_slli_si128, _mm_srli_si128,
    _mm_unpackhi_epi64, _mm_unpacklo_epi64, _mm_xor_si128,
};
use std::array::from_fn;

/// The words a to h of a state, the first one highest.
#[derive(Clone, Copy)]
struct Halves {
    abef: __m128i,
    cdgh: __m128i,
}

/// Whether the processor has what [`advance`] needs.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("sse4.1")
        && is_x86_feature_detected!("ssse3")
}

/// Carries the first `N` lanes forward: as many as were done, none without the instructions or for too few lanes.
pub(crate) fn advance<const N: usize>(lanes: &mut [&mut Lane], iterations: u32) -> usize {
    let Some(lanes) = lanes.first_chunk_mut::<N>().filter(|_| is_available()) else {
        return 0;
    };
    // SAFETY: the function has no requirement but its target features, and they were found a line above.
    unsafe { advance_all(lanes, iterations) };
    N
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn advance_all<const N: usize>(lanes: &mut [&mut Lane; N], iterations: u32) {
    let inner: [Halves; N] = from_fn(|n| load(&lanes[n].inner));
    let outer: [Halves; N] = from_fn(|n| load(&lanes[n].outer));
    let mut last: [Halves; N] = from_fn(|n| load(&lanes[n].last));
    let mut sum: [Halves; N] = from_fn(|n| load(&lanes[n].sum));
    for _ in 0..iterations {
        // One call, so that it is inlined.
        for state in [&inner, &outer] {
            last = compress(state, &last);
        }
        for n in 0..N {
            sum[n].abef = _mm_xor_si128(sum[n].abef, last[n].abef);
            sum[n].cdgh = _mm_xor_si128(sum[n].cdgh, last[n].cdgh);
        }
    }
    for n in 0..N {
        lanes[n].last = store(last[n]);
        lanes[n].sum = store(sum[n]);
    }
}

#[allow(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load(words: &State) -> Halves {
    let [a, b, c, d, e, f, g, h] = words.map(u32::cast_signed);
    Halves {
        abef: _mm_set_epi32(a, b, e, f),
        cdgh: _mm_set_epi32(c, d, g, h),
    }
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn store(Halves { abef, cdgh }: Halves) -> State {
    let words = [
        _mm_extract_epi32::<3>(abef),
        _mm_extract_epi32::<2>(abef),
        _mm_extract_epi32::<3>(cdgh),
        _mm_extract_epi32::<2>(cdgh),
        _mm_extract_epi32::<1>(abef),
        _mm_extract_epi32::<0>(abef),
        _mm_extract_epi32::<1>(cdgh),
        _mm_extract_epi32::<0>(cdgh),
    ];
    words.map(i32::cast_unsigned)
}

/// Four rounds, then the four words of the message that are needed sixteen rounds later.
macro_rules! four_rounds {
    ($state:ident, $words:ident, $four:literal) => {
        let [k0, k1, k2, k3] = from_fn(|i| ROUND_CONSTANTS[4 * $four + i].cast_signed());
        for n in 0..N {
            let Halves { abef, cdgh } = &mut $state[n];
            let low = _mm_add_epi32($words[n][$four % 4], _mm_set_epi32(k3, k2, k1, k0));
            let high = _mm_shuffle_epi32::<0x0e>(low);
            *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, low);
            *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, high);
        }
        if $four < 12 {
            for n in 0..N {
                let [w0, w4, w8, w12] = from_fn(|i| $words[n][($four + i) % 4]);
                let w9_to_w11 = _mm_srli_si128::<4>(w8);
                let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), w9_to_w11);
                // A term of the highest sum only, which msg2 needs for no other word. Added behind msg2, it shortens
                // the chain from four words to the next four from 8 cycles to 7; four rounds take 8.
                let w12_alone = _mm_slli_si128::<12>(w12);
                let newest = _mm_add_epi32(_mm_sha256msg2_epu32(sum, w12), w12_alone);
                $words[n][$four % 4] = in_order(&mut $state[n], newest);
            }
        }
    };
}

/// The words as they are: the compiler cannot move any use of them, or of the state, before this.
///
/// It would compute the whole message first. The processor looks ahead, but not that far: the rounds would begin late,
/// and one lane take almost a third longer.
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn in_order(state: &mut Halves, mut words: __m128i) -> __m128i {
    // SAFETY: there is no instruction in it, only a comment. The registers keep what they hold.
    unsafe {
        asm!(
            "/* {} {} {} */",
            inout(xmm_reg) state.abef,
            inout(xmm_reg) state.cdgh,
            inout(xmm_reg) words,
            options(nomem, nostack, preserves_flags),
        );
    }
    words
}

/// SHA-256's compression of a block that holds a digest, behind one block that led to `state`.
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress<const N: usize>(state: &[Halves; N], digest: &[Halves; N]) -> [Halves; N] {
    let padding = _mm_set_epi32(0, 0, 0, i32::MIN);
    let length = _mm_set_epi32(MESSAGE_BITS.cast_signed(), 0, 0, 0);
    let mut words: [[__m128i; 4]; N] = from_fn(|n| {
        let abef = _mm_shuffle_epi32::<0x1b>(digest[n].abef);
        let cdgh = _mm_shuffle_epi32::<0x1b>(digest[n].cdgh);
        let abcd = _mm_unpacklo_epi64(abef, cdgh);
        let efgh = _mm_unpackhi_epi64(abef, cdgh);
        [abcd, efgh, padding, length]
    });
    let mut end = *state;
    four_rounds!(end, words, 0);
    four_rounds!(end, words, 1);
    four_rounds!(end, words, 2);
    four_rounds!(end, words, 3);
    four_rounds!(end, words, 4);
    four_rounds!(end, words, 5);
    four_rounds!(end, words, 6);
    four_rounds!(end, words, 7);
    four_rounds!(end, words, 8);
    four_rounds!(end, words, 9);
    four_rounds!(end, words, 10);
    four_rounds!(end, words, 11);
    four_rounds!(end, words, 12);
    four_rounds!(end, words, 13);
    four_rounds!(end, words, 14);
    four_rounds!(end, words, 15);
    from_fn(|n| Halves {
        abef: _mm_add_epi32(end[n].abef, state[n].abef),
        cdgh: _mm_add_epi32(end[n].cdgh, state[n].cdgh),
    })
}
