//! Durable appends, beside what the disk gives: the same entries in the same groups, written and synced by
//! a bare loop, in the same run on the same disk.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use attache_ledger::{
    Act, ActName, Actor, Correlation, Ed25519Key, FixedKey, Ledger, LedgerOptions, Mode, Outcome, RequestId,
    Target,
};
use attache_terms::{Rng, SystemClock, SystemRng, TenantId, UserId};

/// The share of the bare loop's appends that the ledger is to reach.
const BOUND: f64 = 0.8;

/// Concurrent appenders, and the acts of each.
const LOADS: [(u32, u32); 3] = [(1, 40), (8, 50), (64, 50)];

/// Repetitions of each load, short ones, so that whatever else the disk does befalls both; the median counts.
const ROUNDS: usize = 25;

/// Prints durable appends a second, those of the bare loop, and their ratio, for several numbers of
/// appenders.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    // Beside the program, since a folder for temporary files may not be on a disk.
    let program = std::env::current_exe()?;
    let disk = program.parent().context("the program stands in a folder")?;
    for (appenders, acts) in LOADS {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let folder = tempfile::tempdir_in(disk)?;
            let path = folder.path().join("ledger");
            let ledger = runtime.block_on(append(&path, appenders, acts))?;
            let groups = groups(&std::fs::read_to_string(&path)?);
            let bare = append_bare(&folder.path().join("bare"), &groups)?;
            let overwriting = overwrite_bare(&folder.path().join("room"), &groups)?;
            rounds.push(Round { ledger, bare, overwriting, groups: groups.len() });
        }
        report(appenders, f64::from(appenders * acts * 2), rounds)?;
    }
    Ok(())
}

struct Round {
    ledger: Duration,
    /// Of a file that grows with each write.
    bare: Duration,
    /// Of a file that had its size before, which is what the ledger does as far as it can.
    overwriting: Duration,
    groups: usize,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.bare.as_secs_f64() / self.ledger.as_secs_f64()
    }
}

fn report(appenders: u32, entries: f64, mut rounds: Vec<Round>) -> anyhow::Result<()> {
    rounds.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let at = |quarter: usize| &rounds[rounds.len() * quarter / 4];
    let median = at(2);
    ensure!(median.groups > 0, "no group was found in the ledger");
    let rate = |took: Duration| entries / took.as_secs_f64();
    crate::print(format_args!(
        "ledger, {appenders:2} appenders              {:6.0} appends/s, durable; bare write and fsync in groups of \
         {:.1}: {:.0}/s; ratio {:.2}, half of the rounds {:.2} to {:.2} (to reach: {BOUND}); bare, into a file \
         that need not grow: {:.0}/s",
        rate(median.ledger),
        entries / median.groups as f64,
        rate(median.bare),
        median.ratio(),
        at(1).ratio(),
        at(3).ratio(),
        rate(median.overwriting),
    ));
    Ok(())
}

/// Has `appenders` tasks record their acts, intent and outcome awaited one after the other.
async fn append(path: &Path, appenders: u32, acts: u32) -> anyhow::Result<Duration> {
    let ledger = Ledger::new(LedgerOptions {
        path: path.to_owned(),
        origin: "attache/bench".into(),
        key: Arc::new(FixedKey(Arc::new(Ed25519Key::from_seed(&Ed25519Key::generate_seed(&SystemRng))?))),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
    });
    // The first append makes the file and reads the key: that is not what is measured.
    let first = ledger.intent(act()?).await?;
    ledger.outcome(first, Outcome::done()).await?;
    let work = (0..appenders)
        .map(|_| (0..acts).map(|_| Ok((act()?, outcome()))).collect::<anyhow::Result<Vec<_>>>())
        .collect::<anyhow::Result<Vec<_>>>()?;
    let started = Instant::now();
    let tasks: Vec<_> = work
        .into_iter()
        .map(|acts| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for (act, outcome) in acts {
                    let intent = ledger.intent(act).await?;
                    ledger.outcome(intent, outcome).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(started.elapsed())
}

fn act() -> anyhow::Result<Act> {
    let actor = Actor {
        tenant: Some(TenantId::new(SystemRng.uuid())),
        user: Some(UserId::new(SystemRng.uuid())),
        mode: Some(Mode::AgentUser),
        ..Actor::default()
    };
    let chat = Some("19:2da4c29f6d7041eca70b638b43d45437@thread.v2".parse()?);
    let correlation = Correlation { client_request_id: Some(SystemRng.uuid()), ..Correlation::default() };
    let name = const { ActName::new("send_teams_message") };
    Ok(Act::new(name, actor).on(Target { chat, ..Target::default() }).correlated(correlation))
}

fn outcome() -> Outcome {
    let id = || RequestId::from_header(&SystemRng.uuid().to_string());
    Outcome::done().correlated(Correlation {
        request_id: id(),
        token_request_id: id(),
        ..Correlation::default()
    })
}

/// The entries that shared a write: those before each checkpoint. The first act is left out, and so are the
/// checkpoints, which the bare loop need not write.
fn groups(log: &str) -> Vec<String> {
    let mut groups = vec![String::new()];
    for line in log.split_inclusive('\n').skip(1) {
        match groups.last_mut() {
            Some(group) if line.starts_with("entry\t") => group.push_str(line),
            _ => groups.push(String::new()),
        }
    }
    groups.retain(|group| !group.is_empty());
    groups.drain(..2.min(groups.len()));
    groups
}

/// Appends the groups to a file of their own.
fn append_bare(path: &Path, groups: &[String]) -> anyhow::Result<Duration> {
    let mut file = File::create(path)?;
    file.write_all(groups[0].as_bytes())?;
    file.sync_all()?;
    write(file, groups)
}

/// Writes the groups into a file that is as long as they are.
fn overwrite_bare(path: &Path, groups: &[String]) -> anyhow::Result<Duration> {
    let mut file = File::create(path)?;
    file.write_all(&vec![b'\n'; groups.iter().map(String::len).sum()])?;
    file.sync_all()?;
    file.rewind()?;
    write(file, groups)
}

fn write(mut file: File, groups: &[String]) -> anyhow::Result<Duration> {
    let started = Instant::now();
    for group in groups {
        file.write_all(group.as_bytes())?;
        file.sync_data()?;
    }
    Ok(started.elapsed())
}
