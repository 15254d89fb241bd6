//! Audited units: a record with a lookup, and an entry in its organisation's log. The bare transactions write
//! the same rows into the same tables; their entries are numbered and hashed beforehand.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use attache_ledger::{Composer, Frontier};
use attache_store::{Engine, Numberer, OrgId};
use attache_terms::{SystemClock, SystemRng};
use attache_tests::Cluster;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::{NODES, ROUNDS, Round, bare, node, rate};
use crate::audited::{self, Rows};

const WRITERS: usize = 12;
const UNITS: usize = 150;

/// Both, in turn; each writer has an organisation of its own.
pub(super) async fn rounds(cluster: &Cluster) -> anyhow::Result<Vec<Round>> {
    let address = cluster.database()?;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(node(&address).await?);
    }
    let mut clients = Vec::new();
    for _ in 0..WRITERS {
        clients.push(Arc::new(bare(&address).await?));
    }
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    let mut rounds = Vec::new();
    // The first warms both up.
    for round in 0..=ROUNDS {
        let bare = bare_round(&clients, &composer).await?;
        let ours = our_round(&nodes, &composer).await?;
        if round > 0 {
            rounds.push(Round { ours, bare });
        }
    }
    Ok(rounds)
}

async fn our_round(nodes: &[Arc<dyn Engine>], composer: &Composer) -> anyhow::Result<f64> {
    let mut work = Vec::new();
    for _ in 0..WRITERS {
        let org = audited::organisation();
        let units = (0..UNITS).map(|_| audited::unit(org, composer));
        work.push(units.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for (units, node) in work.into_iter().zip(nodes.iter().cycle().cloned()) {
        writers.spawn(async move {
            for unit in units {
                node.commit(unit).await?;
            }
            anyhow::Ok(())
        });
    }
    writers.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    Ok(rate(WRITERS * UNITS, started.elapsed()))
}

async fn bare_round(clients: &[Arc<Client>], composer: &Composer) -> anyhow::Result<f64> {
    let mut work = Vec::new();
    for _ in 0..WRITERS {
        let mut log = Numberer::from(Frontier::default());
        let units = (0..UNITS).map(|_| Rows::next(&mut log, composer));
        work.push(units.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for (units, client) in work.into_iter().zip(clients.iter().cloned()) {
        writers.spawn(bare_units(client, units));
    }
    writers.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    Ok(rate(WRITERS * UNITS, started.elapsed()))
}

async fn bare_units(client: Arc<Client>, units: Vec<Rows>) -> anyhow::Result<()> {
    let place = OrgId::make(&SystemClock, &SystemRng).uuid();
    let first = "INSERT INTO logs (place, frontier, unsigned) VALUES ($1, '', true)";
    client.execute(first, &[&place]).await?;
    let record = client
        .prepare(
            "INSERT INTO records (kind, place, key, version, body) VALUES ('bench_identity', $1, $2, 1, $3)",
        )
        .await?;
    let lookup = client
        .prepare(
            "INSERT INTO lookups (kind, place, key, name, value, only_in)
             VALUES ('bench_identity', $1, $2, 'address', $3, 'ffffffff-ffff-ffff-ffff-ffffffffffff')",
        )
        .await?;
    let grown = client.prepare("UPDATE logs SET frontier = $2 WHERE place = $1").await?;
    let terms =
        client.prepare("INSERT INTO entry_terms SELECT $1, term, $2 FROM unnest($3::text[]) AS term").await?;
    let entry = client
        .prepare(
            "INSERT INTO entries (place, sequence, id, time, act, failed, leaf, withheld, hash, actor)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .await?;
    for Rows { identity, body, entry: new, frontier, .. } in units {
        let row = &new.row;
        let (sequence, time) = (i64::try_from(row.sequence)?, SystemTime::from(row.time));
        let (leaf, withheld) = row.text.clone().unzip();
        let (id, hash) = (row.id.uuid(), row.hash.0.as_slice());
        let actor = new.actor.as_ref().map(|digest| digest.0.as_slice());
        let all = tokio::try_join!(
            biased;
            client.batch_execute("BEGIN"),
            async { client.execute(&record, &[&place, &identity.id, &body]).await.map(drop) },
            async { client.execute(&lookup, &[&place, &identity.id, &identity.address]).await.map(drop) },
            async { client.execute(&grown, &[&place, &frontier]).await.map(drop) },
            async { client.execute(&terms, &[&place, &sequence, &new.terms]).await.map(drop) },
            async {
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
                    [&place, &sequence, &id, &time, &row.act, &row.failed, &leaf, &withheld, &hash, &actor];
                client.execute(&entry, &values).await.map(drop)
            },
            client.batch_execute("COMMIT"),
        );
        all?;
    }
    Ok(())
}
