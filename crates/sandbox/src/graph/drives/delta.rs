//! Delta of a drive or folder (Microsoft's page on `driveItem: delta`): items in the order of their last
//! change; a token is the count of changes up to which the client knows the drive, or a time.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Surface;
use crate::graph::route::Route;
use crate::scope;

use super::access::{Place, invalid};
use super::items::{COLLECTION, shown};
use super::permissions;
use super::state::{Drive, Item, Role};
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
    /// The change at which it began, if it is still reading for the first time: nobody tells it of what was gone by
    /// then, while it may have been sent what went since.
    begun: Option<u64>,
}

impl Token {
    fn encode(self) -> String {
        let begun = self.begun.map(|begun| format!(";{begun}")).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(format!("{}{begun}", self.after))
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (after, begun) = match text.split_once(';') {
            Some((after, begun)) => (after, Some(begun.parse().ok()?)),
            None => (text.as_str(), None),
        };
        Some(Self { after: after.parse().ok()?, begun })
    }

    fn is_from(&self, drive: &Drive) -> bool {
        self.after <= drive.changes && self.begun.is_none_or(|begun| begun <= drive.changes)
    }
}

/// One page of what changed below a folder: the items, where the client is then, and whether that was all.
fn round<'d>(drive: &'d Drive, folder: &str, token: Token, size: usize) -> (Vec<&'d Item>, Token, bool) {
    let inside = |item: &Item| item.id == folder || drive.ancestors(item).any(|above| above.id == folder);
    let is_told = |item: &Item| !item.deleted || token.begun.is_none_or(|begun| item.change > begun);
    let changed = drive.items.values().filter(|item| item.change > token.after);
    let mut items: Vec<&Item> = changed.filter(|item| is_told(item) && inside(item)).collect();
    items.sort_by_key(|item| item.change);
    let is_last = items.len() <= size;
    items.truncate(size);
    let next = match (is_last, items.last()) {
        (false, Some(last)) => Token { after: last.change, ..token },
        (false, None) => token,
        (true, _) => Token { after: drive.changes, begun: None },
    };
    (items, next, is_last)
}

fn delta(call: &mut Call<'_>) -> Answer {
    // The token is this call's own affair: the query takes it for an unknown page of another kind.
    let parameters: Vec<(String, String)> =
        call.request.query.iter().filter(|(name, _)| !is_token(name)).cloned().collect();
    let query = crate::graph::odata::Query::parse(&DELTA, &parameters, false)?;
    let place = call.drive_place(Role::Read)?;
    let drive = call.drive_at(&place)?;
    let token = match given_token(call)? {
        None => Token { after: 0, begun: Some(drive.changes) },
        Some(text) if text.eq_ignore_ascii_case("latest") => Token { after: drive.changes, begun: None },
        Some(text) => {
            let at = || Some(Token { after: drive.change_at(instant(&text)?), begun: None });
            match Token::decode(&text).filter(|token| token.is_from(drive)).or_else(at) {
                Some(token) => token,
                None => return Err(resync(call, drive.changes)),
            }
        }
    };
    let (page, next, is_last) = round(drive, &place.item, token, scope::page(query.top));
    let is_first = token.begun.is_some();
    let page = if is_first || excludes_parents(call) { page } else { around(drive, &place.item, page) };
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

/// What changed, and before it the folders in which it is, from the top down (Microsoft: "driveItem: delta", of
/// `deltaExcludeParent`).
fn around<'d>(drive: &'d Drive, top: &str, changed: Vec<&'d Item>) -> Vec<&'d Item> {
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    let mut add = |item: &'d Item| {
        if known.insert(item.id.as_str()) {
            all.push(item);
        }
    };
    for item in &changed {
        let mut folders: Vec<&Item> = drive.ancestors(item).collect();
        folders.reverse();
        let folders = folders.into_iter().skip_while(|folder| folder.id != top);
        folders.filter(|folder| !folder.deleted).for_each(&mut add);
    }
    changed.into_iter().for_each(add);
    all
}

/// A header of its own on Microsoft's page; its clients send it as a preference.
fn excludes_parents(call: &Call<'_>) -> bool {
    let prefers = call.request.header("prefer").unwrap_or_default();
    call.request.header("deltaExcludeParent").is_some()
        || prefers.split(',').any(|one| one.trim().eq_ignore_ascii_case("deltaExcludeParent"))
}

