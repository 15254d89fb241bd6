//! One tenant on disk: a file that holds all of it as it once was, and a log of what changed since, a line for
//! each change. When the log has grown as large as the file, both are written anew as one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Seeded;
use super::holdings::Holdings;
use super::log::Log;
use crate::files::{self, FileError};
use crate::sharing::Part as _;
use crate::start_error::StartError;
use crate::tenant::Tenant;

/// The format of a tenant's file. The one before had no log; others are refused.
const VERSION: u32 = 3;

/// A log of fewer bytes is left to grow.
const SMALL: u64 = 1 << 20;

/// Keeps one tenant.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: Arc<Path>,
    seeded: Seeded,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// What file and log hold together.
    holdings: Holdings,
    /// Which of the files it is: its log carries the same number.
    generation: u64,
    /// How large the log may grow.
    bound: u64,
    /// Made with the first change.
    log: Option<Log>,
    /// Whether the tenant was removed: who is still inside writes nothing more.
    is_gone: bool,
}

/// A tenant's file.
#[derive(Debug, Serialize, Deserialize)]
struct Base<S, H> {
    version: u32,
    generation: u64,
    seeded: S,
    holdings: H,
}

/// A tenant's file of the format before.
#[derive(Debug, Deserialize)]
struct Earlier {
    seeded: Seeded,
    tenant: Tenant,
}

impl Keeper {
    /// Keeps a new tenant.
    pub(super) fn begin(folder: Arc<Path>, seeded: Seeded, holdings: Holdings) -> Result<Self, FileError> {
        let (generation, holdings) = (1, holdings.apart());
        let bound = write(&folder, &seeded, generation, &holdings)?;
        forget_logs(&folder, &seeded.tenant_id, Some(generation))?;
        let kept = Kept { holdings, generation, bound, log: None, is_gone: false };
        Ok(Self { folder, seeded, kept: Mutex::new(kept) })
    }

    /// Takes up what stands in a tenant's file and its log.
    pub(super) fn resume(folder: Arc<Path>, path: &Path) -> Result<Option<Self>, StartError> {
        let Some(text) = files::read(path)? else { return Ok(None) };
        let unreadable =
            |error: serde_json::Error| StartError::Unreadable(path.to_owned(), error.to_string());
        let Version { version } = serde_json::from_str(&text).map_err(unreadable)?;
        if version == VERSION - 1 {
            let Earlier { seeded, tenant } = serde_json::from_str(&text).map_err(unreadable)?;
            files::write(&path.with_extension(format!("v{version}")), text.as_bytes())?;
            return Ok(Some(Self::begin(folder, seeded, Holdings::of(tenant))?));
        }
        if version != VERSION {
            return Err(StartError::Unreadable(path.to_owned(), format!("format {version}")));
        }
        let base: Base<Seeded, Holdings> = serde_json::from_str(&text).map_err(unreadable)?;
        let Base { generation, seeded, mut holdings, .. } = base;
        let bound = SMALL.max(text.len() as u64);
        drop(text);
        forget_logs(&folder, &seeded.tenant_id, Some(generation))?;
        let path = log_path(&folder, &seeded.tenant_id, generation);
        let log = path.exists().then(|| Log::open(&path)).transpose()?;
        let (log, lines) = log.unzip();
        for (number, line) in (1..).zip(lines.into_iter().flatten()) {
            let taken_up = serde_json::from_str(&line).and_then(|change| holdings.take_up(change));
            taken_up
                .map_err(|error| StartError::Unreadable(path.clone(), format!("line {number}: {error}")))?;
        }
        let kept = Kept { holdings: holdings.apart(), generation, bound, log, is_gone: false };
        Ok(Some(Self { folder, seeded, kept: Mutex::new(kept) }))
    }

    /// What the tenant was made with.
    pub(crate) fn seeded(&self) -> &Seeded {
        &self.seeded
    }

