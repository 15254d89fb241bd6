//! Named locations: ranges of addresses, which may be trusted, or countries. They serialise as Graph shows them.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::whereabouts::Whereabouts;

/// A named location.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NamedLocation {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) created_date_time: Timestamp,
    pub(crate) modified_date_time: Timestamp,
    #[serde(flatten)]
    pub(crate) place: Place,
}

/// What it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "@odata.type")]
pub(crate) enum Place {
    #[serde(rename = "#microsoft.graph.ipNamedLocation", rename_all = "camelCase")]
    Addresses {
        #[serde(default)]
        is_trusted: bool,
        ip_ranges: Vec<IpRange>,
    },
    #[serde(rename = "#microsoft.graph.countryNamedLocation", rename_all = "camelCase")]
    Countries {
        countries_and_regions: Vec<String>,
        #[serde(default)]
        include_unknown_countries_and_regions: bool,
        /// `clientIpAddress` or `authenticatorAppGps`.
        #[serde(default = "by_address")]
        country_lookup_method: String,
    },
}

fn by_address() -> String {
    "clientIpAddress".to_owned()
}

/// A range of addresses in CIDR notation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "@odata.type")]
pub(crate) enum IpRange {
    #[serde(rename = "#microsoft.graph.iPv4CidrRange", rename_all = "camelCase")]
    V4 { cidr_address: String },
    #[serde(rename = "#microsoft.graph.iPv6CidrRange", rename_all = "camelCase")]
    V6 { cidr_address: String },
}

impl NamedLocation {
    /// Whether it is among `AllTrusted`.
    pub(crate) fn is_trusted(&self) -> bool {
        matches!(self.place, Place::Addresses { is_trusted: true, .. })
    }

    /// Whether somebody is there.
    pub(super) fn covers(&self, whereabouts: &Whereabouts) -> bool {
        match &self.place {
            Place::Addresses { ip_ranges, .. } => {
                ip_ranges.iter().any(|range| range.contains(whereabouts.address))
            }
            Place::Countries { countries_and_regions, include_unknown_countries_and_regions, .. } => {
                match &whereabouts.country {
                    Some(country) => {
                        countries_and_regions.iter().any(|one| one.eq_ignore_ascii_case(country))
                    }
                    None => *include_unknown_countries_and_regions,
                }
            }
        }
    }
}

impl IpRange {
    /// Whether it is a range of its own kind, and no wider than Entra takes.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::V4 { cidr_address } => matches!(cidr(cidr_address), Some((IpAddr::V4(_), 8..=32))),
            Self::V6 { cidr_address } => matches!(cidr(cidr_address), Some((IpAddr::V6(_), 8..=128))),
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (Self::V4 { cidr_address } | Self::V6 { cidr_address }) = self;
        match (cidr(cidr_address), address) {
            (Some((IpAddr::V4(network), length)), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
            }
            (Some((IpAddr::V6(network), length)), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The network and the length of its prefix.
fn cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (network, length) = text.split_once('/')?;
    let network: IpAddr = network.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let longest = if network.is_ipv4() { 32 } else { 128 };
    (length <= longest).then_some((network, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        let range = if range.contains(':') {
            IpRange::V6 { cidr_address: range.to_owned() }
        } else {
            IpRange::V4 { cidr_address: range.to_owned() }
        };
        range.is_sound() && range.contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_contains_what_shares_its_prefix() {
        assert!(contains("203.0.113.0/24", "203.0.113.200"));
        assert!(!contains("203.0.113.0/24", "203.0.114.1"));
        assert!(contains("203.0.113.7/32", "203.0.113.7"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(!contains("2001:db8::/32", "203.0.113.7"));
        for nonsense in ["203.0.113.0", "203.0.113.0/33", "203.0.113.0/0", "x/8", "2001:db8::/129"] {
            assert!(!contains(nonsense, "203.0.113.1"), "{nonsense}");
        }
    }
}
