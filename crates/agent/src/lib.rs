//! Be the device agent: act for a human in Teams, first under the human's token and soon under a name of its
//! own, with every act in the ledger. The rooms: `identity` says as whom, `provisioning` and `upgrade` bring
//! the agent to its own name, `conversation` says where agent and sponsor talk, `audit` records every act,
//! `inbox` and `tools` are what a host sees, `state` and `profile` what the device remembers.

mod agent;
mod audit;
mod background;
mod connect;
mod conversation;
mod identity;
pub mod inbox;
mod profile;
mod provisioning;
mod settings;
pub mod state;
pub mod tools;
mod upgrade;

pub use agent::Agent;
pub use audit::{ActError, Audit, Begun};
pub use connect::ConnectError;
pub use conversation::Conversations;
pub use identity::{
    AgentIds, Current, DevicePrompt, Elsewhere, IdentityError, IdentityMode, Person, Standing,
};
pub use profile::{FileError, Holder, Profile, ProfileName, ProfileNameError};
pub use provisioning::{Phase, Progress, ProvisioningError};
pub use settings::{AgentWishes, Provisioner, Secrets, Settings};
pub use upgrade::UpgradeError;
