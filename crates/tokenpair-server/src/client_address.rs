//! Who a request comes from, when it comes through proxies.
//!
//! `X-Forwarded-For` is what a client says about itself unless a proxy of ours has written it (requirement H5). So it
//! is read from its end, and only as long as the one who wrote an entry is trusted. Must never believe anybody else.

use http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Bits of an IPv6 address before the IPv4 address in it (`::ffff:0:0/96`).
const MAPPED: u8 = 96;

/// The proxies whose `X-Forwarded-For` is believed; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

/// An entry is neither an address nor a network. Says what is accepted, not which setting it is about.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address and no network; write it as 127.0.0.1 or 10.0.0.0/8")]
pub(crate) struct NotANetwork(String);

impl TrustedProxies {
    /// From addresses and networks (CIDR).
    pub(crate) fn new<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, NotANetwork> {
        let read =
            |text: T| network(text.as_ref()).ok_or_else(|| NotANetwork(text.as_ref().into()));
        networks
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The addresses and networks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    /// The client's address: the peer's own, or the last one that no trusted proxy has.
    ///
    /// An entry that is no address ends the search at the proxy that wrote it. The port is unknown, hence 0, if the
    /// address is not the peer's.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut client = peer.ip().to_canonical();
        let entries = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut entries = entries.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        while self.trusts(client)
            && let Some(entry) = entries.next().and_then(address)
        {
            client = entry;
        }
        let port = if client == peer.ip().to_canonical() {
            peer.port()
        } else {
            0
        };
        SocketAddr::new(client, port)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => text.parse().ok()?,
    };
    // Addresses are compared in their canonical form, so a network has to be in it too.
    match (network.addr().to_canonical(), network) {
        (IpAddr::V4(address), IpNet::V6(mapped)) => {
            let length = mapped.prefix_len().checked_sub(MAPPED)?;
            Ipv4Net::new(address, length).ok().map(IpNet::V4)
        }
        _ => Some(network),
    }
}

/// An entry of the header; some proxies write the port, too.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let address = text
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
