//! The audit log: append-only, in one file, and provable. Its entries are the leaves of a Merkle tree
//! (RFC 6962 §2); its checkpoints are signed notes (C2SP tlog-checkpoint). Whoever holds an earlier
//! checkpoint can detect any alteration, offline and with standard tools: `docs/ledger.md` shows how.
//!
//! [`Ledger`] appends; [`verify`], [`show`], [`prove_inclusion`] and [`prove_consistency`] read.

mod entry;
mod file;
mod log;
mod note;
mod read;
mod tree;

pub use entry::{
    Act, ActName, Actor, Code, Correlation, ENTRY_VERSION, Entry, EntryError, EntryId, Event, Field, Mode,
    NameError, Outcome, Repair, RequestId, Target, Verdict, WriterId,
};
pub use file::{Committed, Dangling, Intent, Ledger, LedgerError, LedgerOptions, Receipt};
pub use log::Fault;
pub use note::{
    Checkpoint, CheckpointError, Ed25519Key, FixedKey, KeyError, KeySource, NoteError, NoteSigner,
    SignedNote, VerifierKey, VerifierKeyError,
};
pub use read::{
    CheckpointFile, Consistency, Filter, Inclusion, Report, Show, Shown, VerifyError, VerifyOptions,
    prove_consistency, prove_inclusion, show, verify,
};
pub use tree::{ConsistencyProof, Frontier, Hash, InclusionProof, ProofError, leaf_hash};
