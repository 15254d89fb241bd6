//! Resources and scopes: what a request asks for, and what is granted (Entra reference §1.8, §1.10, §2.6).

use jiff::Timestamp;
use serde_json::Value;

use crate::directory::{InheritedScopes, ServicePrincipal};
use crate::first_party;
use crate::names::Names;
use crate::published::{self, Scope};
use crate::seed::EXCHANGE_APP_ID;
use crate::tenant::{GRAPH_APP_ID, Tenant};

use super::client::Client;
use super::error::EntraError;
use super::microsoft;

/// The scopes of OpenID Connect; they belong to no resource and need no grant here.
pub(crate) const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The names of the token-exchange resource.
const EXCHANGE_NAMES: [&str; 2] = ["api://AzureADTokenExchange", EXCHANGE_APP_ID];

/// A resource that tokens are issued for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) kind: ResourceKind,
    /// The resource's app id.
    pub(crate) app_id: String,
    /// The object id of its service principal.
    pub(crate) principal_id: String,
    /// The `aud` of its tokens.
    pub(crate) audience: String,
    pub(crate) version: u8,
}

/// What is special about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    Graph,
    Exchange,
    Api,
}

/// A parsed `scope` parameter of a user flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) resource: Resource,
    /// Scope names without the resource; `.default` among them.
    pub(crate) scopes: Vec<String>,
    pub(crate) oidc: Vec<String>,
    /// How the client wrote the resource before a scope's name; empty for Graph's short names.
    pub(crate) prefix: String,
}

impl Resource {
    /// The client itself, for its own roles in id tokens.
    pub(crate) fn of_client(client: &Client) -> Self {
        Self {
            kind: ResourceKind::Api,
            app_id: client.app_id.clone(),
            principal_id: client.principal.id.clone(),
            audience: client.app_id.clone(),
            version: 2,
        }
    }

    /// Whether it is that client itself, which nobody has to permit what it publishes.
    pub(crate) fn is(&self, client: &str) -> bool {
        self.app_id.eq_ignore_ascii_case(client)
    }
}

impl Asked {
    /// Reads the parameter. With `first_wins`, the scopes of a second resource are left out; else refused.
    pub(crate) fn parse(
        tenant: &Tenant,
        names: &Names,
        scope: &str,
        first_wins: bool,
        now: Timestamp,
    ) -> Result<Self, EntraError> {
        let (mut oidc, mut scopes) = (Vec::new(), Vec::new());
        let mut named: Option<&str> = None;
        let resolve = |prefix: &str| match prefix {
            // Graph's scopes need no resource before them.
            "" => resource(tenant, names, "https://graph.microsoft.com", now),
            named => resource(tenant, names, named, now),
        };
        let is_same = |first: &str, second: &str| {
            first.eq_ignore_ascii_case(second)
                || matches!((resolve(first), resolve(second)), (Ok(a), Ok(b)) if a.app_id == b.app_id)
        };
        for word in scope.split_whitespace() {
            if let Some(name) = OIDC.iter().find(|name| name.eq_ignore_ascii_case(word)) {
                oidc.push((*name).to_owned());
                continue;
            }
            let (resource, name) = word.rsplit_once('/').unwrap_or(("", word));
            if name.is_empty() {
                return Err(EntraError::malformed_scope(word));
            }
            if !is_same(named.unwrap_or(resource), resource) {
                if first_wins {
                    continue;
                }
                return Err(EntraError::several_resources());
            }
            named.get_or_insert(resource);
            scopes.push(name.to_owned());
        }
        if scopes.len() > 1 && scopes.iter().any(|scope| scope == ".default") {
            return Err(EntraError::default_among_others());
        }
        let prefix = named.unwrap_or("").to_owned();
        let resource = resolve(&prefix)?;
        Ok(Self { resource, scopes, oidc, prefix })
    }

    /// Whether an OpenID scope was asked for.
    pub(crate) fn has(&self, oidc: &str) -> bool {
        self.oidc.iter().any(|name| name == oidc)
    }

    /// Whether the resource is that client itself, and written otherwise than by its app id.
    pub(crate) fn is_uri_of(&self, client: &str) -> bool {
        self.resource.is(client) && !self.prefix.trim_end_matches('/').eq_ignore_ascii_case(client)
    }

