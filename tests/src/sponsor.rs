//! A sponsor who signs in, as a person does: `attache sign-in` prints an address, the browser opens it.

use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::timeout;

use crate::{Browser, DEADLINE, Home, Tenant};

/// Signs one of the tenant's users in, by number, as the sponsor of the agent in this home.
pub async fn sign_in(home: &Home, tenant: &Tenant, user: usize) -> Result<()> {
    let mut command = home.attache(["sign-in"])?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("starting attache sign-in")?;
    let mut errors = BufReader::new(child.stderr.take().context("standard error")?);
    let address =
        timeout(DEADLINE, address(&mut errors, tenant.url())).await.context("no address in time")??;
    let landed = Browser::of(tenant, user)?.sign_in(&address).await?;
    ensure!(landed.status == Some(200), "the sign-in ended at {} with {}", landed.url, landed.page);
    let status = timeout(DEADLINE, child.wait()).await.context("attache sign-in did not end")??;
    let mut rest = String::new();
    errors.read_to_string(&mut rest).await?;
    ensure!(status.success(), "attache sign-in ended with {status}:\n{rest}");
    Ok(())
}

/// The address to open: the first word that begins with the tenant's.
async fn address(lines: &mut (impl AsyncBufReadExt + Unpin), tenant: &str) -> Result<String> {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            bail!("attache sign-in named no address to open:\n{said}");
        }
        if let Some(address) = line.split_whitespace().find(|word| word.starts_with(tenant)) {
            return Ok(address.to_owned());
        }
        said.push_str(&line);
    }
}
