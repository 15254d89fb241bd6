//! Verifying an export, beside what cannot be avoided: SHA-256 over the same bytes, read from the same file in
//! the same run.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use attache_ledger::{
    Act, ActName, Actor, By, ByKind, Composer, Correlation, Ed25519Key, Export, Frontier, Name, NoteSigner,
    RequestId, Target, Thing, Verdict, VerifierKey, VerifyOptions, sign_checkpoint, verify,
};
use attache_terms::{Rng, SystemClock, SystemRng};
use aws_lc_rs::digest::{Context, SHA256};

/// The share of bare hashing that verification is to reach.
const BOUND: f64 = 0.5;

/// Entries in the export, and how often it is verified; the median counts.
const ENTRIES: u64 = 100_000;
const ROUNDS: usize = 9;

/// Prints entries verified a second, hashing of the same bytes, and their ratio.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("export");
    write(&path)?;
    let length = std::fs::metadata(&path)?.len();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let bare = hash(&path)?;
        let started = Instant::now();
        let report = verify(&path, &VerifyOptions::default())?;
        ensure!(report.entries == ENTRIES, "{} entries were verified", report.entries);
        rounds.push((started.elapsed(), bare));
    }
    rounds.sort_by_key(|(ours, _)| *ours);
    let (ours, bare) = rounds[ROUNDS / 2];
    let megabytes = |took: Duration| length as f64 / took.as_secs_f64() / 1e6;
    crate::print(format_args!(
        "ledger, verifying an export         {:.0} entries/s, {:.0} MB/s; bare SHA-256 over the same file: {:.0} \
         MB/s; ratio {:.2} (to reach: {BOUND})",
        ENTRIES as f64 / ours.as_secs_f64(),
        megabytes(ours),
        megabytes(bare),
        bare.as_secs_f64() / ours.as_secs_f64(),
    ));
    Ok(())
}

/// Reads and hashes the file, and does nothing else.
fn hash(path: &Path) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let (mut file, mut context) = (File::open(path)?, Context::new(&SHA256));
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => context.update(&piece[..read]),
        }
    }
    ensure!(context.finish().as_ref().len() == 32, "SHA-256 has 32 bytes");
    Ok(started.elapsed())
}

/// What a gateway exports: changes that members asked for, and one checkpoint.
fn write(path: &Path) -> anyhow::Result<()> {
    let signer = Ed25519Key::from_seed(&Ed25519Key::generate_seed(&SystemRng))?;
    let key = VerifierKey::new("attache/bench/acme", signer.public_key())?;
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    let (mut tree, mut export) = (Frontier::default(), Export::begin(key.clone()));
    let mut file = BufWriter::new(File::create(path)?);
    for sequence in 0..ENTRIES {
        let entry = composer.change(act(), Verdict::Done, None).number(sequence);
        tree.push(entry.hash);
        export.entry(&entry.leaf, &entry.column, entry.hash);
        file.write_all(export.take().as_bytes())?;
    }
    export.checkpoint(&sign_checkpoint(key.name(), &tree, &signer)?.encode())?;
    file.write_all(export.take().as_bytes())?;
    Ok(file.flush()?)
}

fn act() -> Act {
    let actor = Actor {
        by: Some(By::new(ByKind::Person, SystemRng.uuid().to_string())),
        from: Some([192, 0, 2, 7].into()),
        ..Actor::default()
    };
    let things = [const { Name::new("organisation") }, const { Name::new("identity") }];
    let things = things.map(|kind| Thing::new(kind, SystemRng.uuid().into())).to_vec();
    let correlation = Correlation {
        request: Some(SystemRng.uuid()),
        request_id: RequestId::from_header(&SystemRng.uuid().to_string()),
        ..Correlation::default()
    };
    Act::new(const { ActName::new("identity.suspend") }, actor)
        .on(Target { things, ..Target::default() })
        .correlated(correlation)
}
