//! `/users/delta`, `/groups/delta`, `/applications/delta` and `/servicePrincipals/delta`: everything once, and then what
//! changed since (Graph documentation, "Use delta query", "user: delta", "group: delta", "application: delta",
//! "servicePrincipal: delta"). The options of the first request go along in the links' tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::directory::Life;
use crate::scope;
use crate::sharing::SnapshotMap;

use super::call::Call;
use super::directory_changes::Mark;
use super::error::{Answer, GraphError};
use super::groups;
use super::odata::{Filter, Op, Query, Surface};
use super::properties::{APPLICATION, GROUP, SERVICE_PRINCIPAL, USER};
use super::route::{Needs, Route};
use super::users;

const READ_USERS: Needs = Needs::either(&[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);
const READ_GROUPS: Needs = Needs::either(&[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const READ_APPLICATIONS: Needs = Needs::split(
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
);

const OPTIONS: &[&str] = &["select", "filter", "top"];
const USERS: Surface = Surface { options: OPTIONS, ..Surface::directory("user", USER) };
const APPLICATIONS: Surface = Surface { options: OPTIONS, ..Surface::directory("application", APPLICATION) };
const PRINCIPALS: Surface =
    Surface { options: OPTIONS, ..Surface::directory("servicePrincipal", SERVICE_PRINCIPAL) };
/// `members` is selected as if it were a property.
const GROUPS: Surface =
    Surface { options: OPTIONS, ..Surface::directory("group", GROUP).expanding(&["members"]) };

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/users/delta", READ_USERS, of_users),
        Route::new(Method::GET, "/groups/delta", READ_GROUPS, of_groups),
        Route::new(Method::GET, "/applications/delta", READ_APPLICATIONS, of_applications),
        Route::new(Method::GET, "/servicePrincipals/delta", READ_APPLICATIONS, of_principals),
    ]
}

/// Which round it is, where in it, and what was asked for at first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Token {
    /// What the client knows already: everything up to then. None in the first round.
    since: Option<Point>,
    /// When this round began: the next one tells what came later.
    began: Point,
    /// The last object of the page before.
    after: Option<String>,
    select: Option<Vec<String>>,
    /// The only objects that are asked for.
    ids: Option<Vec<String>>,
    top: usize,
}

/// A place in the journal, and its time: what was made earlier may show later.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Point {
    number: u64,
    at: Timestamp,
}

