//! Issues tokens with the claims that were captured from the live service (Entra reference §1.11).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::directory::{Factor, User};
use crate::tenant::Tenant;

use super::claims_request::ClaimsRequest;
use super::client::Client;
use super::conditional_access::Whereabouts;
use super::context::{Context, Endpoint};
use super::guest;
use super::optional;
use super::resource::{Resource, ResourceKind, granted_roles};
use super::subject::{exchange_subject, pairwise, short_guid};

/// `nbf` and `iat` lie this long before the issue.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// An access token and its lifetime in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) token: String,
    /// `expires_in`.
    pub(crate) lifetime: i64,
}

/// A user's sign-in, as tokens tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) session_id: String,
    /// How the user signed in: `pwd`, `mfa`; empty for agent users.
    pub(crate) methods: Vec<String>,
    /// When.
    #[serde(default)]
    pub(crate) at: Timestamp,
    /// What was shown beside the password.
    #[serde(default)]
    pub(crate) factors: Vec<Factor>,
}

impl SignIn {
    /// A new session of somebody who has just shown who it is.
    pub(crate) fn new(methods: &[&str], at: Timestamp) -> Self {
        let methods = methods.iter().map(|one| (*one).to_owned()).collect();
        Self { session_id: crate::directory::new_id(), methods, at, factors: Vec::new() }
    }

    /// The same with one factor more.
    pub(crate) fn with(mut self, factor: Factor) -> Self {
        let names: &[&str] = if factor == Factor::Fido2 { &["fido", "mfa"] } else { &["mfa"] };
        for name in names {
            if !self.has(name) {
                self.methods.push((*name).to_owned());
            }
        }
        if !self.factors.contains(&factor) {
            self.factors.push(factor);
        }
        self
    }

    /// Whether there was a second factor.
    pub(crate) fn is_strong(&self) -> bool {
        self.has("mfa")
    }

    /// What was shown, as `authenticationMethodModes`. A token tells less than a session: whoever had a second factor
    /// and did not say which had the app on a phone.
    pub(crate) fn modes(&self) -> Vec<&'static str> {
        let told: &[Factor] = match self.factors.as_slice() {
            [] if self.has("fido") => &[Factor::Fido2],
            [] if self.is_strong() => &[Factor::MicrosoftAuthenticator],
            factors => factors,
        };
        let password = self.has("pwd").then_some("password");
        password.into_iter().chain(told.iter().map(|one| one.mode())).collect()
    }

    fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|one| one == method)
    }
}

/// An app-only token. `exchange_path` is the `fmi_path` of hop 1.
pub(crate) fn app_token(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    resource: &Resource,
    roles: &[String],
    exchange_path: Option<&str>,
    wanted: &ClaimsRequest,
) -> Issued {
    let is_long = wanted.is_cae && resource.kind == ResourceKind::Graph;
    let lifetime = if is_long { lifetime(true) } else { 3600 };
    let mut claims = common(context, tenant, client, resource, lifetime);
    let is_agent = client.is_agent_identity();
    put(&mut claims, "idtyp", json!("app"));
    put(&mut claims, "oid", json!(client.principal.id));
    let subject = match exchange_path {
        Some(path) => exchange_subject(&tenant.id, &client.app_id, path),
        None => client.principal.id.clone(),
    };
    put(&mut claims, "sub", json!(subject));
    put(&mut claims, "xms_idrel", json!(facets(&[7])));
    if client.is_agentic() {
        let own: &[u32] = if is_agent { &[3, 9, 11] } else { &[9, 3] };
        put(&mut claims, "xms_act_fct", json!(facets(own)));
        put(&mut claims, "xms_sub_fct", json!(facets(own)));
    }
    if let Some(blueprint) = client.principal.blueprint_id() {
        put(&mut claims, "xms_par_app_azp", json!(blueprint));
    }
    if resource.kind == ResourceKind::Exchange {
        let info = if is_agent { "CAAQABgAIAAoAzAAOAE" } else { "CAAQABgAIAAoAjAA" };
        put(&mut claims, "xms_ficinfo", json!(info));
    }
    if resource.version == 1 {
        put(&mut claims, "app_displayname", json!(client.name));
        put(&mut claims, "idp", json!(v1_issuer(tenant)));
        put(&mut claims, "wids", json!(["0997a1d0-0d1d-4acb-b408-d5ca73121e90"]));
        if let Some(app) = tenant.application_by_app_id(&client.app_id, context.now) {
            put(&mut claims, "xms_acd", json!(app.life.created.as_second()));
        }
    }
    if !roles.is_empty() {
        put(&mut claims, "roles", json!(roles));
    }
    if wanted.is_cae {
        put(&mut claims, "xms_cc", json!(["cp1"]));
    }
    // An app token lives an hour and its `iat` lies five minutes back: exp-iat is 3900, expires_in 3599.
    Issued { token: sign(context, resource, &claims), lifetime: lifetime - 1 }
}

