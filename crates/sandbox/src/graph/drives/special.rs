//! Special folders: `special/{name}` is a folder by a name that needs no translation, and is made when somebody who
//! may write asks for it first (Microsoft: `specialFolder`). It is known by where it lies; one that was moved or
//! renamed is made anew.

use crate::graph::call::Call;
use crate::graph::error::GraphError;

use super::access::{Place, denied, not_found};
use super::items::{changed, checked_name};
use super::permissions;
use super::state::{Drive, Item, Role};
use super::upload::make_folders;

/// Where they lie, by their names.
const FOLDERS: [(&str, &[&str]); 5] = [
    ("documents", &["Documents"]),
    ("photos", &["Pictures"]),
    ("cameraroll", &["Pictures", "Camera Roll"]),
    ("music", &["Music"]),
    ("recordings", &["Recordings"]),
];
/// The folder of the folders that belong to applications.
const APPS: &str = "Apps";

impl Call<'_> {
    /// The key of the item that the path names, with a special folder by its id.
    pub(super) fn drive_key(&mut self, owner: &str) -> Result<String, GraphError> {
        let key = self.params.get("item").to_owned();
        let Some(special) = key.strip_prefix("special/") else { return Ok(key) };
        let (name, rest) = special.split_at(special.find(':').unwrap_or(special.len()));
        Ok(format!("{}{rest}", self.special_folder(owner, name)?))
    }

    fn special_folder(&mut self, owner: &str, name: &str) -> Result<String, GraphError> {
        let names = self.special_path(name).ok_or_else(not_found)?;
        let drive = self.drive_of(owner)?;
        let mut at = drive.root_id();
        let mut missing = names.as_slice();
        while let Some((first, rest)) = missing.split_first() {
            let Some(folder) = drive.child(&at, first) else { break };
            (at, missing) = (folder.id.clone(), rest);
        }
        if missing.is_empty() {
            return Ok(at);
        }
        self.require(permissions::WRITE).map_err(|_| denied())?;
        self.check_drive(&Place { owner: owner.to_owned(), item: at.clone() }, Role::Write)?;
        let (now, by) = (self.now, self.drive_author());
        let made = make_folders(self.drive_of(owner)?, at, missing.to_vec(), now, &by);
        changed(self, owner);
        Ok(made)
    }

    fn special_path(&self, name: &str) -> Option<Vec<String>> {
        if name.eq_ignore_ascii_case("approot") {
            let app = self.tenant.service_principal_by_app_id(&self.caller.app_id, self.now)?;
            let folder = checked_name(&app.display_name).unwrap_or_else(|_| self.caller.app_id.clone());
            return Some(vec![APPS.to_owned(), folder]);
        }
        let (_, path) = FOLDERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(path.iter().map(|name| (*name).to_owned()).collect())
    }
}

/// The special name of a folder, if it has one.
pub(super) fn name_of(drive: &Drive, item: &Item) -> Option<&'static str> {
    let path = drive.path(item);
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let is_here = |known: &[&str]| {
        known.len() == names.len() && known.iter().zip(&names).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    match names.as_slice() {
        [apps, _] if apps.eq_ignore_ascii_case(APPS) => Some("approot"),
        _ => FOLDERS.iter().find(|(_, known)| is_here(known)).map(|(name, _)| *name),
    }
}
