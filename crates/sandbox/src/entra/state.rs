//! What sign-in has to remember. Codes, refresh tokens and sessions carry their own content, sealed; only
//! what must happen once, or between two requests, is kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditional_access::{NamedLocation, Policy, Strength};
use super::guest::Guest;
use super::issue::SignIn;
use super::refresh::LoopGuard;
use super::sign_in_log::SignInLog;
use crate::sharing::{SnapshotMap, parts, whole};

/// Sign-in state of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entra {
    /// What sealed values are sealed with.
    pub(crate) secret: String,
    /// Codes that were redeemed, and when they would have expired.
    pub(crate) redeemed: SnapshotMap<String, Timestamp>,
    /// By `device_code`.
    pub(crate) devices: SnapshotMap<String, Device>,
    /// Wrong passwords in a row, by user.
    #[serde(default)]
    pub(crate) lockouts: SnapshotMap<String, Lockout>,
    /// Who was invited, by the user's object id.
    #[serde(default)]
    pub(crate) guests: SnapshotMap<String, Guest>,
    /// Conditional access policies.
    #[serde(default)]
    pub(crate) policies: Vec<Policy>,
    /// The tenant's own authentication strengths.
    #[serde(default)]
    pub(crate) strengths: Vec<Strength>,
    /// The places that they may name.
    #[serde(default)]
    pub(crate) named_locations: Vec<NamedLocation>,
    /// `identitySecurityDefaultsEnforcementPolicy`.
    #[serde(default)]
    pub(crate) has_security_defaults: bool,
    #[serde(default)]
    pub(crate) sign_ins: SignInLog,
    #[serde(skip)]
    pub(crate) loops: LoopGuard,
}

parts!(Entra {
    redeemed, devices, lockouts, guests, sign_ins,
} whole {
    secret, policies, strengths, named_locations, has_security_defaults,
} but {
    loops,
});

whole!(Timestamp, Device, Lockout, Guest);

/// Wrong passwords of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lockout {
    pub(crate) failed: u32,
    /// Until then no password is looked at.
    pub(crate) until: Option<Timestamp>,
}

/// A device that waits for its user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) expires: Timestamp,
    pub(crate) decision: Decision,
    /// When the device asked last.
    #[serde(default)]
    pub(crate) asked: Option<Timestamp>,
    /// How many seconds it is to wait before it asks again.
    #[serde(default = "first_interval")]
    pub(crate) interval: i64,
}

/// `interval` of a device code, in seconds.
fn first_interval() -> i64 {
    super::device::INTERVAL
}

impl Device {
    fn waits(&self, user_code: &str) -> bool {
        self.user_code == user_code && self.decision == Decision::Pending
    }
}

/// What the user said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Decision {
    Pending,
    Approved { user_id: String, sign_in: SignIn },
    Declined,
}

impl Entra {
    /// No sign-in yet.
    pub(crate) fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            redeemed: SnapshotMap::default(),
            devices: SnapshotMap::default(),
            lockouts: SnapshotMap::default(),
            guests: SnapshotMap::default(),
            policies: Vec::new(),
            strengths: Vec::new(),
            named_locations: Vec::new(),
            has_security_defaults: false,
            sign_ins: SignInLog::default(),
            loops: LoopGuard::default(),
        }
    }

    /// The device that shows this user code and waits for its user.
    pub(crate) fn waiting(&self, user_code: &str) -> Option<&Device> {
        self.devices.values().find(|device| device.waits(user_code))
    }

    /// Notes what its user said.
    pub(crate) fn decide(&mut self, user_code: &str, decision: Decision) {
        let found = self.devices.iter().find(|(_, device)| device.waits(user_code));
        let code = found.map(|(code, _)| code.clone());
        if let Some(device) = code.and_then(|code| self.devices.get_mut(&code)) {
            device.decision = decision;
        }
    }

    /// Forgets what has expired.
    pub(crate) fn tidy(&mut self, now: Timestamp) {
        self.redeemed.retain(|_, expires| *expires > now);
        // An expired device code is told so for a day.
        let day = jiff::SignedDuration::from_hours(24);
        self.devices.retain(|_, device| device.expires.saturating_add(day).is_ok_and(|end| end > now));
    }
}
