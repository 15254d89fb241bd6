//! Leases go by a clock that nobody sets.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{Claim, Engine, JobEnd, JobId, NewJob, NodeId, Unit};
use attache_terms::{ManualClock, SystemRng};
use jiff::Timestamp;

use super::open_with;

#[tokio::test]
async fn setting_the_clock_ahead_takes_no_lease_away() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let engine = open_with(&folder.path().join("gateway.db"), clock.clone()).unwrap();
    let mut unit = Unit::new();
    unit.enqueue(NewJob::new(JobId::make(clock.as_ref(), &SystemRng), "a", None, &()));
    engine.commit(unit).await.unwrap();

    let node = NodeId::make(clock.as_ref(), &SystemRng);
    let claim = || engine.claim(Claim { node, kinds: &["a"], lease: Duration::from_secs(60), limit: 1 });
    let lease = claim().await.unwrap().remove(0);
    clock.skew(Duration::from_secs(3600));
    assert!(claim().await.unwrap().is_empty(), "its holder counts on another minute");
    let longer = engine.extend(&lease, Duration::from_secs(60)).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(59));
    assert!(claim().await.unwrap().is_empty());
    clock.advance(Duration::from_secs(1));
    assert_eq!(claim().await.unwrap().len(), 1);

    let mut unit = Unit::new();
    unit.end(&longer, JobEnd::Done);
    assert!(engine.commit(unit).await.is_err());
}