/// `2021-09-29T20:00:00Z`, or as Microsoft's page also writes it, `2021-09-29T12:00:00+8:00`.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let (time, offset) = text.split_at(text.rfind(['+', '-'])?);
        let (sign, hours) = offset.split_at(1);
        format!("{time}{sign}0{hours}").parse().ok()
    })
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
fn resync(call: &Call<'_>, changes: u64) -> GraphError {
    let fresh = Token { after: 0, begun: Some(changes) };
    let mut error = GraphError::new(
        StatusCode::GONE,
        "resyncRequired",
        "Resync required. Replace any local items with the server's version (including deletes) if you're sure that the service was up to date with your local changes when you last sync'd. Upload any local changes that the server doesn't know about.",
    );
    error.inner_code = Some("resyncChangesApplyDifferences");
    error.with(http::header::LOCATION, &link(call, &[], &fresh.encode()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Add(Index),
        Rename(Index),
        Move(Index, Index),
        Delete(Index),
        /// The client asks for a page of that size.
        Ask(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => any::<Index>().prop_map(Step::Add),
            2 => any::<Index>().prop_map(Step::Rename),
            2 => any::<(Index, Index)>().prop_map(|(what, to)| Step::Move(what, to)),
            2 => any::<Index>().prop_map(Step::Delete),
            4 => (1..4_usize).prop_map(Step::Ask),
        ]
    }

    /// What a client keeps of a drive: names and parents.
    type Known = BTreeMap<String, (String, Option<String>)>;

    fn there(drive: &Drive) -> Known {
        let items = drive.items.values().filter(|item| !item.deleted);
        items.map(|item| (item.id.clone(), (item.name.clone(), item.parent.clone()))).collect()
    }

    /// One page; whether the round ended with it.
    fn ask(drive: &Drive, token: &mut Token, known: &mut Known, size: usize) -> bool {
        let (items, next, is_last) = round(drive, &drive.root_id(), *token, size);
        for item in items {
            if item.deleted {
                known.remove(&item.id);
            } else {
                known.insert(item.id.clone(), (item.name.clone(), item.parent.clone()));
            }
        }
        *token = Token::decode(&next.encode()).unwrap();
        is_last
    }

    #[test]
    fn a_time_is_written_in_each_of_the_pages_ways() {
        for text in [
            "2021-09-29T20:00:00Z",
            "2021-09-29T20:00:00+00:00",
            "2021-09-30T04:00:00+8:00",
            "2021-09-29T12:00:00-8:00",
        ] {
            assert_eq!(instant(text), instant("2021-09-29T20:00:00.000Z"), "{text}");
        }
        for text in ["", "latest", "2021", "2021-09-29", "+", "é-é", "2021-09-29T20:00:00+é"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        /// What a client reconstructs from delta equals the drive, whatever happens meanwhile.
        #[test]
        fn a_client_of_delta_knows_the_drive(steps in prop::collection::vec(step(), 0..80)) {
            let mut drive = Drive::new("a77ac4e0-0000-4000-8000-000000000101", jiff::Timestamp::UNIX_EPOCH);
            let root = drive.items.get(&drive.root_id()).unwrap().clone();
            let (mut token, mut known) = (Token { after: 0, begun: Some(drive.changes) }, Known::new());
            for (number, step) in steps.into_iter().enumerate() {
                let folders: Vec<Item> = drive.items.values().filter(|item| !item.deleted).cloned().collect();
                let others: Vec<&Item> = folders.iter().filter(|item| item.parent.is_some()).collect();
                match step {
                    Step::Ask(size) => drop(ask(&drive, &mut token, &mut known, size)),
                    Step::Add(into) => {
                        let (id, parent) = (format!("ITEM{number}"), Some(into.get(&folders).id.clone()));
                        drive.keep(Item { id, parent, name: format!("n{number}"), ..root.clone() });
                    }
                    _ if others.is_empty() => {}
                    Step::Rename(which) => {
                        drive.keep(Item { name: format!("r{number}"), ..(*which.get(&others)).clone() });
                    }
                    Step::Move(which, into) => {
                        let (item, to) = ((*which.get(&others)).clone(), into.get(&folders));
                        // A folder cannot go into itself.
                        if to.id != item.id && drive.ancestors(to).all(|above| above.id != item.id) {
                            drive.keep(Item { parent: Some(to.id.clone()), ..item });
                        }
                    }
                    Step::Delete(which) => drive.delete(&which.get(&others).id, jiff::Timestamp::UNIX_EPOCH),
                }
            }
            // The round in progress ends, and one more brings what it missed.
            while !ask(&drive, &mut token, &mut known, 2) {}
            while !ask(&drive, &mut token, &mut known, 2) {}
            prop_assert_eq!(&known, &there(&drive));
            // And then there is nothing more to say.
            let (items, _, is_last) = round(&drive, &drive.root_id(), token, 1);
            prop_assert!(items.is_empty() && is_last);
        }

        #[test]
        fn no_token_breaks_the_reader(text in "\\PC{0,40}") {
            let _ = instant(&text);
            let _ = Token::decode(&text);
            let _ = Token::decode(&URL_SAFE_NO_PAD.encode(&text));
        }
    }
}
