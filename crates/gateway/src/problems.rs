//! Every problem code, explained: the page to which the `type` of a problem leads. What Entra and Graph refuse is
//! explained where these answers are read; the rest stands here, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::Gateway;
use crate::dashboard::{Look, Page, page};

/// The route.
pub(crate) fn pages() -> Router<Arc<Gateway>> {
    Router::new().route("/docs/problems", get(show))
}

/// A code, what it means, what to do.
type Row = (&'static str, &'static str, &'static str);

const REQUESTS: &[Row] = &[
    (
        "unauthenticated",
        "nobody is signed in, and no API key came along",
        "sign in, or send `Authorization: Bearer atk_…`",
    ),
    (
        "key_unknown",
        "there is no such API key",
        "check that the whole key is sent, or have an administrator make one",
    ),
    ("key_expired", "the API key has expired", "have an administrator rotate it"),
    ("key_revoked", "the API key was revoked", "have an administrator make another one"),
    (
        "key_rotated",
        "the API key was replaced, and its day of grace is over",
        "use the successor that the problem names",
    ),
    (
        "key_address",
        "the API key may not be used from this address",
        "use it from an address of its list, or change the list",
    ),
    ("key_over", "the key was revoked or rotated already", "rotate its successor, or make a new key"),
    ("scope_missing", "the API key lacks a scope", "use a key that has the scope that the problem names"),
    (
        "scope_exceeded",
        "a key gives no scope that it does not have, and no role with rights that it does not have",
        "leave the scope out, give a role with fewer rights, or have a person do it",
    ),
    ("role_missing", "your role does not allow it", "ask an owner to do it, or to change your role"),
    (
        "owners_only",
        "only an owner makes owners and removes them, has the log sent somewhere, or has it forget somebody",
        "ask an owner to sign in and do it",
    ),
    ("operators_only", "only an operator of this gateway may do it", "ask whoever runs the gateway"),
    (
        "step_up",
        "it is dangerous, and the last sign-in is more than ten minutes ago",
        "sign in again and repeat it",
    ),
    (
        "rate_limited",
        "more requests were made in a minute than are allowed",
        "wait as long as `Retry-After` says; `RateLimit` says how you stand",
    ),
    ("last_owner", "an organisation keeps at least one owner", "make somebody else an owner first"),
    (
        "still_member",
        "what the log holds of a member is not destroyed while they are one",
        "remove them from the organisation first",
    ),
    (
        "cross_site",
        "the request does not come from a page of this gateway, or from one of another session",
        "reload the page; programs use an API key",
    ),
    ("form", "a form came incomplete", "go back and fill it in again"),
    (
        "invalid",
        "a value is not one that can be taken; the problem names it",
        "correct it as the problem says; /api/openapi.json has every field",
    ),
    ("malformed", "the request cannot be read", "compare it with /api/openapi.json"),
    ("content_type", "the body is not declared as JSON", "send `Content-Type: application/json`"),
    ("body", "the body is too large or came incomplete", "send a smaller one, and all of it"),
    ("method_not_allowed", "the address does not know the method", "use one that the answer's `Allow` names"),
    (
        "not_found",
        "there is no such thing, or it is not yours to know",
        "check the address and the id, and whose it is",
    ),
    (
        "link_gone",
        "a link to an audit entry has ended or was taken back",
        "ask the organisation that the message came from",
    ),
    (
        "entry_removed",
        "the audit entry that a link led to was kept as long as its organisation keeps entries; the answer names the \
         entry that accounts for the gap",
        "ask the organisation for an export, and check it with `attache audit verify`",
    ),
    (
        "link_used",
        "a one-time link was used already, or is too old",
        "print another one with `attache gateway link`",
    ),
    (
        "invitation_used",
        "an invitation was used, withdrawn, or is too old",
        "ask whoever invited you for another one",
    ),
    (
        "invitation_of_another",
        "the invitation is for another account",
        "sign in with the account that was invited",
    ),
    (
        "sign_in_refused",
        "the sign-in did not come to its end, or was not begun in this browser",
        "sign in again, in one go",
    ),
    (
        "precondition_failed",
        "what was to be changed is not what `If-Match` says was seen",
        "read it again, and repeat the change with the new `ETag`",
    ),
    (
        "idempotency_key_unfit",
        "the `Idempotency-Key` is empty, too long, or holds spaces or quotes",
        "take a random UUID",
    ),
    (
        "idempotency_key_reused",
        "the `Idempotency-Key` came with another body before",
        "take a new key for each thing that you ask for",
    ),
    (
        "idempotency_under_way",
        "a request with this `Idempotency-Key` is being answered",
        "wait for its answer, or repeat it in a moment",
    ),
    (
        "idempotency_answer_lost",
        "the request took effect, but its answer was lost with the process",
        "read what it was to make or change; its entry is in the audit log",
    ),
    (
        "siem_unresolved",
        "the host to which the audit log is to be sent has no address",
        "correct the host, or its entry in the DNS",
    ),
    (
        "siem_not_public",
        "the host to which the audit log is to be sent has no public address",
        "name another one, or have the operator allow it (`outbound_allowed`)",
    ),
    (
        "siem_unreachable",
        "nothing answers where the audit log is to be sent",
        "see that the receiver runs and that its firewall lets the gateway in",
    ),
    (
        "siem_tls",
        "the receiver of the audit log has no certificate that is good for its host",
        "give it one, and the authority that signed it as `ca`",
    ),
    (
        "siem_broken",
        "the receiver of the audit log broke off, or did not close the connection when it had everything",
        "see its own log; it must take RFC 5424 in octet-counted frames",
    ),
    ("conflict", "somebody else changed it at the same time", "read it again and repeat the change"),
    ("taken", "the name is in use", "choose another one"),
    ("not_active", "the identity cannot act yet, or no longer", "see on its page what it waits for"),
    ("suspended", "the identity is suspended", "resume it first, if the reason for it is gone"),
    (
        "not_reviewed",
        "the identity is none that is reviewed: it has no account, or is on its way out",
        "confirm only those that the list has",
    ),
    ("people_only", "a program cannot do what a person answers for", "sign in as that person"),
    (
        "sponsor_needed",
        "nobody answers for the identity: its sponsor has left, is disabled, or is its sponsor no longer",
        "name a successor; when they have accepted, the identity goes on by itself",
    ),
    (
        "handover_under_way",
        "a successor of the sponsor has accepted, and is being set in Entra",
        "wait until it is done; the identity's page on its sponsor shows how far it is",
    ),
    (
        "organisation_suspended",
        "the organisation is suspended with all of its identities",
        "resume the organisation first, if the reason for it is gone",
    ),
    (
        "blueprint_suspended",
        "an operator suspended the blueprint from which the identity comes",
        "ask whoever runs the gateway; operators resume it on their page Blueprints",
    ),
    (
        "tenant_not_configured",
        "the identity's tenant is neither configured on this gateway nor connected",
        "have an operator configure it, or connect it again",
    ),
];

const TENANTS: &[Row] = &[
    (
        "connect_not_configured",
        "the gateway has no application for customers' own tenants",
        "have an operator configure connect_client_id and its secret, or choose a hosted identity",
    ),
    (
        "not_connected",
        "the organisation has no tenant of its own that is connected",
        "connect one at Settings > Agent identity",
    ),
    (
        "people_only",
        "it needs a browser's session, which an API key has not",
        "have an owner or administrator of the organisation do it on the page",
    ),
    (
        "connection_refused",
        "this session has begun no such connection, or it was used or is too old, or what came back is no answer to it",
        "begin again at Settings > Agent identity, and go through it in one browser",
    ),
    (
        "consent_declined",
        "Entra ID gave no consent",
        "begin again and accept, or have an administrator of the tenant do it",
    ),
    (
        "tenant_not_consented",
        "the tenant does not let the application in, or not far enough",
        "have an administrator consent to all that is listed; fresh consent may take some minutes",
    ),
    (
        "not_administrator",
        "the account is neither Global Administrator nor Privileged Role Administrator of the tenant",
        "sign in as one; where the role is only eligible, activate it first",
    ),
    ("already_connected", "the organisation is connected with another tenant", "disconnect that one first"),
    (
        "tenant_bound",
        "the tenant is bound to another organisation of this gateway",
        "have that one disconnect it, or, as its administrator, allow several organisations",
    ),
    ("tenant_in_use", "identities live in the tenant", "deprovision them first"),
    (
        "blueprint_taken",
        "another organisation of this gateway has given the blueprint",
        "give a blueprint of your own",
    ),
    (
        "blueprint_full",
        "every seat of the given blueprint is taken",
        "give another blueprint; one holds 200 identities here, removed ones counted",
    ),
    (
        "given_blueprint_unknown",
        "the tenant has no principal of the given blueprint",
        "check its client id, and create its principal in the tenant",
    ),
    (
        "given_blueprint_incomplete",
        "the given blueprint lacks something that agents need",
        "have its owner add what the message names, then provision again",
    ),
];

const HOSTING: &[Row] = &[
    (
        "subdomain_leaving",
        "the subdomain is being removed from its tenant, since the last identity has left it",
        "try again in a moment",
    ),
    (
        "tenants_full",
        "the tenants that host identities have no room for another subdomain",
        "have an operator configure one more tenant, or raise `subdomains` of one",
    ),
    ("subdomains_used_up", "the organisation has as many subdomains as it may have", "use one that it has"),
    (
        "send_quota_used_up",
        "the organisation's hosted identities wrote to as many recipients within 24 hours as they may",
        "wait as long as `Retry-After` says, or have an operator raise `send_quota`",
    ),
];

const GATEWAY: &[Row] = &[
    (
        "too_slow",
        "the request took too long and was given up",
        "see whether it had an effect, then try again",
    ),
    ("stopping", "this process is about to end", "try again: another one answers"),
    ("internal", "the gateway could not answer", "tell whoever runs it, with the answer's X-Request-Id"),
    (
        "store_unavailable",
        "the database does not answer",
        "try again in a moment; operators: see the gateway's log",
    ),
    ("store_damaged", "the database is damaged", "restore the latest backup that passes its check"),
    (
        "store_altered",
        "the database was altered past the gateway",
        "restore a backup, and find out who altered it",
    ),
    (
        "store_newer",
        "the database was written by a newer version",
        "run that version, or restore an older backup",
    ),
    (
        "store_in_use",
        "another process has the database open",
        "stop it, or use PostgreSQL for several processes",
    ),
    ("lease_lost", "another process has taken over the work", "nothing: it goes on there"),
    ("cell_gone", "the blueprint that carried the identity was removed", "provision the identity again"),
    (
        "log_damaged",
        "an entry of the audit log cannot be read",
        "restore a backup; what was exported can still be verified",
    ),
    (
        "database_is_a_sandboxs",
        "the database belongs to a sandbox",
        "give a real gateway a database of its own",
    ),
    ("database_is_real", "the database has seen a real tenant", "give the sandbox a database of its own"),
    (
        "export_unreadable",
        "the file to import is no export of mongoexport's",
        "export the collection again, one document a line or one array",
    ),
    ("listen_refused", "nothing can listen on the address", "stop what listens there, or choose another"),
    ("tls_unreadable", "a certificate or key file cannot be read", "correct its path and its permissions"),
    (
        "tls_misfit",
        "certificate and key do not belong together",
        "give the key that the certificate was made for",
    ),
    (
        "certificate_damaged",
        "the blueprint's certificate in the database cannot be used",
        "provision again; a new one is made",
    ),
    (
        "master_key_differs",
        "the master key is not the one that sealed the database",
        "start with the `secrets.sealed` that belongs to it",
    ),
    ("sealed_secret_altered", "a sealed secret was altered", "restore a backup, and find out who altered it"),
];

const KEYS: &[Row] = &[
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

const ENTRA: &[Row] = &[
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

const GRAPH: &[Row] = &[
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

const MAIL: &[Row] = &[
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

const IDENTITIES: &[Row] = &[
    ("licence_used_up", "no seat of the licence is free", "buy one or take one back, then provision again"),
    ("licence_unknown", "the tenant has no such licence", "name one that it has"),
    ("licence_missing", "the user has no licence", "assign one with Exchange Online, then provision again"),
    ("no_licence", "the tenant has no licence with Exchange Online", "buy one, then provision again"),
    ("sponsor_unknown", "the sponsor is not in the tenant", "name a user of the tenant as sponsor"),
    (
        "domain_not_verified",
        "the domain is not verified in the tenant",
        "verify it in the Microsoft 365 admin centre",
    ),
    ("name_taken", "another user has the address", "choose another subdomain, or remove that user"),
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
        "an administrator has not consented for the agent",
        "have one consent, then provision again",
    ),
    (
        "certificate_unknown",
        "Entra ID does not know the blueprint's certificate",
        "provision again; it is added again",
    ),
    (
        "mailbox_missing",
        "no mailbox came in time",
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
        "make the user, or correct its id, then provision again",
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

const OWN: &[(&str, &[Row])] = &[
    ("Requests", REQUESTS),
    ("Identities", IDENTITIES),
    ("Hosting", HOSTING),
    ("Customers' own tenants", TENANTS),
    ("Mail", MAIL),
    ("The gateway itself", GATEWAY),
    ("Keys and secrets", KEYS),
    ("Entra ID", ENTRA),
    ("Microsoft Graph", GRAPH),
];

/// What a page says of one code: in different places it may come of different things.
#[derive(Default)]
struct Entry {
    means: Vec<&'static str>,
    todo: Vec<&'static str>,
}

struct Group {
    name: &'static str,
    entries: Vec<(&'static str, Entry)>,
}

/// Every code once, in the group in which it comes first.
fn groups() -> Vec<Group> {
    let entra = attache_entra::aadsts::all().iter().map(|row| (row.word, row.meaning, row.advice()));
    let graph = attache_graph::meanings().map(|(code, advice)| (code, "Graph refuses it", advice));
    let mut known = BTreeSet::new();
    let own = OWN.iter().map(|(name, rows)| (*name, rows.to_vec()));
    let answered = [("What Entra ID answers", entra.collect()), ("What Graph answers", graph.collect())];
    let group = |(name, rows): (&'static str, Vec<Row>)| {
        let mut entries = BTreeMap::<&str, Entry>::new();
        for (code, means, todo) in rows {
            if known.contains(code) {
                continue;
            }
            let entry = entries.entry(code).or_default();
            for (list, text) in [(&mut entry.means, means), (&mut entry.todo, todo)] {
                if !list.contains(&text) {
                    list.push(text);
                }
            }
        }
        known.extend(entries.keys().copied());
        Group { name, entries: entries.into_iter().collect() }
    };
    own.chain(answered).map(group).collect()
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    look: Look,
    groups: Vec<Group>,
}

async fn show(State(gateway): State<Arc<Gateway>>) -> Page {
    Ok(page(&Problems { look: Look::plain(&gateway), groups: groups() }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The codes in a source file: those of problems that are made there, and those of errors that explain
    /// themselves.
    fn codes(source: &str) -> BTreeSet<String> {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let mut codes = BTreeSet::new();
        for (begin, end) in [
            ("Problem::new(", ")\n"),
            ("refused(\n", ",\n"),
            ("refused(\"", ","),
            ("trouble(\n", ",\n"),
            ("fn code(&self) -> &'static str {", "\n    }\n"),
            ("pub(crate) fn word(&self) -> &'static str {", "\n    }\n"),
            ("pub(super) fn code(cause: &Cause) -> &'static str {", "\n}\n"),
        ] {
            for (at, _) in source.match_indices(begin) {
                let rest = &source[at + begin.len() - usize::from(begin.ends_with('"'))..];
                let rest = &rest[..rest.find(end).map_or(rest.len(), |end_at| end_at + end.len())];
                // One problem has one code; a method that tells codes has one in each arm.
                let (mark, most) = if begin.contains("fn ") { ("=> \"", usize::MAX) } else { ("\"", 1) };
                let texts = rest.split(mark).skip(1).filter_map(|text| text.split('"').next());
                codes.extend(texts.filter(|text| is_code(text)).map(str::to_owned).take(most));
            }
        }
        codes
    }

    fn is_code(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    fn sources(folder: &Path, into: &mut Vec<String>) {
        for found in std::fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn every_code_that_is_used_is_explained() {
        let groups = groups();
        let known: BTreeSet<&str> =
            groups.iter().flat_map(|group| group.entries.iter().map(|(code, _)| *code)).collect();
        let mut texts = Vec::new();
        for room in ["gateway", "entra", "graph", "provision", "mail", "keys", "store"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room).join("src"), &mut texts);
        }
        let used: BTreeSet<String> = texts.iter().flat_map(|text| codes(text)).collect();
        assert!(used.len() > 80 && used.contains("step_up") && used.contains("key_unknown"), "{used:?}");
        let missing: Vec<_> = used.iter().filter(|code| !known.contains(code.as_str())).collect();
        assert!(missing.is_empty(), "explain these in problems.rs: {missing:?}");
    }

    #[test]
    fn every_code_is_explained_once() {
        let groups = groups();
        let codes: Vec<&str> =
            groups.iter().flat_map(|group| group.entries.iter().map(|(code, _)| *code)).collect();
        assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
        for (code, entry) in groups.iter().flat_map(|group| &group.entries) {
            assert!(is_code(code), "{code}");
            let texts = entry.means.iter().chain(&entry.todo);
            assert!(texts.clone().all(|text| !text.is_empty() && !text.ends_with('.')), "{code}");
        }
    }
}
