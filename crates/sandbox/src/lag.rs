//! The one place for lag: how long after a write its effect shows, per cause (Entra reference §2.10, §2.4).
//!
//! A write stores the absolute time at which its effect is due ([`Lag::due`]); readers compare it with the
//! clock. Tests make lag shorter by the scale, never by the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How slow the tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LagProfile {
    /// Every effect is there at once.
    #[default]
    None,
    /// What clients usually see.
    Typical,
    /// The longest that is documented or reported.
    Worst,
    /// As typical, but the mailbox and Teams of an agent user never come (Entra reference §13).
    Never,
}

impl std::str::FromStr for LagProfile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "typical" => Ok(Self::Typical),
            "worst" => Ok(Self::Worst),
            "never" => Ok(Self::Never),
            _ => Err(format!("{text:?} is no lag profile: use none, typical, worst or never")),
        }
    }
}

/// Why an effect is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A new application, service principal or user is visible to reads, filters and references.
    Replication,
    /// A changed property of an existing object is visible.
    Change,
    /// A new secret works at the token endpoint.
    Secret,
    /// A new certificate works at the token endpoint.
    KeyCredential,
    /// A new or changed federated identity credential works at the token endpoint.
    FederatedCredential,
    /// A delegated grant, an app role or an inheritable permission shows in new tokens.
    Consent,
    /// A licensed user has a mailbox.
    Mailbox,
    /// A licensed user has Teams.
    Teams,
}

/// The profile in force and its scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// How slow the tenant is.
    pub profile: LagProfile,
    /// What every delay is multiplied by; 0.001 makes a day 86 seconds.
    pub scale: f64,
}

impl Lag {
    /// When the effect of a write at `now` shows. [`Timestamp::MAX`] is never.
    pub(crate) fn due(&self, cause: Cause, now: Timestamp) -> Timestamp {
        match self.delay(cause) {
            Some(delay) => SignedDuration::try_from(delay)
                .ok()
                .and_then(|delay| now.saturating_add(delay).ok())
                .unwrap_or(Timestamp::MAX),
            None => Timestamp::MAX,
        }
    }

    /// The delay in seconds at scale 1, then scaled; `None` is never.
    fn delay(&self, cause: Cause) -> Option<Duration> {
        let (typical, worst) = match cause {
            Cause::Replication => (15, 600),
            Cause::Change => (5, 60),
            Cause::Secret | Cause::KeyCredential => (15, 120),
            Cause::Consent => (30, 120),
            Cause::FederatedCredential => (15, 300),
            Cause::Mailbox => (5 * 60, 30 * 60),
            Cause::Teams => (15 * 60, 24 * 60 * 60),
        };
        let seconds = match self.profile {
            LagProfile::None => 0,
            LagProfile::Never if matches!(cause, Cause::Mailbox | Cause::Teams) => return None,
            LagProfile::Typical | LagProfile::Never => typical,
            LagProfile::Worst => worst,
        };
        let seconds = f64::from(seconds) * self.scale;
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(profile: LagProfile, scale: f64, cause: Cause) -> f64 {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        Lag { profile, scale }.due(cause, now).duration_since(now).as_secs_f64()
    }

    #[test]
    fn the_scale_shortens_every_delay_alike() {
        assert_eq!(seconds(LagProfile::Worst, 1.0, Cause::Teams), 86_400.0);
        assert_eq!(seconds(LagProfile::Worst, 0.001, Cause::Teams), 86.4);
        assert_eq!(seconds(LagProfile::None, 1.0, Cause::Teams), 0.0);
    }

    #[test]
    fn never_concerns_only_what_a_licence_brings() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let lag = Lag { profile: LagProfile::Never, scale: 1.0 };
        assert_eq!(lag.due(Cause::Mailbox, now), Timestamp::MAX);
        assert!(lag.due(Cause::Consent, now) < Timestamp::MAX);
    }
}
