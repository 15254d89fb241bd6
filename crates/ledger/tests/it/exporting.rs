//! A log that a database keeps, as whoever gets it in a file checks it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache_ledger::{
    Act, ActName, Actor, By, ByKind, Composer, Correlation, Entry, Export, Fault, Frontier, Gap, Hash, Name,
    NoteSigner, Numbered, Report, Retention, Target, Thing, Verdict, VerifierKey, VerifyError, VerifyOptions,
    leaf_hash, perfect_ranges, show, sign_checkpoint, subtree_root, verify,
};
use attache_terms::{ManualClock, SeededRng};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use crate::world::key;

/// An organisation's log, in memory.
pub(crate) struct Log {
    composer: Composer,
    signer: Arc<dyn NoteSigner>,
    pub(crate) key: VerifierKey,
    pub(crate) entries: Vec<Numbered>,
}

impl Log {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap());
        let signer = key(2);
        let key = VerifierKey::new("attache/gw.example/acme", signer.public_key()).unwrap();
        let composer = Composer::new(Arc::new(clock), Arc::new(SeededRng::new(4)));
        Self { composer, signer, key, entries: Vec::new() }
    }

    pub(crate) fn of(count: usize) -> Self {
        let mut log = Self::new();
        (0..count).for_each(|_| log.change());
        log
    }

    pub(crate) fn change(&mut self) {
        let actor = Actor {
            by: Some(By::new(ByKind::Person, "ada@example.com")),
            from: Some([192, 0, 2, 7].into()),
            ..Actor::default()
        };
        let things = vec![Thing::new(Name::new("identity"), Uuid::from_u128(5).into())];
        let target = Target { things, subject: Some("eve@example.com".into()), ..Target::default() };
        let act = Act::new(ActName::new("suspend_identity"), actor).on(target);
        let draft = self.composer.change(act, Verdict::Done, None);
        self.entries.push(draft.number(self.entries.len() as u64));
    }

    fn retention(&mut self, removed: &Range<u64>) {
        let removed =
            Retention { from: removed.start, to: removed.end, entries: removed.end - removed.start };
        let by = Actor { by: Some(By::system()), ..Actor::default() };
        let draft = self.composer.retention(removed, by, Correlation::default());
        self.entries.push(draft.number(self.entries.len() as u64));
    }

    fn hashes(&self, range: Range<u64>) -> impl Iterator<Item = Hash> {
        self.entries[range.start as usize..range.end as usize].iter().map(|entry| entry.hash)
    }

    /// The root over a range of leaves that begins where a subtree of its size begins.
    pub(crate) fn root(&self, range: Range<u64>) -> Hash {
        subtree_root(self.hashes(range))
    }

    pub(crate) fn roots(&self, ranges: Vec<Range<u64>>) -> Vec<Hash> {
        ranges.into_iter().map(|range| self.root(range)).collect()
    }

    pub(crate) fn checkpoint(&self, size: u64) -> String {
        let mut tree = Frontier::default();
        self.hashes(0..size).for_each(|hash| tree.push(hash));
        sign_checkpoint(self.key.name(), &tree, self.signer.as_ref()).unwrap().encode()
    }

    /// All but what is in a gap, with checkpoints after so many entries and at the end.
    pub(crate) fn export(&self, gaps: &[(u64, u64)], checkpoints: &[u64]) -> String {
        let mut export = Export::begin(self.key.clone());
        let size = self.entries.len() as u64;
        for sequence in 0..size {
            if checkpoints.contains(&sequence) {
                export.checkpoint(&self.checkpoint(sequence)).unwrap();
            }
            if let Some((from, to)) = gaps.iter().find(|(from, _)| *from == sequence) {
                let roots = self.roots(perfect_ranges(*from, *to));
                export.gap(*from..*to, &roots).unwrap();
            }
            if !gaps.iter().any(|(from, to)| (*from..*to).contains(&sequence)) {
                let Numbered { leaf, column, hash } = &self.entries[sequence as usize];
                export.entry(leaf, column, *hash);
            }
        }
        export.checkpoint(&self.checkpoint(size)).unwrap();
        export.take()
    }
}

pub(crate) struct File(tempfile::TempDir);

impl File {
    pub(crate) fn of(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("export"), text).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("export")
    }

    fn verify(&self) -> Result<Report, VerifyError> {
        verify(&self.path(), &VerifyOptions::default())
    }

    fn verify_against(&self, checkpoint: String) -> Result<Report, VerifyError> {
        verify(&self.path(), &VerifyOptions { checkpoint: Some(checkpoint), key: None })
    }

    fn shown(&self) -> Vec<u64> {
        show(&self.path(), Default::default()).unwrap().map(|shown| shown.unwrap().entry.sequence).collect()
    }
}

