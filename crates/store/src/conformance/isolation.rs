//! What belongs to one organisation is nothing to another.

use super::World;
use super::world::Note;
use crate::{EntryQuery, JobQuery, JobState, Log, Page, Place, Scope};

pub async fn an_organisation_sees_nothing_of_another(world: World) {
    let (one, two) = (world.org(), world.org());
    let note = Note::new("n-1").tagged("kitchen").named("one").addressed("one@contoso.example");
    world.add(one, &note).await;
    world.write(one, 3).await;
    world.enqueue(world.job("a", Some(one)).only("k")).await;
    world.enqueue(world.job("a", None).only("k")).await;

    let theirs = world.of(two);
    assert!(theirs.get::<Note>("n-1").await.unwrap().is_none());
    assert!(theirs.find::<Note>("name", "one").await.unwrap().is_none());
    assert!(theirs.find::<Note>("address", "one@contoso.example").await.unwrap().is_none());
    assert!(theirs.list::<Note>(Page::first(9)).await.unwrap().is_empty());
    let after = Page::first(9).after(Some(String::new()));
    assert!(theirs.list::<Note>(after).await.unwrap().is_empty());
    assert!(theirs.list_by::<Note>("tag", "kitchen", Page::newest(9)).await.unwrap().is_empty());
    assert_eq!(theirs.count::<Note>(None).await.unwrap(), 0);
    assert_eq!(theirs.count::<Note>(Some(("tag", "kitchen"))).await.unwrap(), 0);
    assert!(theirs.log().await.unwrap().is_none());
    for log in [Log(one.place()), Log(Place::Gateway), Log(two.place())] {
        assert!(theirs.entries(EntryQuery::all(log, 9)).await.unwrap().is_empty());
        let by_term = EntryQuery { term: Some("n-1"), ..EntryQuery::all(log, 9) };
        assert!(theirs.entries(by_term).await.unwrap().is_empty());
    }
    for org in [None, Some(one.org())] {
        let query = JobQuery { org, state: Some(JobState::Waiting), limit: 9, ..JobQuery::default() };
        assert!(theirs.jobs(query).await.unwrap().is_empty());
    }

    world.add(two, &note.clone().addressed("two@contoso.example")).await;
    assert_eq!(world.note(one, "n-1").await.unwrap().record, note);
    assert_eq!(world.of(one).entries(EntryQuery::all(Log(two.place()), 9)).await.unwrap().len(), 3);
}
