//! Every setting of the gateway, once: its name in the file, its variable, its default, and what it means.

use crate::config::Key;

const fn key(
    name: &'static str,
    variables: &'static [&'static str],
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key { name, variables, default, secret: false, help }
}

const fn secret(name: &'static str, variables: &'static [&'static str], help: &'static str) -> Key {
    Key { name, variables, default: None, secret: true, help }
}

/// All of them. What has no default and is not said to be optional must be given.
pub(crate) const KEYS: &[Key] = &[
    key("listen", &["ATTACHE_GATEWAY_LISTEN"], Some("127.0.0.1:8443"), "where it listens"),
    key(
        "public_url",
        &["ATTACHE_GATEWAY_PUBLIC_URL"],
        None,
        "how people and programs reach it: https://attache.example.com",
    ),
    key(
        "database",
        &["ATTACHE_GATEWAY_DATABASE"],
        None,
        "postgres://…, or the path of an SQLite file; gateway/gateway.db in the home if unset",
    ),
    key(
        "tls_certificate",
        &["ATTACHE_GATEWAY_TLS_CERTIFICATE"],
        None,
        "its certificate chain, a PEM file; optional",
    ),
    key("tls_key", &["ATTACHE_GATEWAY_TLS_KEY"], None, "the certificate's key, a PEM file; optional"),
    key(
        "trusted_proxies",
        &["ATTACHE_GATEWAY_TRUSTED_PROXIES"],
        None,
        "addresses of proxies whose X-Forwarded-For is believed, or prefixes such as 10.0.0.0/8, with commas between; optional",
    ),
    key(
        "tenant",
        &["ATTACHE_TENANT", "MICROSOFT_GRAPH_TENANT_ID"],
        None,
        "our own tenant, in which hosted identities live",
    ),
    key(
        "provisioner_client_id",
        &["ATTACHE_PROVISIONER_CLIENT_ID", "MICROSOFT_GRAPH_CLIENT_ID"],
        None,
        "the application that may create agents in it",
    ),
    secret(
        "provisioner_client_secret",
        &["ATTACHE_PROVISIONER_CLIENT_SECRET", "MICROSOFT_GRAPH_CLIENT_SECRET"],
        "its client secret",
    ),
    key(
        "domain",
        &["ATTACHE_GATEWAY_DOMAIN"],
        None,
        "the verified domain below which organisations get subdomains: agents.example.com",
    ),
    key(
        "subdomains",
        &["ATTACHE_GATEWAY_SUBDOMAINS"],
        Some("4500"),
        "how many subdomains the tenant may hold; Entra holds 5,000 domains in one",
    ),
    key(
        "sponsor",
        &["ATTACHE_GATEWAY_SPONSOR"],
        None,
        "the object id of who answers for hosted agents until an organisation names somebody",
    ),
    key(
        "licence",
        &["ATTACHE_LICENCE", "M365_DEFAULT_LICENSE_SKU_ID"],
        None,
        "the licence of agent users; any with mailbox and Teams if unset",
    ),
    key(
        "usage_location",
        &["ATTACHE_USAGE_LOCATION"],
        Some("US"),
        "the country of its agent users, two letters",
    ),
    key(
        "sign_in_client_id",
        &["ATTACHE_GATEWAY_SIGN_IN_CLIENT_ID"],
        None,
        "the web application that people sign in to; its redirect URI is <public_url>/sign-in/callback",
    ),
    secret("sign_in_client_secret", &["ATTACHE_GATEWAY_SIGN_IN_CLIENT_SECRET"], "its client secret"),
    key(
        "connect_client_id",
        &["ATTACHE_GATEWAY_CONNECT_CLIENT_ID"],
        None,
        "the multi-tenant application that customers' administrators consent to; its redirect URI is <public_url>/connect/callback; optional",
    ),
    secret(
        "connect_client_secret",
        &["ATTACHE_GATEWAY_CONNECT_CLIENT_SECRET"],
        "its client secret, if it is given",
    ),
    key(
        "operators",
        &["ATTACHE_GATEWAY_OPERATORS"],
        None,
        "who runs this gateway, as tenant-id/object-id, with commas between",
    ),
    key(
        "operator_keys",
        &["ATTACHE_GATEWAY_OPERATOR_KEYS"],
        None,
        "the SHA-256 of each key that acts for operators, as `attache gateway operator-key` prints it; optional",
    ),
    secret(
        "key",
        &["ATTACHE_GATEWAY_KEY"],
        "the key with which `attache gateway suspend` and `resume` speak to it; for these commands only",
    ),
    key(
        "send_quota",
        &["ATTACHE_GATEWAY_SEND_QUOTA"],
        Some("200"),
        "how many recipients an organisation's hosted identities may write to within 24 hours",
    ),
    key(
        "local_part",
        &["ATTACHE_GATEWAY_LOCAL_PART"],
        Some("assistant"),
        "a hosted identity's address before the @",
    ),
    key(
        "shared_sender",
        &["ATTACHE_GATEWAY_SHARED_SENDER"],
        None,
        "the no-reply address of organisations without an identity; optional",
    ),
    key(
        "identity_look_hours",
        &["ATTACHE_GATEWAY_IDENTITY_LOOK_HOURS"],
        Some("6"),
        "how often it is looked whether each identity is still as it should be",
    ),
    key(
        "sponsor_look_hours",
        &["ATTACHE_GATEWAY_SPONSOR_LOOK_HOURS"],
        Some("6"),
        "how often it is looked whether each identity's sponsor still answers for it",
    ),
    key(
        "review_days",
        &["ATTACHE_GATEWAY_REVIEW_DAYS"],
        Some("90"),
        "after how many days somebody is to confirm an identity again",
    ),
    key(
        "seats_low",
        &["ATTACHE_GATEWAY_SEATS_LOW"],
        Some("5"),
        "when only so many seats of licences remain for agents, somebody is told",
    ),
    key(
        "prices",
        &["ATTACHE_GATEWAY_PRICES"],
        None,
        "what licences cost a month, as PART_NUMBER=6.00 with commas between; list prices of some if unset",
    ),
    key(
        "sponsor_price",
        &["ATTACHE_GATEWAY_SPONSOR_PRICE"],
        Some("15.00"),
        "what the licence costs a month that each sponsor needs; 0 for none",
    ),
    key("currency", &["ATTACHE_GATEWAY_CURRENCY"], Some("USD"), "the currency of prices, three letters"),
    key("authority", &["ATTACHE_AUTHORITY"], Some("https://login.microsoftonline.com"), "where Entra ID is"),
    key("graph", &["ATTACHE_GRAPH"], Some("https://graph.microsoft.com"), "where Microsoft Graph is"),
    key("ca", &["ATTACHE_CA"], None, "a PEM file of authorities to trust besides the system's; optional"),
    key(
        "key_file",
        &["ATTACHE_KEY_FILE"],
        None,
        "the key of the file that seals the gateway's secrets; gateway/secrets.key in the home if unset",
    ),
    secret("passphrase", &["ATTACHE_PASSPHRASE"], "its passphrase, instead of a key file; optional"),
    key(
        "provision_scale",
        &["ATTACHE_PROVISION_SCALE"],
        Some("1"),
        "how long to wait for what the platform does late, as a share of what Microsoft's may need",
    ),
    key("workers", &["ATTACHE_GATEWAY_WORKERS"], Some("16"), "how many jobs run at once"),
    key(
        "outbound_allowed",
        &["ATTACHE_GATEWAY_OUTBOUND_ALLOWED"],
        None,
        "addresses that are not public and that owners may have the audit log sent to, with commas between; optional",
    ),
    key(
        "region",
        &["ATTACHE_GATEWAY_REGION"],
        None,
        "the region of every organisation on this gateway, such as eu; optional",
    ),
    key(
        "organisation_rate",
        &["ATTACHE_GATEWAY_ORGANISATION_RATE"],
        Some("6000"),
        "how many requests a minute all API keys of an organisation may make, at each process; 0 for no limit",
    ),
    key(
        "key_rate",
        &["ATTACHE_GATEWAY_KEY_RATE"],
        Some("3000"),
        "how many requests a minute one API key or one person may make, at each process; 0 for no limit",
    ),
    key(
        "address_rate",
        &["ATTACHE_GATEWAY_ADDRESS_RATE"],
        Some("600"),
        "how many requests a minute one address may make to sign in and the like, at each process; 0 for no limit",
    ),
    key(
        "log_format",
        &["ATTACHE_GATEWAY_LOG_FORMAT"],
        Some("text"),
        "text, or json: one object a line, on standard error too, for a collector",
    ),
    key(
        "otlp_endpoint",
        &["ATTACHE_GATEWAY_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        None,
        "where traces go by OTLP over HTTP, such as http://localhost:4318; optional",
    ),
    secret(
        "otlp_headers",
        &["ATTACHE_GATEWAY_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
        "what the collector wants besides: authorization=Bearer …, with commas between; optional",
    ),
    key(
        "log",
        &["ATTACHE_LOG"],
        Some("info"),
        "what is logged: error, warn, info, debug, trace, or a filter",
    ),
];

#[cfg(test)]
mod tests {
    use super::KEYS;

    #[test]
    fn the_chapter_has_a_row_for_each_with_its_variable_and_default() {
        let chapter = include_str!("../../../../../docs/gateway.md");
        let rows: Vec<Vec<&str>> = chapter
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect();
        for key in KEYS {
            let own = |row: &&Vec<&str>| names(row[0]).contains(&key.name.to_owned());
            let row = rows.iter().find(own).unwrap_or_else(|| panic!("no row has `{}`", key.name));
            let variables = names(row[1]);
            for variable in key.variables {
                assert!(
                    variables.contains(&(*variable).to_owned()),
                    "{}: {variable} in {variables:?}",
                    key.name
                );
            }
        }
    }

    /// What a cell names in code; "…_SECRET" after "A_CLIENT_ID" stands for every name that it can complete.
    fn names(cell: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in cell.split('`').skip(1).step_by(2) {
            match name.strip_prefix('…') {
                None => names.push(name.to_owned()),
                Some(end) => {
                    let whole = names.last().cloned().unwrap_or_default();
                    let cuts = whole.match_indices('_').map(|(at, _)| format!("{}{end}", &whole[..at]));
                    names.extend(cuts.collect::<Vec<_>>());
                }
            }
        }
        names
    }
}
