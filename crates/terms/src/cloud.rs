//! Which Microsoft cloud is spoken to: where Entra and Graph stand and what the token-exchange audience is
//! called there (Entra reference §9). A sandbox is one more cloud.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// The scheme, host and port of a service. Only an origin that the operator configured may receive a
/// bearer token; [`Origin::admits`] is how a link from a response is checked against it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(Url);

/// Why a text names no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// It is no absolute URL.
    #[error("{0:?} is not a URL: write it as https://host or https://host:port")]
    NotAUrl(String),
    /// It would send tokens in the clear.
    #[error("{0:?} is not https: tokens are sent only over TLS")]
    NotHttps(String),
    /// It carries more than an origin.
    #[error("{0:?} has a path, query or user name: write only https://host or https://host:port")]
    NotAnOrigin(String),
}

impl Origin {
    /// The URL of `path`, which starts with `/` and is encoded already.
    pub fn at(&self, path: &str) -> String {
        debug_assert!(path.starts_with('/'), "a path starts with a slash: {path}");
        format!("{}{path}", self.as_str())
    }

    /// The origin without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host's name.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether a bearer token for this origin may be sent to `url`.
    pub fn admits(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
    }
}

impl TryFrom<String> for Origin {
    type Error = CloudError;

    fn try_from(text: String) -> Result<Self, CloudError> {
        let url = Url::parse(&text).map_err(|_| CloudError::NotAUrl(text.clone()))?;
        if url.scheme() != "https" {
            return Err(CloudError::NotHttps(text));
        }
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.has_host();
        if bare { Ok(Self(url)) } else { Err(CloudError::NotAnOrigin(text)) }
    }
}

impl std::str::FromStr for Origin {
    type Err = CloudError;

    fn from_str(text: &str) -> Result<Self, CloudError> {
        text.to_owned().try_into()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> String {
        origin.as_str().to_owned()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.as_str())
    }
}

/// One cloud: its sign-in service, its Graph, and its token-exchange audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloud {
    /// Entra ID: `https://login.microsoftonline.com` or a sandbox.
    pub login: Origin,
    /// Microsoft Graph: `https://graph.microsoft.com` or a sandbox.
    pub graph: Origin,
    /// The audience of hop 1 and 2 without `/.default`: `api://AzureADTokenExchange` and its variants.
    pub exchange_audience: String,
}

impl Cloud {
    /// The global cloud. Agent identities exist only here (Entra reference §9).
    #[expect(clippy::expect_used, reason = "constants that a test parses")]
    pub fn global() -> Self {
        Self {
            login: "https://login.microsoftonline.com".parse().expect("a constant origin"),
            graph: "https://graph.microsoft.com".parse().expect("a constant origin"),
            exchange_audience: "api://AzureADTokenExchange".to_owned(),
        }
    }

    /// A cloud whose two services stand elsewhere, such as a sandbox.
    pub fn at(login: Origin, graph: Origin) -> Self {
        Self { login, graph, ..Self::global() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_only_to_the_configured_origin() {
        let graph = Cloud::global().graph;
        let admitted = |text: &str| graph.admits(&Url::parse(text).unwrap());
        assert!(admitted("https://graph.microsoft.com/v1.0/me/chats?$skiptoken=x"));
        assert!(admitted("https://graph.microsoft.com:443/v1.0/me"));
        for text in [
            "http://graph.microsoft.com/v1.0/me",
            "https://graph.microsoft.com.evil.example/",
            "https://graph.microsoft.com:444/",
            "https://user@graph.microsoft.com/",
            "https://evil.example/?https://graph.microsoft.com",
        ] {
            assert!(!admitted(text), "{text}");
        }
    }

    #[test]
    fn an_origin_is_https_and_nothing_more() {
        assert_eq!(
            "https://localhost:8365/".parse::<Origin>().unwrap().at("/v1.0/me"),
            "https://localhost:8365/v1.0/me"
        );
        assert!(matches!("http://localhost".parse::<Origin>(), Err(CloudError::NotHttps(_))));
        assert!(matches!("https://localhost/v1.0".parse::<Origin>(), Err(CloudError::NotAnOrigin(_))));
        assert!(matches!(
            "localhost:8365".parse::<Origin>(),
            Err(CloudError::NotHttps(_) | CloudError::NotAUrl(_))
        ));
    }
}
