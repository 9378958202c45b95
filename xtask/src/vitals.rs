//! What the kernel says about processes: who started whom, and what they cost.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::time::Duration;

/// Of `/proc/PID/stat`: Linux counts in hundredths of a second on every machine that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// A process with all its descendants.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some((process, stat)) = process.and_then(|process| Some((process, stat(process)?))) {
            children.entry(stat.parent).or_default().push(process);
        }
    }
    let mut tree = Vec::new();
    let mut left = VecDeque::from([root]);
    while let Some(process) = left.pop_front() {
        tree.push(process);
        left.extend(children.remove(&process).unwrap_or_default());
    }
    tree
}

/// Whether it runs. What waits for its parent to be told has ended.
pub fn is_alive(process: u32) -> bool {
    stat(process).is_some_and(|stat| stat.state != "Z")
}

/// Processor time of a process and its descendants so far, those that have ended included.
pub fn cpu(root: u32) -> Duration {
    let ticks = tree(root)
        .into_iter()
        .filter_map(stat)
        .map(|stat| stat.ticks);
    TICK * ticks.sum::<u32>()
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: String,
    parent: u32,
    ticks: u32,
}

fn stat(process: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn parse_stat(line: &str) -> Option<Stat> {
    // The name before them may hold spaces and parentheses.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
    // user, system, and both of the children that have ended.
    let ticks = [11, 12, 13, 14]
        .into_iter()
        .map(number)
        .sum::<Option<u32>>()?;
    Some(Stat {
        state: (*fields.first()?).to_owned(),
        parent: number(1)?,
        ticks,
    })
}

/// Memory in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Proportional set size: what several processes share is divided among them.
    pub pss: u64,
    /// The most that was resident, of all processes together.
    pub peak: u64,
}

/// Memory of a process and its descendants; zero when they have ended.
pub fn memory(root: u32) -> io::Result<Memory> {
    let mut memory = Memory::default();
    for process in tree(root) {
        // One that has just ended needs none.
        let Ok(rollup) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else {
            continue;
        };
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        memory.pss += kib(&rollup, "Pss:").ok_or_else(|| io::Error::other("no Pss"))?;
        memory.peak += kib(&status, "VmHWM:").unwrap_or_default();
    }
    Ok(memory)
}

/// A line such as `VmHWM:     23456 kB`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// How many files a process has open, connections among them.
pub fn descriptors(process: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_a_name_with_parentheses() {
        let line = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 12 3 4 5 20 0 1 0 100 0 0";
        assert_eq!(
            parse_stat(line),
            Some(Stat {
                state: "S".to_owned(),
                parent: 1,
                ticks: 24
            })
        );
        assert_eq!(parse_stat("7 (a"), None);
    }

    #[test]
    fn memory_is_read_by_name() {
        assert_eq!(
            kib(
                "Rss:  10 kB\nPss:             1234 kB\nPss_Anon: 5 kB\n",
                "Pss:"
            ),
            Some(1234)
        );
        assert_eq!(kib("", "Pss:"), None);
    }

    #[test]
    fn this_process_lives_has_memory_and_files_and_belongs_to_its_parents_tree() {
        let own = std::process::id();
        assert!(is_alive(own));
        let memory = memory(own).unwrap();
        assert!(memory.pss > 100);
        assert!(memory.peak >= memory.pss / 2);
        assert!(descriptors(own).unwrap() >= 3);
        assert!(tree(std::os::unix::process::parent_id()).contains(&own));
    }

    #[test]
    fn what_has_ended_but_is_not_waited_for_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        while is_alive(child.id()) {
            std::thread::yield_now();
        }
        assert!(stat(child.id()).is_some());
        child.wait().unwrap();
    }
}
