//! Lists, part by part, in both directions.

use super::World;
use super::world::Note;
use crate::{Cursor, ListQuery, Order, OrgScope, Page, Place, Record, Row, Scope, Versioned, Within};

async fn walk(
    world: &World,
    within: Within,
    lookup: Option<(&'static str, &str)>,
    order: Order,
    part: usize,
) -> Vec<(Place, String)> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after: after.take(), limit: part, order };
        let rows = world.engine.list(ListQuery { kind: Note::KIND, within, lookup, page }).await.unwrap();
        assert!(rows.len() <= part);
        let Some(Row { place, key, .. }) = rows.last() else { return seen };
        after = Some(Cursor { place: *place, key: key.clone() });
        seen.extend(rows.into_iter().map(|row| (row.place, row.key)));
    }
}

/// The list, whole and in parts, in both directions.
async fn check(
    world: &World,
    within: Within,
    lookup: Option<(&'static str, &str)>,
    mut all: Vec<(Place, String)>,
) {
    all.sort();
    for part in [1, 7, 1000] {
        assert_eq!(walk(world, within, lookup, Order::Ascending, part).await, all);
    }
    all.reverse();
    for part in [1, 7, 1000] {
        assert_eq!(walk(world, within, lookup, Order::Descending, part).await, all);
    }
}

/// Notes in two organisations, every third of them tagged.
async fn notes(world: &World) -> (OrgScope, Vec<(Place, String)>, Vec<(Place, String)>) {
    let (one, two) = (world.org(), world.org());
    let (mut all, mut tagged) = (Vec::new(), Vec::new());
    for number in 0..25 {
        for org in [one, two] {
            let note = Note::new(format!("n-{:02}", number * 7 % 25));
            let row = (org.place(), note.key.clone());
            let note = if number % 3 == 0 { note.tagged("third").named(&number.to_string()) } else { note };
            world.commit(|unit| _ = unit.create(org, &note)).await.unwrap();
            tagged.extend((number % 3 == 0).then(|| row.clone()));
            all.push(row);
        }
    }
    (one, all, tagged)
}

fn of(org: OrgScope, rows: &[(Place, String)]) -> Vec<(Place, String)> {
    rows.iter().filter(|(place, _)| *place == org.place()).cloned().collect()
}

pub async fn parts_make_up_the_whole(world: World) {
    let (org, all, _) = notes(&world).await;
    check(&world, Within::Place(org.place()), None, of(org, &all)).await;
    assert!(walk(&world, Within::Place(world.org().place()), None, Order::Ascending, 9).await.is_empty());

    let after = Page::newest(3).after(Some("n-20".into()));
    let listed = world.of(org).list::<Note>(after).await.unwrap();
    assert_eq!(listed.iter().map(|note| &*note.key).collect::<Vec<_>>(), ["n-19", "n-18", "n-17"]);
    let beyond = Page::first(2).beyond(&listed[0]);
    let listed = world.of(org).list::<Note>(beyond).await.unwrap();
    assert_eq!(listed.iter().map(|note| &*note.key).collect::<Vec<_>>(), ["n-20", "n-21"]);
}

pub async fn parts_make_up_the_whole_of_what_a_lookup_finds(world: World) {
    let (org, _, tagged) = notes(&world).await;
    let third = Some(("tag", "third"));
    check(&world, Within::Place(org.place()), third, of(org, &tagged)).await;
    check(&world, Within::Anywhere, third, tagged).await;
}

pub async fn every_record_is_read_past_the_first_part(world: World) {
    let (one, other) = (world.org(), world.org());
    // More than are read at once, in both places together and in one of them.
    for (org, count) in [(one, 230), (other, 30)] {
        world
            .commit(|unit| {
                for number in 0..count {
                    unit.create(org, &Note::new(format!("n-{number:03}")).tagged("any"));
                }
            })
            .await
            .unwrap();
    }
    let keys = |notes: Vec<Versioned<Note>>| notes.into_iter().map(|note| (note.place, note.record.key));
    let wanted = |org: OrgScope, count: u32| (0..count).map(move |at| (org.place(), format!("n-{at:03}")));
    assert!(keys(world.of(one).every().await.unwrap()).eq(wanted(one, 230)));
    assert!(keys(world.of(other).every().await.unwrap()).eq(wanted(other, 30)));
    let mut all: Vec<_> = wanted(one, 230).chain(wanted(other, 30)).collect();
    all.sort();
    assert_eq!(keys(world.all().every().await.unwrap()).collect::<Vec<_>>(), all);
    assert_eq!(keys(world.all().every_by("tag", "any").await.unwrap()).collect::<Vec<_>>(), all);
    assert!(world.all().every_by::<Note>("tag", "none").await.unwrap().is_empty());
}

pub async fn lists_that_look_anywhere_go_by_place_and_key(world: World) {
    let (_, all, _) = notes(&world).await;
    check(&world, Within::Anywhere, None, all).await;
}

pub async fn keys_sort_as_bytes(world: World) {
    let org = world.org();
    let keys = ["10", "9", "A", "Z", "_", "a", "a b", "a-b", "ab", "z", "ä", "é", "茶", "🫖"];
    for key in keys.iter().rev() {
        world.add(org, &Note::new(*key).tagged("any")).await;
    }
    let all: Vec<_> = keys.iter().map(|key| (org.place(), (*key).to_owned())).collect();
    assert!(all.is_sorted());
    check(&world, Within::Place(org.place()), None, all.clone()).await;
    check(&world, Within::Place(org.place()), Some(("tag", "any")), all).await;
}

pub async fn counts_agree_with_lists(world: World) {
    let (org, all, tagged) = notes(&world).await;
    let third = Some(("tag", "third"));
    assert_eq!(world.of(org).count::<Note>(None).await.unwrap(), 25);
    assert_eq!(world.of(org).count::<Note>(third).await.unwrap(), of(org, &tagged).len() as u64);
    assert_eq!(world.all().count::<Note>(None).await.unwrap(), all.len() as u64);
    assert_eq!(world.all().count::<Note>(third).await.unwrap(), tagged.len() as u64);
    assert_eq!(world.all().count::<super::world::Setting>(None).await.unwrap(), 0);
}
