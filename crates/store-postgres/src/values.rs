//! Values as PostgreSQL keeps them.

use std::time::{Duration, SystemTime};

use attache_store::StoreError;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::error::damaged;

/// A time, to the microsecond.
pub(crate) fn time(at: Timestamp) -> SystemTime {
    SystemTime::from(at)
}

/// A count or a number. PostgreSQL's are signed; none of ours comes near the border.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A bound on how much is asked for.
pub(crate) fn limit(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A span in microseconds.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// A text that PostgreSQL can keep: it knows no zero bytes.
pub(crate) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Whether a text can be in the database at all.
pub(crate) fn can_be_kept(text: &str) -> bool {
    !text.contains('\0')
}

/// Reads one column; `kind` is for people.
pub(crate) fn read<'r, T: FromSql<'r>>(row: &'r Row, column: &str, kind: &str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| damaged(kind, column, &error.to_string()))
}

/// Reads a time.
pub(crate) fn read_time(row: &Row, column: &str, kind: &str) -> Result<Timestamp, StoreError> {
    let at: SystemTime = read(row, column, kind)?;
    Timestamp::try_from(at).map_err(|error| damaged(kind, column, &error.to_string()))
}

/// Reads a number that is not negative.
pub(crate) fn read_number(row: &Row, column: &str, kind: &str) -> Result<u64, StoreError> {
    let value: i64 = read(row, column, kind)?;
    u64::try_from(value).map_err(|error| damaged(kind, column, &error.to_string()))
}
