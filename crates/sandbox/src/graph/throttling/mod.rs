//! Throttling: each request is counted in every limit of its row of the one table, by the tenant's clock, and
//! refused by the first that it exceeds (Graph reference §4.1, §5.4, §6.1, §7.1). It is counted before it is
//! held, delayed or refused for anything else, once its token was read.

mod limit;
mod meter;
mod refusal;
pub(crate) mod sign_in;
mod table;

use std::sync::Arc;

use http::Method;
use http::header::HeaderName;

use crate::authorize::{Caller, authenticate};
use crate::exchange::{Request, Response};
use crate::faults::glob;
use crate::realm::Realm;
use crate::sandbox::Shared;
use crate::scope::note;
use crate::throttling::Limits;

use super::dispatch;
use super::path::{Params, Path};
use super::route::{Area, Route};
use limit::{Of, Per};
use meter::{Key, Use};
use refusal::Quota;
use table::{ALL, COSTS, OF_MANY, OF_SHARING, ROWS, Row};

pub(crate) use meter::Meter;

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    realm: Arc<Realm>,
    /// What it takes up until it is answered.
    running: Vec<Key>,
    /// What it cost, of a request to the directory.
    units: Option<u32>,
    /// The share of its limits that is used up.
    share: f64,
    /// What is left of the app's minute, of a request for files that came near its end.
    quota: Option<Quota>,
}

impl Admitted {
    /// The answer with what the directory or SharePoint says about limits.
    pub(crate) fn mark(&self, mut response: Response) -> Response {
        for (name, value) in self.quota.into_iter().flat_map(Quota::headers) {
            response = response.with(name, &value);
        }
        let Some(units) = self.units else { return response };
        let response = response.with(HeaderName::from_static("x-ms-resource-unit"), &units.to_string());
        if self.share <= 0.8 {
            return response;
        }
        let share = format!("{:.2}", self.share.min(1.8));
        response.with(HeaderName::from_static("x-ms-throttle-limit-percentage"), &share)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        for key in &self.running {
            self.realm.meter.answered(key);
        }
    }
}

/// Counts a request: the answer if it is one too many. Where nothing is limited, nothing is counted.
pub(crate) fn admit(
    shared: &Shared,
    realm: &Arc<Realm>,
    request: &Request,
    path: &Path,
) -> Result<Option<Admitted>, Box<Response>> {
    let throttling = realm.manners().throttling;
    if throttling.limits == Limits::Off {
        return Ok(None);
    }
    let now = realm.clock.now();
    let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    let Some((route, params)) = shared.routes.find(method, path) else { return Ok(None) };
    let Ok(caller) = authenticate(request, &shared.key, now) else { return Ok(None) };
    let asked =
        Asked { realm, request, caller: &caller, params: &params, area: route.area, shape: shape(route) };
    let (row, number) = asked.row();
    let mut uses = asked.uses(&ALL, ROWS.len());
    uses.extend(asked.uses(row, number));
    for one in &mut uses {
        one.most = scaled(one.most, throttling.scale);
        if one.per == Per::App {
            one.elsewhere = elsewhere(shared, realm, &one.key);
        }
    }
    match realm.meter.count(&uses, now) {
        Ok(share) => Ok(Some(Admitted {
            realm: Arc::clone(realm),
            running: uses.iter().filter(|one| one.of == Of::AtOnce).map(|one| one.key.clone()).collect(),
            units: (row.area == Some(Area::Directory)).then(|| asked.units()),
            share,
            quota: quota(realm, &uses, row, now),
        })),
        Err(exceeded) => {
            note(|decision| decision.limit = Some(exceeded.to_string()));
            let error = refusal::refusal(row.words, &exceeded, throttling.retry_after, &caller);
            Err(Box::new(dispatch::finish(realm, request, Err(error))))
        }
    }
}

/// A request, as far as limits look at it.
struct Asked<'a> {
    realm: &'a Realm,
    request: &'a Request,
    caller: &'a Caller,
    params: &'a Params,
    area: Area,
    /// `GET /chats/{}/messages`.
    shape: String,
}

