//! Units share the disk's time.

use std::sync::Arc;
use std::task::Poll;

use attache_store::{Engine, Unit};

use super::{Page, entry, open, org, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_that_come_together_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(&folder.path().join("gateway.db")).unwrap());
    let units = (0..256).map(|number| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            let mut unit = Unit::new();
            unit.create(org(), &Page::new(number.to_string())).record(org(), entry("ada"));
            engine.commit(unit).await.unwrap();
        })
    });
    for unit in units.collect::<Vec<_>>() {
        unit.await.unwrap();
    }
    let written = engine.written();
    assert_eq!(written.units, 256);
    assert!(written.groups < written.units, "{written:?}");
}

#[tokio::test]
async fn what_was_accepted_is_written_before_the_file_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let engine = open(&path).unwrap();
    let mut unit = Unit::new();
    unit.create(org(), &Page::new("1"));
    {
        let mut asked = engine.commit(unit);
        // It is asked for now, and then nobody waits for the answer.
        let _ = std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await;
    }
    drop(engine);
    assert!(store(&path).org(org()).get::<Page>("1").await.unwrap().is_some());
}
