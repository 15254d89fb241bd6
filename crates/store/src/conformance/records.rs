//! One record: made, read, changed, removed, swept away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::World;
use super::world::{Note, Setting, at};
use crate::{CommitError, GatewayScope, Store, Unit};

pub async fn a_record_is_read_back_as_it_was_written(world: World) {
    let org = world.org();
    let note = Note::new("n-1").text("tea, milk · 茶 \u{0} \"quoted\"").tagged("kitchen");
    let first = world.add(org, &note).await;
    assert_eq!((first.version, &first.record), (1, &note));
    let longer = note.text(&"long ".repeat(10_000));
    world.commit(|unit| _ = unit.update(&first, &longer)).await.unwrap();
    let second = world.note(org, "n-1").await.unwrap();
    assert_eq!((second.version, &second.record), (2, &longer));

    let scope = GatewayScope::granted();
    world.commit(|unit| _ = unit.create(scope, &Setting { key: "s".into() })).await.unwrap();
    assert_eq!(world.all().get::<Setting>("s").await.unwrap().unwrap().key, "s");
    assert!(world.all().get::<Setting>("t").await.unwrap().is_none());
    assert!(world.note(org, "n-2").await.is_none());
}

pub async fn a_record_exists_once(world: World) {
    let org = world.org();
    world.add(org, &Note::new("n-1").text("first")).await;
    let refused = world.commit(|unit| _ = unit.create(org, &Note::new("n-1").text("second"))).await;
    assert!(matches!(refused, Err(CommitError::Taken { kind: "note", lookup: "key" })), "{refused:?}");
    assert_eq!(world.note(org, "n-1").await.unwrap().text, "first");
    world.add(world.org(), &Note::new("n-1").text("another organisation's")).await;
}

pub async fn a_version_that_is_not_the_newest_is_refused(world: World) {
    let org = world.org();
    let first = world.add(org, &Note::new("n-1")).await;
    world.commit(|unit| _ = unit.update(&first, &Note::new("n-1").text("newer"))).await.unwrap();
    let update = world.commit(|unit| _ = unit.update(&first, &Note::new("n-1").text("stale"))).await;
    let delete = world.commit(|unit| _ = unit.delete(&first)).await;
    let expect = world.commit(|unit| _ = unit.expect(&first)).await;
    for refused in [update, delete, expect] {
        let Err(CommitError::Conflict { kind, key }) = refused else { panic!("{refused:?}") };
        assert_eq!((kind, &*key), ("note", "n-1"));
    }
    assert_eq!(world.note(org, "n-1").await.unwrap().text, "newer");
}

pub async fn what_is_gone_cannot_be_changed(world: World) {
    let org = world.org();
    let gone = world.add(org, &Note::new("n-1").tagged("old").named("one")).await;
    world.commit(|unit| _ = unit.delete(&gone)).await.unwrap();
    assert!(world.note(org, "n-1").await.is_none());
    let update = world.commit(|unit| _ = unit.update(&gone, &Note::new("n-1"))).await;
    let delete = world.commit(|unit| _ = unit.delete(&gone)).await;
    let expect = world.commit(|unit| _ = unit.expect(&gone)).await;
    for refused in [update, delete, expect] {
        assert!(matches!(refused, Err(CommitError::Conflict { .. })), "{refused:?}");
    }
    assert!(world.note(org, "n-1").await.is_none());
}

pub async fn a_record_is_removed_and_made_anew(world: World) {
    let org = world.org();
    let note = Note::new("n-1").named("one").addressed("one@contoso.example");
    let first = world.add(org, &note).await;
    world.commit(|unit| _ = unit.delete(&first)).await.unwrap();
    assert_eq!(world.add(org, &note).await.version, 1);
}

