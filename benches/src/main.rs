//! `cargo xtask bench`: what Attaché costs, beside what it cannot cost less than, measured in one run.

mod audited;
mod gateway;
mod hops;
mod ledger;
mod ledger_verify;
mod provisioning;
mod sandbox;
mod startup;
mod store_postgres;
mod store_sqlite;
mod tenant;
mod token;

use std::io::Write;

/// Prints a figure.
fn print(line: std::fmt::Arguments<'_>) {
    // A reader that is gone wants no more figures.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The parts, as they are named on the command line.
const PARTS: [&str; 10] = [
    "startup",
    "token",
    "hops",
    "ledger",
    "ledger-verify",
    "sandbox",
    "gateway",
    "provisioning",
    "store-sqlite",
    "store-postgres",
];

/// Takes `--organisations N` out of what was asked.
fn organisations(asked: &mut Vec<String>) -> anyhow::Result<usize> {
    let Some(flag) = asked.iter().position(|word| word == "--organisations") else {
        return Ok(provisioning::ORGANISATIONS);
    };
    anyhow::ensure!(flag + 1 < asked.len(), "--organisations needs a number");
    let number = asked.drain(flag..flag + 2).next_back();
    Ok(number.unwrap_or_default().parse()?)
}

fn main() -> anyhow::Result<()> {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    let organisations = organisations(&mut asked)?;
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
        ledger::run()?;
    }
    if wants("ledger-verify") {
        ledger_verify::run()?;
    }
    if wants("gateway") {
        let this = std::env::current_exe()?;
        runtime.block_on(async {
            let (attache, constant) = (this.with_file_name("attache"), this.with_file_name("constant"));
            tokio::spawn(async move { gateway::run(&attache, &constant).await }).await
        })??;
    }
    if wants("provisioning") {
        runtime.block_on(async { tokio::spawn(provisioning::run(organisations)).await })??;
    }
    if wants("store-sqlite") {
        runtime.block_on(async { tokio::spawn(store_sqlite::run()).await })??;
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
