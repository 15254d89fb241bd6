//! The logs: numbered by the unit that is applied, signed, searched, erased, retained.

use std::time::Duration;

use attache_ledger::{Frontier, leaf_hash};

use super::World;
use super::world::{ADA, Note, at, request_of};
use crate::{
    Checkpointed, CommitError, EntryQuery, EntryRow, GatewayScope, Log, Order, OrgScope, Place, Scope,
    TallyQuery, Unit,
};

async fn entries(world: &World, query: EntryQuery<'_>) -> Vec<EntryRow> {
    world.engine.entries(query).await.unwrap()
}

fn numbers(entries: &[EntryRow]) -> Vec<u64> {
    entries.iter().map(|entry| entry.sequence).collect()
}

fn log_of(org: OrgScope) -> Log {
    Log(org.place())
}

pub async fn entries_are_numbered_without_gap_by_all_who_write(world: World) {
    let orgs = [world.org(), world.org()];
    let writers = (0..40).map(|number| {
        let (store, org, other) = (world.store.clone(), orgs[number % 2], orgs[(number + 1) % 2]);
        let entries: Vec<_> = (0..9).map(|_| world.entry("note.change", "n-1")).collect();
        tokio::spawn(async move {
            let mut unit = Unit::new();
            for (nth, entry) in entries.into_iter().enumerate() {
                unit.record(if nth == 4 { other } else { org }, entry);
            }
            store.commit(unit).await.unwrap().sequences
        })
    });
    let mut given = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        let sequences = writer.await.unwrap();
        assert_eq!(sequences.len(), 9);
        let own: Vec<_> = [&sequences[..4], &sequences[5..]].concat();
        assert!(own.is_sorted(), "in the order of the unit");
        given.push(sequences);
    }
    for (which, org) in orgs.into_iter().enumerate() {
        let mut numbered: Vec<u64> = given
            .iter()
            .enumerate()
            .flat_map(|(number, sequences)| {
                sequences
                    .iter()
                    .enumerate()
                    .map(move |(nth, sequence)| (number + usize::from(nth == 4), *sequence))
            })
            .filter(|(place, _)| place % 2 == which)
            .map(|(_, sequence)| sequence)
            .collect();
        numbered.sort_unstable();
        assert_eq!(numbered, (0..180).collect::<Vec<_>>());
        let rows = entries(&world, EntryQuery::all(log_of(org), 999)).await;
        assert_eq!(numbers(&rows), numbered);
        let mut tree = Frontier::default();
        for row in &rows {
            let (leaf, _) = row.text.as_ref().unwrap();
            assert_eq!(leaf_hash(leaf.as_bytes()), row.hash);
            tree.push(row.hash);
        }
        let head = world.of(org).log().await.unwrap().unwrap();
        assert_eq!((head.log, head.frontier, head.checkpoint), (log_of(org), tree, None));
        let hashes = world.engine.hashes(log_of(org), 3..9).await.unwrap();
        assert_eq!(hashes, rows[3..9].iter().map(|row| row.hash).collect::<Vec<_>>());
    }
}

pub async fn a_refused_unit_leaves_the_log_as_it_was(world: World) {
    let org = world.org();
    world.add(org, &Note::new("n-1")).await;
    world.write(org, 3).await;
    let before = world.of(org).log().await.unwrap();
    let refused = world
        .commit(|unit| {
            unit.record(org, world.entry("note.create", "n-1")).create(org, &Note::new("n-1"));
        })
        .await;
    assert!(matches!(refused, Err(CommitError::Taken { .. })), "{refused:?}");
    assert_eq!(world.of(org).log().await.unwrap(), before);
    assert_eq!(entries(&world, EntryQuery::all(log_of(org), 9)).await.len(), 3);
    assert_eq!(world.commit(|unit| _ = unit.record(org, world.entry("a", "n-1"))).await.unwrap(), [3]);
}

