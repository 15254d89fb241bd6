//! Upload sessions: a large file comes in fragments at an address that needs no token (Microsoft's page on
//! `createUploadSession`).

use http::header::CONTENT_RANGE;
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::exchange::{Request, Response};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::milliseconds;
use crate::graph::route::Route;
use crate::tenant::Tenant;

use super::access::{Place, find, invalid, not_found};
use super::content::{Content, Fragment};
use super::host::{self, Ticket};
use super::items::{change_of, checked_name, conflict, on_disk, settle, text};
use super::state::{Conflict, Drive, Role, Upload};
use super::transfer::{Target, check_quota, store};
use super::{permissions, wire};

/// Fragments are multiples of this, but for the last one.
const UNIT: u64 = 320 * 1024;

/// A fragment is smaller than this.
const LARGEST: u64 = 60 * 1024 * 1024;

/// How long a session waits for its next fragment.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn routes() -> Vec<Route> {
    on_items!(POST "/createUploadSession", permissions::UPLOAD, create)
}

fn create(call: &mut Call<'_>) -> Answer {
    let owner = call.drive_owner()?;
    let key = call.drive_key(&owner)?;
    let body = if call.request.body.is_empty() { Map::new() } else { call.body()? };
    let properties = match body.get("item") {
        Some(Value::Object(item)) => item.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(invalid("Invalid value specified for property 'item'.")),
    };
    let on_disk = on_disk(&properties)?;
    let deferred = body.get("deferCommit").and_then(Value::as_bool).unwrap_or(false);
    let (now, by) = (call.now, call.drive_author());

    let drive = call.drive_of(&owner)?;
    let by_path = key.contains(':');
    let there = find(drive, &key)
        .map(|item| (item.id.clone(), item.parent.clone(), item.is_folder(), item.name.clone()));
    let target = match there {
        Some((_, _, true, _)) => return Err(invalid("The target is a folder.")),
        Some((_, Some(parent), false, name)) => Target::New { folder: parent, folders: Vec::new(), name },
        Some((_, None, ..)) => return Err(not_found()),
        None => Target::of_path(drive, &key)?,
    };
    let Target::New { folder, folders, mut name } = target else { return Err(not_found()) };
    let place = Place { owner: owner.clone(), item: folder.clone() };
    call.check_drive(&place, Role::Write)?;
    let default = if by_path { Conflict::Fail } else { Conflict::Replace };
    let conflict = conflict(call, &properties, default)?;
    if let Some(given) = text(&properties, "name") {
        name = checked_name(&given)?;
    }
    if let Some(file) = call.drive_of(&owner)?.child(&folder, &name).cloned() {
        call.check_if_match(&file)?;
        call.check_if_none_match(&file)?;
    }
    let drive = call.drive_of(&owner)?;
    if folders.is_empty() {
        settle(drive, &folder, &name, conflict, false)?;
    }
    if let Some(size) = properties.get("fileSize").and_then(Value::as_u64) {
        check_quota(drive, size)?;
    }
    let parent = make_folders(drive, folder, folders, now, &by);
    let expires = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
    let id = crate::directory::new_id();
    let upload = Upload {
        parent,
        name,
        conflict,
        on_disk,
        description: text(&properties, "description"),
        deferred,
        by,
        expires,
        total: None,
        fragments: Vec::new(),
        done: None,
    };
    drive.uploads.retain(|_, upload| now < upload.expires);
    drive.uploads.insert(id.clone(), upload);
    let ticket = Ticket::Upload { owner, session: id };
    let url = host::url(call.tenant, &call.request.origin, &ticket);
    Ok(call.ok(&json!({
        "@odata.context": call.context("microsoft.graph.uploadSession"),
        "expirationDateTime": milliseconds(expires),
        "nextExpectedRanges": ["0-"],
        "uploadUrl": url,
    })))
}

