//! The tables, and how a file of an older version becomes one of this version: a copy is kept beside it,
//! then every step runs in one transaction. A newer file is refused.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StateError;

/// Step `n` leads from version `n` to version `n + 1`. Steps are only ever added.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("1-messages.sql")];

/// Brings the file to the newest version.
pub(super) fn bring_up_to_date(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
) -> Result<(), StateError> {
    let failed = |source| StateError::failed(path, source);
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let found = version(connection).map_err(failed)?;
    if found == known {
        return Ok(());
    }
    if found > 0 && found < known {
        keep_a_copy(connection, path, found).map_err(failed)?;
    }
    let unit = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster.
    let found = version(&unit).map_err(failed)?;
    if found > known {
        return Err(StateError::Newer { path: path.to_owned(), found, known });
    }
    for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
        unit.execute_batch(step).map_err(failed)?;
    }
    unit.pragma_update(None, "user_version", known).map_err(failed)?;
    unit.commit().map_err(failed)
}

fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Writes `state.sqlite.v1` beside `state.sqlite`, once.
fn keep_a_copy(connection: &Connection, path: &Path, version: i64) -> Result<(), rusqlite::Error> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".v{version}"));
    let copy = Path::new(&copy);
    if copy.exists() {
        return Ok(());
    }
    connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    restrict(copy);
    Ok(())
}

#[cfg(unix)]
fn restrict(copy: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(copy, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "the copy of the old state keeps the folder's default rights");
    }
}

#[cfg(not(unix))]
fn restrict(_copy: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[&str] = &["CREATE TABLE a (x) STRICT", "CREATE TABLE b (x) STRICT"];

    fn tables(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn an_older_file_is_copied_and_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let steps = ["CREATE TABLE a (x INTEGER) STRICT", "CREATE TABLE b (x INTEGER) STRICT"];
        let mut connection = Connection::open(&path).unwrap();
        bring_up_to_date(&mut connection, &path, &steps[..1]).unwrap();
        assert!(!folder.path().join("state.sqlite.v0").exists(), "an empty file needs no copy");

        bring_up_to_date(&mut connection, &path, &steps).unwrap();
        assert_eq!((version(&connection).unwrap(), tables(&connection)), (2, 2));
        let copy = Connection::open(folder.path().join("state.sqlite.v1")).unwrap();
        assert_eq!((version(&copy).unwrap(), tables(&copy)), (1, 1));
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 9).unwrap();
        let error = bring_up_to_date(&mut connection, &path, MIGRATIONS).unwrap_err();
        assert!(matches!(error, StateError::Newer { found: 9, known: 1, .. }), "{error}");
        assert_eq!(tables(&connection), 0);
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        bring_up_to_date(&mut connection, &path, TWO).unwrap_err();
        assert_eq!((version(&connection).unwrap(), tables(&connection)), (0, 0));
    }
}
