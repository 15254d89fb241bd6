//! Jobs: claimed under a lease, ended with a unit, fenced by a token.

use std::collections::BTreeSet;
use std::time::Duration;

use attache_terms::Clock;

use super::World;
use super::world::{Note, at};
use crate::{Claim, CommitError, JobEnd, JobQuery, JobState, LAPSED, Lease};

fn retry(second: i64) -> JobEnd {
    JobEnd::Retry { due: at(second), reason: "throttled".into() }
}

fn wait(second: i64) -> JobEnd {
    JobEnd::Wait { due: at(second), reason: "for the mailbox".into() }
}

async fn end(world: &World, lease: &Lease, end: JobEnd) {
    world.commit(|unit| _ = unit.end(lease, end)).await.unwrap();
}

pub async fn a_job_is_claimed_once(world: World) {
    let org = world.org();
    let mut added = BTreeSet::new();
    for _ in 0..40 {
        added.insert(world.enqueue(world.job("note.index", Some(org))).await);
    }
    let workers = (0..8).map(|_| {
        let (engine, node) = (world.engine.clone(), world.node());
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let lease = Duration::from_secs(60);
                let leases =
                    engine.claim(Claim { node, kinds: &["note.index"], lease, limit: 3 }).await.unwrap();
                if leases.is_empty() {
                    return claimed;
                }
                assert!(leases.len() <= 3);
                assert!(leases.iter().all(|lease| lease.job.node == Some(node)));
                claimed.extend(leases.into_iter().map(|lease| lease.job.id));
            }
        })
    });
    let mut claimed = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), 40);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), added);
}

pub async fn those_that_have_been_due_the_longest_come_first(world: World) {
    let late = world.enqueue(world.job("a", None).due(at(30))).await;
    let early = world.enqueue(world.job("a", None).due(at(10))).await;
    let later = world.enqueue(world.job("a", None).due(at(60))).await;
    let middle = world.enqueue(world.job("a", None).due(at(20))).await;
    assert!(world.claim(&["a"], 9).await.is_empty(), "none is due");
    world.pass(40);
    let order = |leases: Vec<Lease>| leases.iter().map(|lease| lease.job.id).collect::<Vec<_>>();
    assert_eq!(order(world.claim(&["a"], 2).await), [early, middle]);
    assert_eq!(order(world.claim(&["a"], 9).await), [late]);
    world.pass(20);
    assert_eq!(order(world.claim(&["a"], 9).await), [later], "due at this moment");
}

pub async fn a_worker_gets_only_what_it_can_do(world: World) {
    let org = world.org();
    let a = world.enqueue(world.job("a", Some(org))).await;
    world.enqueue(world.job("b", None)).await;
    let c = world.enqueue(world.job("c", None)).await;
    assert!(world.claim(&[], 9).await.is_empty());
    assert!(world.claim(&["d"], 9).await.is_empty());
    let ids: BTreeSet<_> = world.claim(&["a", "c"], 9).await.into_iter().map(|lease| lease.job.id).collect();
    assert_eq!(ids, BTreeSet::from([a, c]));
    let lease = world.claim_one("b").await.unwrap();
    let body: serde_json::Value = lease.job.body().unwrap();
    assert_eq!(body, serde_json::json!({ "of": "b" }));
    assert_eq!((lease.job.state, lease.job.failures, lease.job.org), (JobState::Running, 0, None));
}

pub async fn a_lapsed_lease_is_taken_over_and_the_old_one_is_worth_nothing(world: World) {
    let org = world.org();
    world.enqueue(world.job("a", Some(org))).await;
    let old = world.claim_one("a").await.unwrap();
    world.pass(59);
    assert!(world.claim_one("a").await.is_none());
    world.pass(1);
    let new = world.claim_one("a").await.unwrap();
    assert_eq!(new.job.id, old.job.id);
    assert_ne!(new.token, old.token);
    assert_eq!(new.job.failures, 1, "what takes its worker down is not tried for ever");
    assert_eq!(new.job.reason.as_deref(), Some(LAPSED));

    let refused = world
        .commit(|unit| {
            unit.create(org, &Note::new("n-1")).end(&old, JobEnd::Done);
            unit.record(org, world.entry("note.create", "n-1"));
        })
        .await;
    assert!(matches!(refused, Err(CommitError::LeaseLost)), "{refused:?}");
    assert!(world.note(org, "n-1").await.is_none());
    assert!(world.of(org).log().await.unwrap().is_none());
    assert!(world.engine.extend(&old, Duration::from_secs(60)).await.unwrap().is_none());

    end(&world, &new, JobEnd::Done).await;
    let again = world.commit(|unit| _ = unit.end(&new, JobEnd::Done)).await;
    assert!(matches!(again, Err(CommitError::LeaseLost)), "a job ends once");
    assert!(world.engine.extend(&new, Duration::from_secs(60)).await.unwrap().is_none());
}

