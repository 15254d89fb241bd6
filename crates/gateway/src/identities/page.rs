//! Identities as people see them: a list, and one with its chain drawn.

use std::sync::Arc;

use askama::Template;
use attache_provision::Step;
use attache_store::{OrgStore, Versioned};
use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::condition::Amiss;
use super::names::Names;
use super::ordinary::can_fall_back;
use super::provisioning::Provisioning;
use super::service::{self, Wanted};
use super::{
    DEFAULT, Fallback, Identity, IdentityId, Method, Mode, State, appearance, manage, photo, specialist,
};
use crate::Gateway;
use crate::access::{Allowed, Grant, right};
use crate::connection::Card;
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Cursor, Form, Listed, Pages, Problem};
use crate::{hosting, licences, sending};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/identities", get(list))
        .route("/orgs/{org}/identities/list", get(list_part))
        .route("/orgs/{org}/identities/{identity}", get(one))
        .route("/orgs/{org}/identities/{identity}/chain", get(one_part))
        .route("/orgs/{org}/settings/agent-identity", get(settings))
        .route("/orgs/{org}/settings/agent-identity/provision", post(provision))
        .merge(manage::pages())
        .merge(appearance::pages())
        .merge(photo::pages())
        .merge(specialist::pages())
}

/// An identity in a list.
pub(crate) struct IdentityCard {
    pub(crate) template: String,
    pub(crate) display_name: String,
    pub(crate) address: Option<String>,
    pub(crate) state: String,
    pub(crate) tone: &'static str,
    pub(crate) waits: String,
}

impl IdentityCard {
    /// What a list shows of an identity.
    pub(crate) fn of(identity: &Identity) -> Self {
        let waits = match (&identity.waiting, &identity.trouble) {
            (_, Some(trouble)) => trouble.message.clone(),
            (Some(waiting), None) => waiting.reason.clone(),
            (None, None) => String::new(),
        };
        Self {
            template: identity.template.clone(),
            display_name: identity.display_name.clone(),
            address: identity.address.clone(),
            state: words(identity),
            tone: tone(identity),
            waits,
        }
    }
}

/// How it stands, in words.
fn words(identity: &Identity) -> String {
    if identity.suspended.is_some() {
        return "suspended".to_owned();
    }
    identity.state.as_str().replace('_', " ")
}

/// How it stands, as a tone of the style sheet.
fn tone(identity: &Identity) -> &'static str {
    match identity.state {
        _ if identity.suspended.is_some() => "bad",
        State::Active => "good",
        State::Error | State::Degraded => "bad",
        State::Deprovisioned => "idle",
        _ => "wait",
    }
}

#[derive(Template)]
#[template(path = "identities/page.html")]
struct List {
    look: Look,
    place: PlaceOf,
    identities: Vec<IdentityCard>,
    /// Where this part of the list begins, as part of an address.
    part: String,
    next: Option<String>,
    /// What else the way to the next part carries.
    kept: &'static str,
}

#[derive(Template)]
#[template(path = "identities/list.html")]
struct ListPart {
    place: PlaceOf,
    identities: Vec<IdentityCard>,
}

/// A part of the list, the oldest first: the default identity is there before its specialists.
async fn cards(store: OrgStore<'_>, cursor: &Cursor) -> Answer<Listed<IdentityCard>> {
    let identities: Vec<Versioned<Identity>> = store.list(cursor.oldest()?).await?;
    cursor.listed(identities, |row| row.id.to_string(), |row| IdentityCard::of(&row))
}

async fn list(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Query(cursor): Query<Cursor>,
) -> Page {
    let Listed { items: identities, next } = cards(gateway.store.org(allowed.scope), &cursor).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/identities"));
    Ok(page(&List { look, place, identities, part: cursor.query(), next, kept: "" }))
}

async fn list_part(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Query(cursor): Query<Cursor>,
) -> Page {
    let Listed { items: identities, .. } = cards(gateway.store.org(allowed.scope), &cursor).await?;
    Ok(page(&ListPart { place: PlaceOf::new(&allowed, "/identities"), identities }))
}

