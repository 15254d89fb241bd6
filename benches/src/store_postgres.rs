//! The store on PostgreSQL, beside what the same server gives to bare statements, in the same run: jobs that
//! three nodes claim and finish, and audited units.

mod jobs;
mod units;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use attache_store::Engine;
use attache_store_postgres::{Postgres, PostgresOptions};
use attache_terms::SystemClock;
use attache_tests::Cluster;
use tokio_postgres::{Client, NoTls};

/// How many nodes there are.
const NODES: usize = 3;

/// Repetitions, ours and bare in turn, so that whatever else the disk does befalls both; the median counts.
const ROUNDS: usize = 7;

/// Prints both, and how they compare.
pub(crate) async fn run() -> anyhow::Result<()> {
    // Beside the program, since a folder for temporary files may not be on a disk.
    let program = std::env::current_exe()?;
    let cluster = Cluster::durable(program.parent().context("the program stands in a folder")?)?;
    for batch in [1, 10] {
        let rounds = jobs::rounds(&cluster, batch).await?;
        let what = format!("jobs, {NODES} nodes, claimed by {batch:2}");
        report(&what, "claimed and finished by bare statements, SKIP LOCKED", rounds, Some(0.7));
    }
    let rounds = units::rounds(&cluster).await?;
    report("audited units, 12 writers", "the same rows in bare transactions, pipelined", rounds, None);
    Ok(())
}

/// How many a second, ours and bare.
struct Round {
    ours: f64,
    bare: f64,
}

fn report(what: &str, bound: &str, mut rounds: Vec<Round>, to_reach: Option<f64>) {
    rounds.sort_by(|a, b| (a.ours / a.bare).total_cmp(&(b.ours / b.bare)));
    let Some(Round { ours, bare }) = rounds.get(rounds.len() / 2) else { return };
    let wanted = to_reach.map_or_else(String::new, |share| format!(" (to reach: {share})"));
    crate::print(format_args!(
        "store-postgres, {what:30} {ours:6.0} /s; {bound}: {bare:.0} /s; ratio {:.2}{wanted}",
        ours / bare
    ));
}

fn rate(count: usize, span: Duration) -> f64 {
    count as f64 / span.as_secs_f64()
}

async fn node(address: &str) -> anyhow::Result<Arc<dyn Engine>> {
    let options = PostgresOptions::new(address.to_owned().into(), Arc::new(SystemClock));
    Ok(Arc::new(Postgres::open(options).await?))
}

async fn bare(address: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
