//! The wire to the database is cut, at the worst moments; the database is started again.

use std::time::Duration;

use attache_store::{CommitError, GatewayScope, JobEnd, JobState, Log, Place, StoreError, Unit};
use attache_tests::{Cable, Cluster};
use tokio::time::timeout;

use crate::node::{Node, Note, entry, job};

const GATEWAY: GatewayScope = GatewayScope::granted();
const LEASE: Duration = Duration::from_secs(60);

/// A database, a node beside the cable, and one behind it.
async fn world() -> (Cable, Node, Node) {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.database().unwrap();
    let cable = Cable::to(cluster.port()).await.unwrap();
    let through = address.replace(&format!(":{}/", cluster.port()), &format!(":{}/", cable.port()));
    (cable, Node::on(&address).await, Node::on(&through).await)
}

/// Something of everything that a unit may hold.
fn unit(note: &Note) -> Unit {
    let mut unit = Unit::new();
    unit.create(GATEWAY, note).enqueue(job()).record(GATEWAY, entry());
    unit
}

async fn is_applied_once(node: &Node, note: &Note) {
    let store = node.store();
    let kept = store.system(GATEWAY).get::<Note>(&note.key).await.unwrap().unwrap();
    assert_eq!((kept.version, &kept.record), (1, note));
    assert_eq!(node.count(JobState::Waiting).await.unwrap(), 1);
    let log = node.engine.log(Log(Place::Gateway)).await.unwrap().unwrap();
    assert_eq!(log.frontier.size(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_whose_commit_never_arrived_is_applied_once() {
    let (cable, beside, behind) = world().await;
    let note = Note::new("n", "one");
    cable.cut_before(b"COMMIT");
    assert_eq!(behind.store().commit(unit(&note)).await.unwrap().sequences, [0]);
    assert!(!cable.is_whole());
    is_applied_once(&beside, &note).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_whose_commit_was_answered_to_nobody_is_applied_once() {
    let (cable, beside, behind) = world().await;
    let note = Note::new("n", "one");
    cable.cut_after(b"COMMIT", b"COMMIT\0");
    assert_eq!(behind.store().commit(unit(&note)).await.unwrap().sequences, [0]);
    assert!(!cable.is_whole());
    is_applied_once(&beside, &note).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_was_answered_to_nobody_is_no_lost_lease() {
    let (cable, beside, behind) = world().await;
    let mut unit = Unit::new();
    unit.enqueue(job());
    behind.store().commit(unit).await.unwrap();
    let lease = behind.claim(1, LEASE).await.unwrap().remove(0);
    cable.cut_after(lease.token.as_bytes(), b"UPDATE 1\0");
    let mut unit = Unit::new();
    unit.end(&lease, JobEnd::Done);
    behind.store().commit(unit).await.unwrap();
    assert!(!cable.is_whole());
    assert_eq!(beside.count(JobState::Done).await.unwrap(), 1);
    let mut again = Unit::new();
    again.end(&lease, JobEnd::Done);
    assert!(matches!(beside.store().commit(again).await, Err(CommitError::LeaseLost)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_asked_again_when_the_wire_was_cut() {
    let (cable, _, behind) = world().await;
    let note = Note::new("n", "one");
    behind.store().commit(unit(&note)).await.unwrap();
    cable.cut_before(b"note");
    assert!(behind.store().system(GATEWAY).get::<Note>("n").await.unwrap().is_some());
    assert!(!cable.is_whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_its_caller_gave_up_holds_nothing() {
    let (_cable, beside, behind) = world().await;
    behind.store().commit(unit(&Note::new("n", "one"))).await.unwrap();
    let seen = beside.store().system(GATEWAY).get::<Note>("n").await.unwrap().unwrap();
    // Given up at every point at which it waits for something, one after the other.
    for waits in 0..40 {
        let mut unit = Unit::new();
        unit.update(&seen, &Note::new("n", "given up")).record(GATEWAY, entry());
        let store = behind.store();
        let mut commit = Box::pin(store.commit(unit));
        let mut left = waits;
        let given_up = std::future::poll_fn(|context| match commit.as_mut().poll(context) {
            std::task::Poll::Ready(_) => std::task::Poll::Ready(false),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(true),
            std::task::Poll::Pending => {
                left -= 1;
                std::task::Poll::Pending
            }
        });
        if !given_up.await {
            break;
        }
    }
    let store = beside.store();
    let seen = store.system(GATEWAY).get::<Note>("n").await.unwrap().unwrap();
    let mut unit = Unit::new();
    unit.update(&seen, &Note::new("n", "two"));
    // It waits for no lock that somebody left behind. What was given up last may have been applied.
    let applied = timeout(Duration::from_secs(4), store.commit(unit)).await.expect("nothing is held");
    assert!(matches!(applied, Ok(_) | Err(CommitError::Conflict { .. })), "{applied:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_when_the_database_is_back() {
    let cluster = Cluster::quick().unwrap();
    let address = cluster.database().unwrap();
    let (one, other) = (Node::on(&address).await, Node::on(&address).await);
    one.store().commit(unit(&Note::new("n", "one"))).await.unwrap();
    cluster.stop().unwrap();
    let refused = one.store().commit(unit(&Note::new("m", "two"))).await.unwrap_err();
    assert!(matches!(refused, CommitError::Store(StoreError::Unavailable { .. })), "{refused}");
    let unread = one.engine.ping().await.unwrap_err();
    assert!(!format!("{unread} {unread:?}").contains("correct horse"), "{unread:?}");
    cluster.start().unwrap();
    one.engine.ping().await.unwrap();
    one.store().commit(unit(&Note::new("m", "two"))).await.unwrap();
    assert_eq!(other.count(JobState::Waiting).await.unwrap(), 2);
    // The connection that listens is made anew too, or else nobody would hear of the third.
    let mut woken = other.engine.woken();
    let hears = async {
        loop {
            let heard = timeout(Duration::from_millis(300), woken.changed()).await;
            woken.mark_unchanged();
            let mut unit = Unit::new();
            unit.enqueue(job());
            one.store().commit(unit).await.unwrap();
            if heard.is_ok() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), hears).await.expect("the other node hears of new jobs again");
}