pub async fn an_entry_is_read_back_and_checked(world: World) {
    let org = world.org();
    world.write(org, 2).await;
    let draft = world.entry("note.create", "n-7");
    let (id, time) = (draft.id(), draft.time());
    world.commit(|unit| _ = unit.record(org, draft)).await.unwrap();
    let rows =
        entries(&world, EntryQuery { order: Order::Descending, ..EntryQuery::all(log_of(org), 1) }).await;
    let row = &rows[0];
    assert_eq!((row.sequence, row.id, row.time), (2, id, time));
    assert_eq!((&*row.act, row.failed), ("note.create", false));
    let entry = row.entry().unwrap().unwrap();
    assert_eq!((entry.sequence, entry.id, entry.time), (2, id, time));
    assert_eq!(entry.actor.by.unwrap().id.as_deref(), Some(ADA));
    assert!(entry.erased.is_empty());
}

pub async fn entries_are_found_by_what_they_carry(world: World) {
    let org = world.org();
    let mut ids = Vec::new();
    for (act, thing) in
        [("note.create", "n-1"), ("note.change", "n-1"), ("notes.list", "n-2"), ("key.make", "n-2")]
    {
        let draft = world.entry(act, thing);
        ids.push(draft.id());
        world.commit(|unit| _ = unit.record(org, draft)).await.unwrap();
        world.pass(10);
    }
    world.commit(|unit| _ = unit.record(org, world.refusal("note.delete", "n-1"))).await.unwrap();
    world.commit(|unit| _ = unit.record(world.org(), world.entry("note.create", "n-1"))).await.unwrap();

    let all = EntryQuery::all(log_of(org), 99);
    let found = |query| async { numbers(&entries(&world, query).await) };
    assert_eq!(found(EntryQuery { act: Some("note."), ..all.clone() }).await, [0, 1, 4]);
    assert_eq!(found(EntryQuery { act: Some("note.c"), ..all.clone() }).await, [0, 1]);
    assert_eq!(found(EntryQuery { act: Some("note_"), ..all.clone() }).await, [0; 0]);
    assert_eq!(found(EntryQuery { term: Some("n-1"), ..all.clone() }).await, [0, 1, 4]);
    assert_eq!(found(EntryQuery { term: Some("n-2"), act: Some("key."), ..all.clone() }).await, [3]);
    let (id, request) = (ids[2].to_string(), request_of("note.change").to_string());
    assert_eq!(found(EntryQuery { term: Some(&id), ..all.clone() }).await, [2]);
    assert_eq!(found(EntryQuery { term: Some(&request), ..all.clone() }).await, [1]);
    assert_eq!(found(EntryQuery { by: Some(ADA), ..all.clone() }).await, [0, 1, 2, 3, 4]);
    assert_eq!(found(EntryQuery { by: Some("system"), ..all.clone() }).await, [0; 0]);
    assert_eq!(found(EntryQuery { by: Some(ADA), term: Some("n-2"), ..all.clone() }).await, [2, 3]);
    assert_eq!(found(EntryQuery { failures: true, ..all.clone() }).await, [4]);
    assert_eq!(found(EntryQuery { since: Some(at(10)), until: Some(at(30)), ..all.clone() }).await, [1, 2]);
    assert_eq!(found(EntryQuery { since: Some(at(41)), ..all.clone() }).await, [0; 0]);
    assert_eq!(found(EntryQuery { sequences: 1..3, ..all.clone() }).await, [1, 2]);
    let newest = EntryQuery { order: Order::Descending, term: Some("n-1"), limit: 2, ..all };
    assert_eq!(found(newest).await, [4, 1]);
}

