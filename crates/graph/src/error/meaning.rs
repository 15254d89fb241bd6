//! What Graph's codes mean and who must act: the one table (Entra reference §2.9, §3.3, §4, §5.3, §7.3).

use attache_terms::Remedy;

use super::Cause;

/// One code that people meet: how it is recognised, and what it means for them.
struct Meaning {
    graph_code: &'static str,
    /// A part of the message, where the code alone says too little.
    says: &'static str,
    code: &'static str,
    who: fn(&'static str) -> Remedy,
    what: &'static str,
}

fn caller(what: &'static str) -> Remedy {
    Remedy::caller(what)
}

fn operator(what: &'static str) -> Remedy {
    Remedy::operator(what)
}

fn platform(what: &'static str) -> Remedy {
    Remedy::platform(None, what)
}

fn us(what: &'static str) -> Remedy {
    Remedy::us(what)
}

/// What Graph says when an application lacks a permission, without naming it.
pub(super) const DENIED: &str = "Authorization_RequestDenied";

const MEANINGS: &[Meaning] = &[
    Meaning {
        graph_code: "MailboxNotEnabledForRESTAPI",
        says: "",
        code: "mailbox_missing",
        who: platform,
        what: "the account has no mailbox yet: Exchange makes one 5 to 30 minutes after the licence; if it stays away, check that the licence contains Exchange Online",
    },
    Meaning {
        graph_code: "",
        says: "Failed to get license information",
        code: "teams_missing",
        who: platform,
        what: "Teams does not know the account yet: 15 minutes to 24 hours after the licence; if it stays so, check that the licence contains Teams",
    },
    Meaning {
        graph_code: "",
        says: "does not have any available licenses",
        code: "licence_used_up",
        who: operator,
        what: "no seat of this licence is free: buy one or take one back in the Microsoft 365 admin centre under Billing > Licences, then run it again",
    },
    Meaning {
        graph_code: "",
        says: "invalid usage location",
        code: "usage_location_missing",
        who: operator,
        what: "set the account's usage location (a country) before its licence",
    },
    Meaning {
        graph_code: "AgentIdentity_LimitExceeded",
        says: "",
        code: "agent_identity_limit",
        who: operator,
        what: "a blueprint may create 250 agent identities in a tenant, deleted ones counted for 30 days: use another blueprint, or purge deleted agent identities",
    },
    Meaning {
        graph_code: "AgentBlueprint_LimitExceeded",
        says: "",
        code: "blueprint_limit",
        who: operator,
        what: "the tenant has as many blueprints as it may have: delete one that is not used",
    },
    Meaning {
        graph_code: "Agent_Directory_QuotaExceeded",
        says: "",
        code: "directory_quota",
        who: operator,
        what: "the directory is full for agents: delete and purge objects, or ask Microsoft for a larger quota",
    },
    Meaning {
        graph_code: "AgentIdentity_AgentBlueprintPrincipalDoesNotExist",
        says: "",
        code: "blueprint_principal_missing",
        who: platform,
        what: "the blueprint's principal is not known everywhere yet, or was deleted",
    },
    Meaning {
        graph_code: "",
        says: "IdentityParent does not exist",
        code: "agent_identity_missing",
        who: platform,
        what: "the agent identity is not known everywhere yet, or was deleted",
    },
    Meaning {
        graph_code: "CredentialTypeNotAllowedAsPerAppPolicy",
        says: "",
        code: "credential_policy",
        who: operator,
        what: "the tenant's app management policy forbids this kind of credential: allow certificates for this blueprint, or use an exempt one",
    },
    Meaning {
        graph_code: "CredentialInvalidLifetimeAsPerAppPolicy",
        says: "",
        code: "credential_lifetime",
        who: operator,
        what: "the tenant's app management policy wants a shorter life: make the certificate with one that the message allows",
    },
    Meaning {
        graph_code: DENIED,
        says: "",
        code: "permission_missing",
        who: operator,
        what: "grant the application the permission that this call needs, with admin consent; a permission granted just now shows after a minute or two",
    },
    Meaning {
        graph_code: "ErrorSendAsDenied",
        says: "",
        code: "send_as_denied",
        who: operator,
        what: "give the sender Send As or Send on Behalf on that mailbox in Exchange, or leave out the from address",
    },
    Meaning {
        graph_code: "ErrorAccessDenied",
        says: "",
        code: "mail_access_denied",
        who: operator,
        what: "grant the mail permission, or widen the Exchange application access policy that excludes this mailbox",
    },
    Meaning {
        graph_code: "ErrorExceededMessageLimit",
        says: "",
        code: "mail_limit",
        who: operator,
        what: "the mailbox has written to 10,000 recipients within a day: wait until tomorrow, or spread the mail over several mailboxes",
    },
    Meaning {
        graph_code: "ErrorMessageSubmissionBlocked",
        says: "",
        code: "mailbox_blocked",
        who: operator,
        what: "Exchange has blocked the mailbox from sending, as it does after spam: unblock it in the Defender portal under Restricted entities",
    },
    Meaning {
        graph_code: "ErrorInvalidRecipients",
        says: "",
        code: "recipient_invalid",
        who: caller,
        what: "correct the recipient that the message names",
    },
    Meaning {
        graph_code: "ErrorInvalidIdMalformed",
        says: "",
        code: "id_malformed",
        who: caller,
        what: "use an id as Graph gave it",
    },
    Meaning {
        graph_code: "",
        says: "duplicate chat members",
        code: "chat_members_duplicate",
        who: caller,
        what: "name every member once; a one-on-one chat needs two different people",
    },
    Meaning {
        graph_code: "",
        says: "application-only context only for import",
        code: "chat_needs_a_user",
        who: us,
        what: "chat messages are sent with a user's token, never with an application's",
    },
    Meaning {
        graph_code: "",
        says: "AclCheckFailed",
        code: "not_a_chat_member",
        who: caller,
        what: "the account is not a member of this chat, or may not do this in it: list_chats shows the chats that it has",
    },
];

/// Every code of a refusal that Graph explains, and what to do.
pub fn meanings() -> impl Iterator<Item = (&'static str, &'static str)> {
    MEANINGS.iter().map(|meaning| (meaning.code, meaning.what))
}

fn meaning(cause: &Cause) -> Option<&'static Meaning> {
    let (Cause::Forbidden { code, message, .. }
    | Cause::NotFound { code, message }
    | Cause::Conflict { code, message }
    | Cause::Rejected { code, message, .. }) = cause
    else {
        return None;
    };
    let message = message.to_ascii_lowercase();
    MEANINGS.iter().find(|meaning| {
        (meaning.graph_code.is_empty() || meaning.graph_code == code)
            && message.contains(&meaning.says.to_ascii_lowercase())
    })
}

