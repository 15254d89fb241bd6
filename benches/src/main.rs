//! `cargo xtask bench`: what Attaché costs, beside what it cannot cost less than, measured in one run.

mod hops;
mod startup;
mod tenant;
mod token;

use std::io::Write;

/// Prints a figure.
fn print(line: std::fmt::Arguments<'_>) {
    // A reader that is gone wants no more figures.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn main() -> anyhow::Result<()> {
    let this = std::env::current_exe()?;
    startup::run(&this.with_file_name("attache"), &this.with_file_name("bare"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let tenant = tenant::Tenant::provisioned().await?;
        token::run(&tenant).await?;
        hops::run(&tenant).await
    })?;
    attache_bench::ledger::run()
}
