//! Exports: the whole log as a file that `attache audit verify` and standard tools check, or its entries as JSON
//! lines. Where retention has removed entries, their hashes stand for them and prove the gap.

use std::sync::Arc;

use attache_ledger::{Export, perfect_ranges, subtree_root};
use attache_store::{EntryQuery, EntryRow, GatewayScope, Log};
use axum::body::Body;
use bytes::Bytes;

use super::view::line;
use super::{AuditError, clerk, key};
use crate::Gateway;
use crate::organisations::Organisation;

/// How many entries are read at once.
const PART: usize = 500;

/// The log as a file that anyone can check. It is made as it is read; its end is the checkpoint of now.
pub(super) async fn file(gateway: Arc<Gateway>, log: Log) -> Result<Body, AuditError> {
    let key = key::verifier(&gateway, log).await?;
    let checkpoint = clerk::checkpoint(&gateway, log).await?;
    let size = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let mut export = Export::begin(key);
    let begun = export.take();
    let state = (gateway, export, 0_u64, size, checkpoint.map(|checkpoint| checkpoint.note));
    let parts =
        futures_util::stream::try_unfold(state, move |(gateway, mut export, at, size, note)| async move {
            if at < size {
                let rows = rows(&gateway, log, at, size).await?;
                let Some(last) = rows.last().map(|row| row.sequence) else {
                    return Err(AuditError::Damaged(format!("the entries from {at} on are missing")));
                };
                write(&gateway, log, &mut export, &rows).await?;
                let text = export.take();
                return Ok(Some((Bytes::from(text), (gateway, export, last + 1, size, note))));
            }
            let Some(note) = note else { return Ok(None) };
            export.checkpoint(&note).map_err(|error| AuditError::Damaged(error.to_string()))?;
            let text = export.take();
            Ok(Some((Bytes::from(text), (gateway, export, at, size, None))))
        });
    let begun = futures_util::stream::once(async move { Ok::<_, AuditError>(Bytes::from(begun)) });
    Ok(Body::from_stream(futures_util::StreamExt::chain(begun, parts)))
}

async fn rows(gateway: &Gateway, log: Log, from: u64, to: u64) -> Result<Vec<EntryRow>, AuditError> {
    let query = EntryQuery { sequences: from..to, ..EntryQuery::all(log, PART) };
    Ok(gateway.store.engine(GatewayScope::granted()).entries(query).await?)
}

/// Writes entries, and gaps where retention has removed them.
async fn write(
    gateway: &Gateway,
    log: Log,
    export: &mut Export,
    rows: &[EntryRow],
) -> Result<(), AuditError> {
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        match &row.text {
            Some((leaf, column)) => {
                export.entry(leaf, column, row.hash);
                at += 1;
            }
            None => {
                let gone = rows[at..].iter().take_while(|row| row.text.is_none()).count();
                let range = row.sequence..row.sequence + gone as u64;
                let engine = gateway.store.engine(GatewayScope::granted());
                let mut roots = Vec::new();
                for part in perfect_ranges(range.start, range.end) {
                    roots.push(subtree_root(engine.hashes(log, part).await?));
                }
                export.gap(range, &roots).map_err(|error| AuditError::Damaged(error.to_string()))?;
                at += gone;
            }
        }
    }
    Ok(())
}

/// The entries as JSON lines, the oldest first.
pub(super) fn lines(gateway: Arc<Gateway>, organisation: Organisation, log: Log, size: u64) -> Body {
    let parts = futures_util::stream::try_unfold(
        (gateway, organisation, 0_u64),
        move |(gateway, organisation, at)| async move {
            if at >= size {
                return Ok::<_, AuditError>(None);
            }
            let rows = rows(&gateway, log, at, size).await?;
            let Some(last) = rows.last().map(|row| row.sequence) else { return Ok(None) };
            let mut text = String::new();
            for row in &rows {
                text.push_str(&line(&organisation, row));
                text.push('\n');
            }
            Ok(Some((Bytes::from(text), (gateway, organisation, last + 1))))
        },
    );
    Body::from_stream(parts)
}