pub async fn entries_are_counted_by_time(world: World) {
    let org = world.org();
    world.write(world.org(), 4).await;
    let count = |since, newest| {
        let (world, slot) = (&world, Duration::from_secs(60));
        async move {
            let query = TallyQuery { log: log_of(org), since: at(since), slot, newest };
            let tally = world.of(org).tally(query).await.unwrap();
            tally.iter().map(|slot| (slot.slot, slot.entries, slot.failures)).collect::<Vec<_>>()
        }
    };
    assert_eq!(count(0, 99).await, [], "a log that is not there");
    world.write(org, 3).await;
    world.pass(59);
    world.commit(|unit| _ = unit.record(org, world.refusal("note.delete", "n-1"))).await.unwrap();
    world.pass(1);
    world.write(org, 2).await;
    world.pass(180);
    world.commit(|unit| _ = unit.record(org, world.refusal("note.delete", "n-1"))).await.unwrap();
    assert_eq!(count(0, 99).await, [(0, 4, 1), (1, 2, 0), (4, 1, 1)]);
    assert_eq!(count(30, 99).await, [(0, 3, 1), (3, 1, 1)]);
    assert_eq!(count(0, 2).await, [(1, 1, 0), (4, 1, 1)], "only the newest");
    world.engine.retain(log_of(org), 0..4).await.unwrap();
    assert_eq!(count(0, 99).await, [(0, 4, 1), (1, 2, 0), (4, 1, 1)], "what was removed was there");
}

