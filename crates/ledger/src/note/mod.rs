//! Signed notes and checkpoints, as C2SP specifies them (<https://c2sp.org/signed-note>,
//! <https://c2sp.org/tlog-checkpoint>), with Ed25519 signatures.

mod checkpoint;
mod key;
mod signed;

pub use checkpoint::{Checkpoint, CheckpointError, sign_checkpoint};
pub use key::{Ed25519Key, FixedKey, KeyError, KeySource, NoteSigner, VerifierKey, VerifierKeyError};
pub use signed::{NoteError, SignedNote};

pub(crate) use checkpoint::decimal;
