//! When it is a job's turn: jobs that are the same by their key, and who is told that work waits.

use super::World;
use super::world::at;
use crate::{JobEnd, JobState};

pub async fn a_waiting_job_takes_in_another_with_its_key(world: World) {
    let org = world.org();
    let first = world.enqueue(world.job("a", Some(org)).only("k").due(at(50))).await;
    world.enqueue(world.job("a", Some(org)).only("k").due(at(90))).await;
    assert_eq!(world.job_as_it_stands(first).await.due, at(50), "the earlier time counts");
    world.enqueue(world.job("a", Some(org)).only("k").due(at(20))).await;
    assert_eq!(world.job_as_it_stands(first).await.due, at(20));
    world.pass(20);
    let leases = world.claim(&["a"], 9).await;
    assert_eq!(leases.iter().map(|lease| lease.job.id).collect::<Vec<_>>(), [first]);
    world.commit(|unit| _ = unit.end(&leases[0], JobEnd::Done)).await.unwrap();
    world.pass(1000);
    assert!(world.claim_one("a").await.is_none());
    let next = world.enqueue(world.job("a", Some(org)).only("k")).await;
    assert_eq!(world.claim_one("a").await.unwrap().job.id, next, "the one before is done");
}

pub async fn a_running_job_runs_once_more(world: World) {
    let id = world.enqueue(world.job("a", None).only("k")).await;
    let lease = world.claim_one("a").await.unwrap();
    for second in [70, 30, 40] {
        world.enqueue(world.job("a", None).only("k").due(at(second))).await;
    }
    assert!(world.claim_one("a").await.is_none(), "it runs");
    world.commit(|unit| _ = unit.end(&lease, JobEnd::Done)).await.unwrap();
    let job = world.job_as_it_stands(id).await;
    assert_eq!((job.state, job.due, job.failures), (JobState::Waiting, at(30), 0));
    world.pass(30);
    let lease = world.claim_one("a").await.unwrap();
    world.commit(|unit| _ = unit.end(&lease, JobEnd::Done)).await.unwrap();
    assert_eq!(world.job_as_it_stands(id).await.state, JobState::Done);
    world.pass(1000);
    assert!(world.claim_one("a").await.is_none());

    // Asked for within the unit that ends it.
    world.enqueue(world.job("b", None).only("k")).await;
    let lease = world.claim_one("b").await.unwrap();
    world
        .commit(|unit| {
            unit.end(&lease, JobEnd::Done).enqueue(world.job("b", None).only("k"));
        })
        .await
        .unwrap();
    assert!(world.claim_one("b").await.is_some());
    assert!(world.claim_one("b").await.is_none());
}

pub async fn keys_of_different_kinds_and_organisations_do_not_meet(world: World) {
    let (one, two) = (world.org(), world.org());
    for org in [Some(one), Some(two), None] {
        for kind in ["a", "b"] {
            for key in ["k", "l"] {
                world.enqueue(world.job(kind, org).only(key)).await;
                world.enqueue(world.job(kind, org).only(key)).await;
            }
            world.enqueue(world.job(kind, org)).await;
            world.enqueue(world.job(kind, org)).await;
        }
    }
    assert_eq!(world.claim(&["a", "b"], 99).await.len(), 3 * 2 * 4);
}

pub async fn a_dead_job_makes_way_for_another_with_its_key(world: World) {
    let dead = world.enqueue(world.job("a", None).only("k")).await;
    let lease = world.claim_one("a").await.unwrap();
    world.commit(|unit| _ = unit.end(&lease, JobEnd::Dead { reason: "given up".into() })).await.unwrap();
    let next = world.enqueue(world.job("a", None).only("k")).await;
    assert!(!world.engine.revive(None, dead).await.unwrap(), "another with its key waits");
    let lease = world.claim_one("a").await.unwrap();
    assert_eq!(lease.job.id, next);
    world.commit(|unit| _ = unit.end(&lease, JobEnd::Done)).await.unwrap();
    assert!(world.engine.revive(None, dead).await.unwrap());
    assert_eq!(world.claim_one("a").await.unwrap().job.id, dead);
}

pub async fn whoever_waits_is_woken(world: World) {
    let mut woken = world.engine.woken();
    woken.borrow_and_update();
    world.enqueue(world.job("a", None)).await;
    woken.changed().await.unwrap();
    woken.borrow_and_update();
    let lease = world.claim_one("a").await.unwrap();
    let waits = JobEnd::Wait { due: at(5), reason: "for the mailbox".into() };
    world.commit(|unit| _ = unit.end(&lease, waits)).await.unwrap();
    woken.changed().await.unwrap();
    woken.borrow_and_update();
    assert!(world.engine.revive(None, lease.job.id).await.unwrap());
    woken.changed().await.unwrap();
}

pub async fn the_next_job_is_announced(world: World) {
    let engine = &world.engine;
    let next = |kinds: &'static [&'static str]| async move { engine.next_due(kinds).await.unwrap() };
    assert_eq!(next(&["a", "b"]).await, None);
    world.enqueue(world.job("a", None).due(at(50))).await;
    world.enqueue(world.job("b", None).due(at(20))).await;
    assert_eq!(next(&["a"]).await, Some(at(50)));
    assert_eq!(next(&["a", "b"]).await, Some(at(20)));
    assert_eq!(next(&["c"]).await, None);
    world.pass(20);
    let lease = world.claim_one("b").await.unwrap();
    assert_eq!(next(&["b"]).await, Some(at(80)), "when its lease lapses");
    world.commit(|unit| _ = unit.end(&lease, JobEnd::Done)).await.unwrap();
    assert_eq!(next(&["b"]).await, None);
}
