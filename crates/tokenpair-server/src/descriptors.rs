//! How many connections and files the system lets the process have.

/// Takes as many as there are for the asking.
///
/// What a process is given unasked, usually 1,024, is for programs that use `select`. A refusal is ignored: the
/// listener makes do with what there is.
#[cfg(target_os = "linux")]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}

/// Leaves it alone: elsewhere the system may promise more than it has.
#[cfg(not(target_os = "linux"))]
pub(crate) fn raise_limit() {}
