//! What the world around the server can see.

use super::Finding;
use crate::config::{Config, Email, Security};

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
    if server.flush_interval.is_none() && config.token_blacklist {
        findings.push(Finding::warning(
            "W013",
            "flush_interval is 0: expired tokens stay in the database for ever.",
            "Set flush_interval = \"1h\", or run `tokenpair flushexpiredtokens` every day.",
        ));
    }
    if !config.database.is_protected() {
        findings.push(Finding::warning(
            "W026",
            "The database is reached over a network and need not prove who it is: somebody between could read and change everything.",
            "Add sslmode=verify-full to the address, and sslrootcert=FILE where its certificate is your own.",
        ));
    }
    if let Some(path) = config.key_file().filter(|_| config.makes_key_for_itself()) {
        findings.push(Finding::warning(
            "W027",
            format!(
                "The signing key is in {}, and the database can be shared: a node elsewhere would make another key and refuse these tokens.",
                path.display()
            ),
            "Give all nodes one SIGNING_KEY, or copy the file to each and name it in signing_key_file.",
        ));
    }
    let has_proxy = server.trusted_proxies.iter().next().is_some();
    if config.database.is_shared() && has_proxy && server.drain_delay.is_zero() {
        findings.push(Finding::warning(
            "W028",
            "The server is behind a proxy, the database can be shared, and drain_delay is 0: a restart refuses who the proxy still sends.",
            "Set drain_delay = \"5s\", or longer than the proxy takes to notice (docs/running-many-nodes.md).",
        ));
    }
    findings.extend(config.email.as_ref().and_then(mail));
    if config.accounts.site_url.starts_with("http://") && !is_local(&config.accounts.site_url) {
        findings.push(Finding::warning(
            "W032",
            "site_url is not https: whoever sees a link of a mail on its way can set that user's password.",
            "Serve the site by HTTPS and write https:// in site_url.",
        ));
    }
    if config.allows_any_origin() {
        findings.push(Finding::warning(
            "W020",
            "Every origin is allowed ([cors]): any web page may use the API with a token it got hold of.",
            "List the origins that need it in CORS_ALLOWED_ORIGINS; an expression should end in $.",
        ));
    }
    for expression in config.unanchored_origins() {
        findings.push(Finding::warning(
            "W025",
            format!("CORS_ALLOWED_ORIGIN_REGEXES: {expression:?} matches longer origins, too: nothing anchors its end."),
            "Let it end in $.",
        ));
    }
    if server
        .trusted_proxies
        .iter()
        .any(|network| network.prefix_len() == 0)
    {
        findings.push(Finding::warning(
            "W021",
            "trusted_proxies holds every address: anybody can write the address that the log shows.",
            "List the addresses of your proxies only.",
        ));
    }
    findings
}

fn mail(email: &Email) -> Option<Finding> {
    let is_exposed = email.security == Security::Plain && !is_local(&email.host);
    is_exposed.then(|| {
        Finding::warning(
            "W031",
            format!(
                "Mail goes to {} without TLS: passwords and links to set one can be read on the way.",
                email.host
            ),
            "Set EMAIL_USE_TLS = true with EMAIL_PORT = 587, or EMAIL_USE_SSL = true with EMAIL_PORT = 465.",
        )
    })
}

/// Whether a host, or the host of an address, is this machine.
fn is_local(host: &str) -> bool {
    let host = host.rsplit_once("://").map_or(host, |(_, rest)| rest);
    ["localhost", "127.", "[::1]", "::1"]
        .iter()
        .any(|local| host.starts_with(local))
}
