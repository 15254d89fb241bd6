//! Attachments of 3 to 150 MB, in pieces, by a URL that needs no token (Graph reference §4.3).

use http::header::{CONTENT_RANGE, LOCATION};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::enter;
use super::changes;
use super::ids::{self, IdKind};
use super::input::member;
use super::messages::locate;
use super::refusals::{bad, denied, no_item};
use crate::exchange::{Request, Response};
use crate::files::FileError;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::seven_digits;
use crate::mail::{Attached, Attachment, Blob};
use crate::realm::Realm;
use crate::sharing::Held;
use crate::tenant::Tenant;

const SMALLEST: u64 = 3 * 1024 * 1024;
const LARGEST: u64 = 150 * 1024 * 1024;
/// A piece is smaller than this.
const PIECE: u64 = 4 * 1024 * 1024;
/// How long a session may rest.
const LIFETIME: SignedDuration = SignedDuration::from_hours(6);

/// An attachment that is on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    owner: String,
    message: u64,
    name: String,
    content_type: Option<String>,
    is_inline: bool,
    content_id: Option<String>,
    size: u64,
    pieces: Vec<Blob>,
    expires: Timestamp,
    secret: String,
}

impl Upload {
    fn received(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.0.len() as u64).sum()
    }

    fn state(&self) -> Value {
        json!({
            "expirationDateTime": seven_digits(self.expires),
            "nextExpectedRanges": [format!("{}-", self.received())],
        })
    }
}

/// `POST …/messages/{message}/attachments/createUploadSession`.
pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    if call.caller.user_id().is_some_and(|caller| caller != entry.owner) {
        return Err(denied());
    }
    let uid = locate(call, &entry)?;
    let body = Value::Object(call.body()?);
    let item = member(&body, "AttachmentItem").filter(|item| item.is_object());
    let item =
        item.ok_or_else(|| bad("ErrorInvalidRequest", "The parameter 'AttachmentItem' is required."))?;
    let text = |name: &str| member(item, name).and_then(Value::as_str).map(str::to_owned);
    match text("attachmentType").as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("file") => {}
        Some("item" | "reference") => {
            return Err(bad("ErrorInvalidArgument", "Only attachments of the type 'file' are uploaded."));
        }
        _ => return Err(super::refusals::wrong_value("attachmentType")),
    }
    let name = text("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| bad("ErrorInvalidRequest", "The property 'name' is required."))?;
    let size = member(item, "size").and_then(Value::as_u64);
    let size = size.ok_or_else(|| bad("ErrorInvalidRequest", "The property 'size' is required."))?;
    if size < SMALLEST {
        return Err(bad(
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "Attachment size must be greater than the minimum size.",
        ));
    }
    if size > LARGEST {
        return Err(bad("ErrorAttachmentSizeLimitExceeded", "The attachment size exceeds the limit."));
    }
    let id = crate::directory::new_id().replace('-', "");
    let upload = Upload {
        owner: entry.owner.clone(),
        message: uid,
        name,
        content_type: text("contentType"),
        is_inline: member(item, "isInline").and_then(Value::as_bool).unwrap_or(false),
        content_id: text("contentId"),
        size,
        pieces: Vec::new(),
        expires: call.now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX),
        secret: format!("{}{}", crate::directory::new_id(), crate::directory::new_id()).replace('-', ""),
    };
    let mailbox = entry.look(call)?;
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let tenant = &call.tenant.id;
    let url = format!(
        "{}/{tenant}/api/v2.0/Users('{}@{tenant}')/Messages('{}')/AttachmentSessions('{id}')?authtoken={}",
        call.request.origin,
        entry.owner,
        mailbox.id(message, IdKind::Ordinary),
        upload.secret,
    );
    let mut shown = upload.state();
    shown["@odata.context"] = json!(call.context("microsoft.graph.uploadSession"));
    shown["uploadUrl"] = json!(url);
    call.tenant.workloads.mail.uploads.insert(id, upload);
    Ok(call.created("", &shown).with(LOCATION, &url))
}

/// Whether the path is that of an upload session: `/{tenant}/api/v2.0/…/AttachmentSessions('…')`.
pub(crate) fn is_upload(path: &str) -> bool {
    path.contains("/api/v2.0/") && session(path).is_some()
}

fn session(path: &str) -> Option<String> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    let (_, rest) = path.split_once("/AttachmentSessions('")?;
    rest.strip_suffix("')").map(str::to_owned)
}

