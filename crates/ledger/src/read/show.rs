//! The entries, one after another, with what a person filters by.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::error::VerifyError;
use super::examine::id_in;
use super::lines::{Kind, Lines};
use crate::entry::{ActName, Entry, Event, Verdict};
use crate::log::{ExportLine, Fault, Line};
use crate::tree::Hash;

/// Which entries to show. What is not set lets everything through.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// None before this time.
    pub since: Option<Timestamp>,
    /// None from this time on.
    pub until: Option<Timestamp>,
    /// Only of this act.
    pub act: Option<ActName>,
    /// Only what carries this id: an entry's own, an intent's, a thing's, or one of the request ids.
    pub id: Option<String>,
    /// Only acts that failed, were refused, or whose end is unknown.
    pub failures: bool,
    /// None before this number.
    pub from_sequence: u64,
}

/// An entry and the hash of its leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The hash of its leaf.
    pub leaf: Hash,
}

/// The entries that pass a filter. It ends after the first error, and before an unfinished end.
pub struct Show {
    lines: Lines,
    filter: Filter,
    sequence: u64,
    over: bool,
}

/// Reads the entries of a ledger or an export. They are checked against themselves, not against the tree: see
/// [`crate::verify`].
pub fn show(path: &Path, filter: Filter) -> Result<Show, VerifyError> {
    Ok(Show { lines: Lines::open(path)?, filter, sequence: 0, over: false })
}

impl Iterator for Show {
    type Item = Result<Shown, VerifyError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            match self.step() {
                Ok(Some(shown)) if self.filter.admits(&shown.entry) => return Some(Ok(shown)),
                Ok(_) => {}
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl Show {
    fn step(&mut self) -> Result<Option<Shown>, VerifyError> {
        let kind = self.lines.kind;
        let Some(line) = self.lines.next()?.filter(|line| line.complete) else {
            self.over = true;
            return Ok(None);
        };
        let (offset, sequence, id) = (line.offset, self.sequence, id_in(line.bytes));
        match parse(kind, line.bytes) {
            Ok(Part::Entry(shown)) => {
                self.sequence = self.sequence.saturating_add(1);
                Ok(Some(shown))
            }
            Ok(Part::Gap { to }) => {
                self.sequence = to;
                Ok(None)
            }
            Ok(Part::Checkpoint) => Ok(None),
            Err(_) if kind == Kind::Ledger && !self.lines.signed_checkpoint_follows()? => {
                self.over = true;
                Ok(None)
            }
            Err(fault) => Err(VerifyError::Altered { sequence, offset, id, fault }),
        }
    }
}

/// What of a line matters here.
#[expect(clippy::large_enum_variant, reason = "it is handed on at once, and most of them are entries")]
enum Part {
    Entry(Shown),
    Gap { to: u64 },
    Checkpoint,
}

fn parse(kind: Kind, line: &[u8]) -> Result<Part, Fault> {
    let line = match kind {
        Kind::Ledger => match Line::parse(line).map_err(|_| Fault::Unreadable)? {
            Line::Entry(entry) => entry,
            Line::Checkpoint(_) => return Ok(Part::Checkpoint),
        },
        Kind::Export => match ExportLine::parse(line).map_err(|_| Fault::Unreadable)? {
            ExportLine::Entry(entry, _) => entry,
            ExportLine::Gap(gap) => return Ok(Part::Gap { to: gap.range.end }),
            ExportLine::Checkpoint(_) => return Ok(Part::Checkpoint),
        },
    };
    let entry = Entry::decode(line.leaf, line.column)?;
    Ok(Part::Entry(Shown { entry, leaf: line.hash() }))
}

impl Filter {
    fn admits(&self, entry: &Entry) -> bool {
        entry.sequence >= self.from_sequence
            && self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
            && self.act.as_ref().is_none_or(|act| entry.act() == Some(act))
            && self.id.as_ref().is_none_or(|id| carries(entry, id))
            && (!self.failures || is_failure(&entry.event))
    }
}

fn carries(entry: &Entry, id: &str) -> bool {
    let intent = match &entry.event {
        Event::Outcome { intent, .. } => Some(intent.to_string()),
        _ => None,
    };
    let correlation = &entry.correlation;
    let requests = [&correlation.request_id, &correlation.token_request_id];
    let uuids = [correlation.client_request_id, correlation.request].map(|id| id.map(|id| id.to_string()));
    let mut ids = [Some(entry.id.to_string()), intent].into_iter().chain(uuids).flatten();
    ids.any(|ours| ours == id)
        || requests.into_iter().flatten().any(|request| request.as_str() == id)
        || entry.target.things.iter().any(|thing| thing.id.as_str() == id)
}

fn is_failure(event: &Event) -> bool {
    match event {
        Event::Outcome { verdict, .. } | Event::Change { verdict, .. } => *verdict != Verdict::Done,
        Event::Refusal { .. } => true,
        _ => false,
    }
}
