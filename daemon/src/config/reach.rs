//! Which addresses the daemon may send to by itself. A receiver that is named by somebody else must not
//! make the daemon knock at doors inside the house, nor ask the cloud for its credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether everybody can reach `address`, and so no harm is done by sending to it. Everything with a purpose of
/// its own in the IANA registries of special addresses (RFC 6890) is not; nor is an address of version 6 that
/// stands for one of version 4 that is not.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        // This network, private, loopback; multicast, reserved, broadcast.
        0 | 10 | 127 | 224.. => true,
        // Shared between provider and customer (RFC 6598).
        100 => matches!(b, 64..=127),
        // Link-local, and with it the metadata service of clouds.
        169 => b == 254,
        172 => matches!(b, 16..=31),
        // Private; protocol assignments, documentation, 6to4 relays.
        192 => b == 168 || matches!((b, c), (0, 0 | 2) | (88, 99)),
        // Benchmarks, documentation.
        198 => matches!(b, 18 | 19) || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let low = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match parts {
        // Mapped (::ffff:0:0/96), compatible (::/96), with `::` and `::1` in it.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, last] => {
            parts[5] == 0xffff && is_public_v4(low(high, last))
        }
        // Translated (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, last] => is_public_v4(low(high, last)),
        // 6to4 (RFC 3056).
        [0x2002, high, next, ..] => is_public_v4(low(high, next)),
        // The local prefix of translations, which may hide anything; protocol assignments with Teredo and ORCHID;
        // documentation.
        [0x64, 0xff9b, ..] | [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Only 2000::/3 is given out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Whether `url` names an address, not a name, that is not public. The parser has already read what browsers
/// and resolvers take for an address: `2130706433`, `0x7f.1`, `[::ffff:127.0.0.1]`.
pub fn is_private_literal(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().is_ok_and(|address| !is_public(address))
}

#[cfg(test)]
mod tests;