pub async fn a_unit_is_applied_under_a_lease_that_nobody_else_has(world: World) {
    let org = world.org();
    world.enqueue(world.job("a", Some(org))).await;
    let old = world.claim_one("a").await.unwrap();
    let under = async |lease: &Lease, key: &str| {
        let unit = world.commit(|unit| {
            unit.create(org, &Note::new(key)).under(lease).enqueue(world.job("b", Some(org)));
            unit.record(org, world.entry("note.create", key));
        });
        unit.await
    };
    assert_eq!(under(&old, "n-1").await.unwrap(), [0]);
    world.pass(100);
    assert_eq!(under(&old, "n-2").await.unwrap(), [1], "it lapsed, and nobody has taken the job over");

    let new = world.claim_one("a").await.unwrap();
    let refused = under(&old, "n-3").await;
    assert!(matches!(refused, Err(CommitError::LeaseLost)), "{refused:?}");
    assert!(world.note(org, "n-3").await.is_none());
    let nothing = world.commit(|unit| _ = unit.under(&old)).await;
    assert!(matches!(nothing, Err(CommitError::LeaseLost)), "{nothing:?}");
    assert_eq!(under(&new, "n-3").await.unwrap(), [2]);
    assert_eq!(world.claim(&["b"], 9).await.len(), 3, "what is refused adds no job");

    end(&world, &new, JobEnd::Done).await;
    let refused = under(&new, "n-4").await;
    assert!(matches!(refused, Err(CommitError::LeaseLost)), "the job is done: {refused:?}");
}

pub async fn a_job_is_ended_under_its_own_lease(world: World) {
    let id = world.enqueue(world.job("a", None)).await;
    let lease = world.claim_one("a").await.unwrap();
    world.commit(|unit| _ = unit.under(&lease).end(&lease, JobEnd::Done)).await.unwrap();
    assert_eq!(world.job_as_it_stands(id).await.state, JobState::Done);
}

pub async fn a_lease_is_prolonged(world: World) {
    world.enqueue(world.job("a", None)).await;
    let lease = world.claim_one("a").await.unwrap();
    assert_eq!(lease.remaining(world.clock.boot()), Duration::from_secs(60));
    world.pass(50);
    let longer = world.engine.extend(&lease, Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(longer.remaining(world.clock.boot()), Duration::from_secs(60));
    world.pass(59);
    assert!(world.claim_one("a").await.is_none());
    end(&world, &longer, JobEnd::Done).await;
}

pub async fn a_lapsed_lease_that_nobody_took_still_ends_its_job(world: World) {
    let id = world.enqueue(world.job("a", None)).await;
    let lease = world.claim_one("a").await.unwrap();
    world.pass(100);
    let lease = world.engine.extend(&lease, Duration::from_secs(10)).await.unwrap().unwrap();
    world.pass(100);
    end(&world, &lease, JobEnd::Done).await;
    assert_eq!(world.job_as_it_stands(id).await.state, JobState::Done);
    assert!(world.claim_one("a").await.is_none());
}

pub async fn failures_are_counted_and_forgotten(world: World) {
    let id = world.enqueue(world.job("a", None)).await;
    for failures in 1..=3 {
        let lease = world.claim_one("a").await.unwrap();
        end(&world, &lease, retry(failures * 10)).await;
        let job = world.job_as_it_stands(id).await;
        assert_eq!(
            (job.state, i64::from(job.failures), job.due),
            (JobState::Waiting, failures, at(failures * 10))
        );
        assert_eq!((job.reason.as_deref(), job.node), (Some("throttled"), None));
        assert!(world.claim_one("a").await.is_none());
        world.pass(10);
    }
    let lease = world.claim_one("a").await.unwrap();
    assert_eq!(lease.job.failures, 3);
    end(&world, &lease, wait(40)).await;
    let job = world.job_as_it_stands(id).await;
    assert_eq!((job.failures, job.due, job.reason.as_deref()), (0, at(40), Some("for the mailbox")));
}

pub async fn a_dead_job_is_seen_and_revived(world: World) {
    let (org, other) = (world.org(), world.org());
    let id = world.enqueue(world.job("a", Some(org)).only("k")).await;
    let lease = world.claim_one("a").await.unwrap();
    end(&world, &lease, JobEnd::Dead { reason: "no such tenant".into() }).await;
    world.pass(1000);
    assert!(world.claim_one("a").await.is_none());
    let query = JobQuery { state: Some(JobState::Dead), limit: 9, ..JobQuery::default() };
    let dead = world.of(org).jobs(query.clone()).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].reason.as_deref()), (1, id, Some("no such tenant")));
    assert!(world.of(other).jobs(query).await.unwrap().is_empty());

    assert!(!world.engine.revive(Some(other.org()), id).await.unwrap(), "another organisation's");
    assert!(world.engine.revive(Some(org.org()), id).await.unwrap());
    let lease = world.claim_one("a").await.unwrap();
    assert_eq!((lease.job.id, lease.job.failures), (id, 0));
    assert!(!world.engine.revive(None, id).await.unwrap(), "it runs");
    end(&world, &lease, JobEnd::Done).await;
    assert!(!world.engine.revive(None, id).await.unwrap(), "it is done");
}

