//! Which drive and which item a call names, and whether the caller may: the owner everything, an app what its
//! permission says, everybody else what was shared with them.

use http::StatusCode;
use jiff::Timestamp;

use crate::authorize::CallerKind;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::tags;
use crate::tenant::Tenant;

use super::ids;
use super::state::{Author, Drive, Item, Role};

/// A user's token with only these opens the user's own drive and no other.
const OWN_FILES_ONLY: [&str; 2] = ["Files.Read", "Files.ReadWrite"];

/// `itemNotFound`.
pub(super) fn not_found() -> GraphError {
    GraphError::new(StatusCode::NOT_FOUND, "itemNotFound", "The resource could not be found.")
}

/// `accessDenied`.
pub(super) fn denied() -> GraphError {
    GraphError::new(StatusCode::FORBIDDEN, "accessDenied", "Access denied")
}

/// `invalidRequest`.
pub(super) fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", message)
}

/// 501: Graph has it and the sandbox does not.
pub(super) fn not_emulated(what: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "sandboxNotEmulated",
        format!("The sandbox does not emulate {what}."),
    )
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The drive's owner.
    pub(super) owner: String,
    /// The item's id.
    pub(super) item: String,
}

/// The drive of a user, as soon as a licence has brought it; it is made when it is first opened.
pub(super) fn open<'a>(
    tenant: &'a mut Tenant,
    owner: &str,
    now: Timestamp,
) -> Result<&'a mut Drive, GraphError> {
    let user = tenant.user(owner, now).filter(|user| user.life.is_live()).ok_or_else(no_site)?;
    let id = user.id.clone();
    let due = tenant.drive_due(user).filter(|due| *due <= now).ok_or_else(no_site)?;
    Ok(tenant.workloads.drives.0.get_or_insert_with(&id, || Drive::new(&id, due)))
}

fn no_site() -> GraphError {
    GraphError::new(StatusCode::NOT_FOUND, "ResourceNotFound", "User's mysite not found.")
}

impl Call<'_> {
    /// The owner of the drive that the path names: `/me/drive`, `/users/{user}/drive`, `/drives/{drive}`.
    pub(super) fn drive_owner(&self) -> Result<String, GraphError> {
        match (self.params.get("drive"), self.params.get("user")) {
            ("", "") => Ok(self.signed_in_user()?.to_owned()),
            ("", user) => {
                let found = self.tenant.user(user, self.now).map(|user| user.id.clone());
                found.ok_or_else(|| GraphError::no_object(user))
            }
            (drive, _) => ids::owner(drive).ok_or_else(|| {
                GraphError::new(
                    StatusCode::NOT_FOUND,
                    "itemNotFound",
                    "The provided drive id appears to be malformed, or does not represent a valid drive.",
                )
            }),
        }
    }

    /// The drive of that user.
    pub(super) fn drive_of(&mut self, owner: &str) -> Result<&mut Drive, GraphError> {
        open(self.tenant, owner, self.now)
    }

    /// The drive that the path names, for one who may see all of it.
    pub(super) fn whole_drive(&mut self) -> Result<&mut Drive, GraphError> {
        let owner = self.drive_owner()?;
        let root = self.drive_of(&owner)?.root_id();
        self.check_drive(&Place { owner: owner.clone(), item: root }, Role::Read)?;
        self.drive_of(&owner)
    }

    /// The item that the path names, for one who may do that with it.
    pub(super) fn drive_place(&mut self, role: Role) -> Result<Place, GraphError> {
        let owner = self.drive_owner()?;
        let key = self.drive_key(&owner)?;
        let drive = self.drive_of(&owner)?;
        let item = find(drive, &key).ok_or_else(not_found)?.id.clone();
        let place = Place { owner, item };
        self.check_drive(&place, role)?;
        Ok(place)
    }

    /// The item at a place.
    pub(super) fn drive_item(&self, place: &Place) -> Result<&Item, GraphError> {
        let drive = self.tenant.workloads.drives.0.get(&place.owner);
        drive.and_then(|drive| drive.item(&place.item)).ok_or_else(not_found)
    }

    /// The drive at a place; it has been opened before.
    pub(super) fn drive_at(&self, place: &Place) -> Result<&Drive, GraphError> {
        self.tenant.workloads.drives.0.get(&place.owner).ok_or_else(not_found)
    }

    /// Whether the caller may do that with the item.
    pub(super) fn check_drive(&self, place: &Place, role: Role) -> Result<(), GraphError> {
        let CallerKind::User { scopes } = &self.caller.kind else { return Ok(()) };
        let user = self.caller.object_id.as_str();
        if place.owner == user {
            return Ok(());
        }
        let only_own = scopes
            .iter()
            .filter(|scope| starts_like_files(scope))
            .all(|scope| OWN_FILES_ONLY.iter().any(|own| own.eq_ignore_ascii_case(scope)));
        if only_own || self.drive_role_of(place, user).is_none_or(|held| held < role) {
            return Err(denied());
        }
        Ok(())
    }

    /// What was shared with a user: the most that the item or a folder around it grants.
    pub(super) fn drive_role_of(&self, place: &Place, user: &str) -> Option<Role> {
        let drive = self.tenant.workloads.drives.0.get(&place.owner)?;
        let item = drive.item(&place.item)?;
        std::iter::once(item)
            .chain(drive.ancestors(item))
            .flat_map(|item| &item.permissions)
            .filter(|permission| permission.is_current(self.now))
            .filter(|permission| permission.users.iter().any(|one| one == user))
            .map(|permission| permission.role)
            .max()
    }

    /// Who acts.
    pub(super) fn drive_author(&self) -> Author {
        Author { app_id: self.caller.app_id.clone(), user: self.caller.user_id().map(str::to_owned) }
    }

    /// 412 unless `If-Match` is one of the item's tags; `*` is any.
    pub(super) fn check_if_match(&self, item: &Item) -> Result<(), GraphError> {
        let Some(asked) = self.request.header("if-match") else { return Ok(()) };
        if matches(asked, item) {
            return Ok(());
        }
        Err(GraphError::new(
            StatusCode::PRECONDITION_FAILED,
            "resourceModified",
            "ETag does not match current item's value",
        ))
    }

    /// 412 if `If-None-Match` is one of the item's tags, of a request that changes it.
    pub(super) fn check_if_none_match(&self, item: &Item) -> Result<(), GraphError> {
        if self.has_it_already(item) {
            return Err(GraphError::new(
                StatusCode::PRECONDITION_FAILED,
                "resourceModified",
                "ETag matches current item's value",
            ));
        }
        Ok(())
    }

    /// Whether `If-None-Match` says that the client has the item as it is.
    pub(super) fn has_it_already(&self, item: &Item) -> bool {
        self.request.header("if-none-match").is_some_and(|asked| matches(asked, item))
    }
}

