//! A node that takes longer than its lease, and another that takes its job over: what the first still does under
//! the lease is applied before the other has the job, or not at all.

use std::time::Duration;

use attache_store::{CommitError, GatewayScope, Lease, Unit};
use attache_tests::Cluster;
use tokio_postgres::{Client, NoTls};

use crate::node::{Node, Note, entry, job};

const GATEWAY: GatewayScope = GatewayScope::granted();
const LEASE: Duration = Duration::from_secs(60);

/// A database with a job and a log, two nodes, and somebody who locks rows.
async fn world() -> (Node, Node, Client) {
    let address = Cluster::shared().unwrap().database().unwrap();
    let (slow, other) = (Node::on(&address).await, Node::on(&address).await);
    let mut unit = Unit::new();
    unit.enqueue(job()).record(GATEWAY, entry());
    slow.store().commit(unit).await.unwrap();
    let (locker, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    (slow, other, locker)
}

fn under(lease: &Lease, note: &str) -> Unit {
    let mut unit = Unit::new();
    unit.under(lease).create(GATEWAY, &Note::new(note, "")).record(GATEWAY, entry());
    unit
}

/// Waits until somebody waits for what is locked.
async fn until_somebody_waits(locker: &Client) {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock') FROM pg_sleep(0.01)";
    while !locker.query_one(waits, &[]).await.unwrap().get::<_, bool>(0) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_a_job_over_while_a_unit_is_being_applied_under_its_lease() {
    let (slow, other, locker) = world().await;
    let lease = slow.claim(1, Duration::ZERO).await.unwrap().remove(0);
    locker.batch_execute("BEGIN; SELECT FROM logs FOR UPDATE").await.unwrap();
    let (store, unit) = (slow.store(), under(&lease, "n-1"));
    let applying = tokio::spawn(async move { store.commit(unit).await });
    until_somebody_waits(&locker).await;
    assert!(other.claim(1, LEASE).await.unwrap().is_empty(), "the unit comes first");
    locker.batch_execute("COMMIT").await.unwrap();
    applying.await.unwrap().unwrap();

    assert_eq!(other.claim(1, LEASE).await.unwrap().len(), 1, "the lease has lapsed");
    let refused = slow.store().commit(under(&lease, "n-2")).await;
    assert!(matches!(refused, Err(CommitError::LeaseLost)), "{refused:?}");
    assert!(slow.store().system(GATEWAY).get::<Note>("n-2").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_waited_until_its_job_was_taken_over_is_refused() {
    let (slow, other, locker) = world().await;
    let lease = slow.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let mut unit = Unit::new();
    unit.create(GATEWAY, &Note::new("n-0", ""));
    slow.store().commit(unit).await.unwrap();
    let note = slow.store().system(GATEWAY).get::<Note>("n-0").await.unwrap().unwrap();
    locker.batch_execute("BEGIN; SELECT FROM records FOR UPDATE").await.unwrap();
    let (store, mut unit) = (slow.store(), under(&lease, "n-1"));
    unit.expect(&note);
    let applying = tokio::spawn(async move { store.commit(unit).await });
    until_somebody_waits(&locker).await;
    assert_eq!(other.claim(1, LEASE).await.unwrap().len(), 1, "the lease has lapsed");
    locker.batch_execute("COMMIT").await.unwrap();
    let refused = applying.await.unwrap();
    assert!(matches!(refused, Err(CommitError::LeaseLost)), "{refused:?}");
    assert!(slow.store().system(GATEWAY).get::<Note>("n-1").await.unwrap().is_none());
}
