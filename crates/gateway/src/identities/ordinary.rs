//! An identity whose user is an ordinary licensed one: where an organisation chose that, or chose to fall back to it
//! where the tenant makes no agent identities, or where the mailbox or Teams of an agent user do not come before the
//! deadline (Entra reference §13). It is never silent: it is off until chosen, an entry tells of it, and the
//! identity's `method` says what it is. Such a user has a password that nobody knows; the gateway speaks for it as
//! its application.

use std::sync::Arc;
use std::time::Duration;

use attache_graph::{Cause, Graph, NewUser};
use attache_ledger::{Act, ActName, Actor, Code, Mode as As, Target, Verdict};
use attache_provision::{Failure, FailureCause, Reason, Step};
use attache_store::{OrgScope, Record, Unit, Versioned};
use attache_terms::{Explain as _, ObjectId, Secret, SkuId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::provisioning::Provisioning;
use super::suspend::there;
use super::{Identity, IdentityId, Method, Mode, Trouble, setback, unheard, verify, wait};
use crate::Gateway;
use crate::jobs::{Ending, JobError, Turn, is_unknown, outside};
use crate::licences;
use crate::record::{on, system, thing};
use crate::tenants::Home;

const FELL_BACK: ActName = ActName::new("identity.fell_back");
const CREATE: ActName = ActName::new("user.create");
const LICENCE: ActName = ActName::new("licence.assign");
const RECLAIM: ActName = ActName::new("licence.reclaim");
const DELETE: ActName = ActName::new("user.delete");
const DELETE_AGENT: ActName = ActName::new("agent_identity.delete");

/// How long to wait for what a directory does late.
const SOON: Duration = Duration::from_secs(10);

/// What an organisation wants where no agent user can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fallback {
    /// To be told, and nothing else.
    #[default]
    None,
    /// An ordinary licensed user.
    OrdinaryUser,
}

/// That an identity is an ordinary user since no agent user could be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct FellBack {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// The code of what stood in the way.
    pub(crate) code: String,
    /// What stood in the way.
    pub(crate) message: String,
}

/// That the user was asked for, and nobody has heard yet that it is not there: who is found by its name is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    identity: IdentityId,
    since: Timestamp,
}

impl Record for Asked {
    const KIND: &'static str = "ordinary_user";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.identity.to_string()
    }
}

impl Asked {
    /// When the directory shows what was asked for, at the latest.
    fn shown(&self, gateway: &Gateway) -> Timestamp {
        self.since.saturating_add(unheard::hidden(gateway)).unwrap_or(Timestamp::MAX)
    }
}

/// Whether what stopped provisioning at this step is what one can fall back for: mailbox or Teams that never came, or
/// a tenant that refuses to make the agent objects. What an administrator can mend (a permission, a seat, a name) is
/// not.
pub(super) fn gives_way(failure: &Failure, step: Option<Step>) -> bool {
    let makes = matches!(step, Some(Step::Blueprint | Step::Principal | Step::Agent | Step::User));
    match failure.cause {
        FailureCause::TooLong { reason: Reason::Mailbox | Reason::Teams } => true,
        FailureCause::Refused => makes,
        _ => false,
    }
}

/// What stopped it. Where an ordinary user could take its place in a customer's tenant, the trouble says what that takes.
pub(super) fn trouble(identity: &Identity, failure: &Failure, step: Option<Step>) -> Trouble {
    let mut trouble = Trouble::from(failure);
    if identity.mode == Mode::OwnTenant && gives_way(failure, step) {
        trouble.remedy += "; or go on as an ordinary user: choose that (`\"fallback\": \"ordinary_user\"`), for which the \
                           tenant grants the gateway User.ReadWrite.All, or have an administrator of it make one, with a \
                           licence, and adopt it (`\"method\": \"adopt\"`)";
    }
    trouble
}

/// Whether an identity stopped where its organisation may still choose an ordinary user.
pub(super) fn can_fall_back(identity: &Identity) -> bool {
    let codes = ["mailbox_missing", "teams_missing", "refused"];
    identity.method == Method::Create
        && identity.mode != Mode::Shared
        && identity.fallback == Fallback::None
        && identity.trouble.as_ref().is_some_and(|trouble| codes.contains(&trouble.code.as_str()))
}