pub async fn concurrent_changes_let_one_through(world: World) {
    let org = world.org();
    let seen = world.add(org, &Note::new("n-1")).await;
    let changes = (0..8).map(|number| {
        let (store, seen) = (world.store.clone(), seen.clone());
        tokio::spawn(async move {
            let mut unit = Unit::new();
            unit.update(&seen, &Note::new("n-1").text(&number.to_string()));
            store.commit(unit).await
        })
    });
    let mut through = 0;
    for change in changes.collect::<Vec<_>>() {
        match change.await.unwrap() {
            Ok(_) => through += 1,
            Err(error) => assert!(matches!(error, CommitError::Conflict { .. }), "{error}"),
        }
    }
    assert_eq!(through, 1);
    assert_eq!(world.note(org, "n-1").await.unwrap().version, 2);
}

pub async fn only_what_expired_is_swept_away(world: World) {
    let org = world.org();
    for (key, expires) in [("a", Some(10)), ("b", Some(20)), ("c", Some(30)), ("d", None)] {
        let note = Note::new(key).named(key);
        let note = expires.map_or(note.clone(), |second| note.expiring(at(second)));
        world.add(org, &note).await;
    }
    assert_eq!(world.engine.sweep(at(10), 10).await.unwrap(), 0, "expired before, and not at this moment");
    assert!(world.note(org, "a").await.is_some(), "what is not swept yet is there");
    assert_eq!(world.engine.sweep(at(25), 1).await.unwrap(), 1);
    assert!(world.note(org, "a").await.is_none(), "the one that expired first");
    assert_eq!(world.engine.sweep(at(25), 10).await.unwrap(), 1);
    assert_eq!(world.engine.sweep(at(25), 10).await.unwrap(), 0);
    assert!(world.note(org, "b").await.is_none());
    world.add(org, &Note::new("e").named("a")).await;

    let prolonged = world.note(org, "c").await.unwrap();
    world.commit(|unit| _ = unit.update(&prolonged, &Note::new("c").named("c"))).await.unwrap();
    assert_eq!(world.engine.sweep(at(99), 10).await.unwrap(), 0);
}

pub async fn what_another_changed_is_seen_by_whoever_read_it_before(world: World) {
    let (org, name) = (world.org(), "one");
    let (here, there) = (world.store.org(org), Store::new(world.engine.clone()));
    let mut last = world.add(org, &Note::new("n-1").named(name).expiring(at(10))).await;
    for number in 0..20 {
        // Twice, so that whatever a store remembers it has remembered.
        for _ in 0..2 {
            assert_eq!(here.get::<Note>("n-1").await.unwrap().as_ref(), Some(&last));
            assert_eq!(here.find::<Note>("name", name).await.unwrap().as_ref(), Some(&last));
        }
        let (mut unit, next) = (Unit::new(), last.record.clone().text(&number.to_string()));
        unit.update(&last, &next);
        there.commit(unit).await.unwrap();
        last = last.replaced(next);
    }
    assert_eq!(world.note(org, "n-1").await, Some(last.clone()));
    assert_eq!(here.find::<Note>("name", name).await.unwrap(), Some(last));
    assert_eq!(world.engine.sweep(at(20), 1).await.unwrap(), 1);
    assert_eq!(here.get::<Note>("n-1").await.unwrap(), None);
    assert_eq!(here.find::<Note>("name", name).await.unwrap(), None);
}

pub async fn nobody_reads_what_was_before_a_change_that_is_acknowledged(world: World) {
    let org = world.org();
    let mut last = world.add(org, &Note::new("n-1").named("one")).await;
    let acknowledged = Arc::new(AtomicU64::new(last.version));
    let readers = (0..2).map(|_| {
        let (store, acknowledged) = (world.store.clone(), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            loop {
                let least = acknowledged.load(Ordering::SeqCst);
                let by_key = store.org(org).get::<Note>("n-1").await.unwrap().unwrap();
                let by_name = store.org(org).find::<Note>("name", "one").await.unwrap().unwrap();
                assert!(least <= by_key.version && by_key.version <= by_name.version, "{least}");
                if least == 100 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    while last.version < 100 {
        world.commit(|unit| _ = unit.update(&last, &last.record)).await.unwrap();
        last.version += 1;
        acknowledged.store(last.version, Ordering::SeqCst);
    }
    for reader in readers {
        reader.await.unwrap();
    }
}
