//! Jobs that are there already, claimed and finished by four workers on each node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use attache_store::{Claim, Engine, JobEnd, JobId, NewJob, NodeId, Unit};
use attache_terms::{SystemClock, SystemRng};
use attache_tests::Cluster;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::{NODES, ROUNDS, Round, bare, node, rate};

const WORKERS: usize = 4;
const JOBS: usize = 3000;
const KIND: &str = "bench";

/// What a claim without a store around it needs, with an index for it.
const TABLE: &str = "
    CREATE TABLE bare (
        id uuid PRIMARY KEY, body text NOT NULL, due timestamptz, leased timestamptz, done boolean NOT NULL
    );
    CREATE INDEX bare_due ON bare (due) WHERE NOT done";

const FILL: &str = "
    INSERT INTO bare SELECT gen_random_uuid(), 'null', clock_timestamp(), NULL, false
    FROM generate_series(1, $1::bigint)";

const CLAIM: &str = "
    UPDATE bare SET due = statement_timestamp() + interval '1 minute', leased = statement_timestamp()
    WHERE id IN (
        SELECT id FROM bare WHERE NOT done AND due <= statement_timestamp()
        ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id, body";

const FINISH: &str = "UPDATE bare SET done = true WHERE id = $1";

/// Both, in turn.
pub(super) async fn rounds(cluster: &Cluster, batch: usize) -> anyhow::Result<Vec<Round>> {
    let address = cluster.database()?;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(node(&address).await?);
    }
    let mut clients = Vec::new();
    for _ in 0..NODES * WORKERS {
        clients.push(Arc::new(bare(&address).await?));
    }
    clients[0].batch_execute(TABLE).await?;
    let mut rounds = Vec::new();
    // The first warms both up.
    for round in 0..=ROUNDS {
        let bare = bare_round(&clients, batch).await?;
        let ours = our_round(&nodes, batch).await?;
        if round > 0 {
            rounds.push(Round { ours, bare });
        }
    }
    Ok(rounds)
}

async fn our_round(nodes: &[Arc<dyn Engine>], batch: usize) -> anyhow::Result<f64> {
    let mut unit = Unit::new();
    for _ in 0..JOBS {
        unit.enqueue(NewJob::new(JobId::make(&SystemClock, &SystemRng), KIND, None, &()));
    }
    nodes[0].commit(unit).await?;
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for node in nodes.iter().flat_map(|node| std::iter::repeat_n(node, WORKERS)) {
        workers.spawn(work(node.clone(), batch));
    }
    let done = sum(workers).await?;
    anyhow::ensure!(done == JOBS, "{done} jobs were done");
    Ok(rate(JOBS, started.elapsed()))
}

async fn work(node: Arc<dyn Engine>, batch: usize) -> anyhow::Result<usize> {
    let id = NodeId::make(&SystemClock, &SystemRng);
    let mut done = 0;
    loop {
        let claim = Claim { node: id, kinds: &[KIND], lease: Duration::from_secs(60), limit: batch };
        let leases = node.claim(claim).await?;
        if leases.is_empty() {
            return Ok(done);
        }
        for lease in leases {
            let mut unit = Unit::new();
            unit.end(&lease, JobEnd::Done);
            node.commit(unit).await?;
            done += 1;
        }
    }
}

async fn bare_round(clients: &[Arc<Client>], batch: usize) -> anyhow::Result<f64> {
    clients[0].execute(FILL, &[&i64::try_from(JOBS)?]).await?;
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for client in clients {
        workers.spawn(bare_work(client.clone(), i64::try_from(batch)?));
    }
    let done = sum(workers).await?;
    anyhow::ensure!(done == JOBS, "{done} jobs were done");
    Ok(rate(JOBS, started.elapsed()))
}

async fn bare_work(client: Arc<Client>, batch: i64) -> anyhow::Result<usize> {
    let (claim, finish) = (client.prepare(CLAIM).await?, client.prepare(FINISH).await?);
    let mut done = 0;
    loop {
        let rows = client.query(&claim, &[&batch]).await?;
        if rows.is_empty() {
            return Ok(done);
        }
        for row in rows {
            let id: uuid::Uuid = row.get(0);
            client.execute(&finish, &[&id]).await?;
            done += 1;
        }
    }
}

async fn sum(mut workers: JoinSet<anyhow::Result<usize>>) -> anyhow::Result<usize> {
    let mut sum = 0;
    while let Some(done) = workers.join_next().await {
        sum += done??;
    }
    Ok(sum)
}