    /// What is kept now.
    pub(crate) fn holdings(&self) -> Holdings {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).holdings.clone().apart()
    }

    /// Writes down what changed.
    pub(crate) fn keep(&self, holdings: Holdings) -> Result<(), FileError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(change) = holdings.since(&kept.holdings).filter(|_| !kept.is_gone) else { return Ok(()) };
        let log = match kept.log.take() {
            Some(log) => log,
            None => Log::open(&log_path(&self.folder, &self.seeded.tenant_id, kept.generation))?.0,
        };
        let log = kept.log.insert(log);
        if let Err(error) = log.append(&change.to_string()) {
            // Half a line may stand there; opening the log again cuts it off.
            kept.log = None;
            return Err(error);
        }
        let has_grown = log.len() > kept.bound;
        kept.holdings = holdings.apart();
        if has_grown && let Err(error) = self.condense(&mut kept) {
            // The log has it all, and goes on.
            tracing::warn!(%error, tenant = %self.seeded.tenant_id, "the log of changes could not be condensed");
            kept.bound = kept.bound.saturating_mul(2);
        }
        Ok(())
    }

    /// File and log become one file. Whoever is killed on the way leaves the one or the other.
    fn condense(&self, kept: &mut Kept) -> Result<(), FileError> {
        let generation = kept.generation + 1;
        kept.bound = write(&self.folder, &self.seeded, generation, &kept.holdings)?;
        (kept.generation, kept.log) = (generation, None);
        forget_logs(&self.folder, &self.seeded.tenant_id, Some(generation))
    }

    /// Forgets the tenant.
    pub(crate) fn remove(&self) -> Result<(), FileError> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_gone = true;
        files::remove(&base_path(&self.folder, &self.seeded.tenant_id))?;
        forget_logs(&self.folder, &self.seeded.tenant_id, None)
    }
}

/// Writes a tenant's file; how large its log may grow.
fn write(folder: &Path, seeded: &Seeded, generation: u64, holdings: &Holdings) -> Result<u64, FileError> {
    // Only maps with keys that are no strings fail to serialise; there are none.
    let base =
        serde_json::to_vec(&Base { version: VERSION, generation, seeded, holdings }).unwrap_or_default();
    files::write(&base_path(folder, &seeded.tenant_id), &base)?;
    Ok(SMALL.max(base.len() as u64))
}

fn base_path(folder: &Path, tenant_id: &str) -> PathBuf {
    folder.join(format!("tenant-{tenant_id}.json"))
}

fn log_path(folder: &Path, tenant_id: &str, generation: u64) -> PathBuf {
    folder.join(format!("tenant-{tenant_id}.{generation}.log"))
}

/// Removes a tenant's logs but for the one of that generation.
fn forget_logs(folder: &Path, tenant_id: &str, but: Option<u64>) -> Result<(), FileError> {
    let kept = but.map(|generation| log_path(folder, tenant_id, generation));
    let ours = format!("tenant-{tenant_id}.");
    for path in files::list(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&ours) && name.ends_with(".log") && kept.as_ref() != Some(&path) {
            files::remove(&path)?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Seed;
    use crate::seed::{self, Source};

    #[test]
    fn a_long_log_is_condensed_and_whoever_is_killed_meanwhile_finds_one_or_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::new(Seed::Constants);
        let seeded = seed::seeded(&source, true);
        let mut holdings = Holdings::of(seed::tenant(&source, jiff::Timestamp::UNIX_EPOCH));
        let keeper = Keeper::begin(folder.path().into(), seeded.clone(), holdings.clone()).unwrap();
        let base = base_path(folder.path(), &seeded.tenant_id);
        let mut logs = 0;
        for number in 0..6 {
            holdings.tenant.display_name = format!("{number}{}", "x".repeat(400_000));
            let first = log_path(folder.path(), &seeded.tenant_id, 1);
            let before = std::fs::read(&first).ok();
            keeper.keep(holdings.clone()).unwrap();
            if let (Some(log), false) = (before, first.exists()) {
                // Killed between the new file and the end of the old log.
                std::fs::write(&first, log).unwrap();
                logs += 1;
            }
            let again = Keeper::resume(folder.path().into(), &base).unwrap().unwrap();
            assert_eq!(again.holdings().tenant.display_name, holdings.tenant.display_name);
        }
        assert_eq!(logs, 1, "it was condensed");
        assert!(!log_path(folder.path(), &seeded.tenant_id, 1).exists());
        keeper.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
