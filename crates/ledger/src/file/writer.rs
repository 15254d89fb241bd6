//! One turn at the file: lock, read what others appended, write batches with one write and one sync each,
//! unlock. Between turns nothing is held, so that any number of processes can append to one log.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use attache_terms::Rng;

use super::batch::{Batch, Closed};
use super::error::LedgerError;
use super::live::Live;
use super::open::{
    Beginning, checkpoint_path, is_at, make_private, private, read_header, sync_folder_of, writers_path,
};
use super::queue::Answer;
use super::room::{self, end_of_lines};
use crate::entry::{Composer, Repair, WriterId};
use crate::log::{CheckpointLine, Header, Replay, Walk, read_range};
use crate::note::{Checkpoint, KeySource, NoteSigner, SignedNote, VerifierKey};
use crate::tree::Hash;

/// How often the file may be replaced by another while we open it.
const ATTEMPTS: usize = 100;

/// What a writer is made from.
pub(super) struct Origin {
    pub(super) path: PathBuf,
    /// What the name of a new log begins with.
    pub(super) name: String,
    pub(super) key: Arc<dyn KeySource>,
    /// Makes the id in the name of a new log.
    pub(super) rng: Arc<dyn Rng>,
    pub(super) composer: Arc<Composer>,
}

/// Appends to one file.
pub(super) struct Writer {
    pub(super) origin: Origin,
    live: Option<Live>,
    signer: Option<Arc<dyn NoteSigner>>,
    log: Option<Log>,
    checkpoint: Option<File>,
}

/// The open file and what is known of it.
pub(super) struct Log {
    pub(super) file: File,
    /// `None` until there is a header.
    key: Option<VerifierKey>,
    pub(super) replay: Replay,
    /// Where the next line goes: the end of the last line that is right.
    end: u64,
    /// Where the last line ends, right or not; beyond `end` it is torn.
    pub(super) length: u64,
    /// The file's size; beyond `length` there is room.
    size: u64,
}

/// The file while it is locked by this writer.
pub(super) struct Turn {
    pub(super) log: Log,
    key: VerifierKey,
    signer: Arc<dyn NoteSigner>,
    /// The last checkpoint, until others can see it.
    unpublished: Option<SignedNote>,
}