impl Token {
    fn encode(&self) -> String {
        // A struct of texts and numbers always serialises.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

fn of_users(call: &mut Call<'_>) -> Answer {
    call.refuse_guest()?;
    let query = options(call, &USERS)?;
    let Some(token) = token(call, &query)? else { return Ok(latest(call, "users", &query)) };
    let lives = call.tenant.users.values().map(|user| (user.id.as_str(), &user.life, call.reads_user(user)));
    let events = events(lives, &call.tenant.workloads.journal.users, &token, call.now);
    let asked = Query::selecting(token.select.clone());
    Ok(page(call, "users", &asked, token, events, |id| {
        let user = call.tenant.users.get(id)?;
        Some(asked.project(call.user_json(user, &asked), Some(users::wire::DEFAULTS)))
    }))
}

fn of_groups(call: &mut Call<'_>) -> Answer {
    call.refuse_guest()?;
    let query = options(call, &GROUPS)?;
    let Some(token) = token(call, &query)? else { return Ok(latest(call, "groups", &query)) };
    let lives = call.tenant.workloads.groups.values().map(|group| (group.id.as_str(), &group.life, true));
    let marks = &call.tenant.workloads.journal.groups;
    let events = events(lives, marks, &token, call.now);
    let asked = Query::selecting(token.select.clone());
    let selects =
        asked.select.as_ref().is_none_or(|names| names.iter().any(|one| one.eq_ignore_ascii_case("members")));
    let since = token.since.clone();
    Ok(page(call, "groups", &asked, token, events, |id| {
        let group = call.tenant.workloads.groups.get(id)?;
        let mut shown = asked.project(call.group_json(group, &asked), Some(groups::DEFAULTS));
        let came_or_went = |number: u64| {
            let changed = marks.get(id).into_iter().flat_map(|mark| &mark.members);
            let changed = changed.filter(move |(_, (at, _))| *at > number);
            changed.map(|(member, (_, came))| (member.clone(), *came)).collect::<Vec<_>>()
        };
        let members = match &since {
            None => group.members.iter().map(|member| (member.clone(), true)).collect(),
            Some(since) => came_or_went(since.number),
        };
        if selects && !members.is_empty() {
            shown["members@delta"] =
                members.into_iter().map(|(member, came)| link(call, &member, came)).collect();
        }
        Some(shown)
    }))
}

fn of_applications(call: &mut Call<'_>) -> Answer {
    call.refuse_guest()?;
    let query = options(call, &APPLICATIONS)?;
    let Some(token) = token(call, &query)? else { return Ok(latest(call, "applications", &query)) };
    let lives = call.tenant.applications.values().map(|app| (app.id.as_str(), &app.life, true));
    let events = events(lives, &call.tenant.workloads.journal.applications, &token, call.now);
    let asked = Query::selecting(token.select.clone());
    Ok(page(call, "applications", &asked, token, events, |id| {
        let app = call.tenant.applications.get(id)?;
        Some(asked.project(call.application_json(app, &asked), None))
    }))
}

fn of_principals(call: &mut Call<'_>) -> Answer {
    call.refuse_guest()?;
    let query = options(call, &PRINCIPALS)?;
    let Some(token) = token(call, &query)? else { return Ok(latest(call, "servicePrincipals", &query)) };
    let lives = call.tenant.service_principals.values().map(|sp| (sp.id.as_str(), &sp.life, true));
    let events = events(lives, &call.tenant.workloads.journal.service_principals, &token, call.now);
    let asked = Query::selecting(token.select.clone());
    Ok(page(call, "servicePrincipals", &asked, token, events, |id| {
        let sp = call.tenant.service_principals.get(id)?;
        Some(asked.project(call.principal_json(sp, &asked), None))
    }))
}

/// What is asked for, beside the token.
fn options(call: &Call<'_>, surface: &Surface) -> Result<Query, GraphError> {
    let is_token =
        |name: &str| ["$deltatoken", "$skiptoken"].iter().any(|one| one.eq_ignore_ascii_case(name));
    let others = call.request.query.iter().filter(|(name, _)| !is_token(name));
    Ok(Query::parse(surface, &others.cloned().collect::<Vec<_>>(), false)?)
}

/// A member that came, or one that went.
fn link(call: &Call<'_>, id: &str, came: bool) -> Value {
    let object = call.directory_object(id);
    let kind = object.map_or_else(|| json!("#microsoft.graph.user"), |object| object["@odata.type"].clone());
    let mut link = json!({ "@odata.type": kind, "id": id });
    if !came {
        link["@removed"] = json!({ "reason": "deleted" });
    }
    link
}

/// The token of the request, or that of a first round; `None` if the client wants no round but its end.
fn token(call: &Call<'_>, query: &Query) -> Result<Option<Token>, GraphError> {
    let began = Point { number: call.tenant.workloads.journal.last, at: call.now };
    match (call.request.query("$deltatoken"), call.request.query("$skiptoken")) {
        (Some(latest), _) if latest.eq_ignore_ascii_case("latest") => return Ok(None),
        (Some(sent), _) => {
            let token = Token::decode(sent).ok_or_else(|| gone(call))?;
            return Ok(Some(Token { since: Some(token.began), began, ..token }));
        }
        (None, Some(sent)) => return Token::decode(sent).map(Some).ok_or_else(|| gone(call)),
        (None, None) => {}
    }
    let ids =
        query.filter.as_ref().map(|filter| ids_of(filter).ok_or_else(unsupported_filter)).transpose()?;
    let (select, top) = (query.select.clone(), query.top);
    Ok(Some(Token { since: None, began, after: None, select, ids, top }))
}

/// `id eq '…'`, or several of them with `or`: nothing else can be asked for.
fn ids_of(filter: &Filter) -> Option<Vec<String>> {
    let is_id = |path: &super::odata::Path| path.to_string().eq_ignore_ascii_case("id");
    match filter {
        Filter::Or(left, right) => {
            let mut ids = ids_of(left)?;
            ids.extend(ids_of(right)?);
            Some(ids)
        }
        Filter::Compare(path, Op::Eq, id) if is_id(path) => Some(vec![id.text()?.to_ascii_lowercase()]),
        _ => None,
    }
}

fn unsupported_filter() -> GraphError {
    GraphError::new(
        StatusCode::BAD_REQUEST,
        "Request_UnsupportedQuery",
        "Unsupported query: a delta query can be filtered by 'id eq' only.",
    )
}

/// The token is of another time, or none.
fn gone(call: &Call<'_>) -> GraphError {
    let error = GraphError::new(
        StatusCode::GONE,
        "syncStateNotFound",
        "The delta token is expired or invalid. Start over without a token.",
    );
    error.with(http::header::LOCATION, &format!("{}{}", call.request.origin, call.request.path))
}

/// What a round tells of one object.
enum Event {
    Here(String),
    Gone(String, &'static str),
}

impl Event {
    fn id(&self) -> &str {
        match self {
            Self::Here(id) | Self::Gone(id, _) => id,
        }
    }
}

/// What the round has to tell after the page before, in the order of ids. Of each object there is its life, and
/// whether the caller may read it.
fn events<'a>(
    lives: impl Iterator<Item = (&'a str, &'a Life, bool)>,
    marks: &SnapshotMap<String, Mark>,
    token: &Token,
    now: Timestamp,
) -> Vec<Event> {
    let is_asked = |id: &str| token.ids.as_ref().is_none_or(|ids| ids.iter().any(|one| one == id));
    let comes = |id: &str| is_asked(id) && token.after.as_deref().is_none_or(|after| id > after);
    let changed = |id: &str, since: &Point| marks.get(id).is_some_and(|mark| mark.number > since.number);
    let mut there = std::collections::BTreeSet::new();
    let mut events: Vec<Event> = Vec::new();
    for (id, life, is_readable) in lives {
        there.insert(id);
        match &token.since {
            _ if !is_readable || !comes(id) => {}
            None if life.is_visible(now) => events.push(Event::Here(id.to_owned())),
            None => {}
            Some(since) if life.is_visible(now) && (changed(id, since) || life.visible > since.at) => {
                events.push(Event::Here(id.to_owned()));
            }
            Some(since) if !life.is_live() && changed(id, since) => {
                events.push(Event::Gone(id.to_owned(), "changed"));
            }
            Some(_) => {}
        }
    }
    if let Some(since) = &token.since {
        let purged =
            marks.iter().filter(|(id, mark)| mark.number > since.number && !there.contains(id.as_str()));
        events.extend(purged.filter(|(id, _)| comes(id)).map(|(id, _)| Event::Gone(id.clone(), "deleted")));
    }
    events.sort_by(|left, right| left.id().cmp(right.id()));
    events
}

/// Cuts a page, with the link to the next or to the next round.
fn page(
    call: &Call<'_>,
    collection: &str,
    asked: &Query,
    token: Token,
    events: Vec<Event>,
    show: impl Fn(&str) -> Option<Value>,
) -> crate::exchange::Response {
    let size = scope::page(token.top);
    let is_last = events.len() <= size;
    let page: Vec<Event> = events.into_iter().take(size).collect();
    let next = if is_last {
        Token { after: None, ..token }
    } else {
        let after = page.last().map(|event| event.id().to_owned()).or_else(|| token.after.clone());
        Token { after, ..token }
    };
    let items = page.iter().filter_map(|event| match event {
        Event::Here(id) => show(id).map(|mut item| {
            // What identifies an object is there, selected or not.
            item["id"] = json!(id);
            item
        }),
        Event::Gone(id, reason) => Some(json!({ "id": id, "@removed": { "reason": reason } })),
    });
    answer(call, collection, asked, &next, is_last, items.collect())
}

/// `$deltatoken=latest`: no objects, and where to ask for what changes from now on.
fn latest(call: &Call<'_>, collection: &str, query: &Query) -> crate::exchange::Response {
    let now = Point { number: call.tenant.workloads.journal.last, at: call.now };
    let ids = query.filter.as_ref().and_then(ids_of);
    let token =
        Token { since: None, began: now, after: None, select: query.select.clone(), ids, top: query.top };
    answer(call, collection, query, &token, true, Vec::new())
}

fn answer(
    call: &Call<'_>,
    collection: &str,
    asked: &Query,
    next: &Token,
    is_last: bool,
    items: Vec<Value>,
) -> crate::exchange::Response {
    let (name, option) =
        if is_last { ("@odata.deltaLink", "$deltatoken") } else { ("@odata.nextLink", "$skiptoken") };
    let link = format!("{}/{collection}/delta?{option}={}", call.base(), next.encode());
    let mut body = Map::new();
    let context = format!("{collection}{}/$delta", asked.selected());
    body.insert("@odata.context".to_owned(), json!(call.context(&context)));
    body.insert(name.to_owned(), json!(link));
    body.insert("value".to_owned(), Value::Array(items));
    call.ok(&Value::Object(body))
}
