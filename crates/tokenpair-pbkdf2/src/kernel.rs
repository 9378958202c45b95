//! Which code carries lanes forward: what the processor has, and what is cheapest for a number of lanes.

use crate::Derivation;
use crate::lane::Lane;
#[cfg(target_arch = "x86_64")]
use crate::x86;

/// Code that carries lanes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// One lane with what sha2 finds on this processor.
    Portable,
    /// One lane with SHA-NI.
    Single,
    /// Two lanes interleaved with SHA-NI: the second one runs in the gaps that the first one leaves.
    Pair,
    /// Sixteen lanes, one in each 32 bits of AVX-512.
    Sixteen,
}

impl Kernel {
    pub(crate) const ALL: [Self; 4] = [Self::Portable, Self::Single, Self::Pair, Self::Sixteen];

    /// What this processor can run, narrowest first.
    pub(crate) fn available() -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
            .collect()
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Single | Self::Pair => x86::sha_ni::is_available(),
            Self::Sixteen => x86::avx512::is_available(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn is_available(self) -> bool {
        self == Self::Portable
    }

    /// Lanes that are carried at once.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::Portable | Self::Single => 1,
            Self::Pair => 2,
            Self::Sixteen => 16,
        }
    }

    /// The time of a run, in hundredths of one derivation alone.
    ///
    /// Measured on Emerald Rapids. The costs without SHA-NI are estimates: one alone takes about twice as long there.
    pub(crate) fn cost(self) -> u32 {
        match self {
            Self::Single => 100,
            Self::Pair => 140,
            Self::Portable => 180,
            Self::Sixteen if Self::Single.is_available() => 600,
            Self::Sixteen => 400,
        }
    }

    /// The cheapest kernel to begin with, of those given, for a number of lanes.
    pub(crate) fn cheapest(kernels: &[Self], lanes: usize) -> Self {
        let cost = |kernel: &Self| lanes.div_ceil(kernel.lanes()) as u64 * u64::from(kernel.cost());
        let fitting = kernels
            .iter()
            .copied()
            .filter(|&kernel| kernel.takes(lanes));
        fitting.min_by_key(cost).unwrap_or(Self::Portable)
    }

    /// Sixteen lanes need not be full, a pair is two.
    fn takes(self, lanes: usize) -> bool {
        self != Self::Pair || lanes >= 2
    }

    /// Carries as many lanes forward as it can: the number done, from the front.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn advance(self, lanes: &mut [&mut Lane], iterations: u32) -> usize {
        match self {
            Self::Single => x86::sha_ni::advance::<1>(lanes, iterations),
            Self::Pair => x86::sha_ni::advance::<2>(lanes, iterations),
            Self::Sixteen => x86::avx512::advance(lanes, iterations),
            Self::Portable => advance_portably(lanes, iterations),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn advance(self, lanes: &mut [&mut Lane], iterations: u32) -> usize {
        advance_portably(lanes, iterations)
    }
}

/// Carries all derivations forward with some kernels, until one that was unfinished is done.
pub(crate) fn advance(derivations: &mut [&mut Derivation], kernels: &[Kernel]) {
    let unfinished = derivations
        .iter_mut()
        .filter(|derivation| !derivation.is_done());
    let mut unfinished: Vec<_> = unfinished.collect();
    let Some(step) = unfinished
        .iter()
        .map(|derivation| derivation.remaining)
        .min()
    else {
        return;
    };
    let lanes = unfinished.iter_mut().map(|derivation| {
        derivation.remaining -= step;
        &mut derivation.lane
    });
    let mut lanes: Vec<_> = lanes.collect();
    let mut lanes = &mut lanes[..];
    while !lanes.is_empty() {
        let done = Kernel::cheapest(kernels, lanes.len()).advance(lanes, step);
        lanes = &mut lanes[done..];
    }
}

fn advance_portably(lanes: &mut [&mut Lane], iterations: u32) -> usize {
    let Some(lane) = lanes.first_mut() else {
        return 0;
    };
    lane.advance(iterations);
    1
}
