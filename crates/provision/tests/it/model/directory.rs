//! The objects of the tenant and the requests that it serves: as much of the Entra reference §2 and §3 as the
//! chain touches, written from there and not from the client.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_terms::{Rng, SeededRng};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DER, PROVISIONER, SPONSOR};

pub(crate) const SKU: &str = "3b555118-da6a-4418-894f-7df1e2096870";
pub(crate) const FOREIGN_KEY: &str = "c29tZWJvZHkgZWxzZSdz";
const GRAPH: Uuid = Uuid::from_u128(0x6a);
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
const ROLES: [(&str, Uuid); 8] = [
    ("AgentIdUser.ReadWrite.IdentityParentedBy", Uuid::from_u128(0xb289933a_7ef7_c0d0_dedf_17468cb8aaf4)),
    ("AgentIdentity.CreateAsManager", Uuid::from_u128(0x327e565c_c8db_4e90_b4fd_162755297b92)),
    ("DelegatedPermissionGrant.ReadWrite.All", Uuid::from_u128(0xa1)),
    ("AppRoleAssignment.ReadWrite.All", Uuid::from_u128(0xa2)),
    ("AgentIdentityBlueprint.Create", Uuid::from_u128(0xa3)),
    ("AgentIdentityBlueprint.ReadWrite.All", Uuid::from_u128(0xa4)),
    ("AgentIdentityBlueprintPrincipal.Create", Uuid::from_u128(0xa5)),
    ("Directory.Read.All", Uuid::from_u128(0xa6)),
];

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    Provisioner,
    Blueprint(Uuid),
    AgentUser(Uuid, Uuid, Uuid),
}

/// When something became, or stops being, visible everywhere.
#[derive(Clone, Copy, Debug)]
struct Life {
    born: Timestamp,
    dead: Option<Timestamp>,
}

impl Life {
    /// Whether this read sees it; until it is visible everywhere, half of them do.
    fn seen(&self, now: Timestamp, luck: f64) -> bool {
        let born = now >= self.born || luck < 0.5;
        let dead = self.dead.is_some_and(|dead| now >= dead || luck >= 0.5);
        born && !dead
    }

    fn live(&self) -> bool {
        self.dead.is_none()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) id: Uuid,
    pub(crate) fields: BTreeMap<&'static str, Value>,
    /// What a lagging read still sees of fields that changed, and until when.
    stale: BTreeMap<&'static str, (Value, Timestamp)>,
    life: Life,
}

impl Object {
    pub(crate) fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    fn seen_field(&self, name: &str, now: Timestamp, luck: f64) -> &Value {
        match self.stale.get(name) {
            Some((old, until)) if now < *until && luck >= 0.5 => old,
            _ => self.field(name),
        }
    }

    fn set(&mut self, name: &'static str, value: Value, visible: Timestamp) {
        let old = self.fields.insert(name, value).unwrap_or(Value::Null);
        self.stale.insert(name, (old, visible));
    }

    fn json(&self, now: Timestamp, luck: f64) -> Value {
        let mut body = json!({ "id": self.id });
        for name in self.fields.keys() {
            body[*name] = self.seen_field(name, now, luck).clone();
        }
        body
    }
}

pub(crate) struct Directory {
    pub(crate) objects: Vec<Object>,
    pub(crate) seats: i64,
    pub(crate) mailbox_after: Duration,
    pub(crate) teams_after: Duration,
}

type Served = (u16, Value);

