//! The names that the sandbox answers to: loopback, Microsoft's, and those of `--san`.

use url::Url;

/// Microsoft's names, which the second authority vouches for.
pub(crate) const MICROSOFT_NAMES: [&str; 5] =
    [ENTRA, ENTRA_ALIASES[0], ENTRA_ALIASES[1], ENTRA_ALIASES[2], "graph.microsoft.com"];

/// The name that Entra calls itself by.
const ENTRA: &str = "login.microsoftonline.com";

/// Its other names, which instance discovery tells; they answer as if they had been that one.
const ENTRA_ALIASES: [&str; 3] = ["login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// The loopback names.
pub(crate) const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Every host name.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    san: Vec<String>,
}

impl Names {
    /// The loopback names, Microsoft's and `san`.
    pub(crate) fn new(san: Vec<String>) -> Self {
        Self { san }
    }

    /// Whether the authority that persists may vouch for a name of `--san`: a host or an address, and none that
    /// would cover Microsoft's names. A name constraint covers everything below it, so `com` would.
    pub(crate) fn may_be_added(name: &str) -> bool {
        if name.parse::<std::net::IpAddr>().is_ok() {
            return true;
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let below = format!(".{}", name.to_ascii_lowercase());
        name.split('.').all(is_label)
            && !MICROSOFT_NAMES.iter().any(|covered| format!(".{covered}").ends_with(&below))
    }

    /// Whether a host (without port) is the sandbox.
    pub(crate) fn contains(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        LOOPBACK_NAMES
            .into_iter()
            .chain(MICROSOFT_NAMES)
            .chain(self.san.iter().map(String::as_str))
            .any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether a URL points here.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        url.scheme() == "https" && url.host_str().is_some_and(|host| self.contains(host))
    }

    /// The origin that an authority (`host`, `host:port`) is answered as: of Entra's names, the one that it calls
    /// itself by.
    pub(crate) fn origin(authority: &str) -> String {
        let (host, rest) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        let is_alias = ENTRA_ALIASES.iter().any(|alias| alias.eq_ignore_ascii_case(host));
        format!("https://{}{rest}", if is_alias { ENTRA } else { host })
    }

    /// Where Entra is for who came to Graph at that origin: at its own name likewise, or beside Graph.
    pub(crate) fn entra_origin(origin: &str) -> String {
        origin.replacen("//graph.microsoft.com", &format!("//{ENTRA}"), 1)
    }

    /// Whether that is a name of Entra's, where Graph is not.
    pub(crate) fn is_entra(host: &str) -> bool {
        host == ENTRA || ENTRA_ALIASES.contains(&host)
    }

    /// The path, with version, that an OData reference names; a relative one is taken as v1.0.
    pub(crate) fn reference(&self, reference: &str) -> Option<String> {
        match Url::parse(reference) {
            Ok(url) => self.is_own(&url).then(|| url.path().to_owned()),
            Err(_) if reference.contains("://") => None,
            Err(_) => {
                let path = reference.trim_start_matches('/');
                let versioned = ["v1.0/", "beta/"].iter().any(|version| path.starts_with(version));
                Some(if versioned { format!("/{path}") } else { format!("/v1.0/{path}") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_further_name_covers_microsofts() {
        for name in ["sandbox", "sandbox.test", "10.0.0.7", "fd00::7", "my-host.example"] {
            assert!(Names::may_be_added(name), "{name}");
        }
        for name in [
            "",
            ".",
            ".test",
            "*.test",
            "com",
            "COM",
            "microsoftonline.com",
            "graph.microsoft.com",
            "windows.net",
            "a b",
            "é",
        ] {
            assert!(!Names::may_be_added(name), "{name}");
        }
    }

    #[test]
    fn entra_answers_by_its_other_names_as_by_its_own() {
        for (authority, origin) in [
            ("login.windows.net", "https://login.microsoftonline.com"),
            ("LOGIN.microsoft.com:8365", "https://login.microsoftonline.com:8365"),
            ("sts.windows.net:443", "https://login.microsoftonline.com:443"),
            ("login.microsoftonline.com", "https://login.microsoftonline.com"),
            ("graph.microsoft.com", "https://graph.microsoft.com"),
            ("localhost:8365", "https://localhost:8365"),
            ("[::1]:8365", "https://[::1]:8365"),
        ] {
            assert_eq!(Names::origin(authority), origin);
        }
    }

    #[test]
    fn a_reference_may_use_any_of_its_names_and_no_other() {
        let names = Names::new(vec!["sandbox.test".to_owned()]);
        for reference in [
            "https://graph.microsoft.com/v1.0/users/x",
            "https://localhost:8365/v1.0/users/x",
            "https://sandbox.test/v1.0/users/x",
            "users/x",
            "/v1.0/users/x",
        ] {
            assert_eq!(names.reference(reference).as_deref(), Some("/v1.0/users/x"), "{reference}");
        }
        assert_eq!(names.reference("https://evil.example/v1.0/users/x"), None);
        assert_eq!(names.reference("http://localhost/v1.0/users/x"), None);
    }
}
