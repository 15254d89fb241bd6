//! Three gateways on one PostgreSQL, the real binaries: while they provision, one loses its database, one is killed
//! and started again, and one is stopped for longer than a lease. No job is lost, none is done twice, and the tenant
//! holds each identity once.

mod beside;
mod fleet;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use fleet::Fleet;
use serde_json::Value;

/// How many entries there are in all logs.
const ENTRIES: &str = "SELECT count(*) FROM entries";

/// What is asked for at a time.
const BATCH: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn three_gateways_lose_no_job_do_none_twice_and_double_no_identity() -> Result<()> {
    let mut fleet = Fleet::start(3).await?;
    let session = fleet.sign_in().await?;

    // The first loses its connections again and again while it works; it goes on by itself.
    ask(&fleet, &session, 0).await?;
    fleet.until_it_works(0).await?;
    for _ in 0..3 {
        let written: u64 = fleet.sql(ENTRIES)?.parse()?;
        fleet.cut_database(0);
        fleet.until(&format!("({ENTRIES}) > {}", written + 12)).await.context("after a cut")?;
    }

    // The second is killed while it has jobs, and started again as another node.
    ask(&fleet, &session, 1).await?;
    fleet.until_it_works(1).await?;
    let killed = fleet.node(1).to_owned();
    fleet.kill_and_start(1).await?;

    // The third is stopped until others have taken over what it had: longer than a lease. Then it goes on, and finds
    // that its jobs are not its own any more.
    ask(&fleet, &session, 2).await?;
    fleet.until_it_works(2).await?;
    fleet.signal(2, "STOP")?;
    fleet.until_nobody_waits_for(2).await?;
    fleet.signal(2, "CONT")?;
    fleet.until(&format!("NOT EXISTS (SELECT FROM jobs WHERE node = '{killed}')")).await?;

    let asked = 3 * BATCH;
    let done =
        format!("(SELECT count(*) FROM jobs WHERE kind = 'identity.provision' AND state = 3) = {asked}");
    fleet.until(&done).await.context("not every identity was provisioned")?;
    for number in 0..3 {
        fleet.answers(number).await?;
    }
    nothing_is_lost_or_doubled(&fleet, asked).await?;
    every_log_verifies(&fleet, &session).await
}

/// Asks for a batch of identities of new organisations, two of each, at every node in turn.
async fn ask(fleet: &Fleet, session: &str, batch: usize) -> Result<()> {
    for number in 0..BATCH / 2 {
        let slug = format!("org-{batch}-{number}");
        fleet.organisation(session, &slug).await?;
        for template in ["default", "cfo"] {
            fleet.provision(number, session, &slug, template).await?;
        }
    }
    Ok(())
}

/// The database and the tenant hold the same identities, and each was provisioned once.
async fn nothing_is_lost_or_doubled(fleet: &Fleet, asked: usize) -> Result<()> {
    let dead = fleet.sql("SELECT kind || ': ' || reason FROM jobs WHERE state = 2")?;
    ensure!(dead.is_empty(), "jobs were given up: {dead}");
    let kept = fleet.sql("SELECT body FROM records WHERE kind = 'identity'")?;
    let kept: Vec<Value> = kept.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(kept.len() == asked, "{} identities are kept", kept.len());
    let mut own = BTreeMap::new();
    for identity in &kept {
        ensure!(identity["state"] == "active", "{identity}");
        own.insert(text(&identity["address"]), (text(&identity["user"]), text(&identity["agent"])));
    }
    let tenants = fleet.tenant_objects().await?;
    ensure!(tenants.identities == own, "the tenant has {:?}, the database {own:?}", tenants.identities);
    ensure!(tenants.agents == asked, "there are {} agent identities for {asked} users", tenants.agents);
    let cells: usize = fleet.sql("SELECT count(*) FROM records WHERE kind = 'cell'")?.parse()?;
    ensure!(tenants.blueprints == cells, "{} blueprints, {cells} cells", tenants.blueprints);
    let provisioned = "SELECT count(*) FROM entries WHERE act = 'identity.provisioned' AND NOT failed";
    let provisioned: usize = fleet.sql(provisioned)?.parse()?;
    ensure!(provisioned == asked, "{provisioned} entries say that an identity was provisioned");
    Ok(())
}

/// Every organisation's log proves itself, and no intent is without its outcome.
async fn every_log_verifies(fleet: &Fleet, session: &str) -> Result<()> {
    for batch in 0..3 {
        for number in 0..BATCH / 2 {
            let report = fleet.verified(session, &format!("org-{batch}-{number}")).await?;
            ensure!(report["ok"] == true && report["dangling"] == 0, "org-{batch}-{number}: {report}");
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
