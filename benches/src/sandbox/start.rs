//! From the start of the process to the ready line and to the first answer, and the memory of an empty sandbox.

use std::path::Path;

use super::client::Ask;
use super::process::{Process, text};
use super::{median, millis};

/// How often it is started.
const TIMES: usize = 20;

/// Bounds: milliseconds to the ready line, MiB when empty.
const READY: f64 = 50.0;
const EMPTY: f64 = 20.0;

pub(super) async fn run(attache: &Path) -> anyhow::Result<()> {
    let (mut ready, mut answered, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    let (mut resident, mut peak) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let process = Process::sandbox(attache, None)?;
        ready.push(millis(process.to_ready));
        empty.push(process.memory("VmRSS")? / 1024.0);
        let path = format!("/{}/v2.0/.well-known/openid-configuration", text(&process.ready, "/tenant_id")?);
        process.client()?.connect().await?.send(&Ask::get(path, None)).await?.json()?;
        answered.push(millis(process.started.elapsed()));
        resident.push(process.memory("VmRSS")? / 1024.0);
        peak.push(process.memory("VmHWM")? / 1024.0);
    }
    let [ready, answered, empty, resident, peak] =
        [ready, answered, empty, resident, peak].map(|all| median(all, f64::total_cmp));
    crate::print(format_args!(
        "sandbox, ready line              {ready:6.2} ms ({:4.2} x the bound of {READY} ms)  first answer {answered:6.2} ms ({:4.2} x)",
        ready / READY,
        answered / READY,
    ));
    crate::print(format_args!(
        "sandbox, empty                   {empty:6.1} MiB ({:4.2} x the bound of {EMPTY} MiB)  after an answer over TLS {resident:4.1} MiB, peak {peak:4.1} MiB",
        empty / EMPTY,
    ));
    Ok(())
}
