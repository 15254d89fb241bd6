//! What comes from the parts behind it: keys, Entra ID, Graph, mail, and the work on identities.

use super::Row;

pub(super) const KEYS: &[Row] = &[
    ("secret_store_unavailable", "the store of secrets does not answer", "start it, or choose another"),
    (
        "secret_store_locked",
        "the store of secrets is locked",
        "unlock it, or give its key file or passphrase",
    ),
    ("secret_store_damaged", "the store of secrets is damaged", "restore it from a backup"),
    ("secret_store_newer", "the store of secrets was written by a newer version", "run that version"),
    (
        "secret_store_disk",
        "the store of secrets cannot be read or written",
        "check the disk and the file's permissions",
    ),
    ("key_damaged", "a private key cannot be read", "provision again; a new one is made"),
    ("key_not_encoded", "a private key cannot be written", "report it"),
    ("key_not_generated", "a private key cannot be made", "report it"),
    ("algorithm_unsupported", "a key is of a kind that cannot sign here", "use an RSA or P-256 key"),
    ("certificate_not_made", "a certificate cannot be made", "report it"),
    ("certificate_unreadable", "a certificate cannot be read", "give it as PEM"),
    ("signing_refused", "what holds the key does not sign", "see what it says in the gateway's log"),
];

pub(super) const ENTRA: &[Row] = &[
    ("throttled", "Microsoft asks for slower requests", "wait as long as `Retry-After` says"),
    ("authority_failed", "Entra ID failed by itself", "wait, and try again; see Microsoft's service health"),
    (
        "authority_unreachable",
        "Entra ID cannot be reached",
        "check the network, names and proxy of the gateway",
    ),
    ("authority_timed_out", "Entra ID did not answer in time", "check the network, and try again"),
    (
        "authority_untrusted",
        "the certificate of Entra ID is not trusted",
        "check what stands in between; give its authority as `ca`",
    ),
    (
        "authority_malformed",
        "Entra ID answered something unreadable",
        "check what stands in between, then report it",
    ),
    ("proxy_failed", "the proxy does not let the gateway through", "check HTTPS_PROXY and NO_PROXY"),
    ("ca_unreadable", "the file of authorities cannot be read", "correct `ca`"),
    ("tls_unavailable", "TLS cannot be set up", "report it"),
    ("clock_wrong", "the gateway's clock is wrong", "set it, and keep it set (NTP)"),
    (
        "credential_refused",
        "Entra ID does not accept the application's credential",
        "give a credential that is valid",
    ),
    ("grant_refused", "Entra ID does not accept the grant", "sign in again"),
    ("interaction_required", "Entra ID wants to ask the person something", "sign in again"),
    ("client_unauthorized", "the application may not sign in this way", "correct the app registration"),
    ("token_refused", "no token was given, or Graph does not take it", "see what the problem says"),
    ("token_request_ended", "the request was given up, since the gateway ended", "try again"),
    ("challenge_malformed", "Graph asks for a proof that cannot be read", "report it"),
    ("sign_in_again", "the sign-in is over", "sign in again"),
    ("sign_in_declined", "the person or an administrator declined", "sign in again and accept"),
    ("consent_required", "an administrator must consent", "have an administrator consent for the tenant"),
    ("sign_in_timed_out", "nobody came back from signing in", "sign in again"),
    ("sign_in_ended", "the sign-in was given up, since the gateway ended", "sign in again"),
    (
        "id_token_invalid",
        "what Entra ID says about the person does not pass the checks",
        "sign in again; if it stays so, tell whoever runs the gateway",
    ),
    (
        "sign_in_not_fresh",
        "what is dangerous wants you to prove who you are just now, and Entra ID does not say that you did",
        "sign in again, with password or second factor; if it stays so, have whoever runs the gateway add `auth_time` to \
         the ID tokens of its sign-in application",
    ),
    ("signing_keys_unavailable", "the keys of Entra ID cannot be read", "try again in a moment"),
    ("refresh_token_missing", "Entra ID gave no refresh token", "allow `offline_access` to the application"),
    (
        "loopback_unavailable",
        "nothing can listen for the browser's return",
        "choose another port, or a device code",
    ),
    ("access_denied", "it was declined", "accept, or ask an administrator"),
    ("authorization_declined", "it was declined", "accept, or ask an administrator"),
];

