//! Applications that are registered in another tenant and used in this one.

use serde::{Deserialize, Serialize};

use super::Application;

/// A copy of another tenant's application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Foreign {
    /// The tenant in which it is registered.
    pub(crate) home: String,
    pub(crate) application: Application,
    /// Nobody here has consented to it yet.
    pub(crate) is_new: bool,
}
