//! `cargo xtask bench`: what Attaché costs, beside what it cannot cost less than, measured in one run.

mod hops;
mod sandbox;
mod startup;
mod store_postgres;
mod tenant;
mod token;

use std::io::Write;

/// Prints a figure.
fn print(line: std::fmt::Arguments<'_>) {
    // A reader that is gone wants no more figures.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The parts, as they are named on the command line.
const PARTS: [&str; 7] = ["startup", "token", "hops", "ledger", "ledger-verify", "sandbox", "store-postgres"];

fn main() -> anyhow::Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        anyhow::bail!("there is no part {unknown:?}; there are {}", PARTS.join(", "));
    }
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|one| one == part);
    if wants("startup") {
        let this = std::env::current_exe()?;
        startup::run(&this.with_file_name("attache"), &this.with_file_name("bare"))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if wants("token") || wants("hops") {
        runtime.block_on(async {
            let tenant = tenant::Tenant::provisioned().await?;
            if wants("token") {
                token::run(&tenant).await?;
            }
            if wants("hops") {
                hops::run(&tenant).await?;
            }
            anyhow::Ok(())
        })?;
    }
    if wants("ledger") {
        attache_bench::ledger::run()?;
    }
    if wants("ledger-verify") {
        attache_bench::ledger_verify::run()?;
    }
    if wants("store-postgres") {
        runtime.block_on(async { tokio::spawn(store_postgres::run()).await })??;
    }
    if wants("sandbox") {
        let attache = std::env::current_exe()?.with_file_name("attache");
        // In a task, for work outside of one has a thread of its own beside the two.
        runtime.block_on(async { tokio::spawn(async move { sandbox::run(&attache).await }).await })??;
    }
    Ok(())
}
