//! Every error says who must act and how (rule 3 of the house).

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Who can make it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever made the call: change the request.
    Caller,
    /// Whoever runs Attaché or administers the tenant: a command or a place to click.
    Operator,
    /// Microsoft's service; it may work later, after this long if it said so.
    Platform {
        /// What the service asked for in `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// Us: it is a bug.
    Us,
}

/// What to do about an error, and who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Who must act.
    pub who: Who,
    /// What to do, as one sentence for a person.
    pub what: Cow<'static, str>,
}

impl Remedy {
    /// The caller must change the request.
    pub fn caller(what: impl Into<Cow<'static, str>>) -> Self {
        Self { who: Who::Caller, what: what.into() }
    }

    /// The operator must do something.
    pub fn operator(what: impl Into<Cow<'static, str>>) -> Self {
        Self { who: Who::Operator, what: what.into() }
    }

    /// The platform must recover; trying again later may help.
    pub fn platform(retry_after: Option<Duration>, what: impl Into<Cow<'static, str>>) -> Self {
        Self { who: Who::Platform { retry_after }, what: what.into() }
    }

    /// We must fix a bug.
    pub fn us(what: impl Into<Cow<'static, str>>) -> Self {
        Self { who: Who::Us, what: what.into() }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.who {
            Who::Platform { retry_after: Some(span) } => write!(f, " (in {} s)", span.as_secs().max(1)),
            _ => Ok(()),
        }
    }
}

/// An error that a person or a program can act on.
pub trait Explain: std::error::Error {
    /// A stable word for programs, in snake case: `consent_required`, `chat_not_found`.
    fn code(&self) -> &'static str;

    /// Who must act, and how.
    fn remedy(&self) -> Remedy;
}