/// What a user's token tells.
#[derive(Debug)]
pub(crate) struct Granted<'a> {
    pub(crate) user: &'a User,
    pub(crate) resource: &'a Resource,
    pub(crate) scopes: &'a [String],
    pub(crate) sign_in: &'a SignIn,
    pub(crate) wanted: &'a ClaimsRequest,
}

/// A user's token: a person's, or an agent user's.
pub(crate) fn user_token(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    granted: &Granted<'_>,
) -> Issued {
    let Granted { user, resource, scopes, sign_in, wanted } = *granted;
    let lifetime = lifetime(wanted.is_cae && resource.kind == ResourceKind::Graph);
    let mut claims = common(context, tenant, client, resource, lifetime);
    let is_agent_user = user.identity_parent_id().is_some();
    let is_guest = user.is_guest();
    put(&mut claims, "oid", json!(user.id));
    put(&mut claims, "sub", json!(pairwise(&tenant.id, &resource.app_id, &user.id)));
    put(&mut claims, "sid", json!(sign_in.session_id));
    put(&mut claims, "name", json!(user.display_name));
    if let Some(blueprint) = client.principal.blueprint_id() {
        put(&mut claims, "xms_par_app_azp", json!(blueprint));
        put(&mut claims, "xms_act_fct", json!(facets(&[3, 9, 11])));
        put(&mut claims, "xms_sub_fct", json!(facets(if is_agent_user { &[3, 13] } else { &[3] })));
    }
    let mut shown: Vec<&str> = scopes.iter().map(String::as_str).collect();
    // The scopes of OpenID Connect are Graph's, and stand in no other resource's tokens.
    if resource.kind == ResourceKind::Graph {
        shown.extend(["profile", "openid", "email"]);
    }
    if resource.version == 1 {
        put(&mut claims, "idtyp", json!("user"));
        put(&mut claims, "xms_idrel", json!(facets(if is_guest { &[5] } else { &[1] })));
        put(&mut claims, "acr", json!(if is_agent_user { "0" } else { "1" }));
        let known = ["p1", "urn:user:registersecurityinfo"].map(str::to_owned);
        let acrs: Vec<String> = known.into_iter().chain(wanted.contexts.iter().cloned()).collect();
        put(&mut claims, "acrs", json!(acrs));
        if !sign_in.methods.is_empty() {
            put(&mut claims, "amr", json!(sign_in.methods));
        }
        put(&mut claims, "app_displayname", json!(client.name));
        put(&mut claims, "upn", json!(user.upn));
        put(&mut claims, "unique_name", json!(user.upn));
        put(&mut claims, "acct", json!(u8::from(is_guest)));
        put(&mut claims, "ipaddr", json!(Whereabouts::of(context.request).address));
        put(&mut claims, "platf", json!("14"));
        put(&mut claims, "puid", json!(puid(user)));
        // The roles of the directory that the user has, and the one that every member has.
        let mut wids: Vec<&str> = tenant.roles_of(&user.id).iter().map(|role| role.id).collect();
        if !is_guest {
            wids.push("b79fbf4d-3ef9-4689-8143-76b194e85509");
        }
        if !wids.is_empty() {
            put(&mut claims, "wids", json!(wids));
        }
        put(&mut claims, "xms_st", json!({ "sub": pairwise(&tenant.id, &client.app_id, &user.id) }));
    } else {
        put(&mut claims, "preferred_username", json!(user.upn));
    }
    guest::mark(&mut claims, tenant, user, resource.version == 1);
    // An application's token for itself may have none.
    if !shown.is_empty() {
        put(&mut claims, "scp", json!(shown.join(" ")));
    }
    let roles = granted_roles(tenant, &user.id, resource, context.now);
    if !roles.is_empty() {
        put(&mut claims, "roles", json!(roles));
    }
    let publisher = tenant.application_by_app_id(&resource.app_id, context.now);
    optional::add(&mut claims, publisher, "accessToken", (tenant, user), sign_in, context);
    if wanted.is_cae {
        put(&mut claims, "xms_cc", json!(["cp1"]));
    }
    Issued { token: sign(context, resource, &claims), lifetime: lifetime - 1 }
}

