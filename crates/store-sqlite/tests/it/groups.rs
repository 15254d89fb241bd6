//! Units share the disk's time.

use std::pin::Pin;
use std::task::Poll;

use attache_store::{Engine, Unit};

use super::{Page, entry, open, org, store};

/// Has something begun, and waits for nothing.
async fn ask<F: Future + ?Sized>(begun: &mut Pin<Box<F>>) {
    let _ = std::future::poll_fn(|context| Poll::Ready(begun.as_mut().poll(context).is_pending())).await;
}

#[tokio::test]
async fn units_that_come_together_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let engine = open(&path).unwrap();
    // Nothing is written as long as somebody else writes: all of them come meanwhile.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut asked = Vec::new();
    for number in 0..256 {
        let mut unit = Unit::new();
        unit.create(org(), &Page::new(number.to_string())).record(org(), entry("ada"));
        asked.push(engine.commit(unit));
    }
    for unit in &mut asked {
        ask(unit).await;
    }
    other.execute_batch("ROLLBACK").unwrap();
    for unit in asked {
        unit.await.unwrap();
    }
    let written = engine.written();
    assert_eq!(written.units, 256);
    assert!(written.groups < 128, "{written:?}");
}

#[tokio::test]
async fn what_was_accepted_is_written_before_the_file_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let engine = open(&path).unwrap();
    let mut unit = Unit::new();
    unit.create(org(), &Page::new("1"));
    {
        // It is asked for now, and then nobody waits for the answer.
        ask(&mut engine.commit(unit)).await;
    }
    drop(engine);
    assert!(store(&path).org(org()).get::<Page>("1").await.unwrap().is_some());
}
