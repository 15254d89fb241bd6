//! The next batch. Entries become lines of it as they are asked for, while the batch before is on its way to
//! the disk, so that the disk waits for nothing but the signature.

use super::error::LedgerError;
use super::handle::Receipt;
use super::queue::Answer;
use crate::entry::{Draft, Event, Numbered, WriterId};
use crate::log::{CheckpointLine, OpenIntent, Replay, push_entry};
use crate::tree::Frontier;

/// What the log comes to with the lines that are not on the disk yet, and those lines. It is right only while
/// the file is locked, and until a write fails.
pub(super) struct Batch {
    writer: WriterId,
    replay: Replay,
    /// Where the next batch begins in the file.
    begin: u64,
    text: String,
    answers: Vec<Answer>,
    /// Whether there is something to write even if no entry is right.
    is_due: bool,
}

/// A batch that takes no more entries, and what its checkpoint says.
pub(super) struct Closed {
    pub(super) begin: u64,
    pub(super) text: String,
    pub(super) answers: Vec<Answer>,
    pub(super) frontier: Frontier,
    pub(super) open_from: u64,
}

impl Batch {
    /// An empty batch after what the file holds up to `begin`.
    pub(super) fn new(writer: WriterId, replay: Replay, begin: u64) -> Self {
        Self { writer, replay, begin, text: String::new(), answers: Vec::new(), is_due: false }
    }

    /// Puts the log's first line before all entries.
    pub(super) fn push_header(&mut self, header: &str) {
        self.text.push_str(header);
    }

    /// Records that a torn end is cut off. It is written even if nothing else is.
    pub(super) fn push_repair(&mut self, repair: Draft) {
        self.is_due = true;
        let _ = self.write(repair);
    }

    /// Adds an entry. An outcome whose intent is not open is refused by itself.
    pub(super) fn push(&mut self, draft: Draft) {
        let answer = match draft.event {
            Event::Outcome { intent, .. } if !self.replay.is_open(intent) => {
                Err(LedgerError::NotOpen(intent))
            }
            _ => {
                self.is_due = true;
                Ok(self.write(draft))
            }
        };
        self.answers.push(answer);
    }

    /// How many entries were asked for.
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Ends this batch and begins the next one behind it. The text is empty when there is nothing to write;
    /// there may be answers all the same.
    pub(super) fn close(&mut self) -> Closed {
        let begin = self.begin;
        let text =
            if std::mem::take(&mut self.is_due) { std::mem::take(&mut self.text) } else { String::new() };
        let end = begin + text.len() as u64;
        let (frontier, open_from) = (self.replay.frontier().clone(), self.replay.open_from(end));
        if !text.is_empty() {
            self.begin = end + CheckpointLine::length(&frontier, open_from) as u64;
        }
        Closed { begin, text, answers: std::mem::take(&mut self.answers), frontier, open_from }
    }

    /// The account of the log, when everything is on the disk.
    pub(super) fn into_replay(self) -> Replay {
        self.replay
    }

    /// Writes one entry into the batch and into the account of the log.
    fn write(&mut self, draft: Draft) -> Receipt {
        let offset = self.begin + self.text.len() as u64;
        let (sequence, id) = (self.replay.size(), draft.id);
        match draft.event {
            Event::Intent { .. } => self.replay.begin(OpenIntent { id, writer: self.writer }, offset),
            Event::Outcome { intent, .. } => self.replay.end(intent),
            _ => true,
        };
        let Numbered { leaf, column, hash } = draft.number(sequence);
        self.replay.push(hash);
        push_entry(&mut self.text, &leaf, &column);
        Receipt { sequence, id, leaf: hash }
    }
}
