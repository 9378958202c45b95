//! What later steps run in release mode is built from the beginning on, with the time that earlier steps leave over.

use crate::project::{BUILD_SERVER, Project};
use crate::{conformance, counts};
use std::process::{Child, Stdio};

/// Gives way to everything else.
const LAST: &str = "-n 19 cargo";

/// The builds that have begun. They end with this.
#[derive(Debug)]
pub(crate) struct Early(Vec<Child>);

/// Begins to build. Whoever needs the result builds it, too: cargo waits for the one that has begun, and tells what is wrong.
pub(crate) fn begin(project: &Project) -> Early {
    let lines = [BUILD_SERVER, conformance::BUILD, counts::BUILD];
    let builds = lines.iter().filter_map(|line| {
        let mut command = project.command("nice", LAST);
        command.args(line.split_whitespace()).arg("--quiet");
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null());
        silent.stderr(Stdio::null()).spawn().ok()
    });
    Early(builds.collect())
}

impl Drop for Early {
    fn drop(&mut self) {
        for build in &mut self.0 {
            // It may have ended long ago.
            let _ = build.kill();
            let _ = build.wait();
        }
    }
}