/// What an id token tells.
#[derive(Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) user: &'a User,
    pub(crate) sign_in: &'a SignIn,
    pub(crate) nonce: Option<&'a str>,
    /// The scopes of OpenID Connect that were asked for.
    pub(crate) oidc: &'a [String],
    /// The code that is sent beside it (`c_hash`).
    pub(crate) code: Option<&'a str>,
    /// The access token that is sent beside it by `authorize` (`at_hash`).
    pub(crate) access_token: Option<&'a str>,
    /// Whether the client asked how long ago the user signed in (`max_age`).
    pub(crate) tells_time: bool,
}

/// An id token for the client: v2, or v1 from a v1 endpoint.
pub(crate) fn id_token(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    identity: &Identity<'_>,
) -> String {
    let Identity { user, sign_in, nonce, oidc, code, access_token, tells_time } = *identity;
    let issued = context.now.saturating_sub(BACKDATED).unwrap_or(context.now).as_second();
    let is_v1 = context.endpoint == Endpoint::V1;
    let has = |scope: &str| oidc.iter().any(|one| one == scope);
    let mut claims = Map::new();
    put(&mut claims, "aud", json!(client.app_id));
    put(&mut claims, "iss", json!(if is_v1 { v1_issuer(tenant) } else { context.issuer(tenant) }));
    put(&mut claims, "iat", json!(issued));
    put(&mut claims, "nbf", json!(issued));
    put(&mut claims, "exp", json!(issued + 3900));
    put(&mut claims, "aio", json!(random_text()));
    put(&mut claims, "rh", json!(format!("1.A{}.", random_text())));
    put(&mut claims, "sid", json!(sign_in.session_id));
    put(&mut claims, "sub", json!(pairwise(&tenant.id, &client.app_id, &user.id)));
    put(&mut claims, "tid", json!(tenant.id));
    put(&mut claims, "uti", json!(short_guid(&context.ids.trace)));
    put(&mut claims, "ver", json!(if is_v1 { "1.0" } else { "2.0" }));
    if has("profile") || is_v1 {
        put(&mut claims, "name", json!(user.display_name));
        put(&mut claims, "oid", json!(user.id));
    }
    if is_v1 {
        put(&mut claims, "amr", json!(sign_in.methods));
        put(&mut claims, "ipaddr", json!(Whereabouts::of(context.request).address));
        put(&mut claims, "upn", json!(user.upn));
        put(&mut claims, "unique_name", json!(user.upn));
    } else if has("profile") {
        put(&mut claims, "preferred_username", json!(user.upn));
    }
    if has("email")
        && let Some(mail) = tenant.primary_address(user, context.now)
    {
        put(&mut claims, "email", json!(mail));
    }
    guest::mark(&mut claims, tenant, user, is_v1);
    if let Some(nonce) = nonce {
        put(&mut claims, "nonce", json!(nonce));
    }
    if let Some(code) = code {
        put(&mut claims, "c_hash", json!(half_hash(code)));
    }
    if let Some(token) = access_token {
        put(&mut claims, "at_hash", json!(half_hash(token)));
    }
    if tells_time {
        put(&mut claims, "auth_time", json!(sign_in.at.as_second()));
    }
    let app = tenant.application_by_app_id(&client.app_id, context.now);
    let own = Resource::of_client(client);
    let roles = granted_roles(tenant, &user.id, &own, context.now);
    if !roles.is_empty() {
        put(&mut claims, "roles", json!(roles));
    }
    optional::add(&mut claims, app, "idToken", (tenant, user), sign_in, context);
    if is_v1 { context.key.sign_v1(&claims, false) } else { context.key.sign(&claims) }
}