impl Default for Directory {
    fn default() -> Self {
        let mut directory = Self {
            objects: Vec::new(),
            seats: 1,
            mailbox_after: Duration::from_secs(40),
            teams_after: Duration::from_secs(90),
        };
        let mut seed = |kind, id, fields: Value| {
            let born = Timestamp::UNIX_EPOCH;
            directory.add(kind, id, fields, born);
        };
        seed("user", SPONSOR, json!({ "userPrincipalName": "ada@contoso.example", "assignedLicenses": [] }));
        seed("principal", PROVISIONER, json!({ "appId": PROVISIONER }));
        for (index, (_, role)) in ROLES.iter().enumerate().skip(2) {
            let id = Uuid::from_u128(0xf0 + index as u128);
            seed("role", id, json!({ "principalId": PROVISIONER, "appRoleId": role, "resourceId": GRAPH }));
        }
        // What is not ours and must be there at the end as it is now.
        let foreign = Uuid::from_u128(0xee);
        seed("blueprint", foreign, json!({ "appId": foreign, "tags": ["attache:other/blueprint"] }));
        directory
    }
}

impl Directory {
    fn add(&mut self, kind: &'static str, id: Uuid, fields: Value, born: Timestamp) -> Value {
        let Value::Object(map) = fields else { panic!("fields") };
        let fields = map.into_iter().map(|(name, value)| (&*name.leak(), value)).collect();
        let life = Life { born, dead: None };
        self.objects.push(Object { kind, id, fields, stale: BTreeMap::new(), life });
        self.objects.last().unwrap().json(born, 0.0)
    }

    pub(crate) fn live(&self, kind: &str) -> Vec<&Object> {
        self.objects.iter().filter(|one| one.kind == kind && one.life.live()).collect()
    }

    pub(crate) fn drop_role(&mut self, name: &str) {
        let role = json!(ROLES.iter().find(|(own, _)| *own == name).unwrap().1);
        self.objects.retain(|one| one.kind != "role" || *one.field("appRoleId") != role);
    }

    pub(crate) fn role(name: &str) -> Value {
        json!(ROLES.iter().find(|(own, _)| *own == name).unwrap().1)
    }

    fn find(&self, kind: &str, id: &str, now: Timestamp, luck: f64) -> Option<usize> {
        self.objects
            .iter()
            .position(|one| one.kind == kind && one.id.to_string() == id && one.life.seen(now, luck))
    }

    fn list(&self, kind: &str, field: &str, value: &Value, now: Timestamp, luck: f64) -> Served {
        let of = |one: &&Object| {
            let own = one.field(field);
            one.kind == kind
                && one.life.seen(now, luck)
                && (own == value || own.as_array().is_some_and(|all| all.contains(value)))
        };
        let all: Vec<Value> = self.objects.iter().filter(of).map(|one| one.json(now, luck)).collect();
        (200, json!({ "value": all }))
    }

    fn has(&self, principal: Uuid, role: &str, now: Timestamp, luck: f64) -> bool {
        self.objects.iter().any(|one| {
            one.kind == "role"
                && *one.field("principalId") == json!(principal)
                && *one.field("appRoleId") == Self::role(role)
                && one.life.seen(now, luck)
        })
    }

    /// Issues a token: what it may do is what is granted and visible now.
    pub(crate) fn issue(&self, caller: &Caller, now: Timestamp, luck: f64) -> Result<String, u32> {
        let blueprint = |id: &Uuid| -> Result<&Object, u32> {
            let at = self.find("blueprint", &id.to_string(), now, luck).ok_or(700016u32)?;
            let keys = self.objects[at].seen_field("keyCredentials", now, luck);
            let ours = json!(super::directory_key(DER));
            if !keys.as_array().is_some_and(|all| all.iter().any(|key| key["key"] == ours)) {
                return Err(700027);
            }
            let principal = self.objects.iter().find(|one| {
                one.kind == "principal" && *one.field("appId") == json!(id) && one.life.seen(now, luck)
            });
            principal.ok_or(7000229)
        };
        match caller {
            Caller::Provisioner => Ok(ROLES
                .iter()
                .filter(|(name, _)| self.has(PROVISIONER, name, now, luck))
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(" ")),
            Caller::Blueprint(id) => {
                let principal = blueprint(id)?;
                let manages = self.has(principal.id, ROLES[0].0, now, luck);
                Ok(format!("{} {}", ROLES[1].0, if manages { ROLES[0].0 } else { "" }))
            }
            Caller::AgentUser(id, agent, user) => {
                let principal = blueprint(id)?;
                self.find("agent", &agent.to_string(), now, luck).ok_or(700213u32)?;
                self.find("user", &user.to_string(), now, luck).ok_or(50034u32)?;
                let granted = self.objects.iter().find(|one| {
                    one.kind == "grant"
                        && *one.field("clientId") == json!(principal.id)
                        && one.life.seen(now, luck)
                });
                let at = self.find("blueprint", &id.to_string(), now, luck).ok_or(700016u32)?;
                let inherited = self.objects[at].seen_field("inheritable", now, luck);
                match (granted, inherited) {
                    (Some(grant), Value::Array(scopes)) if !scopes.is_empty() => {
                        Ok(grant.field("scope").as_str().unwrap_or_default().to_owned())
                    }
                    _ => Err(65001),
                }
            }
        }
    }

