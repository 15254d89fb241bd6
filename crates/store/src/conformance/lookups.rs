//! What records are found by, and what must be unique.

use super::World;
use super::world::{Note, Setting};
use crate::{CommitError, GatewayScope, OrgScope, Page, Versioned};

fn taken<T: std::fmt::Debug>(outcome: Result<T, CommitError>) -> &'static str {
    match outcome {
        Err(CommitError::Taken { kind: "note", lookup }) => lookup,
        other => panic!("{other:?}"),
    }
}

async fn found(world: &World, org: OrgScope, name: &'static str, value: &str) -> Option<Versioned<Note>> {
    world.of(org).find(name, value).await.unwrap()
}

pub async fn a_value_is_unique_in_its_place(world: World) {
    let (one, two) = (world.org(), world.org());
    let first = world.add(one, &Note::new("n-1").named("assistant")).await;
    assert_eq!(
        taken(world.commit(|unit| _ = unit.create(one, &Note::new("n-2").named("assistant"))).await),
        "name"
    );
    let second = world.add(two, &Note::new("n-1").named("assistant")).await;
    assert_eq!(found(&world, one, "name", "assistant").await, Some(first));
    assert_eq!(found(&world, two, "name", "assistant").await, Some(second));
    let anywhere = world.all().find::<Note>("name", "assistant").await.unwrap();
    assert_eq!(anywhere, None, "what is unique in its place is not found without one");

    let scope = GatewayScope::granted();
    world.commit(|unit| _ = unit.create(scope, &Setting { key: "assistant".into() })).await.unwrap();
}

pub async fn a_value_is_unique_everywhere(world: World) {
    let (one, two) = (world.org(), world.org());
    let first = world.add(one, &Note::new("n-1").addressed("a@contoso.example")).await;
    for org in [one, two] {
        let again = Note::new("n-2").addressed("a@contoso.example");
        assert_eq!(taken(world.commit(|unit| _ = unit.create(org, &again)).await), "address");
    }
    assert_eq!(world.all().find("address", "a@contoso.example").await.unwrap(), Some(first.clone()));
    assert_eq!(found(&world, one, "address", "a@contoso.example").await, Some(first));
    assert_eq!(found(&world, two, "address", "a@contoso.example").await, None);
    assert_eq!(found(&world, one, "address", "A@contoso.example").await, None, "as it was written");
}

pub async fn two_records_swap_a_value_in_one_unit(world: World) {
    let org = world.org();
    let one = world.add(org, &Note::new("n-1").named("red").addressed("red@contoso.example")).await;
    let two = world.add(org, &Note::new("n-2").named("blue").addressed("blue@contoso.example")).await;
    let swap = |unit: &mut crate::Unit| {
        unit.update(&one, &Note::new("n-1").named("blue").addressed("blue@contoso.example"));
        unit.update(&two, &Note::new("n-2").named("red").addressed("red@contoso.example"));
    };
    world.commit(swap).await.unwrap();
    assert_eq!(found(&world, org, "name", "red").await.unwrap().key, "n-2");
    assert_eq!(found(&world, org, "name", "blue").await.unwrap().key, "n-1");
    assert_eq!(found(&world, org, "address", "blue@contoso.example").await.unwrap().key, "n-1");
}

pub async fn a_value_is_free_again_when_its_record_lets_go(world: World) {
    let org = world.org();
    let first = world.add(org, &Note::new("n-1").named("red").addressed("red@contoso.example")).await;
    world.commit(|unit| _ = unit.update(&first, &Note::new("n-1").named("blue"))).await.unwrap();
    let second = world.add(org, &Note::new("n-2").named("red").addressed("red@contoso.example")).await;
    world.commit(|unit| _ = unit.delete(&second)).await.unwrap();
    world.add(world.org(), &Note::new("n-3").named("red").addressed("red@contoso.example")).await;
}

pub async fn one_unit_cannot_take_a_value_twice(world: World) {
    let org = world.org();
    let both = |unit: &mut crate::Unit| {
        unit.create(org, &Note::new("n-1").named("red")).create(org, &Note::new("n-2").named("red"));
    };
    assert_eq!(taken(world.commit(both).await), "name");
    assert_eq!(world.of(org).count::<Note>(None).await.unwrap(), 0);
}

pub async fn what_many_share_is_listed_and_not_found(world: World) {
    let org = world.org();
    for key in ["n-1", "n-2"] {
        world.add(org, &Note::new(key).tagged("kitchen")).await;
    }
    let listed = world.of(org).list_by::<Note>("tag", "kitchen", Page::first(10)).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(found(&world, org, "tag", "kitchen").await, None);
}

pub async fn a_record_is_found_by_what_it_says_now(world: World) {
    let org = world.org();
    let before = world.add(org, &Note::new("n-1").tagged("red").tagged("blue").named("one")).await;
    let after = Note::new("n-1").tagged("blue").tagged("green").named("two");
    world.commit(|unit| _ = unit.update(&before, &after)).await.unwrap();
    for (tag, count) in [("red", 0), ("blue", 1), ("green", 1), ("", 0)] {
        let listed = world.of(org).list_by::<Note>("tag", tag, Page::first(10)).await.unwrap();
        assert_eq!(listed.len(), count, "{tag}");
        assert!(listed.iter().all(|note| note.record == after));
    }
    assert_eq!(found(&world, org, "name", "one").await, None);
    assert_eq!(found(&world, org, "name", "two").await.unwrap().version, 2);
}

pub async fn a_value_that_is_said_twice_counts_once(world: World) {
    let org = world.org();
    world.add(org, &Note::new("n-1").tagged("red").tagged("red")).await;
    assert_eq!(world.of(org).count::<Note>(Some(("tag", "red"))).await.unwrap(), 1);
    assert_eq!(world.of(org).list_by::<Note>("tag", "red", Page::first(10)).await.unwrap().len(), 1);
}