/// One link of the chain as it is drawn.
struct Link {
    what: &'static str,
    tone: &'static str,
    words: &'static str,
    id: Option<String>,
}

/// The chain of an identity, and what it waits for.
struct Chain {
    identity: Identity,
    state: String,
    tone: &'static str,
    links: Vec<Link>,
    may_fall_back: bool,
    /// What it costs a month, once it has what costs.
    cost: Option<String>,
    /// The organisation's short name.
    slug: String,
}

/// What is drawn: a name, and the steps that make it.
const LINKS: &[(&str, &[Step])] = &[
    ("Blueprint", &[Step::Blueprint, Step::Certificate]),
    ("Blueprint principal, with consent", &[Step::Principal, Step::Role, Step::Consent, Step::Inheritance]),
    ("Agent identity", &[Step::Agent]),
    ("Agent user", &[Step::User, Step::UsageLocation]),
    ("Licence", &[Step::Licence]),
    ("Mailbox", &[Step::Hops, Step::Mailbox]),
    ("Teams", &[Step::Teams]),
];

impl Chain {
    /// The mode, as forms send it.
    fn mode(&self) -> &'static str {
        match self.identity.mode {
            Mode::Shared => "shared",
            Mode::Hosted => "hosted",
            Mode::OwnTenant => "own_tenant",
        }
    }

    async fn of(gateway: &Gateway, grant: &Grant, identity: Identity) -> Answer<Self> {
        let cost = licences::monthly(gateway, grant.scope, identity.id).await?;
        let slug = grant.organisation.slug.clone();
        let drawn = match (identity.mode, identity.method) {
            (Mode::Shared, _) => Some(vec![sender(&identity)]),
            (_, Method::OrdinaryUser) => Some(ordinary(&identity)),
            _ => None,
        };
        if let Some(links) = drawn {
            let (state, tone) = (words(&identity), tone(&identity));
            return Ok(Self { state, tone, links, may_fall_back: false, cost, slug, identity });
        }
        let provisioning = gateway.store.org(grant.scope).get::<Provisioning>(identity.id).await?;
        let amiss = amiss(&identity);
        let current = provisioning.as_ref().and_then(|provisioning| provisioning.steps.current());
        let links = LINKS.iter().map(|(what, steps)| {
            let (tone, words) = match (&provisioning, current) {
                _ if amiss.is_some_and(|amiss| steps.contains(&amiss.step())) => AMISS,
                _ if identity.state.acts() => ("done", "there"),
                (None, _) => ("", "to come"),
                (Some(_), None) => ("done", "there"),
                (Some(_), Some(step)) if steps.contains(&step) && identity.state == State::Error => {
                    ("failed", "stopped")
                }
                (Some(_), Some(step)) if steps.contains(&step) => ("doing", "being made"),
                (Some(_), Some(step)) if steps.iter().all(|own| *own < step) => ("done", "there"),
                (Some(_), Some(_)) => ("", "to come"),
            };
            let objects = provisioning.as_ref().map(|provisioning| provisioning.steps.objects());
            let id = objects.and_then(|objects| match steps.first() {
                Some(Step::Blueprint) => objects.blueprint.map(|id| id.to_string()),
                Some(Step::Principal) => objects.principal.map(|id| id.to_string()),
                Some(Step::Agent) => objects.agent.map(|id| id.to_string()),
                Some(Step::User) => objects.user.map(|id| id.to_string()),
                Some(Step::Licence) => objects.licence.map(|id| id.to_string()),
                _ => None,
            });
            Link { what, tone, words, id }
        });
        let links = links.collect();
        let (state, tone) = (words(&identity), tone(&identity));
        Ok(Self { state, tone, links, may_fall_back: can_fall_back(&identity), cost, slug, identity })
    }
}

/// What is drawn of an identity that has no mailbox of its own.
fn sender(identity: &Identity) -> Link {
    let id = identity.address.clone();
    Link { what: "The sender that organisations share", tone: "done", words: "there", id }
}

/// How a link is drawn that is not as it should be any more.
const AMISS: (&str, &str) = ("failed", "not as it should be");

