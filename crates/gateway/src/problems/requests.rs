//! What the gateway itself says to whoever asks it for something.

use super::Row;

pub(super) const REQUESTS: &[Row] = &[
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
    (
        "members_only",
        "an operator of the gateway asked for what is for members of the organisation",
        "ask one of its owners to do it, or to invite you",
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
        "identity_differs",
        "the identity is there, and not as it is asked for now; it is too late to change that by provisioning",
        "leave out what the problem names, or go the way that it says",
    ),
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
    (
        "no_shared_sender",
        "this gateway has no sender that organisations share",
        "choose another mode, or have whoever runs it set `shared_sender`",
    ),
    (
        "shared_sender_missing",
        "no tenant of the gateway has the mailbox of the shared sender",
        "have whoever runs it make the mailbox, or correct `shared_sender`",
    ),
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

pub(super) const TENANTS: &[Row] = &[
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
        "ordinary_users_not_granted",
        "the organisation's own tenant has not granted what making ordinary users takes: User.ReadWrite.All",
        "have its administrator grant that, as the page Your own tenant shows, or make the user, and adopt it",
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

pub(super) const HOSTING: &[Row] = &[
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

pub(super) const GATEWAY: &[Row] = &[
    (
        "too_slow",
        "the request took too long and was given up",
        "see whether it had an effect, then try again",
    ),
    (
        "body_too_slow",
        "the request's body did not arrive in time, and nothing was done",
        "send it again, all of it at once",
    ),
    (
        "host_missing",
        "the request does not name one host",
        "send one `Host` header, with a name and a port if need be; a proxy must not add a second",
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
    (
        "store_absent",
        "there is no database where one was looked for",
        "give the gateway's own home or `--database`",
    ),
    ("store_file_exists", "a file stands where a new one is to be made", "give a name that is not taken"),
    (
        "store_denied",
        "the system does not let this user open the database",
        "run the command as the user that the gateway runs as",
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