/// From now on it is an ordinary user; the unit tells why.
pub(super) fn fall_back(
    gateway: &Gateway,
    scope: OrgScope,
    unit: &mut Unit,
    identity: Identity,
    failure: &Failure,
) -> Identity {
    let act = Act::new(FELL_BACK, system()).on(on([thing("identity", identity.id)]));
    let code = failure.code().parse().unwrap_or(Code::new("failed"));
    unit.record(scope, gateway.composer.change(act, Verdict::Done, Some(code)));
    let fell_back = FellBack {
        since: gateway.clock.now(),
        code: failure.code().to_owned(),
        message: failure.to_string(),
    };
    Identity { method: Method::OrdinaryUser, fell_back: Some(fell_back), ..identity }
}

/// Makes the user, or goes on with it: each turn looks first.
pub(super) async fn go_on(
    gateway: &Arc<Gateway>,
    turn: &Turn,
    scope: OrgScope,
    identity: Versioned<Identity>,
    home: &Home,
) -> Result<Ending, JobError> {
    let graph = gateway.provisioner(home);
    let hand = Hand { gateway, turn, scope, graph: &graph };
    let identity = hand.without_agent(identity).await?;
    let identity = match identity.user {
        Some(_) => identity,
        None => match hand.make(&identity, home).await? {
            Made::User(user) => {
                let made = Identity { user: Some(user), ..identity.record.clone() };
                let mut unit = Unit::new();
                unit.update(&identity, &made);
                turn.commit(unit).await?;
                identity.replaced(made)
            }
            Made::NotYet(reason) => {
                let span = SOON.mul_f64(gateway.config.provision_scale);
                return Ok(wait::ending(gateway, &identity, span, reason));
            }
            Made::Taken => return Ok(stopped(gateway, scope, &identity, taken())),
        },
    };
    if let Some(user) = identity.user
        && let Some(trouble) = hand.license(&identity, user, home).await?
    {
        return Ok(stopped(gateway, scope, &identity, trouble));
    }
    verify::look(gateway, scope, identity, home).await
}

/// Deletes the user that was made, its licence first. What is gone is gone.
pub(super) async fn remove(
    gateway: &Arc<Gateway>,
    turn: &Turn,
    scope: OrgScope,
    identity: &Identity,
) -> Result<(), JobError> {
    let Some(user) = identity.user else { return Ok(()) };
    let graph = gateway.provisioner(&gateway.home_needed(scope, identity).await?);
    Hand { gateway, turn, scope, graph: &graph }.delete(identity, user).await
}

/// Whether the user was asked for.
pub(super) async fn is_asked_for(
    gateway: &Gateway,
    scope: OrgScope,
    identity: &Identity,
) -> Result<bool, attache_store::StoreError> {
    Ok(gateway.store.org(scope).get::<Asked>(identity.id).await?.is_some())
}

/// Since when a user may be there that nobody has heard of.
pub(super) async fn asked(
    gateway: &Gateway,
    scope: OrgScope,
    identity: &Identity,
) -> Result<Option<Timestamp>, JobError> {
    let asked = gateway.store.org(scope).get::<Asked>(identity.id).await?;
    Ok(asked.filter(|_| identity.user.is_none()).map(|asked| asked.since))
}

/// The user that was asked for, if it is to be seen.
pub(super) async fn asked_for(
    gateway: &Gateway,
    scope: OrgScope,
    identity: &Identity,
) -> Result<Option<UserId>, JobError> {
    let Some(address) = &identity.address else { return Ok(None) };
    let graph = gateway.provisioner(&gateway.home_needed(scope, identity).await?);
    let found = graph.user_by_name(address).await?.value;
    // An agent user that was given up may still be shown; it is another's to remove.
    Ok(found.filter(|user| user.identity_parent_id.is_none()).map(|user| user.id))
}

fn taken() -> Trouble {
    Trouble {
        code: "name_taken".to_owned(),
        message: "the name belongs to another account of the tenant".to_owned(),
        remedy: "rename or delete that account, then provision again; or deprovision the identity, and provision it with another subdomain".to_owned(),
    }
}

