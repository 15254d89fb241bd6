//! What a token is asked for: an API with all that is granted on it (`<resource>/.default`, Entra reference
//! §1.8), or named delegated permissions (§1.3).

use std::sync::Arc;

use attache_terms::Cloud;

/// An API, named by its application id URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    scope: Arc<str>,
}

impl Resource {
    /// The API with this URI, without `/.default`.
    pub fn new(uri: &str) -> Self {
        Self { scope: format!("{uri}/.default").into() }
    }

    /// Microsoft Graph. A cloud that is none of Microsoft's is a sandbox, and plays the global one.
    pub fn graph(cloud: &Cloud) -> Self {
        // Entra reference §9.
        const NATIONAL: [&str; 3] =
            ["graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];
        match NATIONAL.iter().find(|host| **host == cloud.graph.host()) {
            Some(host) => Self::new(&format!("https://{host}")),
            None => Self::new("https://graph.microsoft.com"),
        }
    }

    /// The audience of the exchange tokens T1 and T2.
    pub fn exchange(cloud: &Cloud) -> Self {
        Self::new(&cloud.exchange_audience)
    }

    /// The URI without `/.default`.
    pub fn as_str(&self) -> &str {
        self.scope.trim_end_matches("/.default")
    }

    pub(crate) fn scope(&self) -> &Arc<str> {
        &self.scope
    }
}

/// Delegated permissions that a person grants. `openid`, `profile` and `offline_access` are always asked
/// for too: who it is, and a refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scopes {
    asked: Arc<str>,
}

impl Scopes {
    /// The permissions with these names: `Chat.ReadWrite` for Graph's, `api://…/access_agent` for another's.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut asked: Vec<&str> = names.into_iter().collect();
        asked.extend(["openid", "profile", "offline_access"]);
        asked.sort_unstable();
        asked.dedup();
        Self { asked: asked.join(" ").into() }
    }

    /// As they are sent: sorted, separated by spaces.
    pub fn as_str(&self) -> &str {
        &self.asked
    }

    pub(crate) fn asked(&self) -> &Arc<str> {
        &self.asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_plays_the_global_graph() {
        let here = || "https://localhost:8365".parse().unwrap();
        assert_eq!(Resource::graph(&Cloud::at(here(), here())).as_str(), "https://graph.microsoft.com");
        let gov = Cloud::at(
            "https://login.microsoftonline.us".parse().unwrap(),
            "https://graph.microsoft.us".parse().unwrap(),
        );
        assert_eq!(&**Resource::graph(&gov).scope(), "https://graph.microsoft.us/.default");
    }

    #[test]
    fn scopes_are_the_same_in_any_order() {
        assert_eq!(
            Scopes::new(["User.Read", "Chat.ReadWrite"]),
            Scopes::new(["Chat.ReadWrite", "User.Read", "openid"])
        );
        assert_eq!(Scopes::new(["User.Read"]).as_str(), "User.Read offline_access openid profile");
    }
}
