//! AVX-512: sixteen lanes, each word of SHA-256 in a vector of its own.
//!
//! Half of a message is padding, the same in all lanes: the compiler computes with it what can be computed beforehand.

use crate::lane::{Lane, MESSAGE_BITS, ROUND_CONSTANTS, State};
use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_srli_epi32,
    _mm512_ternarylogic_epi32, _mm512_xor_si512,
};
use std::array::from_fn;
use std::mem::transmute;

/// Lanes in a vector.
const LANES: usize = 16;

/// Tables of `vpternlogd`: the bit for each combination of the bits of three operands.
const XOR: i32 = 0b1001_0110;
const CHOOSE: i32 = 0b1100_1010;
const MAJORITY: i32 = 0b1110_1000;

/// Whether the processor has what [`advance`] needs.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// Carries up to sixteen lanes forward: as many as were done, none without the instructions.
pub(crate) fn advance(lanes: &mut [&mut Lane], iterations: u32) -> usize {
    let done = lanes.len().min(LANES);
    if !is_available() {
        return 0;
    }
    // SAFETY: the function has no requirement but its target feature, and that was found a line above.
    unsafe { advance_all(&mut lanes[..done], iterations) };
    done
}

/// Lanes that are missing compute with zeros, in vain.
#[target_feature(enable = "avx512f")]
fn advance_all(lanes: &mut [&mut Lane], iterations: u32) {
    let load = |state: fn(&Lane) -> &State| -> [__m512i; 8] {
        from_fn(|word| {
            vector(from_fn(|n| {
                lanes.get(n).map_or(0, |lane| state(lane)[word])
            }))
        })
    };
    let inner = load(|lane| &lane.inner);
    let outer = load(|lane| &lane.outer);
    let mut last = load(|lane| &lane.last);
    let mut sum = load(|lane| &lane.sum);
    for _ in 0..iterations {
        last = compress(&outer, &compress(&inner, &last));
        sum = from_fn(|word| _mm512_xor_si512(sum[word], last[word]));
    }
    for word in 0..8 {
        let (last, sum) = (words(last[word]), words(sum[word]));
        for (n, lane) in lanes.iter_mut().enumerate() {
            lane.last[word] = last[n];
            lane.sum[word] = sum[n];
        }
    }
}

fn vector(words: [u32; LANES]) -> __m512i {
    // SAFETY: both types are 64 bytes of plain integers, and any bits are a value of either.
    unsafe { transmute(words) }
}

fn words(vector: __m512i) -> [u32; LANES] {
    // SAFETY: both types are 64 bytes of plain integers, and any bits are a value of either.
    unsafe { transmute(vector) }
}

/// The sum of two words: FIPS 180-4 adds modulo 2³².
#[target_feature(enable = "avx512f")]
fn add(left: __m512i, right: __m512i) -> __m512i {
    _mm512_add_epi32(left, right)
}

/// Three rotations, one exclusive or.
macro_rules! rotations {
    ($x:expr, $a:literal, $b:literal, $c:literal) => {
        _mm512_ternarylogic_epi32::<XOR>(
            _mm512_ror_epi32::<$a>($x),
            _mm512_ror_epi32::<$b>($x),
            _mm512_ror_epi32::<$c>($x),
        )
    };
}

/// Two rotations and a shift, one exclusive or.
macro_rules! shifts {
    ($x:expr, $a:literal, $b:literal, $c:literal) => {
        _mm512_ternarylogic_epi32::<XOR>(
            _mm512_ror_epi32::<$a>($x),
            _mm512_ror_epi32::<$b>($x),
            _mm512_srli_epi32::<$c>($x),
        )
    };
}

/// One round. The words do not move; their names do, by one place each round.
macro_rules! round {
    ($state:ident, $words:ident, $round:expr) => {{
        const ROUND: usize = $round;
        let [a, b, c, d, e, f, g, h] = from_fn(|name| (name + 64 - ROUND) % 8);
        let constant = _mm512_set1_epi32(ROUND_CONSTANTS[ROUND].cast_signed());
        let input = add($words[ROUND % 16], constant);
        let choice = _mm512_ternarylogic_epi32::<CHOOSE>($state[e], $state[f], $state[g]);
        let sum1 = rotations!($state[e], 6, 11, 25);
        let step = add(add($state[h], input), add(sum1, choice));
        let majority = _mm512_ternarylogic_epi32::<MAJORITY>($state[a], $state[b], $state[c]);
        let sum0 = rotations!($state[a], 2, 13, 22);
        $state[d] = add($state[d], step);
        $state[h] = add(add(sum0, majority), step);
    }};
}

/// One round, for which a word of the message is made first.
macro_rules! later_round {
    ($state:ident, $words:ident, $round:expr) => {{
        let [w16, w15, w7, w2] = [16, 15, 7, 2].map(|back| $words[($round + 16 - back) % 16]);
        let sum0 = shifts!(w15, 7, 18, 3);
        let sum1 = shifts!(w2, 17, 19, 10);
        $words[$round % 16] = add(add(w16, sum0), add(w7, sum1));
        round!($state, $words, $round);
    }};
}

macro_rules! sixteen {
    ($round:ident!($state:ident, $words:ident, $first:literal)) => {
        $round!($state, $words, $first);
        $round!($state, $words, $first + 1);
        $round!($state, $words, $first + 2);
        $round!($state, $words, $first + 3);
        $round!($state, $words, $first + 4);
        $round!($state, $words, $first + 5);
        $round!($state, $words, $first + 6);
        $round!($state, $words, $first + 7);
        $round!($state, $words, $first + 8);
        $round!($state, $words, $first + 9);
        $round!($state, $words, $first + 10);
        $round!($state, $words, $first + 11);
        $round!($state, $words, $first + 12);
        $round!($state, $words, $first + 13);
        $round!($state, $words, $first + 14);
        $round!($state, $words, $first + 15);
    };
}

/// SHA-256's compression of a block that holds a digest, behind one block that led to `state`.
#[target_feature(enable = "avx512f")]
fn compress(state: &[__m512i; 8], digest: &[__m512i; 8]) -> [__m512i; 8] {
    let mut words = [_mm512_set1_epi32(0); 16];
    words[..8].copy_from_slice(digest);
    words[8] = _mm512_set1_epi32(i32::MIN);
    words[15] = _mm512_set1_epi32(MESSAGE_BITS.cast_signed());
    let mut end = *state;
    sixteen!(round!(end, words, 0));
    sixteen!(later_round!(end, words, 16));
    sixteen!(later_round!(end, words, 32));
    sixteen!(later_round!(end, words, 48));
    from_fn(|word| add(end[word], state[word]))
}
