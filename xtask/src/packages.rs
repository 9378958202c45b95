//! Programs from Debian's package manager that a step needs and the machine lacks.

use crate::check::Trouble;
use crate::process::output;
use crate::project::Project;

/// Makes sure that `program` can be started, installing `packages` if we may.
pub(crate) fn program(project: &Project, program: &str, packages: &str) -> Result<(), Trouble> {
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

/// Whether it worked shows in what is there afterwards.
pub(crate) fn install(project: &Project, packages: &str) {
    let user = output(&mut project.command("id", "-u"));
    if user.is_ok_and(|id| id.trim() == "0") {
        let install = format!("install -q -y --no-install-recommends {packages}");
        for line in ["update -q", &install] {
            let mut command = project.command("apt-get", line);
            project.run(command.env("DEBIAN_FRONTEND", "noninteractive"));
        }
    }
}

fn exists(project: &Project, program: &str) -> bool {
    output(&mut project.command("which", program)).is_ok()
}
