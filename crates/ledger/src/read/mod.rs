//! Reading a ledger or an export without writing to it: verifying, showing, proving. Each function blocks;
//! each reads the lines that were complete when it began, so that writers are not kept waiting.

mod chunks;
mod error;
mod examine;
mod export;
mod held;
mod lines;
mod prove;
mod report;
mod show;
mod threads;
mod verify;

pub use error::VerifyError;
pub use prove::{Consistency, Inclusion, prove_consistency, prove_inclusion};
pub use report::{CheckpointFile, Gap, Report};
pub use show::{Filter, Show, Shown, show};
pub use verify::{VerifyOptions, verify};
