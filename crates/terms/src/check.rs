//! What `doctor` finds: one thing that was looked at, how it stands, what that means for whoever runs it, and
//! what to do. A check stands beside what it checks; the list of all of them is the command's.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{Explain, Remedy};

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    Skipped,
    /// It works, and will not for long, or reaches further than it must.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    /// As a word: `ok`, `skipped`, `warn`, `fail`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, the same every time, in snake case: `token`, `roles`, `subscription`.
    pub name: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen, as one sentence without a secret in it.
    pub seen: String,
    /// What that means, where it is not plain.
    pub means: Option<Cow<'static, str>>,
    /// What to do, and who.
    pub remedy: Option<Remedy>,
    /// When what was seen ends, where it ends by itself.
    pub ends: Option<Timestamp>,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, seen: impl Into<String>) -> Self {
        Self { name, verdict, seen: seen.into(), means: None, remedy: None, ends: None }
    }

    /// It is as it should be.
    pub fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, seen)
    }

    /// It works for now.
    pub fn warn(name: &'static str, seen: impl Into<String>, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..Self::new(name, Verdict::Warn, seen) }
    }

    /// It does not work.
    pub fn fail(name: &'static str, seen: impl Into<String>, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..Self::new(name, Verdict::Fail, seen) }
    }

    /// It does not work, as this error explains.
    pub fn failed(name: &'static str, error: &(dyn Explain + '_)) -> Self {
        Self::fail(name, error.to_string(), error.remedy())
    }

    /// It could not be looked at, for this reason.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Verdict::Skipped, why)
    }

    /// The same with what it means.
    #[must_use]
    pub fn meaning(self, means: impl Into<Cow<'static, str>>) -> Self {
        Self { means: Some(means.into()), ..self }
    }

    /// The same with what would make it better.
    #[must_use]
    pub fn with_remedy(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// The same, which ends by itself at this time.
    #[must_use]
    pub fn ending(self, at: Timestamp) -> Self {
        Self { ends: Some(at), ..self }
    }
}

/// A day and how far away it is: `2027-05-12 (in 165 days)`, `2026-11-28 (3 hours ago)`.
pub fn when(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    let span = match seconds.unsigned_abs() {
        seconds @ 0..7_200 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    };
    let day = at.strftime("%Y-%m-%d");
    if seconds >= 0 { format!("{day} (in {span})") } else { format!("{day} ({span} ago)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_its_day_and_its_distance() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        let told = |at: &str| when(at.parse().unwrap(), now);
        assert_eq!(told("2027-05-12T10:00:00Z"), "2027-05-12 (in 165 days)");
        assert_eq!(told("2026-11-28T13:30:00Z"), "2026-11-28 (in 3 hours)");
        assert_eq!(told("2026-11-28T09:15:00Z"), "2026-11-28 (45 minutes ago)");
        assert_eq!(told("2026-11-01T10:00:00Z"), "2026-11-01 (27 days ago)");
    }
}
