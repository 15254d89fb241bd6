//! Any units, against the plainest store there is: a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::World;
use super::world::Note;
use crate::{CommitError, OrgScope, Page, Scope, Unit, Versioned};

/// How many sequences are tried.
const CASES: u32 = 48;

/// What a unit does to one of four notes in one of two organisations.
#[derive(Debug, Clone)]
struct Step {
    org: usize,
    key: usize,
    what: What,
    /// Whether it is done in ignorance of the newest version.
    stale: bool,
}

#[derive(Debug, Clone)]
enum What {
    Create(Content),
    Update(Content),
    Delete,
    Expect,
}

#[derive(Debug, Clone)]
struct Content {
    tags: Vec<usize>,
    name: Option<usize>,
    address: Option<usize>,
}

fn content() -> impl Strategy<Value = Content> {
    let tags = prop::collection::vec(0..3usize, 0..3);
    let maybe = || prop::option::of(0..3usize);
    (tags, maybe(), maybe()).prop_map(|(tags, name, address)| Content { tags, name, address })
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        3 => content().prop_map(What::Create),
        4 => content().prop_map(What::Update),
        2 => Just(What::Delete),
        1 => Just(What::Expect),
    ];
    (0..2usize, 0..4usize, what, prop::bool::weighted(0.05)).prop_map(|(org, key, what, stale)| Step {
        org,
        key,
        what,
        stale,
    })
}

/// What stands where: version and note, by organisation and key.
type Model = BTreeMap<(usize, usize), (u64, Note)>;

/// What a unit comes to: nothing to say, or what it was refused for.
type Verdict = Result<(), &'static str>;

fn note(orgs: &[OrgScope; 2], key: usize, content: &Content) -> Note {
    let mut note = Note::new(format!("n-{key}"));
    note.tags = content.tags.iter().map(ToString::to_string).collect();
    note.name = content.name.map(|name| name.to_string());
    // Unique everywhere: other cases have organisations of their own, and so addresses.
    note.address = content.address.map(|address| format!("{address}@{}", orgs[0].org()));
    note
}

/// Puts a step into the unit, as somebody would who has read `model`, and says what the model makes of it.
fn take(orgs: &[OrgScope; 2], step: &Step, model: &mut Model, unit: &mut Unit) -> Verdict {
    let at = (step.org, step.key);
    let place = orgs[step.org].place();
    let (version, known) = model.get(&at).cloned().unwrap_or((1, Note::new(format!("n-{}", step.key))));
    let seen = Versioned { place, version: version + u64::from(step.stale), record: known };
    let may = if model.contains_key(&at) && !step.stale { Ok(()) } else { Err("conflict") };
    match &step.what {
        What::Create(content) => {
            let note = note(orgs, step.key, content);
            unit.create(orgs[step.org], &note);
            if model.contains_key(&at) {
                return Err("key");
            }
            model.insert(at, (1, note));
            Ok(())
        }
        What::Update(content) => {
            let note = note(orgs, step.key, content);
            unit.update(&seen, &note);
            may?;
            model.insert(at, (version + 1, note));
            Ok(())
        }
        What::Delete => {
            unit.delete(&seen);
            may?;
            model.remove(&at);
            Ok(())
        }
        What::Expect => {
            unit.expect(&seen);
            may
        }
    }
}

/// Whether what must be unique is.
fn is_unique(model: &Model) -> bool {
    let pairs = || model.iter().flat_map(|one| model.iter().map(move |other| (one, other)));
    !pairs().any(|((at, (_, one)), (of, (_, other)))| {
        at < of
            && ((at.0 == of.0 && one.name.is_some() && one.name == other.name)
                || (one.address.is_some() && one.address == other.address))
    })
}

async fn run(world: &World, units: &[Vec<Step>]) -> Result<(), TestCaseError> {
    let orgs = [world.org(), world.org()];
    let (mut model, mut logged) = (Model::new(), 0);
    for steps in units {
        let (mut unit, mut after, mut verdict) = (Unit::new(), model.clone(), Ok(()));
        for step in steps {
            // Whoever fills a unit does not know yet that it will be refused.
            verdict = verdict.and(take(&orgs, step, &mut after, &mut unit));
        }
        unit.record(orgs[0], world.entry("note.change", "n-0"));
        if verdict.is_ok() && !is_unique(&after) {
            verdict = Err("lookup");
        }
        let came_to = match world.store.commit(unit).await {
            Ok(committed) => {
                prop_assert_eq!(committed.sequences, [logged]);
                Ok(())
            }
            Err(CommitError::Conflict { .. }) => Err("conflict"),
            Err(CommitError::Taken { lookup: "key", .. }) => Err("key"),
            Err(CommitError::Taken { .. }) => Err("lookup"),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert_eq!(came_to, verdict, "{:?}", steps);
        if verdict.is_ok() {
            model = after;
            logged += 1;
        }
        compare(world, &orgs, &model).await?;
    }
    Ok(())
}

async fn compare(world: &World, orgs: &[OrgScope; 2], model: &Model) -> Result<(), TestCaseError> {
    for (number, org) in orgs.iter().enumerate() {
        let own = || model.iter().filter(|((org, _), _)| *org == number).map(|(_, kept)| kept);
        let listed = world.of(*org).list::<Note>(Page::first(99)).await.unwrap();
        let listed: Vec<_> = listed.into_iter().map(|note| (note.version, note.record)).collect();
        prop_assert_eq!(&listed, &own().cloned().collect::<Vec<_>>());
        for value in 0..3 {
            let value = value.to_string();
            let tagged = world.of(*org).list_by::<Note>("tag", &value, Page::first(99)).await.unwrap();
            let expected: Vec<_> = own().filter(|(_, note)| note.tags.contains(&value)).collect();
            prop_assert_eq!(tagged.len(), expected.len());
            let named = world.of(*org).find::<Note>("name", &value).await.unwrap();
            let expected = own().find(|(_, note)| note.name.as_ref() == Some(&value));
            prop_assert_eq!(named.map(|note| (note.version, note.record)), expected.cloned());
        }
    }
    for value in 0..3 {
        let address = format!("{value}@{}", orgs[0].org());
        let found = world.all().find::<Note>("address", &address).await.unwrap();
        let expected = model.values().find(|(_, note)| note.address.as_ref() == Some(&address));
        prop_assert_eq!(found.map(|note| (note.version, note.record)), expected.cloned());
    }
    Ok(())
}

pub async fn any_units_do_what_the_model_says(world: World) {
    let (world, runtime) = (Arc::new(world), tokio::runtime::Handle::current());
    let tried = tokio::task::spawn_blocking(move || {
        let units = prop::collection::vec(prop::collection::vec(step(), 1..5), 1..16);
        let mut runner =
            TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        runner.run(&units, |units| runtime.block_on(run(&world, &units))).map_err(|failed| failed.to_string())
    });
    tried.await.unwrap().unwrap();
}
