//! Sharing: links, invitations and the permissions of an item (Microsoft's pages on `createLink`, `invite`
//! and `permission`).

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::mail;
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::route::Route;

use super::access::{Place, invalid, not_found};
use super::items::changed;
use super::state::{Invitation, Link, Permission, Role};
use super::{permissions, wire};

const PERMISSION: Surface = Surface::object(Service::Teams, "permission", wire::PERMISSION);
const PERMISSIONS: Surface = Surface {
    service: Service::Teams,
    type_name: "permission",
    options: &["select", "top", "skiptoken"],
    properties: wire::PERMISSION,
    expandable: &[],
    page: 200,
    largest_page: 999,
};

pub(super) fn routes() -> Vec<Route> {
    [
        on_items!(POST "/createLink", permissions::WRITE, create_link),
        on_items!(POST "/invite", permissions::WRITE, invite),
        on_items!(GET "/permissions", permissions::READ, list),
        on_items!(GET "/permissions/{permission}", permissions::READ, get),
        on_items!(PATCH "/permissions/{permission}", permissions::WRITE, update),
        on_items!(DELETE "/permissions/{permission}", permissions::WRITE, delete),
    ]
    .concat()
}

/// The id of the permission that an owner has on everything.
fn owners_id(owner: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("i:0#.f|membership|{owner}"))
}

fn owners(owner: &str) -> Permission {
    Permission {
        id: owners_id(owner),
        role: Role::Owner,
        users: vec![owner.to_owned()],
        link: None,
        invitation: None,
        expires: None,
        has_password: false,
    }
}

/// The permissions of an item, those of the folders around it included.
pub(super) fn listed(call: &Call<'_>, place: &Place) -> Result<Vec<Value>, GraphError> {
    let drive = call.drive_at(place)?;
    let item = call.drive_item(place)?;
    let mut shown = vec![wire::permission(call.tenant, drive, &owners(&drive.owner), None)];
    for holder in std::iter::once(item).chain(drive.ancestors(item)) {
        let inherited = (holder.id != item.id).then_some(holder);
        let current = holder.permissions.iter().filter(|permission| permission.is_current(call.now));
        shown.extend(current.map(|one| wire::permission(call.tenant, drive, one, inherited)));
    }
    Ok(shown)
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&PERMISSIONS)?;
    let place = call.drive_place(Role::Read)?;
    let shown = listed(call, &place)?;
    let context = context(call, &place)?;
    Ok(call.list(&query, &context, shown, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&PERMISSION)?;
    let place = call.drive_place(Role::Read)?;
    let asked = call.params.get("permission").to_owned();
    let shown = listed(call, &place)?.into_iter().find(|one| one["id"] == asked.as_str());
    let context = context(call, &place)?;
    Ok(call.entity(&query, &context, shown.ok_or_else(not_found)?, None))
}

fn context(call: &Call<'_>, place: &Place) -> Result<String, GraphError> {
    Ok(format!("{}('{}')/permissions", super::items::context(call.drive_at(place)?), place.item))
}

fn update(call: &mut Call<'_>) -> Answer {
    let body = call.body()?;
    let role = match body.get("roles") {
        None => None,
        Some(roles) => Some(role_in(roles)?),
    };
    let expires = expiry(&body, call.now)?;
    let (place, at) = own(call)?;
    let drive = call.drive_of(&place.owner)?;
    let item = drive.items.get_mut(&place.item).ok_or_else(not_found)?;
    let permission = &mut item.permissions[at];
    if let (Some(role), Some(link)) = (role, &mut permission.link) {
        link.kind = if role == Role::Read { "view" } else { "edit" }.to_owned();
    }
    permission.role = role.unwrap_or(permission.role);
    permission.expires = expires.or(permission.expires);
    let changed_one = permission.clone();
    changed(call, &place.owner);
    let shown = wire::permission(call.tenant, call.drive_at(&place)?, &changed_one, None);
    let context = context(call, &place)?;
    Ok(call.entity(&Query::default(), &context, shown, None))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (place, at) = own(call)?;
    call.check_if_match(call.drive_item(&place)?)?;
    if let Some(item) = call.drive_of(&place.owner)?.items.get_mut(&place.item) {
        item.permissions.remove(at);
    }
    changed(call, &place.owner);
    Ok(call.no_content())
}