impl Asked<'_> {
    fn row(&self) -> (&'static Row, usize) {
        let fits =
            |row: &&Row| row.area.is_none_or(|wanted| wanted == self.area) && self.is_one_of(row.requests);
        let number = ROWS.iter().position(|row| fits(&row));
        number.and_then(|number| Some((ROWS.get(number)?, number))).unwrap_or((&NOTHING, ROWS.len() + 1))
    }

    fn is_one_of(&self, requests: &[&str]) -> bool {
        requests.iter().any(|pattern| glob(pattern.as_bytes(), self.shape.as_bytes()))
    }

    /// What the request uses of a row's limits.
    fn uses(&self, row: &Row, number: usize) -> Vec<Use> {
        // More than 500 is large, however many more.
        let users = self.realm.look().users.values().take(501).count();
        let mut uses = Vec::new();
        for (place, limit) in row.limits.iter().enumerate() {
            let (Some(who), cost) = (self.who(limit.per), self.cost(limit.of)) else { continue };
            if cost == 0 {
                continue;
            }
            uses.extend(limit.windows(users).map(|(most, seconds)| Use {
                key: Key { row: number, limit: place, seconds, who: who.clone() },
                per: limit.per,
                of: limit.of,
                cost,
                most: most.into(),
                elsewhere: 0,
            }));
        }
        uses
    }

    /// Who shares a limit with this request; none if it names no such thing.
    fn who(&self, per: Per) -> Option<String> {
        let app = &self.caller.app_id;
        let thing = match per {
            Per::Tenant => return Some(String::new()),
            Per::Person => return self.caller.user_id().map(str::to_owned),
            Per::App | Per::AppAndTenant => return Some(app.clone()),
            Per::Mailbox => self.owner(),
            Per::User => self.caller.user_id().map(str::to_owned).or_else(|| self.owner()),
            Per::Place => {
                let place = ["chat", "team", "channel"].map(|name| self.params.get(name)).join("/");
                (place != "//").then_some(place)
            }
        };
        thing.map(|thing| format!("{app} {thing}"))
    }

    /// The user whose mailbox or chats the path names, or the caller.
    fn owner(&self) -> Option<String> {
        let named = ["user", "id"].into_iter().map(|name| self.params.get(name)).find(|id| !id.is_empty());
        let Some(named) = named else { return self.caller.user_id().map(str::to_owned) };
        let tenant = self.realm.look();
        let user = tenant.user(named, self.realm.clock.now());
        Some(user.map_or_else(|| named.to_ascii_lowercase(), |user| user.id.clone()))
    }

    fn cost(&self, of: Of) -> u64 {
        let is_write = !self.shape.starts_with("GET ");
        match of {
            Of::Requests | Of::AtOnce => 1,
            Of::Units if self.area == Area::Files => self.file_units().into(),
            Of::Units => self.units().into(),
            Of::Writes => is_write.into(),
            Of::Bytes if is_write => self.request.body.len() as u64,
            Of::Bytes => 0,
        }
    }

    /// Resource units: by the table, less for a selection and a short page, more for an expansion.
    fn units(&self) -> u32 {
        let listed = COSTS.iter().find(|(request, _)| self.is_one_of(&[request]));
        let mut units = listed.map_or(1, |(_, units)| *units);
        let has = |name: &str| self.request.query(name);
        units += u32::from(has("$expand").is_some());
        let is_short = has("$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|top| top < 20);
        let less = u32::from(has("$select").is_some()) + u32::from(is_short);
        units.saturating_sub(less).max(1)
    }

    /// SharePoint's units: five about sharing, two for a list or a change, one for a single item or what is new.
    fn file_units(&self) -> u32 {
        let expands = self.request.query("$expand").is_some_and(|names| names.contains("permissions"));
        if expands || self.is_one_of(OF_SHARING) {
            return 5;
        }
        let is_write = !self.shape.starts_with("GET ");
        let is_list = self.is_one_of(OF_MANY) && self.request.query("token").is_none();
        if is_write || is_list { 2 } else { 1 }
    }
}

/// What is left of an app's minute with SharePoint, if that is not much.
fn quota(realm: &Realm, uses: &[Use], row: &Row, now: jiff::Timestamp) -> Option<Quota> {
    let told = |one: &&Use| refusal::is_quota(one.per, one.of, one.key.seconds);
    let minute = uses.iter().find(told).filter(|_| row.words == refusal::Words::SharePoint)?;
    let (used, reset) = realm.meter.standing(&minute.key, now)?;
    Quota::near(minute.most, used, reset)
}

/// What no row limits.
const NOTHING: Row = Row { area: None, requests: &[], limits: &[], words: refusal::Words::Directory };

/// A route without the names of its parameters, and without the user that a chat or a mailbox is reached
/// through.
fn shape(route: &Route) -> String {
    let name = route.name();
    let (method, path) = name.split_once(' ').unwrap_or(("", name));
    let mut parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect();
    match parts.as_slice() {
        ["me", ..] => drop(parts.drain(..1)),
        ["users", "{}", ..] => drop(parts.drain(..2)),
        _ => {}
    }
    format!("{method} /{}", parts.join("/"))
}

/// What the app used in the sandbox's other tenants, each by its own clock.
fn elsewhere(shared: &Shared, own: &Realm, key: &Key) -> u64 {
    if shared.realms.is_alone() {
        return 0;
    }
    let others = shared.realms.all();
    others
        .iter()
        .filter(|realm| realm.id != own.id)
        .map(|realm| realm.meter.used(key, realm.clock.now()))
        .sum()
}

/// At least one, so that a small scale does not close the tenant.
fn scaled(most: u64, scale: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limits are small and scales are checked; more than fits is no limit"
    )]
    let scaled = (most as f64 * scale).ceil() as u64;
    scaled.max(1)
}
