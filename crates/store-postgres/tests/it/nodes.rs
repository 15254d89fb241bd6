//! Many nodes on one database: they start at once, share the work, wake each other, and lose nothing when wires
//! are cut and the database is started again under them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_store::{CommitError, GatewayScope, JobEnd, JobId, JobState, Unit};
use attache_terms::{Clock, SystemClock};
use attache_tests::{Cable, Cluster};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use crate::node::{Node, Note, job};

const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let address = Cluster::shared().unwrap().database().unwrap();
    let mut starting = JoinSet::new();
    for _ in 0..6 {
        let address = address.clone();
        starting.spawn(async move { Node::on(&address).await });
    }
    for node in starting.join_all().await {
        node.engine.ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_of_jobs_that_another_adds() {
    let address = Cluster::shared().unwrap().database().unwrap();
    let (one, other) = (Node::on(&address).await, Node::on(&address).await);
    let mut woken = other.engine.woken();
    // It is woken once when it begins to listen.
    timeout(DEADLINE, woken.changed()).await.unwrap().unwrap();
    enqueue(&one, 1).await;
    timeout(DEADLINE, woken.changed()).await.expect("the other node is woken").unwrap();
    assert_eq!(other.claim(1, Duration::from_secs(60)).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_changes_is_seen_by_those_who_read_it_before() {
    let address = Cluster::shared().unwrap().database().unwrap();
    let (one, other) = (Node::on(&address).await.store(), Node::on(&address).await.store());
    let scope = GatewayScope::granted();
    let read = || async { other.system(scope).get::<Note>("n-1").await.unwrap() };
    let mut unit = Unit::new();
    unit.create(scope, &Note::new("n-1", "first"));
    one.commit(unit).await.unwrap();
    for number in 0..10 {
        let seen = read().await.unwrap();
        assert_eq!(read().await.as_ref(), Some(&seen));
        let (mut unit, next) = (Unit::new(), Note::new("n-1", &number.to_string()));
        unit.update(&seen, &next);
        one.commit(unit).await.unwrap();
        assert_eq!(read().await, Some(seen.replaced(next)));
    }
    let mut unit = Unit::new();
    unit.delete(&read().await.unwrap());
    one.commit(unit).await.unwrap();
    assert_eq!(read().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_do_each_job_once() {
    let address = Cluster::shared().unwrap().database().unwrap();
    let first = Node::on(&address).await;
    enqueue(&first, 300).await;
    let nodes = [first, Node::on(&address).await, Node::on(&address).await];
    let done = Arc::new(Done::default());
    work(&nodes, &done, 300, Duration::from_secs(60)).await;
    done.all_once(300);
    assert_eq!(nodes[0].count(JobState::Done).await.unwrap(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_end_at_once_each_hear_what_became_of_them() {
    let address = Cluster::shared().unwrap().database().unwrap();
    let node = Node::on(&address).await;
    enqueue(&node, 40).await;
    let leases = node.claim(40, Duration::from_secs(60)).await.unwrap();
    let mut ending = JoinSet::new();
    for (number, mut lease) in leases.into_iter().enumerate() {
        let (engine, lost) = (node.engine.clone(), number % 4 == 0);
        if lost {
            lease.token = Uuid::nil();
        }
        // Each asks twice: the second time the lease is gone.
        for _ in 0..2 {
            let (engine, lease) = (engine.clone(), lease.clone());
            ending.spawn(async move {
                let mut unit = Unit::new();
                unit.end(&lease, JobEnd::Done);
                match engine.commit(unit).await {
                    Ok(_) => (lost, true),
                    Err(CommitError::LeaseLost) => (lost, false),
                    Err(error) => panic!("{error}"),
                }
            });
        }
    }
    let told = ending.join_all().await;
    let count = |wanted| told.iter().filter(|told| **told == wanted).count();
    assert_eq!([count((false, true)), count((false, false))], [30, 30], "once ended, once refused");
    assert_eq!([count((true, true)), count((true, false))], [0, 20], "not ended by whoever lost the lease");
    assert_eq!(node.count(JobState::Done).await.unwrap(), 30);
    assert_eq!(node.count(JobState::Running).await.unwrap(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_wires_and_a_database_that_starts_again_lose_no_job_and_do_none_twice() {
    let cluster = Arc::new(Cluster::quick().unwrap());
    let address = cluster.database().unwrap();
    let mut nodes = Vec::new();
    let mut cables = Vec::new();
    for _ in 0..3 {
        let cable = Cable::to(cluster.port()).await.unwrap();
        let through = address.replace(&format!(":{}/", cluster.port()), &format!(":{}/", cable.port()));
        nodes.push(Node::on(&through).await);
        cables.push(cable);
    }
    enqueue(&nodes[0], 200).await;
    let done = Arc::new(Done::default());
    let over = Arc::new(AtomicBool::new(false));
    let (seen, finished, cluster_too) = (Arc::clone(&done), Arc::clone(&over), Arc::clone(&cluster));
    // One wire after the other is cut as the work goes on, and the database is started again in between.
    let trouble = tokio::spawn(async move {
        let mut progress = seen.progress.subscribe();
        let (mut next, mut cuts) = (0, 0);
        while !finished.load(Ordering::Relaxed) && progress.changed().await.is_ok() {
            let count = *progress.borrow_and_update();
            if count < next {
                continue;
            }
            next = count + 16;
            cables[cuts % 3].cut();
            cuts += 1;
            if cuts == 5 {
                let cluster = Arc::clone(&cluster_too);
                tokio::task::spawn_blocking(move || {
                    cluster.stop().unwrap();
                    cluster.start().unwrap();
                })
                .await
                .unwrap();
            }
        }
        (cables, cuts)
    });
    // A claim whose answer was lost comes back when its lease lapses.
    work(&nodes, &done, 200, Duration::from_secs(1)).await;
    over.store(true, Ordering::Relaxed);
    done.progress.send_modify(|_| {});
    let (_cables, cuts) = trouble.await.unwrap();
    assert!(cuts > 5, "only {cuts} cuts");
    done.all_once(200);
}

async fn enqueue(node: &Node, count: usize) {
    let mut unit = Unit::new();
    for _ in 0..count {
        unit.enqueue(job());
    }
    node.store().commit(unit).await.unwrap();
}

/// What was done, as those who did it were told.
#[derive(Default)]
struct Done {
    times: Mutex<BTreeMap<JobId, u32>>,
    tried_again: AtomicUsize,
    progress: tokio::sync::watch::Sender<usize>,
}

impl Done {
    fn once_more(&self, job: JobId) {
        *self.times.lock().unwrap().entry(job).or_default() += 1;
        self.progress.send_modify(|count| *count += 1);
    }

    fn all_once(&self, count: usize) {
        let times = self.times.lock().unwrap();
        assert_eq!(times.len(), count, "some are lost");
        assert!(times.values().all(|times| *times == 1), "some were done twice");
    }
}

/// Four workers on each node claim and end jobs, each seventh at the second try, until all are done.
async fn work(nodes: &[Node], done: &Arc<Done>, count: u64, lease: Duration) {
    let mut workers = JoinSet::new();
    for node in nodes {
        for _ in 0..4 {
            let (node, done) = (node.clone(), Arc::clone(done));
            workers.spawn(async move {
                // The database may be away for a while.
                while node.count(JobState::Done).await.map_or(true, |done| done < count) {
                    let mut woken = node.engine.woken();
                    let leases = node.claim(5, lease).await.unwrap_or_default();
                    if leases.is_empty() {
                        let _nothing_new = timeout(Duration::from_millis(100), woken.changed()).await;
                    }
                    for lease in leases {
                        let fails = done.tried_again.fetch_add(1, Ordering::Relaxed) % 7 == 0;
                        let due = SystemClock.now();
                        let end =
                            if fails { JobEnd::Retry { due, reason: "again".into() } } else { JobEnd::Done };
                        let mut unit = Unit::new();
                        unit.end(&lease, end);
                        match node.store().commit(unit).await {
                            Ok(_) if !fails => done.once_more(lease.job.id),
                            Ok(_) | Err(CommitError::LeaseLost | CommitError::Store(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
    }
    timeout(DEADLINE, workers.join_all()).await.expect("all is done in time");
}
