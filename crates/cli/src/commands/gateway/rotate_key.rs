//! `attache gateway rotate-key`: a new master key for the secrets in the database.

use std::path::{Path, PathBuf};

use attache_gateway::{MasterKeyRotation, rotate_master_key};
use attache_store::StoreError;
use serde_json::json;

use super::config::Database;
use super::{config, open};
use crate::config::Values;
use crate::output::{Failure, Output};

/// Rotates it, or only keeps the new one beside the old one.
pub(super) async fn rotate(
    home: PathBuf,
    values: Values,
    prepare: bool,
    output: Output,
) -> Result<(), Failure> {
    let database = open::database(&home, &values)?;
    let keys = config::keys(&home, &values);
    let sealed = keys.sealed.clone();
    known(&database, &sealed)?;
    let parts = open::parts(&database, keys).await?;
    let how = if prepare { MasterKeyRotation::Prepare } else { MasterKeyRotation::Whole };
    let rotated = rotate_master_key(parts, how).await?;
    if output.json {
        output.object(&json!({ "ok": true, "finished": !prepare, "data_keys": rotated.data_keys }));
        return Ok(());
    }
    let sealed = sealed.display();
    if prepare {
        output.line(format!("{sealed} holds the new master key beside the old one, which is still in use"));
        output.line("Bring it to every node, then run `attache gateway rotate-key` on one of them");
    } else {
        let keys = rotated.data_keys;
        output.line(format!(
            "{keys} data keys are sealed by the new master key; the old one is gone from {sealed}"
        ));
        output
            .line("Bring the file to every other node, and back it up; older copies of it open nothing new");
    }
    Ok(())
}

/// Refuses a place where no gateway has been: a rotation there would make new keys, say that all is well, and leave
/// the stolen key in use.
fn known(database: &Database, sealed: &Path) -> Result<(), Failure> {
    if let Database::File(path) = database
        && !path.exists()
    {
        return Err(StoreError::Absent { what: path.display().to_string() }.into());
    }
    if !sealed.exists() {
        let message = format!("there is no {}: nothing is rotated, and no key was made", sealed.display());
        let remedy =
            "give the home that the gateway has (--home or ATTACHE_HOME), in the environment that it runs in";
        return Err(Failure::new("no_sealed_file", message, remedy));
    }
    Ok(())
}
