//! Where a request comes from and what it runs on. Everything reaches a sandbox from this machine, so a client
//! says it in headers: `X-Forwarded-For` as a proxy would, `X-Sandbox-Country`, and the names of its platform.

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
