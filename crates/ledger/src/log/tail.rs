//! The end of the file: where to go on from without reading all of it, and what of it is torn.

use std::io::{self, Read, Seek, SeekFrom};

use super::line::{CheckpointLine, Line};
use super::replay::{Fault, Replay};
use crate::note::VerifierKey;

/// How much of the end is read first; doubled until it suffices.
const WINDOW: u64 = 1 << 16;

/// How far the lines could be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The end of the last line that is right.
    pub(crate) end: u64,
    /// What comes after it, when that is not the end of the file.
    pub(crate) broken: Option<Broken>,
}

/// A line that is not right, and what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) fault: Fault,
    /// How many signed checkpoints come after the line. A batch begins only when the one before it is
    /// durable, so two of them mean that the line had been durable: it was altered, not torn.
    pub(crate) signed_after: usize,
}

/// Follows the lines that begin at `offset` in the file.
pub(crate) fn walk(replay: &mut Replay, bytes: &[u8], offset: u64, key: &VerifierKey) -> Walk {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return broken(rest, offset + at as u64, Fault::Unreadable, key);
        };
        if let Err(fault) = step(replay, &rest[..length], offset + at as u64, key) {
            return broken(rest, offset + at as u64, fault, key);
        }
        at += length + 1;
    }
    Walk { end: offset + at as u64, broken: None }
}

fn step(replay: &mut Replay, line: &[u8], offset: u64, key: &VerifierKey) -> Result<(), Fault> {
    match Line::parse(line).map_err(|_| Fault::Unreadable)? {
        Line::Entry(entry) => replay.entry(&entry, offset).map(drop),
        Line::Checkpoint(checkpoint) => replay.checkpoint(&checkpoint, key, offset),
    }
}

fn broken(rest: &[u8], end: u64, fault: Fault, key: &VerifierKey) -> Walk {
    let signed_after = signed_checkpoints(rest, key).take(2).count();
    Walk { end, broken: Some(Broken { fault, signed_after }) }
}

/// The signed checkpoints among complete lines, the last first, each with where its line begins and ends.
fn signed_checkpoints<'a>(
    bytes: &'a [u8],
    key: &'a VerifierKey,
) -> impl Iterator<Item = (CheckpointLine, usize, usize)> + 'a {
    let mut end = bytes.iter().rposition(|byte| *byte == b'\n');
    std::iter::from_fn(move || {
        let line_end = end?;
        let start = bytes[..line_end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        end = start.checked_sub(1);
        Some((&bytes[start..line_end], start, line_end + 1))
    })
    .filter_map(move |(line, start, end)| match Line::parse(line) {
        Ok(Line::Checkpoint(checkpoint)) if checkpoint.is_signed_by(key) => Some((checkpoint, start, end)),
        _ => None,
    })
}

/// Where to go on from.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) replay: Replay,
    pub(crate) walk: Walk,
}

/// Reads as much of the end of a file of `length` bytes as is needed to go on: back to the last checkpoint
/// but one, so that the last batch is checked against its checkpoint, and back to the oldest open intent.
/// `header_end` is where the first line after the header begins.
pub(crate) fn read_tail(
    file: &mut (impl Read + Seek),
    header_end: u64,
    length: u64,
    key: &VerifierKey,
) -> io::Result<Tail> {
    let mut window = WINDOW;
    loop {
        let start = length.saturating_sub(window).max(header_end);
        let bytes = read_range(file, start, length)?;
        let base = signed_checkpoints(&bytes, key).nth(1);
        if let Some((checkpoint, begins, ends)) = base {
            let begins = start + begins as u64;
            let mut replay = Replay::from(checkpoint.frontier);
            let open = read_range(file, checkpoint.open_from.clamp(header_end, begins), begins)?;
            recall_open_intents(&mut replay, &open, begins - open.len() as u64);
            let walk = walk(&mut replay, &bytes[ends..], start + ends as u64, key);
            return Ok(Tail { replay, walk });
        }
        if start == header_end {
            let mut replay = Replay::default();
            let walk = walk(&mut replay, &bytes, header_end, key);
            return Ok(Tail { replay, walk });
        }
        window = window.saturating_mul(2);
    }
}

/// Fills in the intents that were open at a checkpoint from the lines since the oldest of them. Outcomes of
/// older intents are among these lines and say nothing here. What cannot be read is left to `verify`.
fn recall_open_intents(replay: &mut Replay, bytes: &[u8], offset: u64) {
    let mut at = offset;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Ok(Line::Entry(entry)) = Line::parse(line.strip_suffix(b"\n").unwrap_or(line)) {
            replay.recall(&entry, at);
        }
        at += line.len() as u64;
    }
}

/// Reads the bytes from `start` to `end`.
pub(crate) fn read_range(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
