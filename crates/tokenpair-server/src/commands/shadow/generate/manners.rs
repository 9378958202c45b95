//! How a client asks: methods, media types, formats, paths that are almost right.

use super::super::exchange::Request;
use super::plan::Plan;

const METHODS: [&str; 6] = ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const ACCEPTS: [&str; 6] = [
    "*/*",
    "application/json; indent=4",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html",
    "application/xml",
    "application/*;q=0.1, text/plain",
];
const FORMATS: [&str; 3] = ["json", "api", "xml"];

pub(super) fn add(plan: &mut Plan<'_>) {
    let endpoints = plan
        .paths
        .iter()
        .filter(|(endpoint, _)| endpoint.is_simple_jwts());
    for (_, path) in endpoints {
        let ask = |about: &str, method: &str, target: String| {
            Request::new(format!("generated: {about}"), method, target)
        };
        for method in METHODS {
            plan.requests.push(ask(method, method, path.to_owned()));
        }
        for accept in ACCEPTS {
            let mut request = ask("Accept", "POST", path.to_owned());
            request.headers.push("accept", accept);
            plan.requests.push(request);
        }
        for format in FORMATS {
            plan.requests
                .push(ask("format", "POST", format!("{path}?format={format}")));
        }
        let mut described = ask("OPTIONS as a page", "OPTIONS", path.to_owned());
        described.headers.push("accept", "text/html");
        plan.requests.push(described);
        let mut foreign = ask("credentials that nobody asked for", "POST", path.to_owned());
        foreign.headers.push("authorization", "Bearer x.y.z");
        plan.requests.push(foreign);
        plan.requests
            .push(ask("a query", "POST", format!("{path}?next=/a%20b&next=")));
        if let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
            plan.requests
                .push(ask("no final slash", "POST", bare.to_owned()));
            plan.requests.push(ask(
                "no final slash, with a query",
                "GET",
                format!("{bare}?x=1"),
            ));
        }
    }
}