impl Writer {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, live: None, signer: None, log: None, checkpoint: None }
    }

    /// Locks the file for some batches. When anything fails before [`Self::finish`], the turn is dropped: the
    /// file is closed, which lets go of its lock, and is read again next time, since what was known of it is
    /// in doubt.
    pub(super) fn begin(&mut self) -> Result<(Turn, Batch), LedgerError> {
        let signer = self.signer()?;
        self.announce()?;
        let mut log = self.lock()?;
        let key = self.key_of(&log, signer.as_ref())?;
        let mut batch = Batch::new(self.id(), std::mem::take(&mut log.replay), log.end);
        if log.key.is_none() {
            batch.push_header(&Header { key: key.clone() }.encode());
        }
        if log.length > log.end {
            batch.push_repair(self.origin.composer.repair(self.repair(&mut log)?));
        }
        Ok((Turn { log, key, signer, unpublished: None }, batch))
    }

    /// Gives back the room behind the last line, for the end of a program.
    pub(super) fn give_room_back(&mut self) -> Result<(), LedgerError> {
        if self.log.is_none() {
            return Ok(());
        }
        let mut log = self.lock()?;
        if log.length == log.end && log.end < log.size {
            log.file.set_len(log.end).map_err(LedgerError::io(&self.origin.path, "cut"))?;
            log.size = log.end;
        }
        self.unlock(log)
    }

    /// Puts the checkpoint where others look for it, and unlocks.
    pub(super) fn finish(&mut self, mut turn: Turn, batch: Option<Batch>) {
        self.publish(&mut turn);
        // Without its account the file is read again.
        let Some(batch) = batch else { return };
        turn.log.replay = batch.into_replay();
        if let Err(error) = self.unlock(turn.log) {
            tracing::error!(%error, "the ledger was closed");
        }
    }

    /// The key, loaded at the first append.
    fn signer(&mut self) -> Result<Arc<dyn NoteSigner>, LedgerError> {
        if let Some(signer) = &self.signer {
            return Ok(Arc::clone(signer));
        }
        let signer = self.origin.key.load()?;
        self.signer = Some(Arc::clone(&signer));
        Ok(signer)
    }

    /// Shows that this writer lives, before its first intent can be seen.
    fn announce(&mut self) -> Result<(), LedgerError> {
        if self.live.is_none() {
            let folder = writers_path(&self.origin.path);
            let live = Live::announce(&folder, self.id()).map_err(LedgerError::io(&folder, "made"))?;
            self.live = Some(live);
        }
        Ok(())
    }

    /// This writer's id.
    pub(super) fn id(&self) -> WriterId {
        self.origin.composer.writer()
    }

    /// The file, locked, and read to its end. Whoever takes it gives it back with [`Self::unlock`], or drops
    /// it when something failed.
    pub(super) fn lock(&mut self) -> Result<Log, LedgerError> {
        let path = self.origin.path.clone();
        let io = |doing| LedgerError::io(&path, doing);
        for _ in 0..ATTEMPTS {
            let mut log = match self.log.take() {
                Some(log) => log,
                None => {
                    let mut options = OpenOptions::new();
                    let options = private(options.read(true).write(true).create(true).truncate(false));
                    Log::new(options.open(&path).map_err(io("opened"))?)
                }
            };
            log.file.lock().map_err(io("locked"))?;
            if is_at(&log.file, &path).map_err(io("found"))? {
                self.catch_up(&mut log)?;
                return Ok(log);
            }
        }
        Err(io("locked")(std::io::Error::other("other processes keep replacing it")))
    }

    /// Lets other processes append.
    pub(super) fn unlock(&mut self, log: Log) -> Result<(), LedgerError> {
        log.file.unlock().map_err(LedgerError::io(&self.origin.path, "unlocked"))?;
        self.log = Some(log);
        Ok(())
    }

    /// Reads what was appended since we looked last.
    fn catch_up(&self, log: &mut Log) -> Result<(), LedgerError> {
        let path = &self.origin.path;
        let io = || LedgerError::io(path, "read");
        log.size = log.file.metadata().map_err(io())?.len();
        if log.size < log.end {
            // Somebody cut it. What is left of it says by how much.
            (log.key, log.replay, log.end) = (None, Replay::default(), 0);
        }
        match log.key.clone() {
            None => self.open(log),
            Some(_) if room::is_free(&mut log.file, log.end, log.size).map_err(io())? => {
                log.length = log.length.min(log.size);
                Ok(())
            }
            Some(key) => {
                log.length = end_of_lines(&mut log.file, log.size).map_err(io())?;
                let bytes = read_range(&mut log.file, log.end, log.length).map_err(io())?;
                let walk = crate::log::walk(&mut log.replay, &bytes, log.end, &key);
                self.accept(log, walk, &key)
            }
        }
    }

    /// Reads the beginning and the end of a file that was just opened.
    fn open(&self, log: &mut Log) -> Result<(), LedgerError> {
        let path = &self.origin.path;
        let io = |doing| LedgerError::io(path, doing);
        make_private(&log.file).map_err(io("made private"))?;
        log.length = end_of_lines(&mut log.file, log.size).map_err(io("read"))?;
        if log.length == 0 {
            return self.refuse_lost_log();
        }
        match read_header(&mut log.file).map_err(io("read"))? {
            Beginning::Header(header, end) => {
                let tail =
                    crate::log::read_tail(&mut log.file, end, log.length, &header.key).map_err(io("read"))?;
                log.replay = tail.replay;
                self.accept(log, tail.walk, &header.key)?;
                log.key = Some(header.key);
                Ok(())
            }
            Beginning::Torn => self.refuse_lost_log(),
            Beginning::Newer(version) => Err(LedgerError::Newer { path: path.clone(), version }),
            Beginning::Foreign => Err(LedgerError::NotALedger { path: path.clone() }),
        }
    }

    /// Decides whether what could not be followed is torn, and so was never acknowledged, or was altered.
    fn accept(&self, log: &mut Log, walk: Walk, key: &VerifierKey) -> Result<(), LedgerError> {
        let path = || self.origin.path.clone();
        let (found, offset) = (log.replay.size(), walk.end);
        let acknowledged = self.published(key);
        let signed = acknowledged.as_ref().map_or(0, |checkpoint| checkpoint.size);
        match walk.broken {
            Some(broken) if broken.signed_after > 1 || signed > found => {
                return Err(LedgerError::Damaged {
                    path: path(),
                    sequence: found,
                    offset,
                    fault: broken.fault,
                });
            }
            None if signed > found => return Err(LedgerError::Shrunk { path: path(), found, signed }),
            _ => {}
        }
        if let Some(checkpoint) = acknowledged.filter(|c| c.size == found) {
            let actual = log.replay.frontier().root();
            if checkpoint.root != actual {
                let fault = crate::Fault::OtherRoot { signed: checkpoint.root, actual };
                return Err(LedgerError::Damaged { path: path(), sequence: found, offset, fault });
            }
        }
        log.end = walk.end;
        Ok(())
    }

    /// A log that is empty while its checkpoint stands beside it was not always empty.
    fn refuse_lost_log(&self) -> Result<(), LedgerError> {
        let Ok(note) = std::fs::read_to_string(checkpoint_path(&self.origin.path)) else { return Ok(()) };
        let text = note.split("\n\n").next().unwrap_or_default();
        match Checkpoint::from_text(&format!("{text}\n")) {
            Ok(Checkpoint { size: signed, .. }) => {
                Err(LedgerError::Shrunk { path: self.origin.path.clone(), found: 0, signed })
            }
            Err(_) => Ok(()),
        }
    }

    /// The checkpoint in the file beside the log, when it is whole and of this log.
    fn published(&self, key: &VerifierKey) -> Option<Checkpoint> {
        let note = std::fs::read_to_string(checkpoint_path(&self.origin.path)).ok()?;
        Checkpoint::open(&note, key).ok()
    }

    /// The log's key: the one in its header, or a new name for ours when there is no header yet.
    fn key_of(&self, log: &Log, signer: &dyn NoteSigner) -> Result<VerifierKey, LedgerError> {
        let public = signer.public_key();
        let path = || self.origin.path.clone();
        match &log.key {
            Some(key) if key.public_key() == public => Ok(key.clone()),
            Some(_) => Err(LedgerError::OtherKey { path: path() }),
            None => {
                let name = format!("{}/{}", self.origin.name, self.origin.rng.uuid().simple());
                VerifierKey::new(&name, public)
                    .map_err(|_| crate::KeyError::new(format!("{name:?} cannot be the name of a log")).into())
            }
        }
    }

    /// What is about to be removed from the end.
    fn repair(&self, log: &mut Log) -> Result<Repair, LedgerError> {
        let torn = read_range(&mut log.file, log.end, log.length)
            .map_err(LedgerError::io(&self.origin.path, "read"))?;
        let repair = Repair { offset: log.end, removed: torn.len() as u64, digest: Hash::of(&[&torn]) };
        tracing::warn!(offset = repair.offset, removed = repair.removed, "the ledger's end was torn");
        Ok(repair)
    }

    /// Signs a batch and makes it durable: all of it, or nothing. A torn end is written over before it is cut
    /// off, so that it never disappears without its entry.
    pub(super) fn write(&self, turn: &mut Turn, batch: Closed) -> Result<Vec<Answer>, LedgerError> {
        let Closed { begin, mut text, answers, frontier, open_from } = batch;
        if text.is_empty() {
            return Ok(answers);
        }
        let checkpoint = CheckpointLine::sign(frontier, open_from, &turn.key, turn.signer.as_ref())?;
        text.push_str(&checkpoint.encode());
        let log = &mut turn.log;
        let (new, end) = (log.key.is_none(), begin + text.len() as u64);
        let written = (|| {
            log.file.seek(SeekFrom::Start(begin))?;
            log.file.write_all(text.as_bytes())?;
            if log.length > end {
                log.file.set_len(end)?;
                log.size = end;
            }
            // The first batch goes alone, so that a header is never half-written before room.
            log.size = match log.size.max(end) {
                size if new || size > end => size,
                size => room::make(&log.file, size, text.len() as u64)?,
            };
            log.file.sync_data()?;
            if new { sync_folder_of(&self.origin.path) } else { Ok(()) }
        })();
        if let Err(error) = written {
            // Nobody was told that any of this is recorded. What cannot be taken back now is found, and
            // adopted or cut off, by the next batch.
            if log.length == begin {
                let _ = log.file.set_len(begin);
            }
            return Err(LedgerError::io(&self.origin.path, "written")(error));
        }
        (log.end, log.length, log.key) = (end, end, Some(turn.key.clone()));
        turn.unpublished = Some(checkpoint.note(&turn.key));
        Ok(answers)
    }

    /// Writes the checkpoint's file, for others to copy and for the next start to compare. It follows the log
    /// and is not synced: it may be older than the log, never newer. Once a turn: a change of the file beside the
    /// log can make the log's next sync wait for both.
    fn publish(&mut self, turn: &mut Turn) {
        let Some(note) = turn.unpublished.take() else { return };
        if let Err(error) = self.write_checkpoint(&note.encode()) {
            self.checkpoint = None;
            let path = checkpoint_path(&self.origin.path);
            let path = path.display();
            tracing::warn!(%error, %path, "the ledger's checkpoint could not be written beside it");
        }
    }

    /// The file stays open from one time to the next, unless somebody took it away.
    fn write_checkpoint(&mut self, note: &str) -> std::io::Result<()> {
        let path = checkpoint_path(&self.origin.path);
        let mut file = match self.checkpoint.take() {
            Some(file) if is_at(&file, &path)? => file,
            _ => private(OpenOptions::new().write(true).create(true).truncate(false)).open(&path)?,
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(note.as_bytes())?;
        if file.metadata()?.len() != note.len() as u64 {
            file.set_len(note.len() as u64)?;
        }
        self.checkpoint = Some(file);
        Ok(())
    }
}

impl Log {
    fn new(file: File) -> Self {
        Self { file, key: None, replay: Replay::default(), end: 0, length: 0, size: 0 }
    }

    /// The bytes of the line that begins at this place.
    pub(super) fn line_at(&self, offset: u64) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        let mut reader = std::io::BufReader::new(file.take(crate::log::LONGEST_LINE as u64));
        std::io::BufRead::read_until(&mut reader, b'\n', &mut line)?;
        line.pop_if(|byte| *byte == b'\n');
        Ok(line)
    }
}
