//! The suite that every engine passes.

use std::sync::Arc;

use attache_store::Engine;
use attache_store_postgres::{Postgres, PostgresOptions, Time};
use attache_terms::ManualClock;
use attache_tests::Cluster;

async fn empty(clock: Arc<ManualClock>) -> (Arc<dyn Engine>, ()) {
    let address = Cluster::shared().unwrap().database().unwrap();
    let options = PostgresOptions { time: Time::OfClock, ..PostgresOptions::new(address.into(), clock) };
    (Arc::new(Postgres::open(options).await.unwrap()), ())
}

attache_store::conformance!(empty);
