//! Every setting there is, once: its name in the file, its variables in the environment, its default, and
//! what it means. The flags are in `args`; `config show` prints this list with where each value came from.

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// The name in `config.toml`; the flag is the same with hyphens.
    pub(crate) name: &'static str,
    /// Variables that are read, the first that is set counts.
    pub(crate) variables: &'static [&'static str],
    /// The value when nobody gives one.
    pub(crate) default: Option<&'static str>,
    /// Whether it is a secret: never read from the file, never shown.
    pub(crate) secret: bool,
    /// What it means, for people.
    pub(crate) help: &'static str,
}

#[cfg(feature = "device")]
const fn key(
    name: &'static str,
    variables: &'static [&'static str],
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key { name, variables, default, secret: false, help }
}

#[cfg(feature = "device")]
const fn secret(name: &'static str, variables: &'static [&'static str], help: &'static str) -> Key {
    Key { name, variables, default: None, secret: true, help }
}

/// All of them, in the order in which they are shown. The variables that do not start with `ATTACHE_` are
/// those of the programs that came before.
#[cfg(feature = "device")]
pub(crate) const KEYS: &[Key] = &[
    key(
        "tenant",
        &["ATTACHE_TENANT", "MICROSOFT_GRAPH_TENANT_ID"],
        None,
        "the directory's tenant id (Entra admin centre > Overview)",
    ),
    key(
        "client_id",
        &["ATTACHE_CLIENT_ID"],
        None,
        "the public client application that the sponsor signs in to",
    ),
    key("authority", &["ATTACHE_AUTHORITY"], Some("https://login.microsoftonline.com"), "where Entra ID is"),
    key("graph", &["ATTACHE_GRAPH"], Some("https://graph.microsoft.com"), "where Microsoft Graph is"),
    key("ca", &["ATTACHE_CA"], None, "a PEM file of authorities to trust besides the system's"),
    key(
        "provisioner_client_id",
        &["ATTACHE_PROVISIONER_CLIENT_ID", "MICROSOFT_GRAPH_CLIENT_ID"],
        None,
        "the application that may create the agent's objects",
    ),
    secret(
        "provisioner_client_secret",
        &["ATTACHE_PROVISIONER_CLIENT_SECRET", "MICROSOFT_GRAPH_CLIENT_SECRET"],
        "its client secret, needed until the agent exists",
    ),
    key("provision", &["ATTACHE_PROVISION"], Some("auto"), "auto: provision in the background; off: never"),
    key(
        "provision_scale",
        &["ATTACHE_PROVISION_SCALE"],
        Some("1"),
        "how long to wait for what the platform does late, as a share of what Microsoft's may need",
    ),
    key("agent_name", &["ATTACHE_AGENT_NAME"], Some("Attaché"), "the agent's display name"),
    key("agent_alias", &["ATTACHE_AGENT_ALIAS"], Some("attache"), "its address before the @"),
    key("domain", &["ATTACHE_DOMAIN"], None, "its address after the @; the tenant's default domain if unset"),
    key("usage_location", &["ATTACHE_USAGE_LOCATION"], Some("US"), "the country of its licence, two letters"),
    key(
        "licence",
        &["ATTACHE_LICENCE", "M365_DEFAULT_LICENSE_SKU_ID"],
        None,
        "its licence, such as SPE_F1; the cheapest with mailbox, Teams and a free seat if unset",
    ),
    key(
        "chat",
        &["ATTACHE_CHAT"],
        None,
        "the chat to use until the upgrade where the sponsor's chat with themselves cannot be used",
    ),
    key("prefix", &["ATTACHE_PREFIX"], Some("[Attaché] "), "marks what is sent under the sponsor's name"),
    key("poll", &["ATTACHE_POLL"], Some("5"), "seconds between looks for new messages"),
    key("secret_store", &["ATTACHE_SECRET_STORE"], Some("sealed-file"), "sealed-file or secret-service"),
    key(
        "key_file",
        &["ATTACHE_KEY_FILE"],
        None,
        "the sealed file's key; secrets.key in the profile if unset",
    ),
    secret("passphrase", &["ATTACHE_PASSPHRASE"], "the sealed file's passphrase, instead of a key file"),
    key(
        "log",
        &["ATTACHE_LOG"],
        Some("info"),
        "what is logged: error, warn, info, debug, trace, or a filter",
    ),
];
