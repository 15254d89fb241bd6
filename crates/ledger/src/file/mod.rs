//! The file log: one file that many tasks and many processes append to. An entry is acknowledged when it is
//! on the disk; entries that wait at the same time share one write and one fsync.

mod batch;
mod dangling;
mod erase;
mod error;
mod handle;
mod live;
mod open;
mod queue;
mod room;
mod writer;

pub use dangling::Dangling;
pub use error::LedgerError;
pub use handle::{Committed, Intent, Ledger, LedgerOptions, Receipt};

pub(crate) use open::{Beginning, checkpoint_path, read_header};
pub(crate) use room::end_of_lines;