/// The left half of a SHA-256, as OpenID Connect ties codes to id tokens.
fn half_hash(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// `client_info`: who signed in, for MSAL's cache; a guest's account is the one at home.
pub(crate) fn client_info(tenant: &Tenant, user: &User) -> String {
    let (uid, utid) = match tenant.home_of(user) {
        Some(home) => (&home.user, &home.tenant),
        None => (&user.id, &tenant.id),
    };
    URL_SAFE_NO_PAD.encode(json!({ "uid": uid, "utid": utid }).to_string())
}

fn common(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    resource: &Resource,
    lifetime: i64,
) -> Map<String, Value> {
    let now = context.now;
    let issued = now.saturating_sub(BACKDATED).unwrap_or(now).as_second();
    let is_v1 = resource.version == 1;
    let mut claims = Map::new();
    put(&mut claims, "aud", json!(resource.audience));
    put(&mut claims, "iss", json!(if is_v1 { v1_issuer(tenant) } else { context.issuer(tenant) }));
    put(&mut claims, "iat", json!(issued));
    put(&mut claims, "nbf", json!(issued));
    put(&mut claims, "exp", json!(now.as_second() + lifetime));
    put(&mut claims, "aio", json!(random_text()));
    put(&mut claims, "rh", json!(format!("1.A{}.", random_text())));
    put(&mut claims, "uti", json!(short_guid(&context.ids.trace)));
    put(&mut claims, "tid", json!(tenant.id));
    put(&mut claims, "ver", json!(if is_v1 { "1.0" } else { "2.0" }));
    put(&mut claims, if is_v1 { "appid" } else { "azp" }, json!(client.app_id));
    put(&mut claims, if is_v1 { "appidacr" } else { "azpacr" }, json!(client.acr));
    if is_v1 || resource.kind == ResourceKind::Exchange {
        put(&mut claims, "xms_ftd", json!(random_text()));
    }
    if is_v1 {
        put(&mut claims, "tenant_region_scope", json!("WW"));
        put(&mut claims, "xms_tcdt", json!(tenant.created.as_second()));
        put(&mut claims, "xms_rd", json!(random_text()));
        put(&mut claims, "xms_tnt_fct", json!(facets(&[3])));
    }
    claims
}

fn sign(context: &Context<'_>, resource: &Resource, claims: &Map<String, Value>) -> String {
    match resource.version {
        1 => context.key.sign_v1(claims, resource.kind == ResourceKind::Graph),
        _ => context.key.sign(claims),
    }
}

fn put(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

fn v1_issuer(tenant: &Tenant) -> String {
    format!("https://sts.windows.net/{}/", tenant.id)
}

/// A user token lives 60 to 90 minutes; 24 to 28 hours for a client that can take a challenge.
fn lifetime(is_long: bool) -> i64 {
    let random = i64::from(u16::from_be_bytes(random_bytes()));
    if is_long { 86_400 + random % 14_400 } else { 3_600 + random % 1_800 }
}

/// Facet numbers among even ones that mean nothing, in any order: a reader has to cope with both.
fn facets(own: &[u32]) -> String {
    let [first, second, turn, count] = random_bytes();
    let noise = [u32::from(first) / 2 * 2, u32::from(second) / 2 * 2 + 2];
    let mut numbers: Vec<u32> = own.iter().chain(&noise[..usize::from(count % 3)]).copied().collect();
    let length = numbers.len();
    numbers.rotate_left(usize::from(turn) % length.max(1));
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn puid(user: &User) -> String {
    let hash: String = user.id.bytes().filter(u8::is_ascii_hexdigit).map(char::from).take(12).collect();
    format!("1003{}", hash.to_uppercase())
}

fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes())
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The first eight bytes of a version-4 UUID are random but for four bits of the seventh.
    bytes.copy_from_slice(&Uuid::new_v4().as_bytes()[..N]);
    bytes
}

/// When something that lasts for `seconds` from now ends.
pub(crate) fn end_of(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facets_are_always_there_and_the_rest_is_even() {
        for _ in 0..200 {
            let numbers: Vec<u32> =
                facets(&[3, 9, 11]).split(' ').map(|text| text.parse().unwrap()).collect();
            for own in [3, 9, 11] {
                assert_eq!(numbers.iter().filter(|number| **number == own).count(), 1);
            }
            assert_eq!(numbers.iter().filter(|number| **number % 2 == 1).count(), 3);
        }
    }
}
