//! The presence of one user, and what of it counts at a time (Entra reference §5.5).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an app's word stands before it fades.
const FADES: SignedDuration = SignedDuration::from_mins(5);

/// What apps and the user said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Presence {
    /// By the id of the session, which is the app's id.
    pub(super) sessions: BTreeMap<String, Said>,
    /// What the user prefers.
    pub(super) preferred: Option<Said>,
    pub(super) status: Option<Status>,
    /// Grows with every change.
    pub(super) sequence: u64,
}

/// One statement, and until when it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) availability: String,
    pub(super) activity: String,
    pub(super) since: Timestamp,
    pub(super) expires: Timestamp,
}

/// What a user lets others read beside their name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    pub(super) content: String,
    pub(super) is_html: bool,
    pub(super) published: Timestamp,
    pub(super) expires: Option<Timestamp>,
}

/// What readers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown<'a> {
    pub(super) availability: &'a str,
    pub(super) activity: &'a str,
}

impl Presence {
    /// The user's own word stands over the apps'; of theirs the most urgent one.
    pub(super) fn at(&self, now: Timestamp) -> Shown<'_> {
        if let Some(own) = self.preferred.as_ref().filter(|own| own.expires > now) {
            return Shown { availability: &own.availability, activity: &own.activity };
        }
        self.sessions
            .values()
            .filter(|said| said.expires > now)
            .map(|said| said.faded(now))
            .min_by_key(|shown| rank(shown.availability))
            .unwrap_or(Shown { availability: "Offline", activity: "Offline" })
    }
}

impl Said {
    /// Nobody is available for ever: first they are inactive, then away. Who is busy becomes inactive.
    fn faded(&self, now: Timestamp) -> Shown<'_> {
        let age = now.duration_since(self.since);
        let (availability, activity) = match self.availability.as_str() {
            "Available" if age >= FADES * 2 => ("Away", "Away"),
            "Available" if age >= FADES => ("AvailableIdle", "AvailableInactive"),
            "Busy" if age >= FADES => ("BusyIdle", "BusyInactive"),
            _ => (self.availability.as_str(), self.activity.as_str()),
        };
        Shown { availability, activity }
    }
}

fn rank(availability: &str) -> usize {
    ["DoNotDisturb", "Busy", "BusyIdle", "Available", "AvailableIdle", "Away"]
        .iter()
        .position(|one| *one == availability)
        .unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(availability: &str, since: Timestamp, minutes: i64) -> Said {
        Said {
            availability: availability.to_owned(),
            activity: availability.to_owned(),
            since,
            expires: since + SignedDuration::from_mins(minutes),
        }
    }

    #[test]
    fn a_session_fades_and_expires() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut presence = Presence::default();
        presence.sessions.insert("a".to_owned(), said("Available", start, 60));
        for (minutes, shown) in [
            (0, "Available"),
            (4, "Available"),
            (5, "AvailableIdle"),
            (10, "Away"),
            (59, "Away"),
            (60, "Offline"),
        ] {
            let at = presence.at(start + SignedDuration::from_mins(minutes));
            assert_eq!(at.availability, shown, "{minutes}");
        }
    }

    proptest! {
        #[test]
        fn the_most_urgent_session_counts(
            names in prop::collection::vec(prop::sample::select(vec!["DoNotDisturb", "Busy", "Available", "Away"]), 1..6),
        ) {
            let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
            let mut presence = Presence::default();
            for (index, name) in names.iter().enumerate() {
                presence.sessions.insert(index.to_string(), said(name, start, 60));
            }
            let expected = ["DoNotDisturb", "Busy", "Available", "Away"].into_iter().find(|one| names.contains(one));
            prop_assert_eq!(Some(presence.at(start).availability), expected);
            presence.preferred = Some(said("BeRightBack", start, 1));
            prop_assert_eq!(presence.at(start).availability, "BeRightBack");
            let later = start + SignedDuration::from_mins(1);
            prop_assert_eq!(Some(presence.at(later).availability), expected);
        }
    }
}