/// Answers a request to an upload URL.
pub(crate) fn upload(realm: &Realm, request: &Request) -> Response {
    let now = realm.clock.now();
    let mut tenant = realm.enter();
    let answer = piece(&mut tenant, request, now).and_then(|answer| {
        let not_saved = |error: FileError| {
            GraphError::new(StatusCode::SERVICE_UNAVAILABLE, "sandboxNotSaved", error.to_string())
        };
        realm.settle(&mut tenant).map_err(not_saved).map(|()| answer)
    });
    answer.unwrap_or_else(|error| {
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let id = crate::directory::new_id();
        error.to_response(&date, &id, &id)
    })
}

fn piece(tenant: &mut Tenant, request: &Request, now: Timestamp) -> Result<Response, GraphError> {
    let id = session(&request.path).ok_or_else(no_item)?;
    // Exchange stands on another host and refuses a token that comes along. Here it is the caller's own host, to
    // which Microsoft's SDKs send their token, so it is not looked at.
    let uploads = &mut tenant.workloads.mail.uploads;
    uploads.retain(|_, upload| upload.expires > now);
    let upload = uploads.get_mut(&id).ok_or_else(no_item)?;
    if request.query("authtoken") != Some(upload.secret.as_str()) {
        return Err(GraphError::invalid_token("The token of the upload URL is invalid."));
    }
    match request.method {
        Method::GET => Ok(Response::json(StatusCode::OK, &upload.state())),
        Method::DELETE => {
            uploads.remove(&id);
            Ok(Response::empty(StatusCode::NO_CONTENT))
        }
        Method::PUT => {
            let (first, last, total) =
                request.header(CONTENT_RANGE.as_str()).and_then(range).ok_or_else(|| {
                    bad(
                        "ErrorInvalidRequest",
                        "A Content-Range header of the form 'bytes first-last/total' is required.",
                    )
                })?;
            let length = request.body.len() as u64;
            if first != upload.received()
                || total != upload.size
                || last >= total
                || last + 1 - first != length
            {
                return Err(GraphError::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "ErrorInvalidRange",
                    format!("The next range that is expected starts at {}.", upload.received()),
                ));
            }
            if length >= PIECE {
                return Err(GraphError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "ErrorAttachmentSizeLimitExceeded",
                    "A range is smaller than 4 MB.",
                ));
            }
            upload.pieces.push(Blob(request.body.clone()));
            upload.expires = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
            if upload.received() < upload.size {
                return Ok(Response::json(StatusCode::OK, &upload.state()));
            }
            let upload = uploads.remove(&id).ok_or_else(no_item)?;
            attach(tenant, request, upload, now)
        }
        _ => Err(GraphError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "ErrorMethodNotAllowed",
            "An upload URL takes PUT, GET and DELETE.",
        )),
    }
}

fn range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last, total.trim().parse().ok()?))
}

fn attach(
    tenant: &mut Tenant,
    request: &Request,
    upload: Upload,
    now: Timestamp,
) -> Result<Response, GraphError> {
    let bytes: Vec<u8> = upload.pieces.iter().flat_map(|piece| piece.0.iter().copied()).collect();
    let mailbox = tenant.workloads.mail.mailbox(&upload.owner);
    let message = mailbox.messages.get(&upload.message).cloned().ok_or_else(no_item)?;
    let mut item = (*message.item).clone();
    let number = item.attachments.iter().map(|one| one.number).max().unwrap_or(0) + 1;
    item.mime = None;
    item.attachments.push(Attachment {
        number,
        name: upload.name,
        content_type: upload.content_type,
        is_inline: upload.is_inline,
        content_id: upload.content_id,
        content_location: None,
        modified: now,
        content: Attached::File(bytes.into()),
    });
    changes::edit(tenant, &upload.owner, upload.message, now, |message| message.item = Held::new(item));
    let id = tenant.workloads.mail.mailbox(&upload.owner).id(&message, IdKind::Ordinary);
    let location = format!(
        "{}/{}/api/v2.0/Users('{}@{}')/Messages('{id}')/Attachments('{}')",
        request.origin,
        tenant.id,
        upload.owner,
        tenant.id,
        ids::attachment(&id, upload.message, number),
    );
    Ok(Response::empty(StatusCode::CREATED).with(LOCATION, &location))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(range("bytes 0-9/100"), Some((0, 9, 100)));
        for bad in ["", "bytes", "bytes 9-0/100", "bytes a-b/c", "0-9/100", "bytes 0-9", "bytes */100"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_header_and_no_path_breaks_the_readers(text in "\\PC{0,80}") {
            let _ = range(&text);
            let _ = is_upload(&format!("/t/api/v2.0/x/AttachmentSessions('{text}"));
        }
    }
}
