//! What the sandbox costs: its start, its memory, its answers a second, its tenants and its snapshots, each
//! beside its bound or beside what the machine gives in the same run.

mod bare;
pub(crate) mod client;
pub(crate) mod process;
mod rates;
mod size;
mod snapshot;
mod start;

use std::path::Path;
use std::time::Duration;

/// Measures everything of the sandbox; `attache` is the real program.
pub(crate) async fn run(attache: &Path) -> anyhow::Result<()> {
    start::run(attache).await?;
    size::users(attache).await?;
    size::tenants(attache).await?;
    rates::run().await?;
    snapshot::run().await
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn median<T: Copy>(mut all: Vec<T>, order: impl FnMut(&T, &T) -> std::cmp::Ordering) -> T {
    all.sort_by(order);
    all[all.len() / 2]
}
