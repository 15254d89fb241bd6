//! Ends of files as kills and losses of power leave them.

use attache_ledger::{Event, Fault, LedgerError};

use crate::world::{World, act};

#[tokio::test]
async fn a_batch_that_was_cut_anywhere_is_repaired_and_that_is_recorded() {
    let world = World::new();
    world.refuse().await;
    world.refuse().await;
    let (before, note) =
        (std::fs::read(world.path()).unwrap(), std::fs::read(world.checkpoint_path()).unwrap());
    world.refuse().await;
    let after = std::fs::read(world.path()).unwrap();
    let third = world.entries().remove(2);
    let entry_end = before.len() + after[before.len()..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in before.len()..after.len() {
        std::fs::write(world.path(), &after[..cut]).unwrap();
        std::fs::write(world.checkpoint_path(), &note).unwrap();
        let unfinished = world.verify().unwrap().unfinished;
        world.refuse().await;
        let (report, entries) = (world.verify().unwrap(), world.entries());
        let kept = if cut >= entry_end { 3 } else { 2 };
        let good = if cut >= entry_end { entry_end } else { before.len() };
        let torn = (cut - good) as u64;
        assert_eq!((report.repairs, report.unfinished), (u64::from(torn > 0), 0), "cut at {cut}");
        assert_eq!(unfinished, torn, "cut at {cut}");
        assert_eq!(report.entries, kept + report.repairs + 1, "cut at {cut}");
        if kept == 3 {
            assert_eq!(entries[2], third, "a whole entry is kept even if nobody was told of it");
        }
        if torn > 0 {
            let Event::Repair(repair) = &entries[kept as usize].entry.event else { panic!("cut at {cut}") };
            assert_eq!((repair.offset, repair.removed), (good as u64, torn));
        }
    }
}

#[tokio::test]
async fn a_first_batch_that_was_cut_anywhere_begins_again() {
    let world = World::new();
    world.refuse().await;
    let whole = std::fs::read(world.path()).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(world.path(), &whole[..cut]).unwrap();
        std::fs::remove_file(world.checkpoint_path()).unwrap();
        world.refuse().await;
        let report = world.verify().unwrap();
        assert!((1..=3).contains(&report.entries), "cut at {cut}: {report:?}");
        assert_eq!(report.unfinished, 0);
    }
}

#[tokio::test]
async fn a_hole_in_a_batch_that_nobody_was_told_of_is_repaired() {
    let world = World::new();
    world.refuse().await;
    let (before, note) =
        (std::fs::read(world.path()).unwrap(), std::fs::read(world.checkpoint_path()).unwrap());
    world.refuse().await;
    let mut bytes = std::fs::read(world.path()).unwrap();
    bytes[before.len() + 10..before.len() + 200].fill(0);
    std::fs::write(world.path(), &bytes).unwrap();
    std::fs::write(world.checkpoint_path(), &note).unwrap();
    world.refuse().await;
    let report = world.verify().unwrap();
    assert_eq!((report.entries, report.repairs), (3, 1));
}

#[tokio::test]
async fn a_hole_in_what_was_acknowledged_stops_the_ledger() {
    let world = World::new();
    world.refuse().await;
    let first = std::fs::read(world.path()).unwrap().len();
    world.refuse().await;
    let mut bytes = std::fs::read(world.path()).unwrap();
    bytes[first + 10..first + 200].fill(0);
    std::fs::write(world.path(), &bytes).unwrap();
    let error = world.ledger().intent(act()).await.unwrap_err();
    let LedgerError::Damaged { sequence: 1, offset, fault: Fault::Entry(_), .. } = error else {
        panic!("{error}")
    };
    assert_eq!(offset, first as u64);
    assert_eq!(std::fs::read(world.path()).unwrap(), bytes, "nothing is written");
}

#[tokio::test]
async fn a_checkpoint_file_that_was_torn_or_lost_is_written_anew() {
    let world = World::new();
    world.refuse().await;
    for note in [Some(""), Some("attache/test\n"), Some("\0\0\0"), None] {
        match note {
            Some(note) => std::fs::write(world.checkpoint_path(), note).unwrap(),
            None => std::fs::remove_file(world.checkpoint_path()).unwrap(),
        }
        world.refuse().await;
        let report = world.verify().unwrap();
        assert_eq!(report.checkpoint_file, attache_ledger::CheckpointFile::Agrees);
        assert_eq!(report.repairs, 0);
    }
}