    /// The scopes asked for by name that are not granted.
    pub(crate) fn missing<'a>(&'a self, granted: &[String]) -> Vec<&'a str> {
        self.scopes
            .iter()
            .filter(|scope| {
                *scope != ".default" && !granted.iter().any(|held| held.eq_ignore_ascii_case(scope))
            })
            .map(String::as_str)
            .collect()
    }
}

/// The resource that a name in a scope means: an app id, an identifier URI or a well-known name.
pub(crate) fn resource(
    tenant: &Tenant,
    names: &Names,
    name: &str,
    now: Timestamp,
) -> Result<Resource, EntraError> {
    let bare = name.trim_end_matches('/');
    let is_own_name = url::Url::parse(bare).is_ok_and(|url| {
        names.is_own(&url) && url.path() == "/" && !url.host_str().is_some_and(Names::is_entra)
    });
    let (kind, app_id) = if bare == GRAPH_APP_ID || is_own_name {
        (ResourceKind::Graph, GRAPH_APP_ID.to_owned())
    } else if EXCHANGE_NAMES.iter().any(|known| known.eq_ignore_ascii_case(bare)) {
        (ResourceKind::Exchange, EXCHANGE_APP_ID.to_owned())
    } else if let Some(known) = first_party::named(bare) {
        (ResourceKind::Api, known.app_id.to_owned())
    } else {
        (ResourceKind::Api, published_by(tenant, bare, now).unwrap_or_default())
    };
    let principal = tenant.service_principal_by_app_id(&app_id, now).ok_or_else(|| {
        match tenant.application_by_app_id(&app_id, now) {
            // Registered here, but nobody has made its principal.
            Some(app) => EntraError::resource_not_enabled(&app.display_name, &tenant.display_name),
            None => EntraError::unknown_resource(name, &tenant.display_name),
        }
    })?;
    let version = match kind {
        ResourceKind::Graph => 1,
        ResourceKind::Exchange => 2,
        ResourceKind::Api => tenant
            .application_by_app_id(&app_id, now)
            .map_or(1, |app| if app.is_blueprint() { 2 } else { app.access_token_version.unwrap_or(1) }),
    };
    let audience = match (kind, version) {
        // Whatever the host's name, Graph's tokens are for Graph; asked for by app id, `aud` is the app id.
        (ResourceKind::Graph, _) if bare == GRAPH_APP_ID => GRAPH_APP_ID.to_owned(),
        // Who writes the slash of the resource's own address finds it again, as resources compare it.
        (ResourceKind::Graph, _) if name.ends_with('/') => "https://graph.microsoft.com/".to_owned(),
        (ResourceKind::Graph, _) => "https://graph.microsoft.com".to_owned(),
        (_, 1) if name.ends_with('/') => format!("{bare}/"),
        (_, 1) => bare.to_owned(),
        _ => app_id.clone(),
    };
    Ok(Resource { kind, app_id, principal_id: principal.id.clone(), audience, version })
}

fn published_by(tenant: &Tenant, name: &str, now: Timestamp) -> Option<String> {
    let by_id = name.strip_prefix("api://").unwrap_or(name);
    let mut named = tenant.applications.named(by_id);
    named.extend(tenant.applications.named(name.trim_end_matches('/')));
    named.sort_by_key(|app| &app.id);
    named
        .into_iter()
        .filter(|app| app.life.is_visible(now))
        .find(|app| {
            app.app_id.eq_ignore_ascii_case(by_id)
                || app.identifier_uris.iter().any(|uri| uri.trim_end_matches('/').eq_ignore_ascii_case(name))
        })
        .map(|app| app.app_id.clone())
        .or_else(|| {
            let foreign = tenant.workloads.foreign.get(&by_id.to_ascii_lowercase())?;
            Some(foreign.application.app_id.clone())
        })
}

