//! What the world around the server can see.

use super::Finding;
use crate::config::Config;

/// Every finding about addresses and housekeeping.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let server = &config.server;
    let mut findings = Vec::new();
    if !server.listen.ip().is_loopback() {
        findings.push(Finding::warning(
            "W012",
            format!(
                "The server listens on {} without HTTPS: passwords and tokens can be read on the way.",
                server.listen
            ),
            "Listen on 127.0.0.1 behind a proxy that speaks HTTPS (docs/nginx.md), unless the network is yours alone.",
        ));
    }
    if server.flush_interval.is_none() {
        findings.push(Finding::warning(
            "W013",
            "flush_interval is 0: expired tokens stay in the database for ever.",
            "Set flush_interval = \"1h\", or run `tokenpair flushexpiredtokens` every day.",
        ));
    }
    findings
}
