//! A file's content: `PUT …/content` takes small files whole, `GET …/content` sends to where the bytes are.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use jiff::Timestamp;
use serde_json::Map;

use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Query;
use crate::graph::route::Route;

use super::access::{Place, find, find_slot, invalid, not_emulated, not_found};
use super::content::Content;
use super::host::{self, Ticket};
use super::items::{answer_item, changed, checked_name, conflict, settle};
use super::permissions;
use super::state::{Author, Conflict, Drive, File, Item, Role, Version};

/// How many earlier contents of a file are kept.
const KEPT_VERSIONS: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    [on_items!(GET "/content", permissions::READ, get), on_items!(PUT "/content", permissions::WRITE, put)]
        .concat()
}

fn get(call: &mut Call<'_>) -> Answer {
    if call.request.query("format").is_some() {
        return Err(not_emulated("the conversion of a file's content"));
    }
    let place = call.drive_place(Role::Read)?;
    redirect(call, &place, None)
}

/// 302 to the address of a content.
pub(super) fn redirect(call: &Call<'_>, place: &Place, version: Option<String>) -> Answer {
    let item = call.drive_item(place)?;
    if item.is_folder() {
        return Err(invalid("A folder has no content."));
    }
    if call.has_it_already(item) {
        return Ok(Response::empty(StatusCode::NOT_MODIFIED));
    }
    let ticket = Ticket::to_download(place, version, call.now);
    let url = host::download_url(call.tenant, &call.request.origin, &ticket);
    Ok(Response::empty(StatusCode::FOUND).with(LOCATION, &url))
}

fn put(call: &mut Call<'_>) -> Answer {
    let owner = call.drive_owner()?;
    let key = call.drive_key(&owner)?;
    let conflict = conflict(call, &Map::new(), Conflict::Replace)?;
    let drive = call.drive_of(&owner)?;
    let there = find(drive, &key).map(|item| item.id.clone());
    let target = match there {
        Some(item) => Target::Existing(item),
        None => Target::of_path(drive, &key)?,
    };
    let checked = match &target {
        Target::Existing(item) | Target::New { folder: item, .. } => item.clone(),
    };
    call.check_drive(&Place { owner: owner.clone(), item: checked }, Role::Write)?;
    let body = call.request.body.clone();
    let mime_type = call.request.header(CONTENT_TYPE.as_str()).map(str::to_owned);
    let (now, by) = (call.now, call.drive_author());

    let target = match target {
        Target::Existing(item) => {
            let found = call.drive_item(&Place { owner: owner.clone(), item: item.clone() })?;
            call.check_if_match(found)?;
            call.check_if_none_match(found)?;
            if found.is_folder() {
                return Err(invalid("A folder has no content."));
            }
            match (conflict, &found.parent) {
                (Conflict::Replace, _) | (_, None) => Target::Existing(item),
                (_, Some(parent)) if key.contains(':') => {
                    let (folder, name) = (parent.clone(), found.name.clone());
                    let drive = call.drive_of(&owner)?;
                    let (name, _) = settle(drive, &folder, &name, conflict, false)?;
                    Target::New { folder, folders: Vec::new(), name }
                }
                _ => Target::Existing(item),
            }
        }
        new => new,
    };
    let drive = call.drive_of(&owner)?;
    let (item, is_new) = store(drive, target, Content::new(body), mime_type, now, by)?;
    changed(call, &owner);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    answer_item(call, &Query::default(), &Place { owner, item }, status)
}

/// Where a content goes.
pub(super) enum Target {
    /// Into that file.
    Existing(String),
    /// Into a new file below a folder; the folders between are made.
    New { folder: String, folders: Vec<String>, name: String },
}

impl Target {
    /// The new file that a path names.
    pub(super) fn of_path(drive: &Drive, key: &str) -> Result<Self, GraphError> {
        let (anchor, names) = find_slot(drive, key).ok_or_else(not_found)?;
        let names = names.into_iter().map(checked_name).collect::<Result<Vec<_>, _>>()?;
        let (name, folders) = names.split_last().ok_or_else(not_found)?;
        let mut at = anchor;
        let mut missing = folders;
        while let Some((first, rest)) = missing.split_first() {
            let Some(folder) = drive.child(&at.id, first) else { break };
            (at, missing) = (folder, rest);
        }
        if !at.is_folder() {
            return Err(invalid("The path goes through a file."));
        }
        Ok(Self::New { folder: at.id.clone(), folders: missing.to_vec(), name: name.clone() })
    }
}

/// Keeps a content; the item's id and whether it is new.
pub(super) fn store(
    drive: &mut Drive,
    target: Target,
    content: Content,
    mime_type: Option<String>,
    now: Timestamp,
    by: Author,
) -> Result<(String, bool), GraphError> {
    check_quota(drive, content.size())?;
    match target {
        Target::Existing(id) => {
            let mut item = drive.item(&id).cloned().ok_or_else(not_found)?;
            item.replace_content(content, now, by);
            drive.keep(item);
            Ok((id, false))
        }
        Target::New { folder, folders, name } => {
            let mut folder = folder;
            for name in folders {
                let made = Item::new(&drive.owner, &folder, &name, now, by.clone());
                folder.clone_from(&made.id);
                drive.keep(made);
            }
            let mut item = Item::new(&drive.owner, &folder, &name, now, by);
            let mime_type = mime_type_of(&name, mime_type);
            item.file = Some(File { mime_type, content, earlier: Vec::new() });
            item.content_version = 1;
            let id = item.id.clone();
            drive.keep(item);
            Ok((id, true))
        }
    }
}

/// 507 if the drive has no room for so many bytes more.
pub(super) fn check_quota(drive: &Drive, more: u64) -> Result<(), GraphError> {
    if drive.used().saturating_add(more) <= drive.total {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "quotaLimitReached",
        "Insufficient space available for the new item.",
    ))
}

impl Item {
    /// Another content; the one before becomes a version.
    pub(super) fn replace_content(&mut self, content: Content, now: Timestamp, by: Author) {
        let id = self.version_id();
        let Some(file) = &mut self.file else { return };
        let earlier = std::mem::replace(&mut file.content, content);
        file.earlier.push(Version {
            id,
            content: earlier,
            modified: self.modified,
            modified_by: self.modified_by.clone(),
        });
        if file.earlier.len() > KEPT_VERSIONS {
            // The numbers go on from the count, so the oldest only loses its bytes.
            let oldest = file.earlier.len() - KEPT_VERSIONS - 1;
            file.earlier[oldest].content = Content::new(Bytes::new());
        }
        self.content_version += 1;
        self.version += 1;
        self.modified = now;
        self.modified_by = by;
    }
}

/// The type of a file: OneDrive goes by the name's ending, then by what the client says.
pub(super) fn mime_type_of(name: &str, said: Option<String>) -> String {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    let known = match ending.as_str() {
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "htm" | "html" => "text/html",
        "json" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "eml" => "message/rfc822",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "ppt" => "application/vnd.ms-powerpoint",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    said.map(|said| said.split(';').next().unwrap_or_default().trim().to_owned())
        .filter(|said| !said.is_empty())
        .unwrap_or_else(|| "application/octet-stream".to_owned())
}
