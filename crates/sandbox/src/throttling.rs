//! How strictly the tenant throttles: a setting of the tenant. What is counted, and how much is allowed, stands
//! with Graph (`graph::throttling`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether Graph refuses whoever asks too much, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Throttling {
    /// Which limits hold.
    pub limits: Limits,
    /// What every limit is multiplied by; 0.001 makes ten thousand requests ten. None falls below one.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub scale: f64,
    /// When a refusal says how long to wait.
    pub retry_after: RetryAfter,
}

/// Which limits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Limits {
    /// None: a test may ask as fast as it likes.
    #[default]
    Off,
    /// Those that Microsoft documents.
    Documented,
}

/// When a refusal says how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetryAfter {
    /// As the service does: most do, Teams forgets it at every fourth refusal, conditional access never says it.
    #[default]
    Documented,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Default for Throttling {
    fn default() -> Self {
        Self { limits: Limits::Off, scale: 1.0, retry_after: RetryAfter::Documented }
    }
}

impl Throttling {
    /// The documented limits.
    pub fn documented() -> Self {
        Self { limits: Limits::Documented, ..Self::default() }
    }

    /// Whether limits can be multiplied by the scale.
    pub(crate) fn is_sound(&self) -> bool {
        (0.0..=1_000_000.0).contains(&self.scale)
    }
}
