//! Delta of a drive or folder (Microsoft's page on `driveItem: delta`): items in the order of their last
//! change; a token is the count of changes up to which the client knows the drive.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Surface;
use crate::graph::route::Route;

use super::access::{Place, invalid};
use super::items::{COLLECTION, shown};
use super::permissions;
use super::state::{Item, Role};
use super::wire;

const DELTA: Surface = Surface { options: &["select", "top", "skiptoken", "deltatoken"], ..COLLECTION };

pub(super) fn routes() -> Vec<Route> {
    [
        on_items!(GET "/delta", permissions::READ, delta),
        on_items!(GET "/delta/{token}", permissions::READ, delta),
    ]
    .concat()
}

/// How far a client knows a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token {
    /// The change up to which it knows everything.
    after: u64,
    /// Whether it is still reading for the first time, where nobody tells it of what is gone.
    is_first: bool,
}

impl Token {
    fn encode(self) -> String {
        let kind = if self.is_first { "f" } else { "d" };
        URL_SAFE_NO_PAD.encode(format!("{kind};{}", self.after))
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (kind, after) = text.split_once(';')?;
        Some(Self { after: after.parse().ok()?, is_first: kind == "f" })
    }
}

fn delta(call: &mut Call<'_>) -> Answer {
    // The token is this call's own affair: the query takes it for an unknown page of another kind.
    let parameters: Vec<(String, String)> =
        call.request.query.iter().filter(|(name, _)| !is_token(name)).cloned().collect();
    let query = crate::graph::odata::Query::parse(&DELTA, &parameters, false)?;
    let place = call.drive_place(Role::Read)?;
    let drive = call.drive_at(&place)?;
    let now_at = drive.changes;
    let token = match given_token(call)? {
        None => Token { after: 0, is_first: true },
        Some(text) if text.eq_ignore_ascii_case("latest") => Token { after: now_at, is_first: false },
        Some(text) => match Token::decode(&text).filter(|token| token.after <= now_at) {
            Some(token) => token,
            None => return Err(resync(call)),
        },
    };
    let inside =
        |item: &Item| item.id == place.item || drive.ancestors(item).any(|folder| folder.id == place.item);
    let mut items: Vec<&Item> = drive
        .items
        .values()
        .filter(|item| item.change > token.after && !(token.is_first && item.deleted))
        .filter(|item| inside(item))
        .collect();
    items.sort_by_key(|item| item.change);
    let page: Vec<&Item> = items.iter().take(query.top).copied().collect();
    let is_last = page.len() == items.len();
    let next = match (is_last, page.last()) {
        (false, Some(last)) => Token { after: last.change, is_first: token.is_first },
        _ => Token { after: now_at, is_first: false },
    };
    let mut value = Vec::with_capacity(page.len());
    for item in page {
        let one = if item.deleted {
            wire::item(call.tenant, drive, item, call.now)
        } else {
            let mut one = shown(call, &Place { owner: place.owner.clone(), item: item.id.clone() })?;
            // Delta names no paths: a folder that is renamed would change all of them.
            if let Some(parent) = one.get_mut("parentReference").and_then(Value::as_object_mut) {
                parent.remove("path");
            }
            one
        };
        value.push(query.project(one, None));
    }
    let link = link(call, &parameters, &next.encode());
    let name = if is_last { "@odata.deltaLink" } else { "@odata.nextLink" };
    Ok(call.ok(&json!({
        "@odata.context": call.context("Collection(driveItem)"), name: link, "value": value,
    })))
}

fn is_token(name: &str) -> bool {
    ["token", "$skiptoken", "$deltatoken"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// `delta?token=…`, `delta(token='…')`, or the name that OData has for it.
fn given_token(call: &Call<'_>) -> Result<Option<String>, GraphError> {
    let in_path = call.params.get("token");
    if !in_path.is_empty() {
        let value = in_path.strip_prefix("token=").ok_or_else(|| invalid("delta takes a token."))?;
        return Ok(Some(value.trim_matches('\'').to_owned()));
    }
    let given = call.request.query.iter().find(|(name, value)| is_token(name) && !value.is_empty());
    Ok(given.map(|(_, value)| value.clone()))
}

fn link(call: &Call<'_>, parameters: &[(String, String)], token: &str) -> String {
    let path = call.request.path.trim_end_matches('/');
    let lower = path.to_ascii_lowercase();
    // `delta(token='…')` is asked again as `delta?token=…`.
    let path = lower.rfind("delta(").map_or(path, |at| &path[..at + "delta".len()]);
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        query.append_pair(name, value);
    }
    query.append_pair("token", token);
    format!("{}{path}?{}", call.request.origin, query.finish().replace("%24", "$"))
}

/// 410: the client begins again.
fn resync(call: &Call<'_>) -> GraphError {
    let fresh = Token { after: 0, is_first: true };
    let mut error = GraphError::new(
        StatusCode::GONE,
        "resyncRequired",
        "Resync required. Replace any local items with the server's version (including deletes) if you're sure that the service was up to date with your local changes when you last sync'd. Upload any local changes that the server doesn't know about.",
    );
    error.inner_code = Some("resyncChangesApplyDifferences");
    error.with(http::header::LOCATION, &link(call, &[], &fresh.encode()))
}
