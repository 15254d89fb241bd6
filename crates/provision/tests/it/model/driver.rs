//! A driver that dies often: a process is a loop over the persisted record, and nothing else survives it.

use std::time::Duration;

use attache_provision::{
    Action, Failure, Record, Removal, RemovalAction, next, next_removal, perform, perform_removal,
};

use super::{World, once};

/// How a run ended.
pub(crate) struct Run {
    pub(crate) record: Record,
    pub(crate) failure: Option<Failure>,
    /// Every record that was ever persisted.
    pub(crate) history: Vec<String>,
}

const MOST: u32 = 20_000;

/// Runs until it ends.
pub(crate) fn run(world: &World, record: Record) -> Run {
    run_until(world, record, usize::MAX).expect("it ends")
}

/// Runs until it ends or has persisted that often.
pub(crate) fn run_until(world: &World, record: Record, writes: usize) -> Option<Run> {
    let mut disk = record.to_json();
    let mut history = vec![disk.clone()];
    for _ in 0..MOST {
        world.restart();
        let mut record = Record::parse(&disk).unwrap();
        loop {
            if history.len() > writes {
                return None;
            }
            match next(&record, world.now_is()) {
                Action::Ready => return Some(Run { record, failure: None, history }),
                Action::Failed(failure) => return Some(Run { record, failure: Some(failure), history }),
                Action::WaitUntil { at, .. } => {
                    let late = Duration::from_secs(3).mul_f64(world.fraction());
                    let span = Duration::try_from(at.duration_since(world.now_is())).unwrap_or_default();
                    world.advance(span + late);
                    if world.dies() {
                        break;
                    }
                }
                Action::Do(step) => {
                    record.begin(step, world.uuid(), world.now_is());
                    if world.dies() {
                        break;
                    }
                    disk = record.to_json();
                    history.push(disk.clone());
                    if world.dies() {
                        break;
                    }
                    let Some(outcome) = once(perform(world, &record)) else { break };
                    record.apply(&outcome, world.now_is(), world.fraction());
                    if world.dies() {
                        break;
                    }
                    disk = record.to_json();
                    history.push(disk.clone());
                }
            }
        }
    }
    panic!("provisioning never ends: {disk}");
}

pub(crate) fn remove(world: &World, removal: Removal) -> Removal {
    let mut disk = removal.to_json();
    for _ in 0..MOST {
        world.restart();
        let mut removal = Removal::parse(&disk).unwrap();
        loop {
            match next_removal(&removal, world.now_is()) {
                RemovalAction::Gone => return removal,
                RemovalAction::Failed(failure) => panic!("{failure:?}"),
                RemovalAction::WaitUntil { at, .. } => {
                    let span = Duration::try_from(at.duration_since(world.now_is())).unwrap_or_default();
                    world.advance(span);
                    if world.dies() {
                        break;
                    }
                }
                RemovalAction::Do(step) => {
                    removal.begin(step, world.uuid());
                    disk = removal.to_json();
                    let Some(outcome) = once(perform_removal(world, &removal)) else { break };
                    removal.apply(&outcome, world.now_is(), world.fraction());
                    if world.dies() {
                        break;
                    }
                    disk = removal.to_json();
                }
            }
        }
    }
    panic!("removal never ends: {disk}");
}
