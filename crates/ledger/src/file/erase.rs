//! Destroys withheld fields where they stand. The erasure is recorded first; it can be repeated when it was
//! interrupted.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};

use super::error::LedgerError;
use super::writer::{Log, Writer};
use crate::entry::{Actor, Correlation, Entry, Target, erased_column};
use crate::log::Line;

/// A column to be overwritten: its place and its length.
struct Column {
    offset: u64,
    length: usize,
}

pub(super) fn erase(writer: &mut Writer, choose: impl Fn(&Entry) -> bool) -> Result<u64, LedgerError> {
    let path = writer.origin.path.clone();
    let log = writer.lock()?;
    let columns = chosen(&log, choose).map_err(LedgerError::io(&path, "read"));
    writer.unlock(log)?;
    let columns = columns?;
    if columns.is_empty() {
        return Ok(0);
    }
    let count = columns.len() as u64;
    let record =
        writer.origin.composer.erasure(count, Actor::default(), Target::default(), Correlation::default());
    let (mut turn, mut batch) = writer.begin()?;
    batch.push(record);
    writer.write(&mut turn, batch.close())?;
    let erased = overwrite(&turn.log, &columns).map_err(LedgerError::io(&path, "erased from"));
    writer.finish(turn, Some(batch));
    erased.map(|()| count)
}

fn chosen(log: &Log, choose: impl Fn(&Entry) -> bool) -> std::io::Result<Vec<Column>> {
    let mut file = &log.file;
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file.take(log.length));
    let (mut line, mut at, mut columns) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(columns);
        }
        if let Ok(Line::Entry(entry)) = Line::parse(line.strip_suffix(b"\n").unwrap_or(&line))
            && !entry.column.trim_end_matches(' ').eq("{}")
            && is_chosen(entry.leaf, entry.column, &choose)
        {
            let offset = at + entry.column_offset() as u64;
            columns.push(Column { offset, length: entry.column.len() });
        }
        at += read as u64;
    }
}

/// An erasure that was interrupted leaves a column that is neither whole nor empty: it is finished.
fn is_chosen(leaf: &str, column: &str, choose: impl Fn(&Entry) -> bool) -> bool {
    match Entry::decode(leaf, column) {
        Ok(entry) => choose(&entry),
        Err(_) => column.starts_with("{} "),
    }
}

fn overwrite(log: &Log, columns: &[Column]) -> std::io::Result<()> {
    let mut file = &log.file;
    for column in columns {
        file.seek(SeekFrom::Start(column.offset))?;
        file.write_all(erased_column(column.length).as_bytes())?;
    }
    file.sync_data()
}