fn starts_like_files(scope: &str) -> bool {
    let scope = scope.to_ascii_lowercase();
    scope.starts_with("files.") || scope.starts_with("sites.")
}

fn matches(asked: &str, item: &Item) -> bool {
    tags::names(asked, &[&item.e_tag(), &item.c_tag()])
}

/// The item that a key names: an id, `root`, `root:/a/b.txt` or `{id}:/b.txt`, each perhaps with a last colon.
pub(super) fn find<'a>(drive: &'a Drive, key: &str) -> Option<&'a Item> {
    let (start, path) = split(key);
    names(path).try_fold(anchor(drive, start)?, |folder, name| drive.child(&folder.id, name))
}

/// The folder and the name that a key gives to something that need not be there.
pub(super) fn find_slot<'a, 'k>(drive: &'a Drive, key: &'k str) -> Option<(&'a Item, Vec<&'k str>)> {
    let (start, path) = split(key);
    let names: Vec<&str> = names(path).collect();
    (!names.is_empty()).then_some((anchor(drive, start)?, names))
}

/// The names in a path; `.` is the folder itself.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "."))
}

fn split(key: &str) -> (&str, &str) {
    let key = key.strip_suffix(':').unwrap_or(key);
    key.split_once(':').unwrap_or((key, ""))
}

fn anchor<'a>(drive: &'a Drive, start: &str) -> Option<&'a Item> {
    if start.eq_ignore_ascii_case("root") { drive.item(&drive.root_id()) } else { drive.item(start) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_id_or_a_path_from_the_root_or_from_an_item() {
        let drive = Drive::new("a77ac4e0-0000-4000-8000-000000000101", Timestamp::UNIX_EPOCH);
        let root = drive.root_id();
        let bare = root.to_ascii_lowercase();
        for key in ["root", "ROOT:", "root:/", root.as_str(), &bare, &format!("{root}:/")] {
            assert_eq!(find(&drive, key).map(|item| &item.id), Some(&root), "{key}");
        }
        for key in ["", ":", "root:/a", "nobody", "nobody:/a"] {
            assert!(find(&drive, key).is_none(), "{key}");
        }
        let (folder, names) = find_slot(&drive, "root:/a/b.txt:").unwrap();
        assert_eq!((&folder.id, names), (&root, vec!["a", "b.txt"]));
        assert!(find_slot(&drive, "root").is_none());
    }
}
