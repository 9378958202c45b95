//! A scenario as it is written down.

use anyhow::Context as _;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use std::slice;

/// What is played, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) server: Mode,
    pub(super) steps: Vec<Step>,
    /// Refreshes that the server has granted at the end.
    pub(super) exchanges: usize,
}

impl Scenario {
    /// No request in it changes something.
    pub(super) fn only_reads(&self) -> bool {
        let requests = self.steps.iter().flat_map(|step| match step {
            Step::Request(request) => slice::from_ref(request),
            Step::Together { requests } => requests,
            _ => &[],
        });
        requests
            .map(|request| &request.method)
            .all(|method| method == GET)
    }
}

/// How the server rotates.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    Plain,
    Strict,
    Grace,
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Step {
    /// A client comes.
    Open {
        client: String,
        /// A name for what several clients share; memory without it.
        #[serde(default)]
        storage: Option<String>,
        /// Seconds its clock is ahead.
        #[serde(default)]
        clock: i64,
        /// Seconds a refresh is tried for.
        #[serde(default = "patience")]
        patience: f64,
    },
    Login {
        client: String,
    },
    /// What becomes of the next requests to this path, one after the other.
    Fault {
        path: Target,
        faults: Vec<Fault>,
    },
    /// The network is out, or back.
    Outage {
        begins: bool,
    },
    /// The last access token that anybody got ends.
    Expire,
    Request(Request),
    /// Several requests at once.
    Together {
        requests: Vec<Request>,
    },
    Logout {
        client: String,
        revoked: bool,
    },
    State {
        client: String,
        logged_in: bool,
        logouts: u64,
    },
    Close {
        client: String,
    },
}

/// Requests that a client sends at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) client: String,
    #[serde(default = "get")]
    pub(super) method: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    pub(super) abort_after: Option<f64>,
    #[serde(default = "one")]
    pub(super) count: usize,
    /// What each of them must come to: a status or an error.
    #[serde(default = "ok")]
    pub(super) expect: String,
}

/// A path that faults are made for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    #[serde(rename = "/token/refresh/")]
    Refresh,
    #[serde(rename = "/me/")]
    Me,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// Nothing: it passes.
    None,
    /// The connection is closed, and the server never hears of it.
    LoseRequest,
    /// The server does it, then the connection is closed.
    LoseAnswer,
    /// The server does it, and half of the answer arrives.
    CutAnswer,
    /// 503 with `Retry-After: 1`; the server never hears of it.
    Unavailable,
    /// 502 with a page of HTML; the server has done it.
    BadGateway,
    /// It takes half a second longer.
    Slow,
    /// 401, from somebody who is not the server.
    Unauthorized,
}

fn patience() -> f64 {
    15.0
}

/// The method of a request that names none.
const GET: &str = "GET";

fn get() -> String {
    GET.to_owned()
}

fn one() -> usize {
    1
}

fn ok() -> String {
    "200".to_owned()
}

/// All scenarios of the files in a folder.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Scenario>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let scenarios: Vec<Scenario> = serde_json::from_slice(&fs::read(&file)?)
            .with_context(|| file.display().to_string())?;
        all.extend(scenarios);
    }
    Ok(all)
}
