//! Programs from Debian's package manager that a step needs and the machine lacks.

use crate::check::Trouble;
use crate::process::output;
use crate::project::Project;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Makes sure that `program` can be started, installing `packages` if we may.
pub fn program(project: &Project, program: &str, packages: &str) -> Result<(), Trouble> {
    if exists(project, program) {
        return Ok(());
    }
    install(project, packages);
    if exists(project, program) {
        Ok(())
    } else {
        Err(Trouble::Skipped(format!(
            "needs {program}, of Debian's {packages}"
        )))
    }
}

/// Asked by Debian whether an installed server may be started.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const NO: &str = "#!/bin/sh\nexit 101\n";

/// Whether it worked shows in what is there afterwards. Services that come with it are not started.
pub(crate) fn install(project: &Project, packages: &str) {
    if is_root(project) {
        let _policy = Policy::set();
        let install = format!("install -q -y --no-install-recommends {packages}");
        for line in ["update -q", &install] {
            let mut command = project.command("apt-get", line);
            project.run(command.env("DEBIAN_FRONTEND", "noninteractive"));
        }
    }
}

/// Whether we may do to this machine what we like.
pub(crate) fn is_root(project: &Project) -> bool {
    let user = output(&mut project.command("id", "-u"));
    user.is_ok_and(|id| id.trim() == "0")
}

fn exists(project: &Project, program: &str) -> bool {
    output(&mut project.command("which", program)).is_ok()
}

/// That no service is started, for as long as this lives. Somebody else's policy is left alone.
struct Policy {
    is_ours: bool,
}

impl Policy {
    fn set() -> Self {
        let is_ours = !Path::new(POLICY).exists()
            && fs::write(POLICY, NO).is_ok()
            && fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)).is_ok();
        Self { is_ours }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