    pub(crate) fn serve(
        &mut self,
        caller: &Caller,
        request: &http::Request<Bytes>,
        now: Timestamp,
        lag: Duration,
        rng: &SeededRng,
    ) -> Served {
        let url = url::Url::parse(&request.uri().to_string()).unwrap();
        let bearer = request.headers()["authorization"].to_str().unwrap().to_owned();
        let may = |permission: &str| bearer.split([' ', '\t']).any(|own| own == permission);
        let decode =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let path: Vec<String> = url.path_segments().unwrap().skip(1).map(decode).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let filter =
            url.query_pairs().find(|(name, _)| name == "$filter").map(|(_, value)| value.into_owned());
        let literal =
            filter.as_deref().and_then(|text| Some(json!(text.split_once('\'')?.1.rsplit_once('\'')?.0)));
        let literal = literal.unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let visible = now + lag;
        let luck = rng.fraction();
        const BLUEPRINT: &str = "microsoft.graph.agentIdentityBlueprint";
        const AGENT: &str = "microsoft.graph.agentIdentity";
        let denied =
            (403, error("Authorization_RequestDenied", "Insufficient privileges to complete the operation."));
        let absent = || (404, error("Request_ResourceNotFound", "Resource does not exist."));

        match (request.method().as_str(), &path[..]) {
            ("GET", ["domains"]) => {
                (200, json!({ "value": [{ "id": "contoso.example", "isVerified": true }] }))
            }
            ("GET", ["domains", "contoso.example"]) => {
                (200, json!({ "id": "contoso.example", "isVerified": true }))
            }
            ("GET", ["domains", _]) => absent(),
            ("GET", ["subscribedSkus"]) => {
                let used = self
                    .live("user")
                    .iter()
                    .filter(|one| one.field("assignedLicenses").as_array().is_some_and(|all| !all.is_empty()))
                    .count();
                (
                    200,
                    json!({ "value": [{ "skuId": SKU, "skuPartNumber": "O365_BUSINESS_ESSENTIALS", "appliesTo": "User",
                    "capabilityStatus": "Enabled", "consumedUnits": used, "prepaidUnits": { "enabled": self.seats },
                    "servicePlans": [{ "servicePlanId": "57ff2da0-773e-42df-b2af-ffb7a2317929", "servicePlanName": "TEAMS1" },
                        { "servicePlanId": "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "servicePlanName": "EXCHANGE_S_STANDARD" }] }] }),
                )
            }
            ("GET", ["servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"]) => {
                let roles: Vec<Value> =
                    ROLES.iter().map(|(name, id)| json!({ "id": id, "value": name })).collect();
                (200, json!({ "id": GRAPH, "appId": GRAPH_APP, "appRoles": roles }))
            }
            ("GET", ["users"]) => self.list("user", "identityParentId", &literal, now, luck),
            ("GET", ["users", key]) => {
                let of = |one: &&Object| {
                    one.kind == "user"
                        && (one.id.to_string() == *key || *one.field("userPrincipalName") == json!(key))
                        && one.life.seen(now, luck)
                };
                match self.objects.iter().find(of) {
                    Some(user) => (200, user.json(now, luck)),
                    None => absent(),
                }
            }
            ("GET", ["applications", BLUEPRINT]) => self.list("blueprint", "tags", &literal, now, luck),
            ("GET", ["applications", BLUEPRINT, id]) => match self.find("blueprint", id, now, luck) {
                Some(at) => (200, self.objects[at].json(now, luck)),
                None => absent(),
            },
            ("POST", ["applications", BLUEPRINT]) => {
                let id = rng.uuid();
                let fields = json!({ "appId": id, "tags": body["tags"], "sponsors": body["sponsors@odata.bind"],
                    "keyCredentials": [{ "key": FOREIGN_KEY, "keyId": "k" }], "inheritable": [] });
                (201, self.add("blueprint", id, fields, visible))
            }
            ("PATCH", ["applications", BLUEPRINT, id]) => match self.find("blueprint", id, now, luck) {
                Some(at) => {
                    self.objects[at].set("keyCredentials", body["keyCredentials"].clone(), visible);
                    (204, Value::Null)
                }
                None => absent(),
            },
            ("GET", ["applications", BLUEPRINT, id, "inheritablePermissions"]) => {
                let Some(at) = self.find("blueprint", id, now, luck) else { return absent() };
                let scopes = self.objects[at].seen_field("inheritable", now, luck);
                let none = scopes.as_array().is_none_or(Vec::is_empty);
                let entry = json!({ "resourceAppId": GRAPH_APP, "inheritableScopes": { "kind": "enumerated", "scopes": scopes } });
                (200, json!({ "value": if none { vec![] } else { vec![entry] } }))
            }
            ("POST", ["applications", BLUEPRINT, id, "inheritablePermissions"]) => {
                let Some(at) = self.find("blueprint", id, now, luck) else { return absent() };
                if self.objects[at].field("inheritable").as_array().is_some_and(|all| !all.is_empty()) {
                    return (409, error("Request_MultipleObjectsWithSameKeyValue", "exists"));
                }
                self.objects[at].set("inheritable", body["inheritableScopes"]["scopes"].clone(), visible);
                (201, json!({}))
            }
            ("GET", ["servicePrincipals"]) => self.list("principal", "appId", &literal, now, luck),
            ("POST", ["servicePrincipals", "microsoft.graph.agentIdentityBlueprintPrincipal"]) => {
                let app = body["appId"].as_str().unwrap();
                if self.find("blueprint", app, now, luck).is_none() {
                    return (400, error("Request_BadRequest", &format!("Object with id {app} not found")));
                }
                if self.live("principal").iter().any(|one| *one.field("appId") == body["appId"]) {
                    return (409, error("Request_MultipleObjectsWithSameKeyValue", "already in use"));
                }
                (201, self.add("principal", rng.uuid(), json!({ "appId": app }), visible))
            }
            ("GET", ["servicePrincipals", id, "appRoleAssignments"]) => {
                self.list("role", "principalId", &json!(id), now, luck)
            }
            ("POST", ["servicePrincipals", id, "appRoleAssignments"]) => {
                if !may("AppRoleAssignment.ReadWrite.All") {
                    return denied;
                }
                if self.find("principal", id, now, luck).is_none() {
                    return absent();
                }
                let same = |one: &&Object| {
                    *one.field("principalId") == body["principalId"]
                        && *one.field("appRoleId") == body["appRoleId"]
                };
                if self.live("role").iter().any(same) {
                    return (
                        400,
                        error("Request_BadRequest", "Permission being assigned already exists on the object"),
                    );
                }
                (201, self.add("role", rng.uuid(), body, visible))
            }
            ("DELETE", ["servicePrincipals", _, "appRoleAssignments", id]) => {
                if !may("AppRoleAssignment.ReadWrite.All") {
                    return denied;
                }
                self.delete("role", id, now, visible)
            }
            ("GET", ["oauth2PermissionGrants"]) => {
                if !may("Directory.Read.All") {
                    return denied;
                }
                self.list("grant", "clientId", &literal, now, luck)
            }
            ("POST", ["oauth2PermissionGrants"]) => {
                if !may("DelegatedPermissionGrant.ReadWrite.All") {
                    return denied;
                }
                if self.find("principal", body["clientId"].as_str().unwrap(), now, luck).is_none() {
                    return (400, error("Request_BadRequest", "Principal was not found"));
                }
                if self.live("grant").iter().any(|one| *one.field("clientId") == body["clientId"]) {
                    return (409, error("Request_BadRequest", "Permission entry already exists."));
                }
                (201, self.add("grant", rng.uuid(), body, visible))
            }
            ("GET", ["servicePrincipals", AGENT]) => {
                let tagged = filter.is_some_and(|text| text.starts_with("tags"));
                self.list(
                    "agent",
                    if tagged { "tags" } else { "agentIdentityBlueprintId" },
                    &literal,
                    now,
                    luck,
                )
            }
            ("POST", ["servicePrincipals", AGENT]) => {
                let Caller::Blueprint(own) = caller else { return denied };
                if body["agentIdentityBlueprintId"] != json!(own) || body["sponsors@odata.bind"][0].is_null()
                {
                    return denied;
                }
                let id = rng.uuid();
                let fields = json!({ "appId": id, "agentIdentityBlueprintId": own, "tags": body["tags"] });
                (201, self.add("agent", id, fields, visible))
            }
            ("POST", ["users", "microsoft.graph.agentUser"]) => {
                if !may(ROLES[0].0) {
                    return denied;
                }
                let parent = body["identityParentId"].as_str().unwrap();
                if self.find("agent", parent, now, luck).is_none() {
                    return (400, error("Request_BadRequest", "Agent user IdentityParent does not exist"));
                }
                let same = |one: &&Object| {
                    *one.field("identityParentId") == body["identityParentId"]
                        || *one.field("userPrincipalName") == body["userPrincipalName"]
                };
                if self.live("user").iter().any(same) {
                    let mut body = error(
                        "Request_BadRequest",
                        "Another object with the same value for property userPrincipalName already exists.",
                    );
                    body["error"]["details"] = json!([{ "code": "ObjectConflict" }]);
                    return (400, body);
                }
                let fields = json!({ "userPrincipalName": body["userPrincipalName"], "identityParentId": parent,
                    "assignedLicenses": [], "usageLocation": null, "licensedAt": null });
                (201, self.add("user", rng.uuid(), fields, visible))
            }
            ("PATCH", ["users", id]) => {
                if !may(ROLES[0].0) {
                    return denied;
                }
                let Some(at) = self.find("user", id, now, luck) else { return absent() };
                self.objects[at].set("usageLocation", body["usageLocation"].clone(), visible);
                (204, Value::Null)
            }
            ("POST", ["users", id, "assignLicense"]) => {
                if !may(ROLES[0].0) {
                    return denied;
                }
                let used = self
                    .live("user")
                    .iter()
                    .filter(|one| one.field("assignedLicenses").as_array().is_some_and(|all| !all.is_empty()))
                    .count();
                let Some(at) = self.find("user", id, now, luck) else { return absent() };
                let user = &mut self.objects[at];
                if !body["removeLicenses"].as_array().unwrap().is_empty() {
                    user.set("assignedLicenses", json!([]), visible);
                    return (200, json!({}));
                }
                if user.seen_field("usageLocation", now, luck).is_null() {
                    return (
                        400,
                        error(
                            "Request_BadRequest",
                            "License assignment cannot be done for user with invalid usage location.",
                        ),
                    );
                }
                if user.field("assignedLicenses").as_array().is_some_and(Vec::is_empty) {
                    if used as i64 >= self.seats {
                        return (
                            400,
                            error(
                                "Request_BadRequest",
                                "Subscription with SKU does not have any available licenses.",
                            ),
                        );
                    }
                    user.set("assignedLicenses", json!([{ "skuId": SKU }]), visible);
                    user.fields.insert("licensedAt", json!(now.to_string()));
                }
                (200, json!({}))
            }
            ("GET", ["me", rest @ ..]) => self.me(caller, rest, &may, now),
            ("DELETE", ["users", id]) => self.delete("user", id, now, visible),
            ("DELETE", ["servicePrincipals", AGENT, id]) => self.delete("agent", id, now, visible),
            ("DELETE", ["servicePrincipals", "microsoft.graph.agentIdentityBlueprintPrincipal", id]) => {
                let served = self.delete("principal", id, now, visible);
                let gone = json!(id);
                for one in &mut self.objects {
                    if served.0 == 204
                        && (*one.field("clientId") == gone || *one.field("principalId") == gone)
                    {
                        one.life.dead = Some(visible);
                    }
                }
                served
            }
            ("DELETE", ["applications", BLUEPRINT, id]) => self.delete("blueprint", id, now, visible),
            ("GET", ["directory", "deletedItems", cast]) => {
                let kind = match *cast {
                    "microsoft.graph.agentUser" => "user",
                    "microsoft.graph.agentIdentity" => "agent",
                    "microsoft.graph.agentIdentityBlueprint" => "blueprint",
                    _ => "principal",
                };
                let dead = |one: &&Object| one.kind == kind && one.life.dead.is_some_and(|dead| now >= dead);
                let all: Vec<Value> =
                    self.objects.iter().filter(dead).map(|one| json!({ "id": one.id })).collect();
                (200, json!({ "value": all }))
            }
            (method, path) => panic!("the model does not know {method} {path:?}"),
        }
    }

    fn me(&self, caller: &Caller, rest: &[&str], may: &dyn Fn(&str) -> bool, now: Timestamp) -> Served {
        let Caller::AgentUser(_, _, user) = caller else { panic!("only a user has a /me") };
        let user = self.objects.iter().find(|one| one.id == *user).unwrap();
        let since = |span: Duration| {
            let at = user.field("licensedAt").as_str().and_then(|text| text.parse::<Timestamp>().ok());
            at.is_some_and(|at| now >= at + span)
        };
        match rest {
            [] if may("User.Read") => (200, user.json(now, 0.0)),
            ["mailFolders", "inbox"] if !since(self.mailbox_after) => (
                404,
                error(
                    "MailboxNotEnabledForRESTAPI",
                    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
                ),
            ),
            ["mailFolders", "inbox"] if may("Mail.ReadBasic") => (200, json!({ "id": "AAM=" })),
            ["chats"] if !since(self.teams_after) => (
                403,
                error(
                    "Forbidden",
                    "Failed to get license information for the user. Ensure user has a valid Office365 license assigned to them.",
                ),
            ),
            ["chats"] if may("Chat.Read") => (200, json!({ "value": [] })),
            _ => (
                403,
                error(
                    "Forbidden",
                    "Missing scope permissions on the request. API requires one of 'Chat.Read'. Scopes on the request ''",
                ),
            ),
        }
    }

    fn delete(&mut self, kind: &str, id: &str, now: Timestamp, visible: Timestamp) -> Served {
        let at = self.objects.iter().position(|one| {
            one.kind == kind && one.id.to_string() == id && one.life.live() && now >= one.life.born
        });
        match at {
            Some(at) => {
                self.objects[at].life.dead = Some(visible);
                (204, Value::Null)
            }
            None => (404, error("Request_ResourceNotFound", "Resource does not exist.")),
        }
    }
}

fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}
