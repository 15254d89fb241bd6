//! The room behind the last line: it is there while a program writes, and never taken for anything.

use attache_ledger::{Code, Event};

use crate::world::{World, act};

fn size(world: &World) -> u64 {
    std::fs::metadata(world.path()).unwrap().len()
}

/// A ledger of four entries that a killed program left behind, and where its last line ends.
async fn left_with_room() -> (World, Vec<u8>, usize) {
    let world = World::new();
    let ledger = world.ledger();
    for _ in 0..4 {
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
    }
    drop(ledger);
    world.all_gone().await;
    let bytes = std::fs::read(world.path()).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != b'\n').unwrap() + 2;
    assert!(bytes.len() > end + 1000, "{} bytes for lines that end at {end}", bytes.len());
    (world, bytes, end)
}

#[tokio::test]
async fn an_entry_that_finds_room_leaves_the_size_as_it_is() {
    let (world, ..) = left_with_room().await;
    let before = size(&world);
    let ledger = world.ledger();
    for _ in 0..3 {
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
        assert_eq!(size(&world), before);
    }
    let report = world.verify().unwrap();
    assert_eq!((report.entries, report.repairs, report.unfinished), (7, 0, 0));
    assert_eq!(world.entries().len(), 7);
}

#[tokio::test]
async fn room_that_is_used_up_is_made_again() {
    let world = World::new();
    let ledger = world.ledger();
    let mut sizes = Vec::new();
    for _ in 0..300 {
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
        sizes.push(size(&world));
    }
    sizes.dedup();
    assert!((3..20).contains(&sizes.len()), "{sizes:?}");
    assert_eq!(world.verify().unwrap().entries, 300);
}

#[tokio::test]
async fn a_program_that_ends_well_leaves_none() {
    let (world, _, end) = left_with_room().await;
    world.refuse().await;
    let text = std::fs::read_to_string(world.path()).unwrap();
    assert!(text.len() > end && text.ends_with('\n') && !text.contains("\n\n"));
    assert_eq!(world.verify().unwrap().entries, 5);
}

#[tokio::test]
async fn a_program_goes_on_after_another_gave_its_room_back() {
    let world = World::new();
    let ledger = world.ledger();
    for entries in 1..6 {
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
        world.refuse().await;
        assert_eq!(world.verify().unwrap().entries, 2 * entries);
    }
}

#[tokio::test]
async fn a_batch_that_was_cut_anywhere_in_its_room_is_repaired_once() {
    let (world, bytes, end) = left_with_room().await;
    let note = std::fs::read(world.checkpoint_path()).unwrap();
    world.ledger().refusal(act(), Code::new("chat_not_found")).await.unwrap();
    world.all_gone().await;
    let after = std::fs::read(world.path()).unwrap();
    let last = after.iter().rposition(|byte| *byte != b'\n').unwrap() + 1;
    for cut in end..last {
        std::fs::write(world.path(), [&after[..cut], &bytes[cut..]].concat()).unwrap();
        std::fs::write(world.checkpoint_path(), &note).unwrap();
        let begun = (cut - end) as u64;
        assert!(world.verify().unwrap().unfinished <= begun + 1, "cut at {cut}");
        assert!(matches!(world.entries().len(), 4 | 5), "cut at {cut}");
        world.refuse().await;
        let report = world.verify().unwrap();
        assert_eq!(report.unfinished, 0, "cut at {cut}");
        assert!(report.repairs <= u64::from(begun > 0), "cut at {cut}");
        assert!(report.entries >= 5, "cut at {cut}");
        world.refuse().await;
        assert_eq!(world.verify().unwrap().repairs, report.repairs, "it is repaired once");
    }
}

/// A disk may keep the later part of a write and lose the first.
#[tokio::test]
async fn a_batch_whose_beginning_was_lost_is_repaired() {
    let (world, bytes, end) = left_with_room().await;
    let note = std::fs::read(world.checkpoint_path()).unwrap();
    world.ledger().refusal(act(), Code::new("chat_not_found")).await.unwrap();
    world.all_gone().await;
    let mut after = std::fs::read(world.path()).unwrap();
    after[end..end + 300].copy_from_slice(&bytes[end..end + 300]);
    std::fs::write(world.path(), &after).unwrap();
    std::fs::write(world.checkpoint_path(), &note).unwrap();
    assert!(world.verify().is_err() || world.verify().unwrap().unfinished > 300);
    assert!(world.ledger().dangling().await.unwrap().is_empty());
    world.refuse().await;
    let entries = world.entries();
    let Event::Repair(repair) = &entries[4].entry.event else { panic!("{entries:?}") };
    assert_eq!(repair.offset, end as u64);
    let report = world.verify().unwrap();
    assert_eq!((report.entries, report.repairs, report.unfinished), (6, 1, 0));
}

#[tokio::test]
async fn an_empty_line_among_others_is_no_room() {
    let (world, mut bytes, _) = left_with_room().await;
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes.insert(second, b'\n');
    std::fs::write(world.path(), &bytes).unwrap();
    let error = world.verify().unwrap_err().to_string();
    assert!(error.contains("entry 0") && error.contains("cannot be read"), "{error}");
}
