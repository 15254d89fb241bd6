//! The environment in which a program uses the sandbox instead of Microsoft: what curl, OpenSSL, Python's
//! requests and httpx, Node, Deno, Go and .NET trust; where the Azure SDKs sign in and as whom; where Attaché
//! itself finds everything.

use std::path::Path;

use serde_json::Value;

/// What is set and what is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variables {
    /// Names and values.
    pub(super) set: Vec<(&'static str, String)>,
    /// Credentials for the real tenant, which have no business here: the Azure SDKs would send them.
    pub(super) unset: &'static [&'static str],
}

const FOREIGN: &[&str] = &[
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
];

/// The environment for a tenant, as its ready object describes it.
pub(super) fn of(ready: &Value, ca: &Path, bundle: &Path) -> Variables {
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let url = text("/url");
    let [ca, bundle] = [ca, bundle].map(|path| path.display().to_string());
    let (client, secret) = (text("/apps/provisioner/client_id"), text("/apps/provisioner/client_secret"));
    let mut set = vec![
        // These replace the system's authorities, so they get both.
        ("SSL_CERT_FILE", bundle.clone()),
        ("REQUESTS_CA_BUNDLE", bundle.clone()),
        ("CURL_CA_BUNDLE", bundle),
        // These add to what is built in.
        ("NODE_EXTRA_CA_CERTS", ca.clone()),
        ("DENO_CERT", ca.clone()),
        ("AZURE_AUTHORITY_HOST", url.clone()),
        ("AZURE_TENANT_ID", text("/tenant_id")),
        ("AZURE_CLIENT_ID", client.clone()),
        ("AZURE_CLIENT_SECRET", secret.clone()),
        ("ATTACHE_AUTHORITY", url.clone()),
        ("ATTACHE_GRAPH", url.clone()),
        ("ATTACHE_CA", ca),
        ("ATTACHE_TENANT", text("/tenant_id")),
        ("ATTACHE_CLIENT_ID", text("/apps/client/client_id")),
        ("ATTACHE_PROVISIONER_CLIENT_ID", client),
        ("ATTACHE_PROVISIONER_CLIENT_SECRET", secret),
        ("ATTACHE_SANDBOX_URL", url),
        ("ATTACHE_SANDBOX_TOKEN", text("/control_token")),
    ];
    if ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        let already = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
        let all = past_the_proxy(already.as_deref().unwrap_or_default());
        set.extend([("NO_PROXY", all.clone()), ("no_proxy", all)]);
    }
    Variables { set, unset: FOREIGN }
}

/// A proxy elsewhere cannot reach this machine's loopback.
fn past_the_proxy(already: &str) -> String {
    let mut all: Vec<&str> = already.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
    for host in ["localhost", "127.0.0.1", "::1"] {
        if !all.contains(&host) {
            all.push(host);
        }
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_goes_past_the_proxy_once() {
        assert_eq!(past_the_proxy(""), "localhost,127.0.0.1,::1");
        assert_eq!(past_the_proxy(" .corp.example, localhost"), ".corp.example,localhost,127.0.0.1,::1");
    }
}
