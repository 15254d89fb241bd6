//! Reading the file without writing to it: verifying, showing, proving. Each function blocks; each reads
//! the lines that were complete when it began, so that writers are not kept waiting.

mod error;
mod lines;
mod prove;
mod show;
mod verify;

pub use error::VerifyError;
pub use prove::{Consistency, Inclusion, prove_consistency, prove_inclusion};
pub use show::{Filter, Show, Shown, show};
pub use verify::{CheckpointFile, Report, VerifyOptions, verify};
