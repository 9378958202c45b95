//! Random changes to requests that carry no tokens of other requests, drawn from a seed.

use super::super::exchange::{Headers, Request};
use super::super::jose;
use fastrand::Rng;

const BYTES: &[u8] = b"aZ09 _-.=+/\\\"'{}[]:,;&%<>?#*\t\0\xc3\xa9\xff";
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "HEAD", "OPTIONS"];
const ACCEPTS: [&str; 5] = [
    "*/*",
    "application/json",
    "text/*",
    "application/json;indent=2",
    "text/html",
];
const TYPES: [&str; 6] = [
    "application/json",
    "application/json; charset=latin-1",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "APPLICATION/JSON",
];

/// Adds changed requests until there are as many as wanted.
pub(super) fn add(requests: &mut Vec<Request>, wanted: usize, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let is_free = |request: &&Request| {
        request.recorded.is_none() && !request.is_for_django && jose::find(&request.body).is_empty()
    };
    let sources: Vec<Request> = requests.iter().filter(is_free).cloned().collect();
    while requests.len() < wanted && !sources.is_empty() {
        let mut request = sources[random.usize(..sources.len())].clone();
        for _ in 0..=random.usize(..2) {
            change(&mut request, &mut random);
        }
        let about = request.origin.trim_start_matches("generated: ");
        request.origin = format!("generated: random change of {about}");
        requests.push(request);
    }
}

fn change(request: &mut Request, random: &mut Rng) {
    match random.usize(..8) {
        0 => request.method = choice(&METHODS, random),
        1 => set(&mut request.headers, "accept", choice(&ACCEPTS, random)),
        2 => set(&mut request.headers, "content-type", choice(&TYPES, random)),
        3 if !request.target.contains('?') => request.target.push_str("?format=json"),
        _ => edit(&mut request.body, random),
    }
}

fn choice(texts: &[&str], random: &mut Rng) -> String {
    texts[random.usize(..texts.len())].to_owned()
}

fn set(headers: &mut Headers, name: &str, value: String) {
    headers
        .0
        .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    headers.push(name, value);
}

/// One byte inserted, removed or replaced.
fn edit(body: &mut Vec<u8>, random: &mut Rng) {
    let byte = BYTES[random.usize(..BYTES.len())];
    let at = random.usize(..=body.len());
    match random.usize(..3) {
        0 => body.insert(at, byte),
        1 if at < body.len() => {
            body.remove(at);
        }
        _ if at < body.len() => body[at] = byte,
        _ => body.push(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> Vec<(String, String, Vec<u8>)> {
        let mut requests = vec![Request::new("generated: one", "POST", "/api/token/")];
        add(&mut requests, 50, seed);
        let parts = requests.into_iter();
        parts
            .map(|request| (request.method, request.target, request.body))
            .collect()
    }

    #[test]
    fn a_seed_repeats_its_requests_and_another_has_others() {
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert_eq!(drawn(7).len(), 50);
    }
}
