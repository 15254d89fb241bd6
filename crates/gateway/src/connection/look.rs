//! What a connected tenant looks like now: its name, its domains, and what our application was granted there.

use attache_entra::Resource;
use attache_graph::{Domain, Graph};
use attache_terms::TenantId;

use super::admin::unread;
use super::begin;
use crate::Gateway;
use crate::server::Answer;

/// What was seen of a tenant.
pub(super) struct Seen {
    /// Its verified domains, the default one first.
    pub(super) domains: Vec<String>,
    /// Its country.
    pub(super) country: Option<String>,
    /// The application permissions of Microsoft Graph that our application has there.
    pub(super) granted: Vec<String>,
}

/// Graph as our application in that tenant.
pub(super) fn graph(gateway: &Gateway, tenant: TenantId) -> Answer<Graph> {
    let app = begin::app(gateway)?;
    let resource = Resource::graph(gateway.entra.cloud());
    Ok(gateway.graph(gateway.entra.application(tenant, app.client_id, app.credential(), resource)))
}

/// The tenant's name.
pub(super) async fn name(graph: &Graph) -> Answer<String> {
    let found = graph.organization().await.map_err(|error| unread(&error))?.value;
    let name = found.into_iter().next().and_then(|one| one.display_name).unwrap_or_default();
    Ok(name.chars().filter(|c| !c.is_control()).take(100).collect())
}

/// Looks.
pub(super) async fn look(gateway: &Gateway, tenant: TenantId) -> Answer<Seen> {
    let graph = graph(gateway, tenant)?;
    // What was granted since the last token only shows in a fresh one.
    graph.renew().await;
    let domains = graph.domains().await.map_err(|error| unread(&error))?.value;
    let country = graph.organization().await.map_err(|error| unread(&error))?.value;
    let country = country.into_iter().next().and_then(|one| one.country_letter_code);
    let mut verified: Vec<&Domain> = domains.iter().filter(|domain| domain.is_verified).collect();
    verified.sort_by_key(|domain| !domain.is_default);
    Ok(Seen {
        domains: verified.into_iter().map(|domain| domain.id.clone()).collect(),
        country: country.filter(|code| is_country(code)),
        granted: granted(gateway, &graph).await?,
    })
}

/// The application permissions of Microsoft Graph that our application has there.
pub(super) async fn granted(gateway: &Gateway, graph: &Graph) -> Answer<Vec<String>> {
    let client = begin::app(gateway)?.client_id;
    let own = graph.principal_of(client).await.map_err(|error| unread(&error))?.value;
    let resource = graph.graph_principal().await.map_err(|error| unread(&error))?.value;
    let (Some(own), Some(resource)) = (own, resource) else { return Ok(Vec::new()) };
    let assigned = graph.role_assignments(own.id).await.map_err(|error| unread(&error))?.value;
    let assigned = assigned.into_iter().filter(|one| one.resource_id == resource.id);
    let name = |id| resource.app_roles.iter().find(|role| role.id == id).and_then(|role| role.value.clone());
    let mut names: Vec<String> = assigned.filter_map(|one| name(one.app_role_id)).collect();
    names.sort_unstable();
    Ok(names)
}

/// Whether a text is a country as licences need it: ISO 3166, two capital letters.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
