//! A unit is applied whole or not at all.

use super::World;
use super::world::Note;
use crate::{Becomes, Change, CommitError, Page, Record, Scope, Unit};

pub async fn a_unit_that_does_nothing_is_applied(world: World) {
    assert_eq!(world.commit(|_| ()).await.unwrap(), [0_u64; 0]);
    assert_eq!(world.engine.commit(Unit::new()).await.unwrap().sequences, [0_u64; 0]);
}

pub async fn one_conflict_refuses_the_whole_unit(world: World) {
    let org = world.org();
    let kept = world.add(org, &Note::new("kept").tagged("before").named("kept")).await;
    let removed = world.add(org, &Note::new("removed")).await;
    let gone = world.add(org, &Note::new("gone")).await;
    world.commit(|unit| _ = unit.delete(&gone)).await.unwrap();

    let refused = world.commit(|unit| {
        unit.create(org, &Note::new("new").named("new"));
        unit.update(&kept, &Note::new("kept").tagged("after").named("renamed"));
        unit.delete(&removed);
        unit.enqueue(world.job("note.index", Some(org)));
        unit.record(org, world.entry("note.change", "kept"));
        unit.expect(&gone);
    });
    let refused = refused.await;
    assert!(matches!(refused, Err(CommitError::Conflict { .. })), "{refused:?}");

    assert!(world.note(org, "new").await.is_none());
    assert_eq!(world.note(org, "kept").await.unwrap(), kept);
    assert!(world.note(org, "removed").await.is_some());
    assert_eq!(world.of(org).list_by::<Note>("tag", "before", Page::first(9)).await.unwrap(), [kept]);
    assert!(world.of(org).find::<Note>("name", "renamed").await.unwrap().is_none());
    assert!(world.claim_one("note.index").await.is_none());
    assert_eq!(world.of(org).log().await.unwrap(), None);
}

pub async fn an_expectation_changes_nothing_and_holds(world: World) {
    let org = world.org();
    let seen = world.add(org, &Note::new("n-1")).await;
    world
        .commit(|unit| {
            unit.expect(&seen).create(org, &Note::new("n-2"));
        })
        .await
        .unwrap();
    assert_eq!(world.note(org, "n-1").await.unwrap(), seen);
    world.commit(|unit| _ = unit.update(&seen, &Note::new("n-1").text("changed"))).await.unwrap();
    let refused = world
        .commit(|unit| {
            unit.create(org, &Note::new("n-3")).expect(&seen);
        })
        .await;
    assert!(matches!(refused, Err(CommitError::Conflict { .. })), "{refused:?}");
    assert!(world.note(org, "n-3").await.is_none());
}

pub async fn what_is_expected_not_to_be_there_has_its_key_taken_if_it_is(world: World) {
    let org = world.org();
    world.add(org, &Note::new("there")).await;
    for becomes in [Becomes::Same, Becomes::Nothing] {
        let absent = |key: &str| Change {
            kind: Note::KIND,
            place: org.place(),
            key: key.to_owned(),
            expects: None,
            becomes: becomes.clone(),
        };
        let refused = world.commit(|unit| unit.changes.push(absent("there"))).await;
        assert!(matches!(refused, Err(CommitError::Taken { kind: "note", lookup: "key" })), "{refused:?}");
        world.commit(|unit| unit.changes.push(absent("elsewhere"))).await.unwrap();
    }
    assert!(world.note(org, "there").await.is_some());
    assert!(world.note(org, "elsewhere").await.is_none());
}

pub async fn a_record_is_replaced_within_one_unit(world: World) {
    let org = world.org();
    let old = world.add(org, &Note::new("n-1").named("one").addressed("one@contoso.example")).await;
    let new = Note::new("n-1").text("new").named("one").addressed("one@contoso.example");
    world
        .commit(|unit| {
            unit.delete(&old).create(org, &new);
        })
        .await
        .unwrap();
    let replaced = world.of(org).find::<Note>("name", "one").await.unwrap().unwrap();
    assert_eq!((replaced.version, replaced.record), (1, new));
}

pub async fn units_at_once_are_all_applied(world: World) {
    let org = world.org();
    let units = (0..64).map(|number| {
        let (store, entry) = (world.store.clone(), world.entry("note.create", "n"));
        tokio::spawn(async move {
            let mut unit = Unit::new();
            unit.create(org, &Note::new(format!("n-{number:02}")).named(&number.to_string()))
                .record(org, entry);
            // Every fourth conflicts with the one before it.
            if number % 4 == 3 {
                unit.create(org, &Note::new("first come"));
            }
            store.commit(unit).await
        })
    });
    let mut refused = 0;
    for unit in units.collect::<Vec<_>>() {
        match unit.await.unwrap() {
            Ok(_) => (),
            Err(error) => {
                assert!(matches!(error, CommitError::Taken { kind: "note", lookup: "key" }), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 15, "sixteen wanted the same key");
    assert_eq!(world.of(org).count::<Note>(None).await.unwrap(), 64 - 15 + 1);
    assert_eq!(world.of(org).log().await.unwrap().unwrap().frontier.size(), 64 - 15);
}
