//! Scenarios that chance writes. What comes of them is known all the same: nobody is logged out, every request succeeds.

use super::scenario::{Fault, Mode, Request, Scenario, Step, Target};
use crate::run::Run;
use fastrand::Rng;

const CLOCKS: [i64; 5] = [0, 0, 600, -600, 40_000];
/// Far more than the faults of one expiry can take.
const PATIENCE: f64 = 60.0;

/// What may go wrong with a refresh where the server does not grant a token twice.
const STRICT: [Fault; 3] = [Fault::LoseRequest, Fault::Unavailable, Fault::Slow];
/// What may go wrong with it anywhere else: it is done, and the client does not hear of it.
const ANY: [Fault; 6] = [
    Fault::LoseRequest,
    Fault::Unavailable,
    Fault::Slow,
    Fault::LoseAnswer,
    Fault::CutAnswer,
    Fault::BadGateway,
];

pub(super) fn scenario(run: &Run, number: usize) -> Scenario {
    let mut random = run.random(&format!("scenario {number}"));
    let server = [Mode::Plain, Mode::Strict, Mode::Grace][random.usize(..3)];
    let mut steps = Vec::new();
    let clients = clients(&mut random, &mut steps);
    let expiries = random.usize(1..=3);
    for _ in 0..expiries {
        expiry(&mut random, server, &clients, &mut steps);
    }
    for client in &clients {
        steps.push(Step::State {
            client: client.clone(),
            logged_in: true,
            logouts: 0,
        });
    }
    Scenario {
        name: format!("chance {number}"),
        server,
        steps,
        exchanges: expiries,
    }
}

/// One client, or two that share a login, or two with a login each.
fn clients(random: &mut Rng, steps: &mut Vec<Step>) -> Vec<String> {
    let (count, shares) = [(1, false), (2, true), (2, false)][random.usize(..3)];
    let names: Vec<String> = ["a", "b"]
        .into_iter()
        .take(count)
        .map(str::to_owned)
        .collect();
    let clock = CLOCKS[random.usize(..CLOCKS.len())];
    for client in &names {
        steps.push(Step::Open {
            client: client.clone(),
            storage: shares.then(|| "shared".to_owned()),
            clock,
            patience: PATIENCE,
        });
    }
    let logins = if shares { 1 } else { count };
    steps.extend(names.iter().take(logins).map(|client| Step::Login {
        client: client.clone(),
    }));
    names
}

/// The tokens end, something goes wrong, everybody asks.
fn expiry(random: &mut Rng, server: Mode, clients: &[String], steps: &mut Vec<Step>) {
    steps.push(Step::Expire);
    let kinds = if server == Mode::Strict {
        &STRICT[..]
    } else {
        &ANY[..]
    };
    let faults = (0..random.usize(..3)).map(|_| kinds[random.usize(..kinds.len())]);
    steps.push(Step::Fault {
        path: Target::Refresh,
        faults: faults.collect(),
    });
    if random.u8(..4) == 0 {
        steps.push(Step::Fault {
            path: Target::Me,
            faults: vec![Fault::Slow],
        });
    }
    let requests = clients.iter().map(|client| Request {
        client: client.clone(),
        method: "GET".to_owned(),
        body: None,
        stream: false,
        abort_after: None,
        count: [1, 2, 8, 50][random.usize(..4)],
        expect: "200".to_owned(),
    });
    steps.push(Step::Together {
        requests: requests.collect(),
    });
}