fn verified(text: impl AsRef<[u8]>) -> Result<Report, VerifyError> {
    File::of(text).verify()
}

#[test]
fn an_export_verifies_with_the_key_that_is_known_and_no_other() {
    let log = Log::of(10);
    let file = File::of(log.export(&[], &[4]));
    let options = VerifyOptions { checkpoint: Some(log.checkpoint(7)), key: Some(log.key.clone()) };
    let report = verify(&file.path(), &options).unwrap();
    assert_eq!((report.entries, report.checkpoints, report.missing), (10, 2, 0));
    assert_eq!(report.root, log.root(0..10));
    assert_eq!(file.shown(), Vec::from_iter(0..10));

    let other = VerifierKey::new(log.key.name(), key(3).public_key()).unwrap();
    let error = verify(&file.path(), &VerifyOptions { checkpoint: None, key: Some(other) }).unwrap_err();
    assert!(matches!(error, VerifyError::OtherKey { .. }), "{error}");
}

#[test]
fn the_bytes_of_an_export_are_those_of_the_format() {
    let mut log = Log::of(7);
    log.entries[1].column = "{}".into();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/export-whole");
    let text = log.export(&[(2, 4)], &[5]);
    assert!(std::fs::read_to_string(kept).unwrap() == text, "the export is now:\n{text}");
}

#[test]
fn an_empty_log_is_exported_too() {
    assert_eq!(verified(Log::new().export(&[], &[])).unwrap().entries, 0);
}

#[test]
fn every_altered_byte_is_noticed_and_its_line_named() {
    let log = Log::of(5);
    let text = log.export(&[(2, 4)], &[1]);
    let file = File::of(&text);
    let mut sequence = 0;
    let mut offset = text.find('\n').unwrap() + 1;
    for line in text.split_inclusive('\n').skip(1) {
        for at in offset..offset + line.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << (at % 7);
            std::fs::write(file.path(), bytes).unwrap();
            let error = file.verify().expect_err(&format!("byte {at} of {line}"));
            if line.starts_with("gap") {
                continue;
            }
            let VerifyError::Altered { sequence: number, offset: place, id, .. } = error else {
                panic!("byte {at}: {error}")
            };
            assert_eq!((number, place), (sequence, offset as u64), "byte {at} of {line}");
            if line.starts_with("entry") && at > offset + 80 && at < offset + line.len() - 1 {
                assert!(id.is_some_and(|id| line.contains(&id.to_string())), "byte {at} of {line}");
            }
        }
        offset += line.len();
        sequence += if line.starts_with("entry") { 1 } else { 0 };
        sequence = if line.starts_with("gap") { 4 } else { sequence };
    }
}

#[test]
fn an_entry_that_was_put_in_the_place_of_another_with_its_hash_is_narrowed_down() {
    let log = Log::of(9);
    let mut other = Log::of(9);
    other.entries[4].leaf = log.entries[4].leaf.replace("suspend", "resume_");
    other.entries[4].hash = leaf_hash(other.entries[4].leaf.as_bytes());
    let mut export = Export::begin(log.key.clone());
    for (sequence, Numbered { leaf, column, hash }) in other.entries.iter().enumerate() {
        if sequence % 3 == 0 {
            export.checkpoint(&log.checkpoint(sequence as u64)).unwrap();
        }
        export.entry(leaf, column, *hash);
    }
    let error = verified(export.take()).unwrap_err();
    assert!(
        matches!(error, VerifyError::Altered { sequence: 6, fault: Fault::OneAltered { from: 3, .. }, .. }),
        "{error}"
    );
}

