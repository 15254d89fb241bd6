//! The audit log: append-only, in one file, and provable. Its entries are the leaves of a Merkle tree
//! (RFC 6962 §2); its checkpoints are signed notes (C2SP tlog-checkpoint). Whoever holds an earlier
//! checkpoint can detect any alteration, offline and with standard tools: `docs/ledger.md` shows how.
//!
//! [`Ledger`] appends; [`verify`], [`show`], [`prove_inclusion`] and [`prove_consistency`] read.
//!
//! Whoever keeps a log elsewhere, such as in a database, has [`Composer`] make its entries, [`Frontier`] and
//! [`sign_checkpoint`] sign for them, [`inclusion_ranges`] and [`consistency_ranges`] say what a proof
//! consists of, and [`Export`] write a file that [`verify`] and [`show`] read.

mod entry;
mod file;
mod log;
mod note;
mod read;
mod tree;

pub use entry::{
    Act, ActName, Actor, By, ByKind, Code, Composer, Correlation, Draft, ENTRY_VERSION, Entry, EntryError,
    EntryId, Event, Field, Mode, Name, NameError, Numbered, Outcome, Repair, RequestId, Retention, Target,
    Thing, Verdict, WriterId,
};
pub use file::{Committed, Dangling, Intent, Ledger, LedgerError, LedgerOptions, Receipt};
pub use log::{Export, ExportError, Fault};
pub use note::{
    Checkpoint, CheckpointError, Ed25519Key, FixedKey, KeyError, KeySource, NoteError, NoteSigner,
    SignedNote, VerifierKey, VerifierKeyError, sign_checkpoint,
};
pub use read::{
    CheckpointFile, Consistency, Filter, Gap, Inclusion, Report, Show, Shown, VerifyError, VerifyOptions,
    prove_consistency, prove_inclusion, show, verify,
};
pub use tree::{
    ConsistencyProof, Frontier, Hash, InclusionProof, Misfit, NotAHash, ProofError, consistency_ranges,
    inclusion_ranges, leaf_hash, perfect_ranges, subtree_root,
};
