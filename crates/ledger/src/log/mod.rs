//! The file: lines of text, one for each entry and one for each checkpoint. This folder knows its bytes, and
//! those of exports, and what they must be to one another; nothing here opens a file.

mod export;
pub(crate) mod line;
mod replay;
mod tail;

pub use export::{Export, ExportError};
pub use replay::Fault;

pub(crate) use export::{ExportLine, GapLine, SealLine, export_header};
pub(crate) use line::{CheckpointLine, Header, LONGEST_LINE, Line, LineError, push_entry};
pub(crate) use replay::{OpenIntent, Replay};
pub(crate) use tail::{Walk, read_range, read_tail, walk};
