//! A token that is in the cache: what each call to Graph pays before it leaves.

use std::hint::black_box;
use std::time::Instant;

use anyhow::ensure;
use attache_entra::TokenFault;

use crate::tenant::Tenant;

const CALLS: u32 = 1_000_000;

pub(crate) async fn run(tenant: &Tenant) -> anyhow::Result<()> {
    let entra = tenant.entra();
    let source = tenant.agent_user(&entra);
    let explained = |fault: TokenFault| anyhow::anyhow!("{fault}");
    let first = source.token(None).await.map_err(explained)?;
    let started = Instant::now();
    for _ in 0..CALLS {
        black_box(source.token(None).await.map_err(explained)?);
    }
    let each = started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
    let last = source.token(None).await.map_err(explained)?;
    ensure!(first.request_id == last.request_id, "the token was asked for again");
    crate::print(format_args!(
        "a warm token                     {each:6.0} ns ({:4.2} x the bound of 1 µs)",
        each / 1000.0
    ));
    Ok(())
}