#[test]
fn what_a_database_was_made_to_say_is_named() {
    let mut log = Log::of(5);
    log.entries[2].leaf = log.entries[2].leaf.replace("done", "failed");
    let error = verified(log.export(&[], &[])).unwrap_err();
    let id = Entry::decode(&log.entries[2].leaf, &log.entries[2].column).unwrap().id;
    assert!(matches!(error, VerifyError::Altered { sequence: 2, fault: Fault::OtherHash, .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("entry 2 (id {id}, byte ")), "{error}");
}

#[test]
fn an_end_that_was_cut_off_is_missed() {
    let log = Log::of(6);
    let text = log.export(&[], &[4]);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for kept in 1..lines.len() {
        let verified = verified(lines[..kept].concat());
        // An earlier checkpoint is a proper end: only who holds a later one can tell.
        assert_eq!(verified.is_ok(), lines[kept - 1].starts_with("checkpoint"), "{kept} lines");
    }
    let to_the_first_checkpoint = File::of(lines[..6].concat());
    let error = to_the_first_checkpoint.verify_against(log.checkpoint(5)).unwrap_err();
    assert!(matches!(error, VerifyError::Shrunk { found: 4, signed: 5 }), "{error}");
}

#[test]
fn personal_data_can_be_destroyed_without_breaking_the_log() {
    let mut log = Log::of(4);
    log.entries[1].column = "{}".into();
    log.entries[2].column = format!("{:<200}", "{}");
    let file = File::of(log.export(&[], &[]));
    assert_eq!(file.verify().unwrap().erased, 2);
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(text.matches("eve@example.com").count(), 2);
}

#[test]
fn what_retention_removed_is_told_from_what_was_left_out() {
    let mut log = Log::of(20);
    let removed = 0..10;
    log.retention(&removed);
    let report = verified(log.export(&[(0, 10)], &[])).unwrap();
    assert_eq!((report.entries, report.missing, report.unexplained), (21, 10, 0));
    assert_eq!(report.gaps, [Gap { from: 0, to: 10 }]);

    let report = verified(log.export(&[(0, 12), (15, 17)], &[])).unwrap();
    assert_eq!((report.missing, report.unexplained), (14, 4));
}

#[test]
fn a_checkpoint_that_ends_in_a_gap_is_not_passed_over() {
    let log = Log::of(20);
    let file = File::of(log.export(&[(4, 16)], &[]));
    // Entries 4 to 8 and 8 to 16 are perfect subtrees, so that 8 can be compared.
    for size in [0, 3, 4, 8, 16, 17, 20] {
        assert!(file.verify_against(log.checkpoint(size)).is_ok(), "{size}");
    }
    for size in [5, 7, 9, 15] {
        let error = file.verify_against(log.checkpoint(size)).unwrap_err();
        assert!(matches!(error, VerifyError::InGap { from: 4, to: 16, .. }), "{size}: {error}");
    }
    let mut other = Log::new();
    other.retention(&(0..0));
    (1..20).for_each(|_| other.change());
    let error = file.verify_against(other.checkpoint(8)).unwrap_err();
    assert!(matches!(error, VerifyError::Rewritten { size: 8, .. }), "{error}");
}

#[test]
fn a_device_s_ledger_has_no_gaps() {
    let log = Log::of(3);
    let text = log.export(&[(1, 2)], &[]).replacen("attache-export", "attache-ledger", 1);
    let report = verified(text);
    assert!(!matches!(&report, Ok(report) if report.entries > 1), "{report:?}");
}

#[test]
fn a_long_export_is_read_in_pieces() {
    let mut log = Log::of(4000);
    let text = log.export(&[], &[]);
    assert!(text.len() > 2 << 20, "{}", text.len());
    assert_eq!(verified(&text).unwrap().entries, 4000);
    for sequence in [0, 1999, 2500, 3999] {
        let whole = log.entries[sequence].leaf.clone();
        log.entries[sequence].leaf = whole.replace("done", "failed");
        let error = verified(log.export(&[], &[])).unwrap_err();
        let VerifyError::Altered { sequence: found, offset, .. } = error else { panic!("{error}") };
        assert_eq!(found, sequence as u64);
        assert!(text[offset as usize..].starts_with(&format!("entry\t{{\"v\":2,\"seq\":{sequence},")));
        log.entries[sequence].leaf = whole;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gaps_anywhere_keep_the_root(
        size in 1u64..80,
        cuts in prop::collection::btree_set(0u64..80, 0..8),
        sealed in 0u64..80,
        bend in any::<prop::sample::Index>(),
    ) {
        let log = Log::of(size as usize);
        let cuts: Vec<u64> = cuts.into_iter().filter(|cut| *cut <= size).collect();
        let gaps: Vec<(u64, u64)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let is_inside = |(from, to): &(u64, u64)| *from < sealed && sealed < *to;
        let sealed: Vec<u64> = Some(sealed).filter(|_| !gaps.iter().any(is_inside)).into_iter().collect();
        let text = log.export(&gaps, &sealed);
        let file = File::of(&text);
        let report = file.verify().unwrap();
        let missing: u64 = gaps.iter().map(|(from, to)| to - from).sum();
        prop_assert_eq!((report.entries, report.missing, report.unexplained), (size, missing, missing));
        prop_assert_eq!(report.root, log.root(0..size));
        let there = (0..size).filter(|n| !gaps.iter().any(|(from, to)| (*from..*to).contains(n)));
        prop_assert_eq!(file.shown(), Vec::from_iter(there));

        let mut bytes = text.into_bytes();
        let at = bend.index(bytes.len());
        bytes[at] ^= 0x04;
        prop_assert!(verified(bytes).is_err(), "byte {at}");
    }
}
