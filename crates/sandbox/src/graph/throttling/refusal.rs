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
    /// OneDrive and SharePoint: with what is left of the minute (Microsoft: "Avoid getting throttled or blocked in
    /// SharePoint Online").
    SharePoint,
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
        (Words::SharePoint, _) => ("activityLimitReached", "The request has been throttled"),
        _ => ("TooManyRequests", "Too many requests."),
    };
    let mut error = GraphError::new(StatusCode::TOO_MANY_REQUESTS, code, message);
    if words == Words::Directory {
        error = error
            .with(HeaderName::from_static("x-ms-throttle-scope"), &scope(exceeded, caller))
            .with(HeaderName::from_static("x-ms-throttle-information"), information(exceeded.of));
    }
    if words == Words::SharePoint {
        error.inner_code = Some("throttledRequest");
        if let Some(quota) = Quota::exceeded(exceeded) {
            for (name, value) in quota.headers() {
                error = error.with(name, &value);
            }
        }
    }
    if says_how_long(words, exceeded.refused, say) {
        error = error.with(RETRY_AFTER, &exceeded.wait.to_string());
    }
    error
}

/// What is left of an app's minute, as SharePoint says from four fifths on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    limit: u64,
    remaining: u64,
    /// In how many seconds there is all of it again.
    reset: i64,
}

impl Quota {
    /// What is left, once four fifths are used.
    pub(super) fn near(limit: u64, used: u64, reset: i64) -> Option<Self> {
        let is_near = used.saturating_mul(5) >= limit.saturating_mul(4);
        is_near.then(|| Self { limit, remaining: limit.saturating_sub(used), reset })
    }

    fn exceeded(exceeded: &Exceeded) -> Option<Self> {
        let is_it = is_quota(exceeded.per, exceeded.of, exceeded.seconds);
        is_it.then_some(Self { limit: exceeded.most, remaining: 0, reset: exceeded.wait })
    }

    pub(super) fn headers(self) -> [(HeaderName, String); 3] {
        [
            (HeaderName::from_static("ratelimit-limit"), self.limit.to_string()),
            (HeaderName::from_static("ratelimit-remaining"), self.remaining.to_string()),
            (HeaderName::from_static("ratelimit-reset"), self.reset.to_string()),
        ]
    }
}

/// Whether a limit is the one that those headers tell of.
pub(super) fn is_quota(per: Per, of: Of, seconds: u32) -> bool {
    (per, of, seconds) == (Per::AppAndTenant, Of::Units, 60)
}

fn says_how_long(words: Words, refused: u64, say: RetryAfter) -> bool {
    match say {
        RetryAfter::Always => true,
        RetryAfter::Never => false,
        RetryAfter::Documented => match words {
            Words::NoTime => false,
            Words::Teams => !refused.is_multiple_of(4),
            Words::Directory | Words::Outlook | Words::SharePoint => true,
        },
    }
}

/// `Tenant_Application/Write/{app}/{tenant}`.
fn scope(exceeded: &Exceeded, caller: &Caller) -> String {
    let shared = match exceeded.per {
        Per::App => "Application",
        Per::Tenant => "Tenant",
        Per::AppAndTenant | Per::Mailbox | Per::Place | Per::User | Per::Person => "Tenant_Application",
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