/// The item and the place of a permission that is its own: neither inherited nor its owner's.
fn own(call: &mut Call<'_>) -> Result<(Place, usize), GraphError> {
    let place = call.drive_place(Role::Write)?;
    let asked = call.params.get("permission").to_owned();
    let own = call.drive_item(&place)?.permissions.iter().position(|permission| permission.id == asked);
    if let Some(at) = own {
        return Ok((place, at));
    }
    if listed(call, &place)?.iter().any(|one| one["id"] == asked.as_str()) {
        return Err(invalid("The permission is inherited or the owner's, and cannot be changed here."));
    }
    Err(not_found())
}

fn create_link(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Write)?;
    let body = call.body()?;
    let kind = choice(&body, "type", "view", &["view", "edit"])?;
    let scope = choice(&body, "scope", "organization", &["anonymous", "organization", "users"])?;
    let expires = expiry(&body, call.now)?;
    let has_password = body.get("password").and_then(Value::as_str).is_some_and(|one| !one.is_empty());
    let now = call.now;
    let item = call.drive_item(&place)?;
    let same = |permission: &&Permission| {
        permission.is_current(now)
            && permission.expires == expires
            && permission.has_password == has_password
            && permission.link.as_ref().is_some_and(|link| link.kind == kind && link.scope == scope)
    };
    let known = item.permissions.iter().find(same).cloned();
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let permission = known.unwrap_or_else(|| {
        let id = crate::directory::new_id();
        let token = format!("E{}", crate::directory::new_id().replace('-', ""));
        Permission {
            id,
            role: if kind == "edit" { Role::Write } else { Role::Read },
            users: Vec::new(),
            link: Some(Link { kind, scope, token }),
            invitation: None,
            expires,
            has_password,
        }
    });
    if status == StatusCode::CREATED {
        grant(call, &place, permission.clone())?;
    }
    let shown = wire::permission(call.tenant, call.drive_at(&place)?, &permission, None);
    let mut response = call.entity(&Query::default(), "microsoft.graph.permission", shown, None);
    response.status = status;
    Ok(response)
}

fn invite(call: &mut Call<'_>) -> Answer {
    let place = call.drive_place(Role::Write)?;
    let body = call.body()?;
    let role = role_in(body.get("roles").unwrap_or(&Value::Null))?;
    let expires = expiry(&body, call.now)?;
    let sign_in_required = body.get("requireSignIn").and_then(Value::as_bool).unwrap_or(true);
    let recipients = body.get("recipients").and_then(Value::as_array).filter(|list| !list.is_empty());
    let recipients = recipients.ok_or_else(|| invalid("The request names no recipients."))?;
    let people: Vec<Recipient> =
        recipients.iter().map(|one| Recipient::read(call, one)).collect::<Result<_, _>>()?;
    let by = call.drive_author();
    let sends_mail = body.get("sendInvitation").and_then(Value::as_bool).unwrap_or(false);
    let addresses: Vec<String> =
        people.iter().filter(|_| sends_mail).filter_map(|person| person.address(call)).collect();

    let mut shown = Vec::new();
    for person in people {
        let invitation = person.is_outside.then(|| Invitation {
            email: person.key.clone(),
            sign_in_required,
            invited_by: by.clone(),
        });
        let drive = call.drive_of(&place.owner)?;
        let item = drive.items.get_mut(&place.item).ok_or_else(not_found)?;
        let known =
            item.permissions.iter_mut().find(|one| one.link.is_none() && one.users == [person.key.clone()]);
        let permission = match known {
            Some(permission) => {
                permission.role = role;
                permission.expires = expires;
                permission.clone()
            }
            None => {
                let id = crate::directory::new_id();
                let users = vec![person.key];
                let new =
                    Permission { id, role, users, link: None, invitation, expires, has_password: false };
                item.permissions.push(new.clone());
                new
            }
        };
        shown.push(wire::permission(call.tenant, call.drive_at(&place)?, &permission, None));
    }
    touch(call, &place)?;
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    tell(call, &place, &addresses, message)?;
    Ok(call.whole("Collection(permission)", shown))
}

/// The mail of an invitation, with what whoever shares has to say.
fn tell(call: &mut Call<'_>, place: &Place, addresses: &[String], message: &str) -> Result<(), GraphError> {
    let item = call.drive_item(place)?;
    let sharer = call.caller.user_id().and_then(|id| call.tenant.users.get(id));
    let sharer = sharer.map_or_else(|| call.tenant.display_name.clone(), |user| user.display_name.clone());
    let link = wire::web_url(call.tenant, call.drive_at(place)?, item);
    let announcement = mail::Announcement {
        from: "no-reply@sharepointonline.com",
        name: sharer.clone(),
        subject: format!("{sharer} shared \"{}\" with you", item.name),
        text: [message, &link].into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join("\r\n\r\n"),
    };
    for address in addresses {
        mail::announce(call.tenant, address, announcement.clone(), (call.now, call.lag));
    }
    Ok(())
}