pub async fn entries_are_shown_in_parts(world: World) {
    let org = world.org();
    world.write(org, 25).await;
    let (mut seen, mut from) = (Vec::new(), 0);
    loop {
        let part =
            entries(&world, EntryQuery { sequences: from..u64::MAX, ..EntryQuery::all(log_of(org), 7) })
                .await;
        let Some(last) = part.last() else { break };
        from = last.sequence + 1;
        seen.extend(numbers(&part));
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
    assert!(entries(&world, EntryQuery::all(log_of(world.org()), 9)).await.is_empty());
}

pub async fn checkpoints_only_grow(world: World) {
    let org = world.org();
    world.write(org, 5).await;
    let kept = || async { world.of(org).log().await.unwrap().unwrap().checkpoint };
    assert_eq!(kept().await, None);
    world.engine.put_checkpoint(log_of(org), 3, "three").await.unwrap();
    assert_eq!(kept().await, Some(Checkpointed { size: 3, note: "three".into() }));
    world.engine.put_checkpoint(log_of(org), 2, "two").await.unwrap();
    world.engine.put_checkpoint(log_of(org), 3, "three again").await.unwrap();
    assert_eq!(kept().await, Some(Checkpointed { size: 3, note: "three".into() }));
    world.engine.put_checkpoint(log_of(org), 5, "five").await.unwrap();
    assert_eq!(kept().await, Some(Checkpointed { size: 5, note: "five".into() }));
    world.write(org, 1).await;
    assert_eq!(
        kept().await,
        Some(Checkpointed { size: 5, note: "five".into() }),
        "new entries do not lose it"
    );
}

pub async fn logs_that_nobody_signed_are_known(world: World) {
    let (one, two) = (world.org(), world.org());
    assert!(world.engine.unsigned(9).await.unwrap().is_empty());
    world.write(one, 2).await;
    world.write(two, 1).await;
    world.write(GatewayScope::granted(), 1).await;
    let unsigned = || async {
        let mut logs: Vec<_> =
            world.engine.unsigned(9).await.unwrap().into_iter().map(|head| head.log).collect();
        logs.sort();
        logs
    };
    let mut all = vec![Log(Place::Gateway), log_of(one), log_of(two)];
    all.sort();
    assert_eq!(unsigned().await, all);
    assert_eq!(world.engine.unsigned(2).await.unwrap().len(), 2);
    world.engine.put_checkpoint(log_of(one), 1, "not all").await.unwrap();
    assert_eq!(unsigned().await, all);
    world.engine.put_checkpoint(log_of(one), 2, "all").await.unwrap();
    world.engine.put_checkpoint(Log(Place::Gateway), 1, "all").await.unwrap();
    assert_eq!(unsigned().await, [log_of(two)]);
    world.write(one, 1).await;
    assert_eq!(world.engine.unsigned(9).await.unwrap().len(), 2);
}

pub async fn what_was_withheld_is_destroyed(world: World) {
    let org = world.org();
    world.write(org, 3).await;
    let before = world.of(org).log().await.unwrap().unwrap();
    world.commit(|unit| _ = unit.erase(org, 1)).await.unwrap();
    world.commit(|unit| _ = unit.erase(org, 1)).await.unwrap();
    let rows = entries(&world, EntryQuery::all(log_of(org), 9)).await;
    for row in &rows {
        let entry = row.entry().unwrap().unwrap();
        let by = entry.actor.by.and_then(|by| by.id);
        assert_eq!(by.is_none(), row.sequence == 1);
        assert_eq!(entry.erased.is_empty(), row.sequence != 1);
        assert_eq!(leaf_hash(row.text.as_ref().unwrap().0.as_bytes()), row.hash);
    }
    assert_eq!(world.of(org).log().await.unwrap().unwrap(), before);
    let by_actor = EntryQuery { by: Some(ADA), ..EntryQuery::all(log_of(org), 9) };
    assert_eq!(numbers(&entries(&world, by_actor).await), [0, 2], "who it was finds it no more");

    for absent in [(org, 3), (world.org(), 0)] {
        let refused = world
            .commit(|unit| {
                unit.create(org, &Note::new("n-1")).erase(absent.0, absent.1);
            })
            .await;
        assert!(matches!(refused, Err(CommitError::Conflict { kind: "entry", .. })), "{refused:?}");
        assert!(world.note(org, "n-1").await.is_none());
    }
}

pub async fn what_was_kept_long_enough_is_removed(world: World) {
    let org = world.org();
    world.write(org, 9).await;
    let other = world.org();
    world.write(other, 9).await;
    let before = entries(&world, EntryQuery::all(log_of(org), 99)).await;
    let head = world.of(org).log().await.unwrap();
    assert_eq!(world.engine.retain(log_of(org), 0..4).await.unwrap(), 4);
    assert_eq!(world.engine.retain(log_of(org), 2..6).await.unwrap(), 2, "two were gone already");
    assert_eq!(world.engine.retain(log_of(org), 50..60).await.unwrap(), 0);
    let after = entries(&world, EntryQuery::all(log_of(org), 99)).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.sequence, before.hash), (after.sequence, after.hash));
        assert_eq!(after.text.is_none(), after.sequence < 6);
        assert_eq!(after.entry().is_none(), after.sequence < 6);
    }
    assert_eq!(after.len(), 9);
    assert_eq!(world.of(org).log().await.unwrap(), head);
    let by_term = EntryQuery { term: Some("n-1"), ..EntryQuery::all(log_of(org), 99) };
    assert_eq!(numbers(&entries(&world, by_term).await), [6, 7, 8], "its terms are gone with it");
    let by_actor = EntryQuery { by: Some(ADA), ..EntryQuery::all(log_of(org), 99) };
    assert_eq!(numbers(&entries(&world, by_actor).await), [6, 7, 8], "and so is who it was");
    let theirs = entries(&world, EntryQuery::all(log_of(other), 99)).await;
    assert!(theirs.iter().all(|row| row.text.is_some()));
    world.commit(|unit| _ = unit.erase(org, 0)).await.unwrap();
    assert!(entries(&world, EntryQuery::all(log_of(org), 1)).await[0].text.is_none());
}

pub async fn however_many_there_are_all_are_removed_with_their_terms(world: World) {
    let org = world.org();
    world.write(org, 1_300).await;
    assert_eq!(world.engine.retain(log_of(org), 3..1_203).await.unwrap(), 1_200);
    let left = entries(&world, EntryQuery::all(log_of(org), 2_000)).await;
    let kept: Vec<u64> = numbers(&left).into_iter().filter(|number| !(3..1_203).contains(number)).collect();
    assert!(left.iter().all(|row| row.text.is_some() == kept.contains(&row.sequence)));
    let by_term = EntryQuery { term: Some("n-1"), ..EntryQuery::all(log_of(org), 2_000) };
    assert_eq!(numbers(&entries(&world, by_term).await), kept);
}
