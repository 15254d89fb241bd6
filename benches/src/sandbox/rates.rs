//! Token requests and authorised reads a second, with server and load in one process on two threads.

use std::path::Path;
use std::time::Duration;

use attache_sandbox::{Config, Sandbox};

use super::bare::{Server, Signing};
use super::client::{Ask, Client};
use super::median;
use super::process::text;

/// Rounds of each, in turn, so that whatever else the machine does befalls both; the median counts.
const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_millis(400);

/// Bounds: shares of what the machine gives.
const TOKENS: f64 = 0.7;
const READS: f64 = 0.5;

pub(super) async fn run() -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() }).await?;
    let ready = serde_json::to_value(sandbox.ready())?;
    let client = Client::of(text(&ready, "/url")?, Path::new(text(&ready, "/ca")?))?;
    let token = tokens(&client, &Ask::token(&ready)?).await?;
    let read = Ask::get(format!("/v1.0/users/{}", text(&ready, "/users/0/id")?), Some(&token));
    reads(&client, &read).await
}

/// The answer is a token.
async fn tokens(client: &Client, ask: &Ask) -> anyhow::Result<String> {
    let reply = client.connect().await?.send(ask).await?;
    let (json, message) = (reply.json()?, reply.body.clone());
    let alone = Signing::generate()?;
    let server = Server::start(reply, Some(Signing::generate()?)).await?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let ours = client.rate(ask, TIME).await?;
        let loaded = server.client.rate(ask, TIME).await?;
        let signatures = tokio::task::block_in_place(|| alone.rate(&message, TIME));
        rounds.push((ours, loaded, signatures));
    }
    let (ours, loaded, signatures) = median(rounds, |a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    crate::print(format_args!(
        "sandbox, tokens                  {ours:6.0}/s; signing under the same load {loaded:.0}/s, ratio {:4.2} (to reach: {TOKENS}); signing alone on two threads {signatures:.0}/s, ratio {:4.2}",
        ours / loaded,
        ours / signatures,
    ));
    Ok(text(&json, "/access_token")?.to_owned())
}

async fn reads(client: &Client, ask: &Ask) -> anyhow::Result<()> {
    let reply = client.connect().await?.send(ask).await?;
    reply.json()?;
    let bytes = reply.body.len();
    let server = Server::start(reply, None).await?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((client.rate(ask, TIME).await?, server.client.rate(ask, TIME).await?));
    }
    let (ours, constant) = median(rounds, |a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    crate::print(format_args!(
        "sandbox, reads of a user         {ours:6.0}/s; the same {bytes} bytes as a constant {constant:.0}/s, ratio {:4.2} (to reach: {READS})",
        ours / constant,
    ));
    Ok(())
}
