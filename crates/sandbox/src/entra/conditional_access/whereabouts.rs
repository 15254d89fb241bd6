//! Where a request comes from and what it runs on. Everything reaches a sandbox from this machine, so a client
//! says it in headers: `X-Forwarded-For` as a proxy would, `X-Sandbox-Country`, the names of its platform, and
//! `X-Sandbox-Device` with the properties of the registered device, as a form: `isCompliant=True&trustType=ServerAD`.

use std::net::{IpAddr, Ipv4Addr};

use crate::exchange::Request;

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    pub(crate) address: IpAddr,
    /// Two letters, in upper case.
    pub(crate) country: Option<String>,
    /// As policies name it.
    pub(crate) platform: Option<&'static str>,
    /// The registered device, if it comes from one.
    pub(crate) device: Option<Device>,
}

/// A registered device: its properties by Graph's names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device(Vec<(String, String)>);

impl Device {
    /// Reads the header; `None` if it names no property.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let properties: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
            .collect();
        (!properties.is_empty()).then_some(Self(properties))
    }

    /// A property, by its name in lower case.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether its management says that it complies.
    pub(super) fn is_compliant(&self) -> bool {
        self.property("iscompliant").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether it is joined to a domain on premises too (hybrid joined).
    pub(super) fn is_domain_joined(&self) -> bool {
        self.property("trusttype").is_some_and(|value| value.eq_ignore_ascii_case("ServerAD"))
    }
}

/// What names a platform in a `User-Agent` or an `x-client-OS`, in lower case; the first that fits.
const PLATFORMS: [(&str, &str); 11] = [
    ("windows phone", "windowsPhone"),
    ("android", "android"),
    ("iphone", "iOS"),
    ("ipad", "iOS"),
    ("ios", "iOS"),
    ("windows", "windows"),
    ("win32", "windows"),
    ("mac os", "macOS"),
    ("macintosh", "macOS"),
    ("darwin", "macOS"),
    ("linux", "linux"),
];

impl Whereabouts {
    /// Of a request.
    pub(crate) fn of(request: &Request) -> Self {
        let forwarded = request.header("x-forwarded-for").unwrap_or_default();
        let first = forwarded.split(',').next().unwrap_or_default().trim();
        let country = request.header("x-sandbox-country").map(str::trim);
        let is_country =
            |country: &&str| country.len() == 2 && country.bytes().all(|one| one.is_ascii_alphabetic());
        let says = ["x-client-os", "user-agent"].into_iter().filter_map(|name| request.header(name));
        Self {
            address: first.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            country: country.filter(is_country).map(str::to_ascii_uppercase),
            platform: says.map(str::to_ascii_lowercase).find_map(|text| platform(&text)),
            device: request.header("x-sandbox-device").and_then(Device::parse),
        }
    }
}

fn platform(text: &str) -> Option<&'static str> {
    PLATFORMS.iter().find(|(word, _)| text.contains(word)).map(|(_, platform)| *platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_libraries_say_what_they_run_on() {
        for (text, expected) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", Some("windows")),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", Some("macOS")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", Some("iOS")),
            ("Mozilla/5.0 (Linux; Android 14; Pixel 8)", Some("android")),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/120", Some("linux")),
            ("win32", Some("windows")),
            ("python-requests/2.32", None),
        ] {
            assert_eq!(platform(&text.to_ascii_lowercase()), expected, "{text}");
        }
    }
}
