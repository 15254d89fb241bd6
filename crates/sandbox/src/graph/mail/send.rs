//! Sending: `sendMail` as JSON and as MIME, and drafts (Graph reference §4.1, §4.2). Who may be in `from` is
//! decided here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;

use super::access::{Entry, enter};
use super::input::{Purpose, apply};
use super::recipients::{address_of, addresses, owner};
use super::refusals::{bad, denied, send_as_denied};
use super::state::Access;
use super::{limits, messages, transport};
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::mail::{Item, is_address, read};

/// `POST …/sendMail`.
pub(super) fn send_mail(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let (item, is_saved) = if is_mime(call) { (mime(call)?, true) } else { json(call)? };
    submit(call, &entry, item, is_saved, None)
}

/// `POST …/messages/{message}/send`.
pub(super) fn send_draft(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = messages::locate(call, &entry)?;
    let message = messages::draft(call, &entry, uid)?;
    let item = (*message.item).clone();
    submit(call, &entry, item, true, Some(uid))
}

/// Checks a message and lets it go.
pub(super) fn submit(
    call: &mut Call<'_>,
    entry: &Entry,
    mut item: Item,
    is_saved: bool,
    draft: Option<u64>,
) -> Answer {
    set_sender(call, entry, &mut item)?;
    limits::check(call.tenant, &entry.owner, &item, call.now)?;
    name_recipients(call, &mut item);
    let moment = (call.now, call.lag);
    transport::submit(call.tenant, &entry.owner, item, is_saved, draft, moment);
    Ok(accepted())
}

/// 202 with nothing in it.
pub(super) fn accepted() -> Response {
    Response::empty(StatusCode::ACCEPTED).with(CONTENT_LENGTH, "0")
}

/// Whether the body is MIME in base64.
pub(super) fn is_mime(call: &Call<'_>) -> bool {
    call.request.header(CONTENT_TYPE.as_str()).is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"))
    })
}

/// The message in a MIME body.
pub(super) fn mime(call: &Call<'_>) -> Result<Item, GraphError> {
    let text: Vec<u8> =
        call.request.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let invalid = || bad("ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.");
    let bytes = STANDARD.decode(&text).ok().filter(|bytes| !bytes.is_empty()).ok_or_else(invalid)?;
    let mut item =
        read(&bytes).ok_or_else(|| bad("ErrorMimeContentInvalid", "The MIME content is invalid."))?;
    for attachment in &mut item.attachments {
        attachment.modified = call.now;
    }
    Ok(item)
}

fn json(call: &Call<'_>) -> Result<(Item, bool), GraphError> {
    let body = call.body()?;
    let part =
        |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let Some(Value::Object(message)) = part("message") else {
        return Err(bad("ErrorInvalidRequest", "The parameter 'Message' is required."));
    };
    let is_saved = match part("saveToSentItems") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(is_saved)) => *is_saved,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err(super::refusals::wrong_value("SaveToSentItems")),
    };
    let known = ["message", "savetosentitems"];
    if let Some(other) =
        body.keys().find(|key| !known.contains(&key.to_ascii_lowercase().as_str()) && !key.starts_with('@'))
    {
        return Err(bad(
            "RequestBodyRead",
            format!(
                "The parameter '{other}' in the request payload is not a valid parameter for the operation 'sendMail'."
            ),
        ));
    }
    let mut item = Item::default();
    apply(&mut item, message, Purpose::Create, call.now)?;
    Ok((item, is_saved))
}

/// Decides `from` and `sender`: the mailbox itself, an alias as far as the organisation honours one, another
/// mailbox with a right to it, or 403.
fn set_sender(call: &Call<'_>, entry: &Entry, item: &mut Item) -> Result<(), GraphError> {
    let tenant = &*call.tenant;
    let user = tenant.users.get(&entry.owner).ok_or_else(denied)?;
    let own = address_of(tenant, user, call.now);
    let actor = call.caller.user_id().unwrap_or(&entry.owner);
    let wanted = item.from.clone().filter(|from| !from.address.is_empty()).unwrap_or_else(|| own.clone());
    if !is_address(&wanted.address) {
        return Err(send_as_denied());
    }
    let is_own = addresses(tenant, user, call.now).iter().any(|one| wanted.is(one));
    let principal = if is_own {
        Some(user)
    } else {
        owner(tenant, &wanted.address, call.now)
            .filter(|found| addresses(tenant, found, call.now).iter().any(|one| wanted.is(one)))
    };
    let principal = principal.ok_or_else(send_as_denied)?;

    let mut from = address_of(tenant, principal, call.now);
    if !from.is(&wanted.address) && tenant.workloads.mail.send_from_alias {
        from.address.clone_from(&wanted.address);
    }
    let is_app = call.caller.user_id().is_none();
    if principal.id == actor || (is_app && is_own) {
        item.sender = Some(from.clone());
        item.from = Some(from);
        return Ok(());
    }
    let has_scope = is_app || call.caller.holds("Mail.Send.Shared");
    let may = |access| tenant.workloads.mail.may(actor, &principal.id, &[access]);
    let sender = match () {
        () if has_scope && may(Access::SendAs) => from.clone(),
        () if has_scope && may(Access::SendOnBehalf) => tenant
            .users
            .get(actor)
            .map(|user| address_of(tenant, user, call.now))
            .ok_or_else(send_as_denied)?,
        () => return Err(send_as_denied()),
    };
    (item.from, item.sender) = (Some(from), Some(sender));
    Ok(())
}

/// Recipients of the tenant without a name get theirs.
fn name_recipients(call: &Call<'_>, item: &mut Item) {
    for address in item.to.iter_mut().chain(&mut item.cc).chain(&mut item.bcc) {
        if address.name == address.address
            && let Some(user) = owner(call.tenant, &address.address, call.now)
        {
            address.name.clone_from(&user.display_name);
        }
    }
}