pub async fn a_waiting_job_is_done_at_once(world: World) {
    let id = world.enqueue(world.job("a", None).due(at(3600))).await;
    assert!(world.claim_one("a").await.is_none());
    assert!(world.engine.revive(None, id).await.unwrap());
    assert_eq!(world.claim_one("a").await.unwrap().job.id, id);
}

pub async fn finished_jobs_are_forgotten(world: World) {
    let mut ids = Vec::new();
    for finish in [JobEnd::Done, JobEnd::Done, JobEnd::Dead { reason: "given up".into() }, wait(5000)] {
        ids.push(world.enqueue(world.job("a", None)).await);
        let lease = world.claim_one("a").await.unwrap();
        world.pass(10);
        end(&world, &lease, finish).await;
    }
    let counts: BTreeSet<_> = world.engine.job_counts().await.unwrap().into_iter().collect();
    let a = |state, count| ("a".to_owned(), state, count);
    let expected = [a(JobState::Waiting, 1), a(JobState::Dead, 1), a(JobState::Done, 2)];
    assert_eq!(counts, BTreeSet::from(expected));
    assert_eq!(world.engine.forget_jobs(at(10), 9).await.unwrap(), 0);
    assert_eq!(world.engine.forget_jobs(at(15), 9).await.unwrap(), 1);
    assert_eq!(world.engine.forget_jobs(at(999), 9).await.unwrap(), 1);
    let left = world.engine.jobs(JobQuery { limit: 9, ..JobQuery::default() }).await.unwrap();
    assert_eq!(left.iter().map(|job| job.id).collect::<BTreeSet<_>>(), BTreeSet::from([ids[2], ids[3]]));
}

pub async fn jobs_are_shown_the_newest_first(world: World) {
    let (one, two) = (world.org(), world.org());
    let mut ids = Vec::new();
    for number in 0..10 {
        let org = [Some(one), Some(two), None][number % 3];
        let kind = ["a", "b"][number % 2];
        world.pass(1);
        ids.push(world.enqueue(world.job(kind, org).only(number.to_string())).await);
    }
    ids.reverse();
    let all = JobQuery { limit: 4, ..JobQuery::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    while let Some(last) = {
        let jobs = world.all().jobs(JobQuery { after, ..all.clone() }).await.unwrap();
        seen.extend(jobs.iter().map(|job| job.id));
        jobs.last().map(|job| job.id)
    } {
        after = Some(last);
    }
    assert_eq!(seen, ids);
    let count = |query| async { world.all().jobs(query).await.unwrap().len() };
    let any = JobQuery { limit: 99, ..JobQuery::default() };
    assert_eq!(count(JobQuery { id: Some(ids[3]), ..any.clone() }).await, 1);
    assert_eq!(count(JobQuery { org: Some(one.org()), ..any.clone() }).await, 4);
    assert_eq!(count(JobQuery { kind: Some("a"), ..any.clone() }).await, 5);
    assert_eq!(count(JobQuery { kind: Some("b"), key: Some("3"), ..any.clone() }).await, 1);
    assert_eq!(count(JobQuery { state: Some(JobState::Running), ..any.clone() }).await, 0);
    assert_eq!(count(JobQuery { state: Some(JobState::Waiting), ..any }).await, 10);
}

pub async fn a_job_is_added_with_its_unit_or_not_at_all(world: World) {
    let org = world.org();
    let note = Note::new("n-1");
    for (attempt, count) in [(1, 1), (2, 1)] {
        let outcome = world.commit(|unit| {
            unit.create(org, &note).enqueue(world.job("note.index", Some(org)));
        });
        assert_eq!(outcome.await.is_ok(), attempt == 1);
        let jobs = world.of(org).jobs(JobQuery { limit: 9, ..JobQuery::default() }).await.unwrap();
        assert_eq!(jobs.len(), count);
        assert_eq!((jobs[0].due, jobs[0].created, jobs[0].changed), (at(0), at(0), at(0)));
    }
}
