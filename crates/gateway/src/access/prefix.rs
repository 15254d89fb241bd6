//! IP addresses by what they begin with: `192.0.2.0/24` (RFC 4632 §3.1), `2001:db8::/32` (RFC 4291 §2.3), or one
//! address alone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many bits stand before an address of IPv4 that is written as one of IPv6 (RFC 4291 §2.5.5.2).
const MAPPED: u32 = 96;

/// All addresses that share their first bits. One of IPv4 is itself, however it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    first: IpAddr,
    length: u32,
}

/// Why a text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// No address stands in it, or no number of bits.
    #[error("it is neither an IP address nor a prefix such as 192.0.2.0/24")]
    Unreadable,
    /// It has more bits than its address.
    #[error("an address of that version has no more than {0} bits")]
    TooLong(u32),
    /// Its address has bits of its own, so that one or the other is a slip.
    #[error("its address goes on after its bits; all addresses that begin so are {0}")]
    GoesOn(Prefix),
    /// It leaves nobody out.
    #[error("every address begins so")]
    Every,
}

impl Prefix {
    /// Whether that address begins so.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && cut(address, self.length) == self.first
    }
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with nothing after its first bits.
fn cut(address: IpAddr, length: u32) -> IpAddr {
    match address {
        IpAddr::V4(own) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
            IpAddr::V4((own.to_bits() & mask).into())
        }
        IpAddr::V6(own) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or_default();
            IpAddr::V6((own.to_bits() & mask).into())
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Unreadable)?;
        let most = bits(address);
        let length = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| PrefixError::Unreadable)?
            }
            Some(_) => return Err(PrefixError::Unreadable),
            None => most,
        };
        match length {
            0 => return Err(PrefixError::Every),
            length if length > most => return Err(PrefixError::TooLong(most)),
            _ => {}
        }
        let first = cut(address, length);
        let mapped = first.is_ipv6() && first.to_canonical().is_ipv4();
        let own = Self { first: first.to_canonical(), length: if mapped { length - MAPPED } else { length } };
        if first == address { Ok(own) } else { Err(PrefixError::GoesOn(own)) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == bits(self.first) {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{}/{}", self.first, self.length)
        }
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_begin_so_are_in_it_and_no_others() {
        for (prefix, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.128/25", "::ffff:192.0.2.128", "192.0.2.127"),
            ("::ffff:192.0.2.0/120", "192.0.2.1", "192.0.3.1"),
            ("128.0.0.0/1", "255.255.255.255", "127.255.255.255"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            // Not of the other version, whose addresses could be written so.
            ("::/64", "::1", "192.0.2.1"),
        ] {
            let prefix: Prefix = prefix.parse().unwrap();
            assert!(prefix.has(inside.parse().unwrap()), "{prefix} {inside}");
            assert!(!prefix.has(outside.parse().unwrap()), "{prefix} {outside}");
        }
    }

    #[test]
    fn it_is_written_and_kept_in_the_shortest_way() {
        for (given, shown) in [
            ("192.0.2.7/32", "192.0.2.7"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("2001:db8::1/128", "2001:db8::1"),
        ] {
            let prefix: Prefix = given.parse().unwrap();
            assert_eq!(prefix.to_string(), shown);
            let kept = serde_json::to_string(&prefix).unwrap();
            assert_eq!(kept, format!("{shown:?}"));
            assert_eq!(serde_json::from_str::<Prefix>(&kept).unwrap(), prefix);
        }
    }

    #[test]
    fn a_slip_is_told() {
        let told = |text: &str| text.parse::<Prefix>().unwrap_err();
        for none in
            ["", "office", "192.0.2", "192.0.2.0/", "192.0.2.0/+4", "192.0.2.0/24/8", "192.0.2.0 /24", "/8"]
        {
            assert_eq!(told(none), PrefixError::Unreadable, "{none}");
        }
        assert_eq!(told("192.0.2.0/33"), PrefixError::TooLong(32));
        assert_eq!(told("2001:db8::/129"), PrefixError::TooLong(128));
        assert_eq!(told("192.0.2.1/24"), PrefixError::GoesOn("192.0.2.0/24".parse().unwrap()));
        assert_eq!((told("0.0.0.0/0"), told("::/0")), (PrefixError::Every, PrefixError::Every));
    }
}