pub(super) fn code(cause: &Cause) -> &'static str {
    if let Some(meaning) = meaning(cause) {
        return meaning.code;
    }
    match cause {
        Cause::Unauthorised { .. } => "token_refused",
        Cause::Forbidden { .. } => "forbidden",
        Cause::NotFound { .. } => "not_found",
        Cause::Conflict { .. } => "conflict",
        Cause::Throttled { .. } => "throttled",
        Cause::Rejected { .. } => "request_rejected",
        Cause::Unavailable { .. } => "graph_unavailable",
        Cause::Unreachable { .. } => "graph_unreachable",
        Cause::OutcomeUnknown { .. } => "outcome_unknown",
        Cause::Token(fault) => fault.code(),
        Cause::Malformed { .. } => "graph_malformed",
        Cause::ForeignLink { .. } => "graph_foreign_link",
        Cause::TooLarge { .. } => "graph_answer_too_large",
    }
}

pub(super) fn remedy(cause: &Cause) -> Remedy {
    let is_named = matches!(cause, Cause::Forbidden { code, missing: Some(_), .. } if code == DENIED);
    if let Some(meaning) = meaning(cause).filter(|_| !is_named) {
        return (meaning.who)(meaning.what);
    }
    match cause {
        Cause::Unauthorised { .. } => Remedy::operator(
            "check that the account is enabled and that its sessions were not revoked, then sign in again",
        ),
        Cause::Forbidden { missing: Some(names), .. } => Remedy::operator(format!(
            "grant one of {names} with admin consent (Entra admin centre > Enterprise applications > Permissions); it shows in tokens issued after that"
        )),
        Cause::Forbidden { .. } => Remedy::operator(
            "grant the permission that the call needs with admin consent, or have the account added to what it wants to reach",
        ),
        Cause::NotFound { .. } => {
            Remedy::caller("check the id; what was made a moment ago may take a minute to appear")
        }
        Cause::Conflict { .. } => Remedy::caller("use the object that exists, or choose another name"),
        Cause::Throttled { retry_after } => Remedy::platform(*retry_after, "ask again later and less often"),
        Cause::Rejected { .. } => Remedy::caller("change the request as the message says"),
        Cause::Unavailable { retry_after, .. } => Remedy::platform(
            *retry_after,
            "try again later; status.cloud.microsoft shows Microsoft's incidents",
        ),
        Cause::Unreachable { .. } => Remedy::operator(
            "check the network, HTTPS_PROXY and NO_PROXY, and that --graph and --ca name the right service",
        ),
        Cause::OutcomeUnknown { .. } => Remedy::caller("look whether it happened before you do it again"),
        Cause::Token(fault) => fault.remedy(),
        Cause::Malformed { .. } | Cause::TooLarge { .. } => {
            Remedy::us("report this with the request id: Graph answers otherwise than documented")
        }
        Cause::ForeignLink { .. } => Remedy::operator(
            "check that --graph names the Graph that you mean and that nothing rewrites its answers",
        ),
    }
}