/// What is amiss with an identity that was complete.
fn amiss(identity: &Identity) -> Option<Amiss> {
    Amiss::of(identity.trouble.as_ref()).filter(|_| identity.state == State::Degraded)
}

/// What is drawn of an ordinary user.
fn ordinary(identity: &Identity) -> Vec<Link> {
    let amiss = amiss(identity).map(Amiss::step);
    let link = |what, there: bool, id, step| {
        let (tone, words) = match there {
            _ if amiss.is_some() && amiss == step => AMISS,
            true => ("done", "there"),
            false => ("", "to come"),
        };
        Link { what, tone, words, id }
    };
    let licence = identity.licences.first().map(ToString::to_string);
    vec![
        link(
            "Ordinary user",
            identity.user.is_some(),
            identity.user.map(|id| id.to_string()),
            Some(Step::User),
        ),
        link("Licence", licence.is_some(), licence, Some(Step::Licence)),
        link("Mailbox", identity.state.acts(), None, None),
    ]
}

#[derive(Template)]
#[template(path = "identities/one.html")]
struct One {
    look: Look,
    place: PlaceOf,
    chain: Chain,
}

#[derive(Template)]
#[template(path = "identities/chain.html")]
struct OnePart {
    chain: Chain,
}

#[derive(Debug, Deserialize)]
struct Which {
    identity: String,
}

async fn chain(gateway: &Gateway, grant: &Grant, named: &str) -> Answer<Chain> {
    let store = gateway.store.org(grant.scope);
    let found = match named.parse::<IdentityId>() {
        Ok(id) => store.get::<Identity>(id).await?,
        Err(_) => store.find::<Identity>(Identity::BY_TEMPLATE, named).await?,
    };
    Chain::of(gateway, grant, found.ok_or_else(|| Problem::not_found("identity"))?.record).await
}

async fn one(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(Which { identity }): Path<Which>,
) -> Page {
    let chain = chain(&gateway, &allowed, &identity).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/identities"));
    Ok(page(&One { look, place, chain }))
}

async fn one_part(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(Which { identity }): Path<Which>,
) -> Page {
    Ok(page(&OnePart { chain: chain(&gateway, &allowed, &identity).await? }))
}

#[derive(Template)]
#[template(path = "identities/settings.html")]
struct Settings {
    look: Look,
    place: PlaceOf,
    chain: Option<Chain>,
    domain: Option<String>,
    /// Whether there is a sender that organisations share.
    shared: bool,
    sending: sending::Standing,
    local_part: String,
    card: Card,
}

async fn settings(Shared(gateway): Shared<Arc<Gateway>>, allowed: Allowed<right::SeeIdentities>) -> Page {
    let store = gateway.store.org(allowed.scope);
    let chain = match store.find::<Identity>(Identity::BY_TEMPLATE, DEFAULT).await? {
        Some(found) => Some(Chain::of(&gateway, &allowed, found.record).await?),
        None => None,
    };
    let place = PlaceOf::new(&allowed, "/settings/agent-identity");
    Ok(page(&Settings {
        look: Look::of(&gateway, &allowed.caller),
        place,
        chain,
        domain: hosting::expected(&gateway, allowed.scope).await?.map(|hosted| hosted.domain.clone()),
        shared: gateway.config.shared_sender.is_some(),
        sending: sending::standing(&gateway, allowed.scope).await?,
        local_part: gateway.config.local_part.clone(),
        card: Card::of(&gateway, &allowed).await?,
    }))
}

#[derive(Debug, Deserialize)]
struct Asked {
    mode: Mode,
    fallback: Option<Fallback>,
    subdomain: Option<String>,
    display_name: Option<String>,
}

async fn provision(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let wanted = Wanted {
        mode: Some(asked.mode),
        fallback: asked.fallback,
        subdomain: given(asked.subdomain),
        names: Names { display_name: given(asked.display_name), ..Names::default() },
        ..Wanted::default()
    };
    service::provision(&gateway, &allowed, &wanted).await?;
    let slug = &allowed.organisation.slug;
    Ok(Redirect::to(&format!("/orgs/{slug}/settings/agent-identity")).into_response())
}
