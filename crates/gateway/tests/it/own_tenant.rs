//! A customer's own tenant: the way to it, what is refused on the way, and identities that live there.

use attache_entra::{ClientCredential, Entra, Resource, Transport, TransportConfig};
use attache_graph::{Graph, KeyCredential, NewBlueprint, graph_app_id};
use attache_terms::{Cloud, ObjectId, Origin, Secret, SystemClock, SystemRng};
use base64::Engine as _;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::entra::{Customer, Person, customer, through};
use crate::world::{Answer, Caller, World, users_named};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const TENANT: &str = "api/v1/orgs/acme/tenant";

/// The path and query of an address of ours.
fn ours(world: &World, url: &Url) -> String {
    url.as_str().strip_prefix(world.url.as_str()).unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// Begins to connect a tenant: where Entra's page of consent is.
async fn begin(owner: &Caller, slug: &str, tenant: &str) -> String {
    let path = format!("api/v1/orgs/{slug}/tenant/connect");
    let begun = owner.post(&path, &json!({ "tenant": tenant })).await.ok(200);
    begun["url"].as_str().unwrap().to_owned()
}

/// Consents, signs in, and comes back: the last answer before the organisation is named.
async fn consent_and_sign_in(
    world: &World,
    owner: &Caller,
    slug: &str,
    consents: (&Customer, &Person),
    signs_in: &Person,
) -> Answer {
    let (customer, person) = consents;
    let back = through(world, &begin(owner, slug, &customer.tenant).await, person, "accept").await;
    let sent_on = owner.get(&ours(world, &back)).await;
    assert_eq!(sent_on.status, 303, "{}", sent_on.text);
    let back = through(world, &sent_on.location(), signs_in, "accept").await;
    owner.get(&ours(world, &back)).await
}

/// Names the organisation.
async fn name(owner: &Caller, path: &str, slug: &str, several: bool) -> Answer {
    let csrf = owner.csrf().await;
    let mut fields = vec![("csrf", csrf.as_str()), ("organisation", slug)];
    if several {
        fields.push(("several", "yes"));
    }
    owner.form(path, &fields).await
}

/// The whole way.
pub(crate) async fn connect(world: &World, owner: &Caller, slug: &str, customer: &Customer) {
    let administrator = &customer.administrator;
    let ended = consent_and_sign_in(world, owner, slug, (customer, administrator), administrator).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    let confirm = ended.location();
    let page = owner.page(confirm.trim_start_matches('/')).await;
    assert!(page.text.contains(&administrator.upn) && page.text.contains(&customer.tenant), "{}", page.text);
    let named = name(owner, confirm.trim_start_matches('/'), slug, false).await;
    assert_eq!(named.status, 303, "{}", named.text);
}

/// Gives an application of the tenant a permission of Graph.
pub(crate) async fn grant(graph: &Graph, principal: ObjectId, permission: &str) {
    let resource = graph.graph_principal().await.unwrap().value.unwrap();
    let role = resource.app_roles.iter().find(|role| role.value.as_deref() == Some(permission)).unwrap();
    graph.assign_role(principal, resource.id, role.id).await.unwrap();
}

/// Graph as an application of the customer's that may do everything with agents.
pub(crate) async fn graph_of(world: &World, customer: &Customer) -> Graph {
    let ready = world.sandbox.ready();
    let origin: Origin = ready.url.parse().unwrap();
    let ca = Some(ready.ca.clone());
    let transport = Transport::new(TransportConfig { ca, ..TransportConfig::default() }).unwrap();
    let (clock, rng) = (std::sync::Arc::new(SystemClock), std::sync::Arc::new(SystemRng));
    let cloud = Cloud::at(origin.clone(), origin);
    let entra = Entra::new(cloud, transport.clone(), clock.clone(), rng.clone());
    let (client, secret) = customer.application.clone();
    let credential = ClientCredential::Secret(Secret::new(secret));
    let resource = Resource::graph(entra.cloud());
    let tenant = customer.tenant.parse().unwrap();
    let source = entra.application(tenant, client.parse().unwrap(), credential, resource);
    Graph::new(entra.cloud(), transport, source, clock, rng)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_lives_in_the_customers_tenant_and_goes() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    let refused = acme.post(PROVISION, &json!({ "mode": "own_tenant" })).await;
    assert_eq!(refused.problem(409), "not_connected");
    connect(&world, &operator, "acme", &theirs).await;
    let seen = acme.get(TENANT).await.ok(200);
    assert_eq!(seen["connection"]["tenant_id"], json!(theirs.tenant));
    assert_eq!(seen["connection"]["administrator_id"], json!(theirs.administrator.id));
    assert_eq!(seen["connection"]["missing"], json!([]), "{seen}");

    let wanted = json!({ "mode": "own_tenant", "aliases": ["cfo"] });
    acme.post(PROVISION, &wanted).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active" || seen["state"] == "error").await;
    assert_eq!(active["state"], "active", "{active}");
    assert_eq!(active["address"], json!(format!("assistant@{}", theirs.domain)));
    assert_eq!(active["tenant_id"], json!(theirs.tenant));
    // It is there, and nowhere else; so is its blueprint.
    let graph = graph_of(&world, &theirs).await;
    let user = graph.user(active["m365_user_id"].as_str().unwrap().parse().unwrap()).await.unwrap().value;
    assert_eq!(user.user_principal_name, format!("assistant@{}", theirs.domain));
    let agent = active["agent_identity_id"].as_str().unwrap().parse().unwrap();
    let agent = graph.agent_identity(agent).await.unwrap().value.unwrap();
    assert!(graph.blueprint(agent.agent_identity_blueprint_id).await.unwrap().value.is_some());

    let to = theirs.colleague.upn.clone();
    let sent = acme.post(&format!("{DEFAULT}/test-send"), &json!({ "to": to })).await.ok(200);
    assert_eq!(sent["from"], json!(format!("assistant@{}", theirs.domain)));
    let aliases = acme.get(&format!("{DEFAULT}/aliases")).await.ok(200);
    assert_eq!(
        (&aliases["asked"], &aliases["missing"][0]["address"]),
        (&json!(true), &json!(format!("cfo@{}", theirs.domain)))
    );

    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let stopped = acme.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    assert!(stopped["suspended"]["proof"]["hops_fail"].is_string(), "{stopped}");
    assert_eq!(graph.user(user.id).await.unwrap().value.account_enabled, Some(false));
    acme.post(&format!("{DEFAULT}/resume"), &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["suspended"].is_null()).await;

    // What the administrator can do without us names what there is.
    let told = acme.get(&format!("{TENANT}/instructions")).await.ok(200);
    for part in [user.id.to_string(), agent.id.to_string(), agent.agent_identity_blueprint_id.to_string()] {
        assert!(told.to_string().contains(&part), "{told}");
    }

    assert_eq!(acme.delete(TENANT).await.problem(409), "tenant_in_use");
    acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    let path = format!("api/v1/orgs/acme/agent-identities/{}", active["id"].as_str().unwrap());
    let gone = acme.until(&path, |seen| seen["state"] == "deprovisioned" || !seen["trouble"].is_null()).await;
    assert_eq!(gone["state"], "deprovisioned", "{gone}");
    assert!(graph.user(user.id).await.is_err_and(|error| error.is_not_found()));
    acme.delete(TENANT).await.ok(204);
    assert_eq!(acme.get(TENANT).await.ok(200)["connected"], json!(false));
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=tenant.").await.ok(200);
    let acts: Vec<&str> =
        log["items"].as_array().unwrap().iter().filter_map(|entry| entry["act"].as_str()).collect();
    assert_eq!(acts, ["tenant.disconnected", "tenant.connected", "tenant.connection_begun"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_used_once_and_by_the_session_that_began() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    world.organisation(&operator, "acme").await;
    let url = begin(&operator, "acme", &theirs.tenant).await;
    let back = through(&world, &url, &theirs.administrator, "accept").await;
    let path = ours(&world, &back);
    // The same person in another session is not the one who began.
    let another = world.operator().await;
    assert_eq!(another.get(&path).await.problem(403), "connection_refused");
    assert_eq!(world.anybody().get(&path).await.problem(401), "unauthenticated");
    let sent_on = operator.get(&path).await;
    assert_eq!(sent_on.status, 303, "{}", sent_on.text);
    assert_eq!(operator.get(&path).await.problem(403), "connection_refused", "replayed");
    let invented = "connect/callback?admin_consent=True&tenant=x&state=invented";
    assert_eq!(operator.get(invented).await.problem(403), "connection_refused");
    // The second half likewise.
    let back = through(&world, &sent_on.location(), &theirs.administrator, "accept").await;
    let path = ours(&world, &back);
    assert_eq!(another.get(&path).await.problem(403), "connection_refused");
    let ended = operator.get(&path).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    assert_eq!(operator.get(&path).await.problem(403), "connection_refused", "replayed");
    // And the third.
    let confirm = ended.location().trim_start_matches('/').to_owned();
    assert_eq!(another.get(&confirm).await.problem(403), "connection_refused");
    assert_eq!(name(&another, &confirm, "acme", false).await.status, 403);
    assert_eq!(name(&operator, &confirm, "globex", false).await.status, 422, "another organisation's name");
    assert_eq!(name(&operator, &confirm, "acme", false).await.status, 303);
    assert_eq!(name(&operator, &confirm, "acme", false).await.status, 403, "replayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_that_a_callback_names_is_not_believed() {
    let world = World::new().await;
    let (operator, theirs, victim) = (world.operator().await, customer(&world).await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    // An administrator of one tenant says that another one has consented.
    let back =
        through(&world, &begin(&operator, "acme", &theirs.tenant).await, &theirs.administrator, "accept")
            .await;
    let forged = ours(&world, &back).replace(&theirs.tenant, &victim.tenant);
    let sent_on = operator.get(&forged).await;
    assert!(sent_on.location().contains(&victim.tenant), "{}", sent_on.location());
    // There they cannot sign in; so they do at their own tenant, and bring that.
    let elsewhere = sent_on.location().replace(&victim.tenant, &theirs.tenant);
    let back = through(&world, &elsewhere, &theirs.administrator, "accept").await;
    let refused = operator.get(&ours(&world, &back)).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    // Somebody says that there was consent, and there was none.
    let url: Url = begin(&operator, "acme", &victim.tenant).await.parse().unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let forged = format!("connect/callback?admin_consent=True&tenant={}&state={state}", victim.tenant);
    let sent_on = operator.get(&forged).await;
    assert_eq!(sent_on.status, 303, "{}", sent_on.text);
    let back = through(&world, &sent_on.location(), &victim.administrator, "accept").await;
    assert_eq!(operator.get(&ours(&world, &back)).await.problem(409), "tenant_not_consented");
    assert_eq!(acme.get(TENANT).await.ok(200)["connected"], json!(false));
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=tenant.connection_refused").await.ok(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_administrator_connects_nothing() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    // The tenant has consented; a colleague there wants it for an organisation of theirs.
    let consents = (&theirs, &theirs.administrator);
    let refused = consent_and_sign_in(&world, &operator, "acme", consents, &theirs.colleague).await;
    assert_eq!(refused.problem(403), "not_administrator");
    let url = begin(&operator, "acme", &theirs.tenant).await;
    let back = through(&world, &url, &theirs.administrator, "cancel").await;
    assert_eq!(operator.get(&ours(&world, &back)).await.problem(403), "consent_declined");
    // A program has no session.
    assert_eq!(acme.post(&format!("{TENANT}/connect"), &json!({})).await.problem(403), "people_only");
    assert_eq!(acme.get(TENANT).await.ok(200)["connected"], json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_serves_one_organisation_unless_its_administrator_allows_more() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    let globex = world.organisation(&operator, "globex").await;
    connect(&world, &operator, "acme", &theirs).await;
    let consents = (&theirs, &theirs.administrator);
    let ended = consent_and_sign_in(&world, &operator, "globex", consents, consents.1).await;
    let confirm = ended.location().trim_start_matches('/').to_owned();
    let csrf = operator.csrf().await;
    let refused = operator.form(&confirm, &[("csrf", csrf.as_str()), ("organisation", "globex")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("bound to another organisation") && !refused.text.contains("acme"));
    let path = "api/v1/orgs/globex/agent-identity/provision";
    assert_eq!(globex.post(path, &json!({ "mode": "own_tenant" })).await.problem(409), "not_connected");
    assert_eq!(name(&operator, &confirm, "globex", true).await.status, 303);
    // Both use it now; an address has one owner all the same.
    acme.post(PROVISION, &json!({ "mode": "own_tenant" })).await.ok(202);
    assert_eq!(globex.post(path, &json!({ "mode": "own_tenant" })).await.problem(422), "invalid");
    let change = json!({ "local_part": "helper" });
    globex.send(Method::PATCH, "api/v1/orgs/globex/tenant", Some(&change)).await.ok(200);
    let made = globex.post(path, &json!({ "mode": "own_tenant" })).await.ok(202);
    assert_eq!(made["address"], json!(format!("helper@{}", theirs.domain)));
    // An organisation has one tenant.
    let other = customer(&world).await;
    let consents = (&other, &other.administrator);
    let ended = consent_and_sign_in(&world, &operator, "acme", consents, consents.1).await;
    let confirm = ended.location().trim_start_matches('/').to_owned();
    assert_eq!(name(&operator, &confirm, "acme", true).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_tenant_is_used_is_checked_against_the_tenant() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    connect(&world, &operator, "acme", &theirs).await;
    let change = async |body: Value| acme.send(Method::PATCH, TENANT, Some(&body)).await;
    for (body, code) in [
        (json!({ "domain": "evil.example" }), "invalid"),
        (json!({ "sponsor": world.operator.user.to_string() }), "sponsor_unknown"),
        (json!({ "usage_location": "Germany" }), "invalid"),
        (json!({ "local_part": "a@b" }), "invalid"),
        (json!({ "licence": "E5" }), "invalid"),
    ] {
        assert_eq!(change(body.clone()).await.problem(422), code, "{body}");
    }
    let good = json!({ "sponsor": theirs.colleague.id, "usage_location": "de", "domain": theirs.domain });
    let changed = change(good).await.ok(200);
    assert_eq!(changed["connection"]["sponsor_id"], json!(theirs.colleague.id));
    assert_eq!(changed["connection"]["usage_location"], "DE");
    // Users who are there already are not an organisation's to take, whatever its key may.
    for method in ["verify", "adopt"] {
        let body = json!({ "mode": "own_tenant", "method": method, "template": "ceo" });
        assert_eq!(acme.post(PROVISION, &body).await.problem(403), "not_administrator", "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_the_tenant_adopts_a_user_of_theirs() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    world.organisation(&operator, "acme").await;
    connect(&world, &operator, "acme", &theirs).await;
    let invitation = json!({ "label": "administrator", "role": "admin" });
    let made = operator.post("api/v1/orgs/acme/invitations", &invitation).await.ok(201);
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let administrator = crate::sign_in::as_person(&world, &theirs.administrator).await;
    let csrf = administrator.csrf().await;
    assert_eq!(administrator.form(&path, &[("csrf", &csrf)]).await.status, 303);
    let body = json!({ "mode": "own_tenant", "method": "adopt", "user_id": theirs.colleague.id });
    administrator.post(PROVISION, &body).await.ok(202);
    let adopted =
        administrator.until(DEFAULT, |seen| seen["state"] == "active" || seen["state"] == "error").await;
    assert_eq!(adopted["state"], "active", "{adopted}");
    assert_eq!(adopted["address"], json!(theirs.colleague.upn));
    let to = json!({ "to": theirs.administrator.upn });
    let sent = administrator.post(&format!("{DEFAULT}/test-send"), &to).await.ok(200);
    assert_eq!(sent["from"], json!(theirs.colleague.upn));
    administrator.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    administrator.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blueprint_that_the_customer_owns_is_used_and_not_changed() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    connect(&world, &operator, "acme", &theirs).await;
    let graph = graph_of(&world, &theirs).await;
    let sponsor = theirs.administrator.id.parse().unwrap();
    let new = NewBlueprint { display_name: "Ours", description: "x", sponsor, tag: "ours" };
    let blueprint = graph.create_blueprint(new).await.unwrap().value.app_id;
    let (path, body) = (format!("{TENANT}/blueprint"), json!({ "client_id": blueprint.to_string() }));
    let give = async |body: &Value| acme.send(Method::PUT, &path, Some(body)).await;
    assert_eq!(give(&body).await.problem(422), "given_blueprint_unknown", "it has no principal yet");
    let principal = graph.create_blueprint_principal(blueprint).await.unwrap().value.id;
    let given = give(&body).await.ok(200);
    assert_eq!(give(&body).await.ok(200)["connection"]["blueprint"], given["connection"]["blueprint"]);
    let pem = given["connection"]["blueprint"]["certificate"].as_str().unwrap().to_owned();

    // What its owner has not done is named, one after the other.
    let provision = async || {
        acme.post(PROVISION, &json!({ "mode": "own_tenant" })).await.ok(202);
        acme.until(DEFAULT, |seen| seen["state"] == "active" || seen["state"] == "error").await
    };
    let lacks = |seen: &Value, what: &str| {
        assert_eq!(seen["trouble"]["code"], "given_blueprint_incomplete", "{seen}");
        assert!(seen["trouble"]["message"].as_str().unwrap().contains(what), "{seen}");
    };
    lacks(&provision().await, "our certificate");
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    let list = [KeyCredential::certificate(&der, "Attaché")];
    graph.set_key_credentials(blueprint, &list).await.unwrap();
    lacks(&provision().await, "AgentIdUser.ReadWrite.IdentityParentedBy");
    grant(&graph, principal, "AgentIdUser.ReadWrite.IdentityParentedBy").await;
    lacks(&provision().await, "consent for the delegated permissions");
    let resource = graph.graph_principal().await.unwrap().value.unwrap();
    let scopes = [
        "Chat.Create",
        "Chat.Read",
        "ChatMessage.Send",
        "Mail.Read",
        "Mail.ReadBasic",
        "Mail.Send",
        "User.Read",
    ];
    graph.grant_for_all(principal, resource.id, &scopes.join(" ")).await.unwrap();
    lacks(&provision().await, "the inheritable permissions");
    let scopes = scopes.map(str::to_owned);
    graph.add_inheritable(blueprint, graph_app_id(), &scopes).await.unwrap();
    let active = provision().await;
    assert_eq!(active["state"], "active", "{active}");
    let agent = active["agent_identity_id"].as_str().unwrap().parse().unwrap();
    let agent = graph.agent_identity(agent).await.unwrap().value.unwrap();
    assert_eq!(agent.agent_identity_blueprint_id, blueprint);
    let keys = graph.key_credentials(blueprint).await.unwrap().value;
    assert_eq!(keys.len(), 1, "nothing was added to it");
    let seen = acme.get(TENANT).await.ok(200);
    assert_eq!(seen["connection"]["blueprint"]["taken"], 1);
    assert!(!world.sandbox.control().state().to_string().contains("Attaché cell"), "none of ours was made");

    // Its key opens all of its agents, so that no other organisation has it, not even in the same tenant.
    let globex = world.organisation(&operator, "globex").await;
    let consents = (&theirs, &theirs.administrator);
    let ended = consent_and_sign_in(&world, &operator, "globex", consents, consents.1).await;
    let confirm = ended.location().trim_start_matches('/').to_owned();
    assert_eq!(name(&operator, &confirm, "globex", true).await.status, 303);
    let refused = globex.send(Method::PUT, "api/v1/orgs/globex/tenant/blueprint", Some(&body)).await;
    assert_eq!(refused.problem(409), "blueprint_taken");
    // It has 200 seats, as ours have, and no other takes its place.
    crate::seats::take(&world, 200).await;
    acme.post(PROVISION, &json!({ "mode": "own_tenant", "template": "cfo" })).await.ok(202);
    let refused = acme.until("api/v1/orgs/acme/agent-identities/cfo", |seen| seen["state"] == "error").await;
    assert_eq!(refused["trouble"]["code"], "blueprint_full", "{refused}");
    assert!(refused["agent_identity_id"].is_null(), "{refused}");
    // It is taken back, and what came of it stays.
    acme.delete(&path).await.ok(200);
    acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    let one = format!("api/v1/orgs/acme/agent-identities/{}", active["id"].as_str().unwrap());
    acme.until(&one, |seen| seen["state"] == "deprovisioned").await;
    assert!(graph.blueprint(blueprint).await.unwrap().value.is_some(), "it is not ours to delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_draws_the_way_and_names_what_is_consented_to() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    world.organisation(&operator, "acme").await;
    let path = "orgs/acme/settings/agent-identity/tenant";
    let before = operator.page(path).await;
    assert_eq!(before.status, 200, "{}", before.text);
    for permission in attache_gateway::OWN_TENANT {
        assert!(before.text.contains(permission.name), "{}", permission.name);
    }
    let csrf = operator.csrf().await;
    let sent = operator.form(&format!("{path}/connect"), &[("csrf", &csrf), ("tenant", "")]).await;
    // A redirect would be one of a form's, which the page's policy holds to our own site.
    assert_eq!(sent.status, 200, "{}", sent.text);
    let policy = sent.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self'"), "{policy}");
    let onward = format!("content=\"0; url={}/organizations/v2.0/adminconsent?", world.sandbox.ready().url);
    assert!(sent.text.contains(&onward), "{}", sent.text);
    connect(&world, &operator, "acme", &theirs).await;
    let after = operator.page(path).await;
    assert!(after.text.contains("all that is needed"), "{}", after.text);
    assert!(after.text.contains("Remove-MgServicePrincipal"), "{}", after.text);
    let settings = operator.page("orgs/acme/settings/agent-identity").await;
    assert!(settings.text.contains("value=\"own_tenant\""), "{}", settings.text);
    assert!(users_named(&world.sandbox.control().state(), "assistant@").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_seats_are_counted_and_told_to_the_customer() {
    let mut world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    connect(&world, &operator, "acme", &theirs).await;
    let use_of =
        async |licence: &str| acme.send(Method::PATCH, TENANT, Some(&json!({ "licence": licence }))).await;
    // A licence is one that the tenant has, by whichever name.
    let unknown = use_of("SPE_E9").await;
    assert!(unknown.text.contains("O365_BUSINESS_ESSENTIALS"), "{}", unknown.text);
    assert_eq!(unknown.problem(422), "invalid");
    let used = use_of("o365_business_essentials").await.ok(200);
    let sku = used["connection"]["licence"].as_str().unwrap().to_owned();
    assert_eq!(use_of(&sku).await.ok(200)["connection"]["licence"], json!(sku));

    acme.post(PROVISION, &json!({ "mode": "own_tenant" })).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let licences = "api/v1/orgs/acme/licences";
    let bill = acme.until(licences, |seen| seen["seats"][0]["free"].is_number()).await;
    let licence = json!([{ "name": "O365_BUSINESS_ESSENTIALS", "price": "6.00" }]);
    assert_eq!((&bill["identities"][0]["licences"], &bill["complete"]), (&licence, &json!(true)), "{bill}");
    let products = bill["seats"][0]["products"].as_array().unwrap();
    assert_eq!((products.len(), &bill["seats"][0]["tenant_id"]), (1, &json!(theirs.tenant)), "{bill}");
    let ours = operator.get("api/v1/licences").await.ok(200);
    assert!(!ours.to_string().contains(&theirs.tenant), "{ours}");

    world.stop().await;
    world.governance.seats_low = 1_000;
    world.start().await;
    let alarms = "api/v1/orgs/acme/audit/entries?act=licence.";
    assert_eq!(acme.get(alarms).await.ok(200)["items"], json!([]));
    acme.post(&format!("{TENANT}/look"), &json!({})).await.ok(200);
    acme.until(licences, |seen| seen["seats"][0]["low"] == true).await;
    let told = acme.get(alarms).await.ok(200);
    assert_eq!(told["items"][0]["act"], "licence.seats_low", "{told}");

    // What was counted ends with the connection.
    acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    let one = format!("api/v1/orgs/acme/agent-identities/{}", active["id"].as_str().unwrap());
    acme.until(&one, |seen| seen["state"] == "deprovisioned").await;
    acme.delete(TENANT).await.ok(204);
    acme.until("api/v1/orgs/acme/jobs", |seen| {
        let mut counts =
            seen["items"].as_array().unwrap().iter().filter(|job| job["kind"] == "licence.count");
        counts.all(|job| job["state"] == "done")
    })
    .await;
}