/// The delegated scopes that a token for this client, user and resource shows now: its own grants, what the resource
/// authorized beforehand, what it publishes itself, and for an agent identity what it inherits of its blueprint principal's.
pub(crate) fn granted_scopes(
    tenant: &Tenant,
    client: &ServicePrincipal,
    user_id: &str,
    resource: &Resource,
    now: Timestamp,
) -> Vec<String> {
    let mut scopes = direct_scopes(tenant, &client.id, user_id, resource, now);
    scopes.extend(pre_authorized_scopes(tenant, &client.app_id, resource, now));
    if let Some(blueprint_id) = client.blueprint_id() {
        let inherited = tenant
            .service_principal_by_app_id(blueprint_id, now)
            .map(|blueprint| direct_scopes(tenant, &blueprint.id, user_id, resource, now))
            .unwrap_or_default();
        let inheritance = tenant.application_by_app_id(blueprint_id, now).and_then(|blueprint| {
            blueprint
                .inheritable
                .iter()
                .find(|entry| entry.resource_app_id == resource.app_id && entry.effective <= now)
        });
        let passes = |scope: &String| match inheritance.map(|entry| &entry.scopes) {
            Some(InheritedScopes::AllAllowed) => true,
            Some(InheritedScopes::Enumerated(names)) => {
                names.iter().any(|name| name.eq_ignore_ascii_case(scope))
            }
            Some(InheritedScopes::None) | None => false,
        };
        scopes.extend(inherited.into_iter().filter(passes));
    }
    let mut unique: Vec<String> = Vec::new();
    for scope in scopes {
        if !unique.iter().any(|held| held.eq_ignore_ascii_case(&scope)) {
            unique.push(scope);
        }
    }
    unique
}

fn direct_scopes(
    tenant: &Tenant,
    client_id: &str,
    user_id: &str,
    resource: &Resource,
    now: Timestamp,
) -> Vec<String> {
    tenant
        .grants
        .iter()
        .filter(|grant| {
            grant.client_id == client_id
                && grant.resource_id == resource.principal_id
                && grant.covers(user_id)
        })
        .flat_map(|grant| grant.effective_scope(now).split_whitespace())
        .filter(|scope| !OIDC.contains(scope))
        .map(str::to_owned)
        .collect()
}

/// The scopes for which the resource's registration spares this client's users the consent
/// (`api.preAuthorizedApplications`), or all of them if it is the client itself; at Graph, what Microsoft's own
/// clients may do.
fn pre_authorized_scopes(tenant: &Tenant, client: &str, resource: &Resource, now: Timestamp) -> Vec<String> {
    let app = tenant.application_by_app_id(&resource.app_id, now);
    let list = app.and_then(|app| app.other.get("api")?.get("preAuthorizedApplications")?.as_array());
    let of_client = list
        .into_iter()
        .flatten()
        .filter(|one| one["appId"].as_str().is_some_and(|app_id| app_id.eq_ignore_ascii_case(client)));
    // beta calls them `permissionIds`.
    let ids: Vec<&str> = of_client
        .flat_map(|one| ["delegatedPermissionIds", "permissionIds"].map(|name| &one[name]))
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let is_first_party = first_party::of(&resource.app_id)
        .is_some_and(|known| known.pre_authorized.iter().any(|app_id| app_id.eq_ignore_ascii_case(client)));
    let has_all = is_first_party || resource.is(client);
    let at_graph = match resource.kind {
        ResourceKind::Graph => microsoft::scopes_at_graph(client),
        ResourceKind::Exchange | ResourceKind::Api => &[],
    };
    let is_listed = |scope: &Scope<'_>| {
        has_all || ids.iter().any(|id| id.eq_ignore_ascii_case(scope.id)) || at_graph.contains(&scope.value)
    };
    published::scopes(tenant, &resource.app_id, now)
        .filter(|scope| scope.is_enabled && is_listed(scope))
        .map(|scope| scope.value.to_owned())
        .collect()
}

/// The application roles that a token for this client and resource shows now.
pub(crate) fn granted_roles(
    tenant: &Tenant,
    client_id: &str,
    resource: &Resource,
    now: Timestamp,
) -> Vec<String> {
    let name = |role_id: &str| {
        let role = published::role(tenant, &resource.app_id, role_id, now)?;
        Some(role.value.to_owned()).filter(|value| !value.is_empty())
    };
    tenant
        .role_assignments
        .iter()
        .filter(|assignment| {
            assignment.principal_id == client_id
                && assignment.resource_id == resource.principal_id
                && assignment.effective <= now
        })
        .filter_map(|assignment| name(&assignment.role_id))
        .collect()
}