/// Makes folders in each other; the id of the innermost.
pub(super) fn make_folders(
    drive: &mut Drive,
    mut folder: String,
    names: Vec<String>,
    now: Timestamp,
    by: &super::state::Author,
) -> String {
    for name in names {
        let made = super::state::Item::new(&drive.owner, &folder, &name, now, by.clone());
        folder.clone_from(&made.id);
        drive.keep(made);
    }
    folder
}

/// Answers a request at the address of a session.
pub(super) fn answer(
    tenant: &mut Tenant,
    request: &Request,
    owner: &str,
    session: &str,
    now: Timestamp,
) -> Answer {
    let gone = || GraphError::new(StatusCode::NOT_FOUND, "itemNotFound", "The upload session was not found");
    let drive = tenant.workloads.drives.0.get_mut(owner).ok_or_else(gone)?;
    let upload =
        drive.uploads.get(session).filter(|upload| now < upload.expires).cloned().ok_or_else(gone)?;
    match request.method {
        Method::PUT => receive(tenant, request, owner, session, upload, now),
        Method::POST if upload.deferred && upload.is_complete() => {
            commit(tenant, request, owner, session, upload, now)
        }
        Method::GET if upload.done.is_none() => Ok(status(&upload, StatusCode::OK)),
        Method::DELETE if upload.done.is_none() => {
            drive.uploads.remove(session);
            Ok(Response::empty(StatusCode::NO_CONTENT))
        }
        Method::GET | Method::DELETE => Err(gone()),
        _ => Err(invalid("The upload session does not take this request.")),
    }
}

fn receive(
    tenant: &mut Tenant,
    request: &Request,
    owner: &str,
    session: &str,
    mut upload: Upload,
    now: Timestamp,
) -> Answer {
    let range = request
        .header(CONTENT_RANGE.as_str())
        .and_then(ContentRange::parse)
        .ok_or_else(|| invalid("The Content-Range header is missing or malformed."))?;
    let length = request.body.len() as u64;
    if range.length() != length {
        return Err(invalid("The Content-Range header length does not match the provided number of bytes."));
    }
    if length >= LARGEST {
        return Err(GraphError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalidRequest",
            "Maximum request length exceeded.",
        ));
    }
    if let Some(item) = &upload.done {
        // Microsoft's own task for Python sends the last fragment twice, and is answered.
        let item = item.clone();
        return shown(tenant, request, &Place { owner: owner.to_owned(), item }, StatusCode::OK);
    }
    if let Some(total) = upload.total.filter(|total| *total != range.total) {
        return Err(invalid_range(
            StatusCode::BAD_REQUEST,
            format!(
                "The current upload session is for {total} total bytes, but the current fragment declares a total of {}.",
                range.total
            ),
            "fragmentLengthMismatch",
        ));
    }
    let received = upload.received();
    if range.first < received {
        return Err(invalid_range(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "Uploaded fragment overlaps with existing data.",
            "fragmentOverlap",
        ));
    }
    if range.first > received {
        return Err(invalid_range(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "Uploaded fragment is out of order.",
            "fragmentOutOfOrder",
        ));
    }
    let is_last = range.last + 1 == range.total;
    // One byte more is let through: Microsoft's task for Python sends such fragments to the real service.
    if !is_last && length % UNIT > 1 {
        return Err(invalid("The size of a fragment has to be a multiple of 320 KiB (327,680 bytes)."));
    }
    let drive = tenant.workloads.drives.0.get_mut(owner).ok_or_else(not_found)?;
    check_quota(drive, range.total)?;
    upload.total = Some(range.total);
    upload.fragments.push(Fragment(request.body.clone()));
    upload.expires = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
    if upload.is_complete() && !upload.deferred {
        return commit(tenant, request, owner, session, upload, now);
    }
    let answer = status(&upload, StatusCode::ACCEPTED);
    drive.uploads.insert(session.to_owned(), upload);
    Ok(answer)
}