pub(super) const GRAPH: &[Row] = &[
    ("forbidden", "Graph does not allow it", "grant the permission that it names, with admin consent"),
    (
        "request_rejected",
        "Graph does not accept the request",
        "see what it says; correct the value that it names",
    ),
    ("graph_unavailable", "Graph failed by itself", "wait, and try again; see Microsoft's service health"),
    ("graph_unreachable", "Graph cannot be reached", "check the network, names and proxy of the gateway"),
    (
        "graph_malformed",
        "Graph answered something unreadable",
        "check what stands in between, then report it",
    ),
    ("graph_foreign_link", "Graph's answer leads to another host, which gets no token", "report it"),
    ("graph_answer_too_large", "Graph's answer is larger than it may be", "report it"),
    (
        "outcome_unknown",
        "the connection broke before the answer: it may have happened",
        "look whether it did before you repeat it",
    ),
];

pub(super) const MAIL: &[Row] = &[
    ("address_invalid", "something is no mail address", "correct it"),
    ("recipient_missing", "the message has no recipient", "name at least one"),
    ("recipients_too_many", "the message has too many recipients", "send several messages, or to a group"),
    ("control_character", "a subject, name or header holds a control character", "leave it out"),
    ("message_too_long", "the message is too long", "shorten it, or link to what is long"),
    ("header_not_allowed", "the header is not one to be set", "use one that begins with X-"),
    (
        "audit_link_invalid",
        "the link to the audit entry is no address",
        "give the gateway an https `public_url`",
    ),
];

pub(super) const IDENTITIES: &[Row] = &[
    ("licence_used_up", "no seat of the licence is free", "buy one or take one back, then provision again"),
    (
        "licence_unknown",
        "the tenant has no such licence",
        "configure one that it has (`licence`), or buy it, then provision again",
    ),
    ("licence_missing", "the user has no licence", "assign one with Exchange Online, then provision again"),
    ("no_licence", "the tenant has no licence with Exchange Online", "buy one, then provision again"),
    (
        "sponsor_unknown",
        "the sponsor is not in the tenant",
        "provision again with a user of the tenant as `sponsor`",
    ),
    (
        "domain_not_verified",
        "the domain is not verified in the tenant",
        "verify it in the Microsoft 365 admin centre",
    ),
    (
        "name_taken",
        "another user has the address",
        "rename or delete that user, then provision again; or deprovision the identity, and provision it with another subdomain",
    ),
    ("ambiguous", "several objects carry the mark of this identity", "delete those that are not used"),
    (
        "provisioner_permission_missing",
        "the provisioner lacks a permission",
        "grant it, with admin consent, then provision again",
    ),
    (
        "blueprint_permission_missing",
        "the blueprint lacks a permission",
        "grant what the message names, then provision again",
    ),
    (
        "consent_missing",
        "an administrator has not consented for the agent, or has taken that back",
        "have one consent, then provision again",
    ),
    (
        "certificate_unknown",
        "Entra ID does not know the blueprint's certificate",
        "provision again; it is added again",
    ),
    (
        "mailbox_missing",
        "no mailbox came in time, or it was switched off",
        "check that the licence contains Exchange Online, then provision again",
    ),
    (
        "teams_missing",
        "Teams did not come in time",
        "check that the licence contains Teams, then provision again",
    ),
    ("waited_too_long", "something did not come in time", "see what it waited for, then provision again"),
    ("no_token", "no token could be had for the agent", "see the job's last words, then provision again"),
    ("refused", "the platform refused a step", "see what it says, then provision again"),
    (
        "record_damaged",
        "the record of the provisioning cannot be read",
        "restore a backup, or provision again",
    ),
    ("record_newer", "the record of the provisioning was written by a newer version", "run that version"),
    (
        "user_not_found",
        "the tenant has no such user",
        "make the user, then provision again, or provision again with another `user_id`",
    ),
    (
        "blueprint_not_found",
        "the blueprint of the agent identity, or its principal, is not in the directory any more",
        "restore it within 30 days, or provision the identity again",
    ),
    (
        "blueprint_disabled",
        "the principal of the agent identity's blueprint is disabled in Entra",
        "enable it, unless its agents are to be stopped: then suspend the blueprint",
    ),
    (
        "agent_identity_not_found",
        "the agent identity is not in the directory any more",
        "restore it within 30 days, or provision the identity again",
    ),
    (
        "agent_identity_disabled",
        "the agent identity is disabled in Entra",
        "enable it, unless it is to be stopped: then suspend the identity",
    ),
    ("user_disabled", "the user may not sign in", "let the user sign in, then provision again"),
    (
        "user_taken",
        "another identity has the user or its address",
        "name another user, or deprovision the other identity, then provision again",
    ),
    (
        "given_up",
        "the work on the identity was given up after many failures",
        "put right what its job names, then provision again",
    ),
];
