//! Spoofing attempts, and proxies as they really write.

use super::*;

const TRUSTED: [&str; 4] = ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"];

/// The client, for the peer and the lines of `X-Forwarded-For`.
fn client<T: AsRef<[u8]>>(trusted: &[&str], peer: &str, lines: &[T]) -> String {
    let proxies = TrustedProxies::new(trusted).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(FORWARDED_FOR, line.as_ref().try_into().unwrap());
    }
    let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
    proxies.client(peer, &headers).ip().to_string()
}

#[test]
fn without_trusted_proxies_the_header_changes_nothing() {
    for peer in ["203.0.113.7", "127.0.0.1", "10.0.0.1", "::1", "2001:db8::1"] {
        for line in ["198.51.100.1", "127.0.0.1", "", "garbage", "10.0.0.1, ::1"] {
            assert_eq!(client(&[], peer, &[line]), peer, "{line}");
        }
    }
}

#[test]
fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
    #[rustfmt::skip]
    let table: &[(&str, &[&str], &str, &str)] = &[
        // Nobody trusted has written.
        ("203.0.113.7", &["127.0.0.1"], "203.0.113.7", "a stranger claims to be us"),
        ("203.0.113.7", &["198.51.100.1, 10.0.0.1"], "203.0.113.7", "a stranger claims to be a proxy"),
        ("9.255.255.255", &["198.51.100.1"], "9.255.255.255", "just below the network"),
        ("11.0.0.0", &["198.51.100.1"], "11.0.0.0", "just above the network"),
        ("127.0.0.2", &["198.51.100.1"], "127.0.0.2", "an address is no network"),
        // One proxy.
        ("10.0.0.1", &[], "10.0.0.1", "no header"),
        ("10.0.0.1", &[""], "10.0.0.1", "an empty header"),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1", "the ordinary case"),
        ("127.0.0.1", &["\t198.51.100.1  "], "198.51.100.1", "white space"),
        ("10.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1", "a client writes the header itself"),
        ("10.0.0.1", &["127.0.0.1, 198.51.100.1"], "198.51.100.1", "a client claims to be us"),
        ("10.0.0.1", &["10.0.0.9, 198.51.100.1"], "198.51.100.1", "a client claims to be a proxy"),
        ("10.0.0.1", &["1.2.3.4", "198.51.100.1"], "198.51.100.1", "a client writes a header of its own"),
        ("10.0.0.1", &["198.51.100.1, 1.2.3.4", "198.51.100.2"], "198.51.100.2", "only the last line counts"),
        ("10.0.0.1", &["garbage, 198.51.100.1"], "198.51.100.1", "garbage before the client is not looked at"),
        // Several proxies.
        ("127.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1", "two proxies"),
        ("127.0.0.1", &["198.51.100.1", "10.0.0.2"], "198.51.100.1", "two proxies, a line each"),
        ("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.3,10.0.0.2"], "198.51.100.1", "three proxies and a lie"),
        ("127.0.0.1", &["6.6.6.6, 10.0.0.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1", "a lie about a proxy"),
        ("127.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3", "a request of a proxy's own"),
        // Garbage ends the search at the proxy that wrote it.
        ("127.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2", "unknown"),
        ("127.0.0.1", &["198.51.100.1, , 10.0.0.2"], "10.0.0.2", "an empty entry"),
        ("127.0.0.1", &["198.51.100.1, 10.0.0.2,"], "127.0.0.1", "an empty entry at the end"),
        ("127.0.0.1", &["198.51.100.1 10.0.0.2"], "127.0.0.1", "a space for a comma"),
        ("127.0.0.1", &["198.51.100.256"], "127.0.0.1", "no address"),
        ("127.0.0.1", &["0x0a.0.0.1"], "127.0.0.1", "hexadecimal"),
        ("127.0.0.1", &["010.0.0.1"], "127.0.0.1", "octal or not"),
        ("127.0.0.1", &["for=198.51.100.1"], "127.0.0.1", "another header's form"),
        ("127.0.0.1", &["10.0.0.0/8"], "127.0.0.1", "a network"),
        ("127.0.0.1", &["app.example.com"], "127.0.0.1", "a name"),
        // Ports and IPv6.
        ("127.0.0.1", &["198.51.100.1:61234"], "198.51.100.1", "with a port"),
        ("127.0.0.1", &["198.51.100.1:99999"], "127.0.0.1", "with no port"),
        ("::1", &["2001:db8::7"], "2001:db8::7", "IPv6"),
        ("fd12::1", &["[2001:db8::7]:443"], "2001:db8::7", "IPv6 with a port"),
        ("fd12::1", &["2001:db8::7, fd34::9"], "2001:db8::7", "IPv6 through two proxies"),
        ("fd12::1", &["fe80::1%eth0"], "fd12::1", "a zone"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1", "a proxy seen through IPv6"),
        ("::ffff:203.0.113.7", &["198.51.100.1"], "203.0.113.7", "a stranger seen through IPv6"),
        ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1", "a proxy written as IPv6"),
    ];
    for (peer, lines, expected, why) in table {
        assert_eq!(client(&TRUSTED, peer, lines), *expected, "{why}");
    }
}

#[test]
fn bytes_that_are_no_text_end_the_search() {
    assert_eq!(
        client(&TRUSTED, "10.0.0.1", &[b"198.51.100.1, \xff\xfe"]),
        "10.0.0.1"
    );
}

#[test]
fn the_port_is_kept_where_it_is_known() {
    let proxies = TrustedProxies::new(TRUSTED).unwrap();
    let peer: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    let mut headers = HeaderMap::new();
    assert_eq!(proxies.client(peer, &headers), peer);
    headers.insert(FORWARDED_FOR, "198.51.100.1:61234".try_into().unwrap());
    assert_eq!(proxies.client(peer, &headers).to_string(), "198.51.100.1:0");
}

#[test]
fn everybody_can_be_trusted() {
    let lines = ["198.51.100.1, 203.0.113.7"];
    assert_eq!(client(&["0.0.0.0/0"], "192.0.2.1", &lines), "198.51.100.1");
}

#[test]
fn networks_written_through_ipv6_are_those_of_ipv4() {
    for trusted in ["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "10.0.0.1/8"] {
        assert_eq!(
            client(&[trusted], "10.0.0.1", &["198.51.100.1"]),
            "198.51.100.1"
        );
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for text in [
        "",
        "10.0.0.0/33",
        "localhost",
        "10.0.0",
        "10.0.0.1:80",
        "*",
        "::/129",
        "::ffff:0:0/90",
    ] {
        let refused = TrustedProxies::new(["127.0.0.1", text])
            .unwrap_err()
            .to_string();
        let expected =
            format!("{text:?} is no address and no network; write it as 127.0.0.1 or 10.0.0.0/8");
        assert_eq!(refused, expected);
    }
}