fn unknown(licences: &[String]) -> Trouble {
    Trouble {
        code: "licence_unknown".to_owned(),
        message: format!("the tenant has no licence {}", licences.join(", ")),
        remedy: "configure one that it has (`licence`), or buy it, then provision again".to_owned(),
    }
}

fn stopped(gateway: &Gateway, scope: OrgScope, identity: &Versioned<Identity>, trouble: Trouble) -> Ending {
    let mut unit = Unit::new();
    setback::stop(gateway, scope, &mut unit, identity, identity.record.clone(), trouble);
    Ending::done_with(unit)
}

enum Made {
    User(UserId),
    NotYet(&'static str),
    Taken,
}

/// What acts in the tenant, each act with its intent and outcome.
struct Hand<'a> {
    gateway: &'a Arc<Gateway>,
    turn: &'a Turn,
    scope: OrgScope,
    graph: &'a Graph,
}

impl Hand<'_> {
    /// The identity without the agent objects that came to nothing: they hold the name and a licence.
    async fn without_agent(&self, identity: Versioned<Identity>) -> Result<Versioned<Identity>, JobError> {
        let store = self.gateway.store.org(self.scope);
        let provisioning = store.get::<Provisioning>(identity.id).await?;
        let Some(provisioning) = provisioning else { return Ok(identity) };
        let objects = provisioning.steps.objects();
        if let Some(user) = objects.user {
            self.delete(&identity, user).await?;
        }
        if let Some(agent) = objects.agent {
            let act = self.act(DELETE_AGENT, &identity, Some(agent.uuid()));
            let call = |graph: Graph| async move { graph.delete_agent_identity(agent).await };
            there(outside(self.gateway, self.turn, self.scope, act, self.graph, call).await?)?;
        }
        // Its seat in the cell stays taken: what is deleted softly counts for Entra, too.
        let bare =
            Identity { agent: None, user: None, cell: None, licences: Vec::new(), ..identity.record.clone() };
        let mut unit = Unit::new();
        unit.update(&identity, &bare);
        unit.delete(&provisioning);
        self.turn.commit(unit).await?;
        Ok(identity.replaced(bare))
    }

    async fn delete(&self, identity: &Identity, user: UserId) -> Result<(), JobError> {
        let found = match self.graph.user(user).await {
            Ok(found) => found.value,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let held: Vec<SkuId> = found.assigned_licences.iter().map(|licence| licence.sku_id).collect();
        if !held.is_empty() {
            let act = self.act(RECLAIM, identity, Some(user.uuid()));
            let call = |graph: Graph| async move { graph.assign_licences(user, &[], &held).await };
            there(outside(self.gateway, self.turn, self.scope, act, self.graph, call).await?)?;
        }
        let act = self.act(DELETE, identity, Some(user.uuid()));
        let call = |graph: Graph| async move { graph.delete_user(user).await };
        there(outside(self.gateway, self.turn, self.scope, act, self.graph, call).await?)
    }

    /// The user of the identity's name: ours if we have asked for it, made now if there is none.
    async fn make(&self, identity: &Versioned<Identity>, home: &Home) -> Result<Made, JobError> {
        let address = identity.address.clone();
        let address = address.ok_or_else(|| JobError::Hopeless("the identity has no address".into()))?;
        let store = self.gateway.store.org(self.scope);
        let asked = store.get::<Asked>(identity.id).await?;
        let now = self.gateway.clock.now();
        match (self.graph.user_by_name(&address).await?.value, &asked) {
            (Some(user), _) if user.identity_parent_id.is_some() && identity.fell_back.is_some() => {
                return Ok(Made::NotYet("the directory still shows the agent user that was given up"));
            }
            (Some(user), Some(_)) => return Ok(Made::User(user.id)),
            (Some(_), None) => return Ok(Made::Taken),
            // What nobody heard of is looked for as long as replication may hide it: whose the name is then is certain.
            (None, Some(asked)) if now < asked.shown(self.gateway) => {
                return Ok(Made::NotYet("the directory does not show yet whether the user was made"));
            }
            (None, _) => {}
        }
        let asking = Asked { identity: identity.id, since: now };
        let mut unit = Unit::new();
        match &asked {
            Some(asked) => unit.update(asked, &asking),
            None => unit.create(self.scope, &asking),
        };
        self.turn.commit(unit).await?;
        // What was granted or taken back since the last token only shows in a fresh one.
        self.graph.renew().await;
        let mut random = [0; 32];
        self.gateway.rng.fill(&mut random);
        // The suffix has every class of characters that a policy may ask for; nobody ever sees it.
        let password = Secret::new(format!("{}aA1!", URL_SAFE_NO_PAD.encode(random)));
        let (local, _) = address.split_once('@').unwrap_or((address.as_str(), ""));
        let nickname = match &identity.subdomain {
            Some(subdomain) => format!("{local}-{subdomain}"),
            None => local.to_owned(),
        };
        let act = self.act(CREATE, identity, None);
        let call = |graph: Graph| {
            let identity = identity.record.clone();
            async move {
                let new = NewUser {
                    display_name: &identity.display_name,
                    user_principal_name: &address,
                    mail_nickname: &nickname,
                    usage_location: &home.usage_location,
                    job_title: &identity.job_title,
                    department: &identity.department,
                    password: &password,
                };
                graph.create_user(new).await
            }
        };
        let error = match outside(self.gateway, self.turn, self.scope, act, self.graph, call).await? {
            Ok(made) => return Ok(Made::User(made.value.id)),
            Err(error) if is_unknown(&error) => return Err(error.into()),
            Err(error) => error,
        };
        // It was certainly not made: who comes to have that name is somebody else.
        if let Some(asked) = store.get::<Asked>(identity.id).await? {
            let mut unit = Unit::new();
            unit.delete(&asked);
            self.turn.commit(unit).await?;
        }
        match error.cause() {
            Cause::Conflict { .. } => Ok(Made::Taken),
            _ => Err(error.into()),
        }
    }

    /// Gives it a licence if it has none. Where no seat is free, the identity waits for one; a licence that the tenant
    /// does not have is trouble.
    async fn license(
        &self,
        identity: &Identity,
        user: UserId,
        home: &Home,
    ) -> Result<Option<Trouble>, JobError> {
        let found = self.graph.user(user).await?.value;
        if !found.assigned_licences.is_empty() {
            return Ok(None);
        }
        let skus = self.graph.subscribed_skus().await?.value;
        if !licences::is_known(&skus, &home.licences) {
            return Ok(Some(unknown(&home.licences)));
        }
        let Some(sku) = licences::seat(&skus, &home.licences) else { return Ok(None) };
        let act = self.act(LICENCE, identity, Some(user.uuid()));
        let call = |graph: Graph| async move { graph.assign_licences(user, &[sku], &[]).await };
        match outside(self.gateway, self.turn, self.scope, act, self.graph, call).await? {
            Ok(_) => Ok(None),
            Err(error) if error.code() == "licence_used_up" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn act(&self, name: ActName, identity: &Identity, object: Option<uuid::Uuid>) -> Act {
        let actor = Actor { tenant: identity.tenant, mode: Some(As::Application), ..system() };
        let about = Target { object: object.map(ObjectId::new), ..on([thing("identity", identity.id)]) };
        Act::new(name, actor).on(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(cause: serde_json::Value) -> Failure {
        let mut whole = serde_json::json!({ "during": "making" });
        whole.as_object_mut().unwrap().extend(cause.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn one_falls_back_only_for_what_nobody_can_mend() {
        let too_long = |reason: &str| failure(serde_json::json!({ "cause": "too_long", "reason": reason }));
        assert!(gives_way(&too_long("mailbox"), Some(Step::Mailbox)));
        assert!(gives_way(&too_long("teams"), Some(Step::Teams)));
        assert!(!gives_way(&too_long("replication"), Some(Step::Agent)));
        let refused = failure(serde_json::json!({ "cause": "refused" }));
        assert!(gives_way(&refused, Some(Step::Blueprint)));
        assert!(!gives_way(&refused, Some(Step::Survey)));
        let seats = failure(serde_json::json!({ "cause": "licence_used_up", "licence": "SPE_E3" }));
        assert!(!gives_way(&seats, Some(Step::Licence)));
    }
}
