//! How a tenant behaves: what the control API sets and `reset` puts back.

use serde::{Deserialize, Serialize};

use crate::lag::Lag;
use crate::throttling::Throttling;

/// All of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Manners {
    /// How late effects show.
    pub(crate) lag: Lag,
    /// How strictly it throttles.
    pub(crate) throttling: Throttling,
}
