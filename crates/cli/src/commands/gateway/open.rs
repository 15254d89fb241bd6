//! What a gateway keeps: its database and its secrets, opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache_gateway::Parts;
use attache_keys::{SealedFile, SealingKey, SecretStore};
use attache_store::{Engine, Store};
use attache_store_postgres::{Postgres, PostgresOptions};
use attache_store_sqlite::{Sqlite, SqliteOptions};
use attache_terms::{Clock, Rng, Secret, SystemClock, SystemRng};

use super::config::{self, Database, Keys};
use crate::config::Values;
use crate::output::{Failure, Output};

/// The parts of a gateway.
pub(super) async fn parts(database: &Database, keys: Keys) -> Result<Parts, Failure> {
    let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let key = match keys.passphrase {
        Some(passphrase) => SealingKey::Passphrase(passphrase),
        None => SealingKey::KeyFile(keys.key_file),
    };
    private_folder(&keys.sealed)?;
    let secrets: Arc<dyn SecretStore> = Arc::new(SealedFile::new(keys.sealed, key, Arc::clone(&rng)));
    Ok(Parts { store: store(database, &clock, &rng).await?, secrets, clock, rng })
}

/// The database.
pub(super) async fn store(
    database: &Database,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Result<Store, Failure> {
    let engine: Arc<dyn Engine> = match database {
        Database::File(path) => {
            private_folder(path)?;
            let (clock, rng) = (Arc::clone(clock), Arc::clone(rng));
            Arc::new(Sqlite::open(SqliteOptions { path: path.clone(), clock, rng })?)
        }
        Database::Postgres(url) => {
            let address = Secret::new(url.clone());
            Arc::new(Postgres::open(PostgresOptions::new(address, Arc::clone(clock))).await?)
        }
    };
    Ok(Store::new(engine))
}

/// The folder of a file, for its owner only.
fn private_folder(file: &Path) -> Result<(), Failure> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = folder.ancestors().take_while(|at| !at.as_os_str().is_empty() && !at.exists());
    let made: Vec<_> = made.collect();
    builder.create(folder).and_then(|()| keep_owner(&made)).map_err(|error| {
        let message = format!("{} cannot be made: {error}", folder.display());
        Failure::new("folder", message, "make it, or point --home or --database elsewhere")
    })
}

/// Gives folders that root has made, the innermost first, to the owner of the one that they are in: a gateway that runs
/// as somebody else could not enter them.
#[cfg(unix)]
fn keep_owner(made: &[&Path]) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let Some(outer) = made.last().and_then(|folder| folder.parent()) else { return Ok(()) };
    let outer = if outer.as_os_str().is_empty() { Path::new(".") } else { outer };
    let owner = std::fs::metadata(outer)?;
    for folder in made {
        let is_roots = std::fs::metadata(folder)?.uid() == 0 && owner.uid() != 0;
        if is_roots {
            chown(folder, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_owner(_made: &[&Path]) -> std::io::Result<()> {
    Ok(())
}

/// Where the database is.
pub(super) fn database(home: &Path, values: &Values) -> Result<Database, Failure> {
    config::database(home, values).map_err(|problems| Failure::configuration(&problems))
}

/// Copies the database while a gateway uses it.
pub(super) async fn backup(
    home: PathBuf,
    values: Values,
    to: PathBuf,
    output: Output,
) -> Result<(), Failure> {
    let Database::File(path) = database(&home, &values)? else {
        return Err(Failure::usage("backup", "a PostgreSQL database is backed up with its own pg_dump"));
    };
    attache_store_sqlite::backup(&path, &to)?;
    if output.json {
        output.object(&serde_json::json!({ "ok": true, "backup": to }));
    } else {
        let keys = config::keys(&home, &values);
        let opener = match keys.passphrase {
            Some(_) => "its passphrase".to_owned(),
            None => format!("its key file {}", keys.key_file.display()),
        };
        output.line(format!("{} is a copy of {}", to.display(), path.display()));
        output.line(format!(
            "What it seals opens only with {}; keep that with the copy, and {opener} in another place",
            keys.sealed.display()
        ));
    }
    Ok(())
}

/// Puts a backup in the database's place.
pub(super) fn restore(home: &Path, values: &Values, from: &Path, output: Output) -> Result<(), Failure> {
    let Database::File(path) = database(home, values)? else {
        return Err(Failure::usage("restore", "a PostgreSQL database is restored with its own pg_restore"));
    };
    private_folder(&path)?;
    let kept = attache_store_sqlite::restore(from, &path, SystemClock.now())?;
    if output.json {
        output.object(&serde_json::json!({ "ok": true, "database": path, "before": kept }));
        return Ok(());
    }
    output.line(format!("{} is what {} holds", path.display(), from.display()));
    if let Some(kept) = kept {
        output.line(format!("what was there before is {}", kept.display()));
    }
    Ok(())
}