/// Gives an item a permission.
fn grant(call: &mut Call<'_>, place: &Place, permission: Permission) -> Result<(), GraphError> {
    let drive = call.drive_of(&place.owner)?;
    drive.items.get_mut(&place.item).ok_or_else(not_found)?.permissions.push(permission);
    touch(call, place)
}

/// Sharing shows in delta and in the eTag.
fn touch(call: &mut Call<'_>, place: &Place) -> Result<(), GraphError> {
    let drive = call.drive_of(&place.owner)?;
    let mut item = drive.item(&place.item).cloned().ok_or_else(not_found)?;
    item.version += 1;
    drive.keep(item);
    changed(call, &place.owner);
    Ok(())
}

/// Somebody who is invited: a user of the tenant, or an address outside.
struct Recipient {
    /// The user's object id, or the address.
    key: String,
    is_outside: bool,
}

impl Recipient {
    /// Where the mail goes.
    fn address(&self, call: &Call<'_>) -> Option<String> {
        match call.tenant.users.get(&self.key) {
            Some(user) => call.tenant.primary_address(user, call.now),
            None => Some(self.key.clone()),
        }
    }

    fn read(call: &Call<'_>, recipient: &Value) -> Result<Self, GraphError> {
        let named = |name: &str| recipient.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let email = named("email");
        let key = named("objectId").or(email).or_else(|| named("alias"));
        let key = key.ok_or_else(|| invalid("A recipient has neither email, alias nor objectId."))?;
        let by_mail = |key: &str| {
            let mut users = call.tenant.users.values().filter(|user| user.life.is_visible(call.now));
            users.find(|user| {
                user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(key))
                    || user.mail_nickname.eq_ignore_ascii_case(key)
            })
        };
        if let Some(user) = call.tenant.user(key, call.now).or_else(|| by_mail(key)) {
            return Ok(Self { key: user.id.clone(), is_outside: false });
        }
        match email.filter(|email| email.split('@').count() == 2 && !is_local(call, email)) {
            Some(email) => Ok(Self { key: email.to_owned(), is_outside: true }),
            None => Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "sharingFailed",
                "Some users in the request are invalid or could not be found.",
            )),
        }
    }
}

fn is_local(call: &Call<'_>, email: &str) -> bool {
    call.tenant.domains.contains(email.rsplit('@').next().unwrap_or_default())
}

fn role_in(roles: &Value) -> Result<Role, GraphError> {
    let names: Vec<&str> = roles.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match names.as_slice() {
        ["read"] => Ok(Role::Read),
        ["write"] => Ok(Role::Write),
        ["owner" | "sp.full control"] => Ok(Role::Owner),
        _ => Err(invalid("The value of roles is invalid: one of read, write, owner.")),
    }
}

fn choice(
    body: &Map<String, Value>,
    name: &str,
    default: &str,
    known: &[&str],
) -> Result<String, GraphError> {
    let given = match body.get(name) {
        None | Some(Value::Null) => default,
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let found = known.iter().find(|one| one.eq_ignore_ascii_case(given));
    found.map(|one| (*one).to_owned()).ok_or_else(|| invalid(format!("The value of {name} is invalid.")))
}

fn expiry(body: &Map<String, Value>, now: Timestamp) -> Result<Option<Timestamp>, GraphError> {
    let Some(text) = body.get("expirationDateTime").and_then(Value::as_str).filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let time: Timestamp =
        text.parse().map_err(|_| invalid("Invalid value specified for property 'expirationDateTime'."))?;
    if time <= now {
        return Err(invalid("The expirationDateTime lies in the past."));
    }
    Ok(Some(time))
}

/// What `/shares` says of who holds a link.
pub(super) fn link_permission(call: &Call<'_>, place: &Place, id: &str) -> Result<Value, GraphError> {
    let item = call.drive_item(place)?;
    let found = item.permissions.iter().find(|permission| permission.id == id).ok_or_else(not_found)?;
    Ok(json!(wire::permission(call.tenant, call.drive_at(place)?, found, None)))
}
