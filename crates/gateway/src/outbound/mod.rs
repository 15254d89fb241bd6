//! Where the gateway connects because a customer said so. A customer must not reach through it what only the gateway
//! can reach: addresses that are not public (the IANA registries of special-purpose addresses, RFC 6890) are refused
//! unless the operator allows them, and the connection goes to the address that was judged, not to a name that may
//! mean another one a moment later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// How long a connection may take to come about, at one address.
const CONNECT: Duration = Duration::from_secs(5);

/// How many bytes the system may hold that the other side has not taken in: what is said there is known to be on its
/// way but for so much.
const HELD: u32 = 16 * 1024;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutboundError {
    /// The name means nothing.
    #[error("the host has no address")]
    Unresolved,
    /// It means something that is not for customers.
    #[error("the host's address is not a public one")]
    NotPublic,
    /// Nobody answers there.
    #[error("nothing answers there")]
    Unreachable,
}

/// Connects to a host that a customer named.
pub(crate) async fn connect(host: &str, port: u16, allowed: &[IpAddr]) -> Result<TcpStream, OutboundError> {
    let addresses = resolve(host, port, allowed).await?;
    for address in addresses {
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT, reach(address)).await {
            return Ok(stream);
        }
    }
    Err(OutboundError::Unreachable)
}

async fn reach(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_send_buffer_size(HELD)?;
    socket.connect(address).await
}

/// The addresses of a host that may be connected to.
async fn resolve(host: &str, port: u16, allowed: &[IpAddr]) -> Result<Vec<SocketAddr>, OutboundError> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let found = tokio::time::timeout(CONNECT, lookup_host((bare, port))).await;
    let found: Vec<SocketAddr> = found.ok().and_then(Result::ok).ok_or(OutboundError::Unresolved)?.collect();
    if found.is_empty() {
        return Err(OutboundError::Unresolved);
    }
    let good: Vec<SocketAddr> =
        found.into_iter().filter(|address| may_reach(address.ip(), allowed)).collect();
    if good.is_empty() { Err(OutboundError::NotPublic) } else { Ok(good) }
}

/// Whether customers may have this address connected to.
pub(crate) fn may_reach(address: IpAddr, allowed: &[IpAddr]) -> bool {
    allowed.contains(&address)
        || match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || (a == 100 && (64..128).contains(&b)) // shared with carriers
        || address.is_loopback()
        || address.is_link_local() // metadata services, too
        || (a, b, c) == (192, 0, 0) // protocol assignments
        || address.is_documentation()
        || (a, b, c) == (192, 88, 99) // 6to4 relays
        || (a == 198 && (b & 0xfe) == 18) // benchmarks
        || a >= 224) // multicast, reserved, broadcast
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // What leads to an IPv4 address (RFC 6052, RFC 3056) is judged by that.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // Protocol assignments with Teredo, documentation, and SRv6's own.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Nothing else is global unicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_may_be_reached() {
        for public in
            ["8.8.8.8", "20.190.128.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "192.0.1.1"]
        {
            assert!(may_reach(public.parse().unwrap(), &[]), "{public}");
        }
        for inner in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "198.18.0.1",
            "192.0.2.1",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001:db8::1",
            "2001::1",
            "::127.0.0.1",
            "100::1",
            "fec0::1",
        ] {
            assert!(!may_reach(inner.parse().unwrap(), &[]), "{inner}");
        }
    }

    #[tokio::test]
    async fn an_operator_can_allow_one_that_is_not() {
        let own = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(resolve("127.0.0.1", 514, &[]).await, Err(OutboundError::NotPublic));
        assert_eq!(resolve("[::1]", 514, &[own]).await, Err(OutboundError::NotPublic));
        assert_eq!(resolve("127.0.0.1", 514, &[own]).await, Ok(vec![SocketAddr::new(own, 514)]));
        // The ways in which a resolver writes the same.
        for other in ["127.1", "2130706433", "0x7f.1"] {
            assert!(resolve(other, 514, &[]).await.is_err(), "{other}");
        }
        assert_eq!(resolve("nowhere.invalid", 514, &[]).await, Err(OutboundError::Unresolved));
    }
}
