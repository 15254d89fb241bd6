//! The one place for lag: how long after a write its effect shows, per cause (Entra reference §2.10, §2.4).
//!
//! A write stores the absolute time at which its effect is due ([`Lag::due`]); readers compare it with the
//! clock. Tests make lag shorter by the scale, never by the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How slow the tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
    /// Mail that was sent is in Sent Items and with its recipients.
    Delivery,
    /// The sender of mail that did not arrive has the report.
    Bounce,
    /// The agents of a deleted blueprint are deleted too.
    Cascade,
}

/// The profile in force, and what stands over it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lag {
    /// How slow the tenant is.
    pub profile: LagProfile,
    /// What every delay of the profile is multiplied by; 0.001 makes a day 86 seconds.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub scale: f64,
    /// Delays of single causes, in seconds, whatever profile and scale say.
    #[serde(skip_serializing_if = "Delays::is_empty")]
    pub seconds: Delays,
    /// Whether every second read meets a replica that shows new objects at once, until their lag is over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alternating: bool,
}

/// Delays in seconds, by cause; those that are absent follow the profile.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Delays {
    /// Until a new object is visible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub replication: Option<f64>,
    /// Until a changed property is visible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub change: Option<f64>,
    /// Until a new secret works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub secret: Option<f64>,
    /// Until a new certificate works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub key_credential: Option<f64>,
    /// Until a federated identity credential works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub federated_credential: Option<f64>,
    /// Until a grant shows in new tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub consent: Option<f64>,
    /// Until a licensed user has a mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub mailbox: Option<f64>,
    /// Until a licensed user has Teams.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub teams: Option<f64>,
    /// Until mail is with its recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub delivery: Option<f64>,
    /// Until the report of mail that did not arrive is with its sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub bounce: Option<f64>,
    /// Until the agents of a deleted blueprint are deleted too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub cascade: Option<f64>,
}

impl Delays {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn all(&self) -> [Option<f64>; 11] {
        let Self {
            replication,
            change,
            secret,
            key_credential,
            federated_credential,
            consent,
            mailbox,
            teams,
            delivery,
            bounce,
            cascade,
        } = *self;
        [
            replication,
            change,
            secret,
            key_credential,
            federated_credential,
            consent,
            mailbox,
            teams,
            delivery,
            bounce,
            cascade,
        ]
    }

    fn of(&self, cause: Cause) -> Option<f64> {
        match cause {
            Cause::Replication => self.replication,
            Cause::Change => self.change,
            Cause::Secret => self.secret,
            Cause::KeyCredential => self.key_credential,
            Cause::FederatedCredential => self.federated_credential,
            Cause::Consent => self.consent,
            Cause::Mailbox => self.mailbox,
            Cause::Teams => self.teams,
            Cause::Delivery => self.delivery,
            Cause::Bounce => self.bounce,
            Cause::Cascade => self.cascade,
        }
    }
}

impl Default for Lag {
    fn default() -> Self {
        Self::new(LagProfile::None, 1.0)
    }
}

impl Lag {
    /// A profile, scaled.
    pub fn new(profile: LagProfile, scale: f64) -> Self {
        Self { profile, scale, seconds: Delays::default(), alternating: false }
    }

    /// Whether every number in it is within the range that its schema declares.
    pub(crate) fn is_sound(&self) -> bool {
        let is_delay = |seconds: f64| (0.0..=1_000_000_000.0).contains(&seconds);
        (0.0..=1_000_000.0).contains(&self.scale) && self.seconds.all().into_iter().flatten().all(is_delay)
    }

    /// The same tenant as people meet it, to whom mailbox and Teams always come.
    pub(crate) fn of_people(&self) -> Self {
        let profile = match self.profile {
            LagProfile::Never => LagProfile::Typical,
            profile => profile,
        };
        Self { profile, ..*self }
    }

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
        if let Some(seconds) = self.seconds.of(cause) {
            return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO));
        }
        let (typical, worst) = match cause {
            Cause::Replication => (15, 600),
            Cause::Change => (5, 60),
            Cause::Secret | Cause::KeyCredential => (15, 120),
            Cause::Consent => (30, 120),
            Cause::FederatedCredential => (15, 300),
            Cause::Mailbox => (5 * 60, 30 * 60),
            Cause::Teams => (15 * 60, 24 * 60 * 60),
            Cause::Delivery => (2, 60),
            Cause::Bounce => (5, 120),
            Cause::Cascade => (5 * 60, 24 * 60 * 60),
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
        Lag::new(profile, scale).due(cause, now).duration_since(now).as_secs_f64()
    }

    #[test]
    fn the_scale_shortens_every_delay_alike() {
        assert_eq!(seconds(LagProfile::Worst, 1.0, Cause::Teams), 86_400.0);
        assert_eq!(seconds(LagProfile::Worst, 0.001, Cause::Teams), 86.4);
        assert_eq!(seconds(LagProfile::None, 1.0, Cause::Teams), 0.0);
    }

    #[test]
    fn a_delay_of_a_cause_stands_over_the_profile() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut lag = Lag::new(LagProfile::Worst, 0.001);
        lag.seconds.secret = Some(7.0);
        assert_eq!(lag.due(Cause::Secret, now).duration_since(now).as_secs(), 7);
        assert_eq!(lag.due(Cause::Replication, now).duration_since(now).as_millis(), 600);
        lag.seconds.mailbox = Some(f64::NAN);
        assert!(!lag.is_sound());
    }

    #[test]
    fn a_number_beyond_its_schema_is_not_sound() {
        assert!(Lag::new(LagProfile::Typical, 1_000_000.0).is_sound());
        assert!(!Lag::new(LagProfile::Typical, 9.4e307).is_sound());
        let seconds = Delays { change: Some(1e10), ..Delays::default() };
        assert!(!Lag { seconds, ..Lag::default() }.is_sound());
    }

    #[test]
    fn never_concerns_only_what_a_licence_brings() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let lag = Lag::new(LagProfile::Never, 1.0);
        assert_eq!(lag.due(Cause::Mailbox, now), Timestamp::MAX);
        assert!(lag.due(Cause::Consent, now) < Timestamp::MAX);
    }
}
