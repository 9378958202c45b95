//! What the kernel says about a process: its memory, its descriptors.

use anyhow::Context as _;
use std::fs;

/// Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vitals {
    /// What it has now, its share of what others have too (PSS).
    pub(crate) memory: u64,
    /// The most it ever had, with all of what others have too (RSS).
    pub(crate) peak: u64,
    /// Open files, connections among them.
    pub(crate) descriptors: usize,
}

impl Vitals {
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let place = format!("/proc/{process}");
        let read = |file| fs::read_to_string(format!("{place}/{file}"));
        Ok(Self {
            memory: bytes(&read("smaps_rollup")?, "Pss:")?,
            peak: bytes(&read("status")?, "VmHWM:")?,
            descriptors: fs::read_dir(format!("{place}/fd"))?.count(),
        })
    }
}

/// A line such as `VmHWM:     23456 kB`.
fn bytes(text: &str, name: &str) -> anyhow::Result<u64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.split_whitespace().next());
    let number = number.with_context(|| format!("the kernel does not tell {name}"))?;
    Ok(number.parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_descriptors() {
        let vitals = Vitals::of(std::process::id()).unwrap();
        assert!(vitals.memory > 100_000);
        assert!(vitals.peak >= vitals.memory / 2);
        assert!(vitals.descriptors >= 3);
    }
}
