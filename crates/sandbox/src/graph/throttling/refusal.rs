//! 429, in the words of the service that refuses (Graph reference §4.1, §7.1).

use http::StatusCode;
use http::header::{HeaderName, RETRY_AFTER};

use super::limit::{Of, Per};
use super::meter::Exceeded;
use crate::authorize::Caller;
use crate::graph::error::GraphError;
use crate::throttling::RetryAfter;

/// How a service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// With headers that say which limit it was.
    Directory,
    /// Without a word on how long to wait.
    NoTime,
    /// Now and then without a word on how long to wait.
    Teams,
    /// By the name of the limit.
    Outlook,
}

/// The refusal.
pub(super) fn refusal(words: Words, exceeded: &Exceeded, say: RetryAfter, caller: &Caller) -> GraphError {
    let (code, message) = match (words, exceeded.of) {
        (Words::Outlook, Of::AtOnce) => {
            ("ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
        }
        (Words::Outlook, Of::Bytes) => {
            ("ApplicationThrottled", "Application is over its IncomingBytes limit.")
        }
        (Words::Outlook, _) => ("ApplicationThrottled", "Application is over its RequestRate limit."),
        _ => ("TooManyRequests", "Too many requests."),
    };
    let mut error = GraphError::new(StatusCode::TOO_MANY_REQUESTS, code, message);
    if words == Words::Directory {
        error = error
            .with(HeaderName::from_static("x-ms-throttle-scope"), &scope(exceeded, caller))
            .with(HeaderName::from_static("x-ms-throttle-information"), information(exceeded.of));
    }
    if says_how_long(words, exceeded.refused, say) {
        error = error.with(RETRY_AFTER, &exceeded.wait.to_string());
    }
    error
}

fn says_how_long(words: Words, refused: u64, say: RetryAfter) -> bool {
    match say {
        RetryAfter::Always => true,
        RetryAfter::Never => false,
        RetryAfter::Documented => match words {
            Words::NoTime => false,
            Words::Teams => !refused.is_multiple_of(4),
            Words::Directory | Words::Outlook => true,
        },
    }
}

/// `Tenant_Application/Write/{app}/{tenant}`.
fn scope(exceeded: &Exceeded, caller: &Caller) -> String {
    let shared = match exceeded.per {
        Per::App => "Application",
        Per::Tenant => "Tenant",
        Per::AppAndTenant | Per::Mailbox | Per::Place | Per::User => "Tenant_Application",
    };
    let kind = match exceeded.of {
        Of::Writes => "Write",
        _ => "ReadWrite",
    };
    format!("{shared}/{kind}/{}/{}", caller.app_id, caller.tenant_id)
}

fn information(of: Of) -> &'static str {
    match of {
        Of::Writes => "WriteLimitExceeded",
        Of::Units => "ResourceUnitLimitExceeded",
        Of::Requests | Of::Bytes | Of::AtOnce => "RequestLimitExceeded",
    }
}