/// Puts the fragments together and makes the file.
fn commit(
    tenant: &mut Tenant,
    request: &Request,
    owner: &str,
    session: &str,
    mut upload: Upload,
    now: Timestamp,
) -> Answer {
    let drive = tenant.workloads.drives.0.get_mut(owner).ok_or_else(not_found)?;
    drive.item(&upload.parent).ok_or_else(not_found)?;
    let (name, replaced) = settle(drive, &upload.parent, &upload.name, upload.conflict, false)?;
    let bytes: Vec<u8> = upload.fragments.iter().flat_map(|fragment| fragment.0.iter().copied()).collect();
    let target = match replaced {
        Some(item) => Target::Existing(item),
        None => Target::New { folder: upload.parent.clone(), folders: Vec::new(), name },
    };
    let (item, is_new) = store(drive, target, Content::new(bytes.into()), None, now, upload.by.clone())?;
    if let Some(kept) = drive.items.get_mut(&item) {
        kept.on_disk = upload.on_disk.or(kept.on_disk);
        kept.description = upload.description.take().or(kept.description.take());
    }
    upload.fragments.clear();
    upload.done = Some(item.clone());
    drive.uploads.insert(session.to_owned(), upload);
    tenant.changed(change_of(owner));
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    shown(tenant, request, &Place { owner: owner.to_owned(), item }, status)
}

fn shown(tenant: &Tenant, request: &Request, place: &Place, status: StatusCode) -> Answer {
    let drive = tenant.workloads.drives.0.get(&place.owner).ok_or_else(not_found)?;
    let item = drive.item(&place.item).ok_or_else(not_found)?;
    let mut shown = Map::new();
    let context = format!("{}/v1.0/$metadata#{}/$entity", request.origin, super::items::context(drive));
    shown.insert("@odata.context".to_owned(), json!(context));
    if let Value::Object(fields) = wire::item(tenant, drive, item, item.modified) {
        shown.extend(fields);
    }
    Ok(Response::json(status, &shown))
}

fn status(upload: &Upload, status: StatusCode) -> Response {
    let received = upload.received();
    let next = match upload.total {
        Some(total) if received == total => Vec::new(),
        Some(total) => vec![format!("{received}-{}", total - 1)],
        None => vec![format!("{received}-")],
    };
    Response::json(
        status,
        &json!({ "expirationDateTime": milliseconds(upload.expires), "nextExpectedRanges": next }),
    )
}

fn invalid_range(status: StatusCode, message: impl Into<String>, inner: &'static str) -> GraphError {
    let mut error = GraphError::new(status, "invalidRange", message);
    error.inner_code = Some(inner);
    error
}

impl Upload {
    fn is_complete(&self) -> bool {
        self.total == Some(self.received())
    }
}

/// `Content-Range: bytes 0-327679/1000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ContentRange {
    first: u64,
    last: u64,
    total: u64,
}

impl ContentRange {
    fn parse(header: &str) -> Option<Self> {
        let (unit, rest) = header.trim().split_once([' ', '='])?;
        let (range, total) = rest.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
        };
        let range = Self { first: number(first)?, last: number(last)?, total: number(total)? };
        (unit.eq_ignore_ascii_case("bytes") && range.first <= range.last && range.last < range.total)
            .then_some(range)
    }

    fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What arbitrary text in `Content-Range` must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn withstand_content_range(text: &str) {
    if let Some(range) = ContentRange::parse(text) {
        assert!(range.length() >= 1 && range.length() <= range.total, "{range:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_says_where_the_bytes_belong() {
        let parse =
            |text: &str| ContentRange::parse(text).map(|range| (range.first, range.last, range.total));
        assert_eq!(parse("bytes 0-25/128"), Some((0, 25, 128)));
        assert_eq!(parse(" bytes 127-127/128 "), Some((127, 127, 128)));
        for other in [
            "",
            "bytes 0-25",
            "bytes 25-0/128",
            "bytes 0-128/128",
            "bytes */128",
            "bytes 0-1/*",
            "items 0-1/2",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
