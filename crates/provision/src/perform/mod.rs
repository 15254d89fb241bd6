//! Performs one step: looks whether it is done already, does it if not, and says what it saw. A step makes
//! few requests and keeps nothing.

mod agent;
mod blueprint;
mod certificate;
mod consent;
mod given;
mod principal;
mod probe;
pub(crate) mod stop;
mod strip;
pub(crate) mod survey;
mod user;

use attache_graph::{Answer, Correlation, Graph};
use attache_terms::{AppId, UserId};
use uuid::Uuid;

use self::stop::Stop;
use crate::record::Open;
use crate::{Clients, Ended, Failure, FailureCause, Objects, Outcome, Reason, Record, Step, Told, Wish};

/// Performs the step that was begun. It is safe to drop at any await: the next `begin` knows what that may
/// mean.
#[tracing::instrument(name = "provision", skip_all, fields(step))]
pub async fn perform(clients: &dyn Clients, record: &Record) -> Outcome {
    // With nothing begun there is only one thing that harms nobody.
    let step = record.doing().map_or(Step::Survey, |doing| doing.step);
    tracing::Span::current().record("step", tracing::field::debug(step));
    let scene = Scene {
        clients,
        wish: record.wish(),
        objects: record.objects(),
        correlation: record.doing().map(|doing| doing.correlation).unwrap_or_default(),
        looks_only: record.doing().is_some_and(|doing| doing.looks_only),
        open: record.open(step),
    };
    let result = match (step, scene.wish.given) {
        (
            Step::Blueprint
            | Step::Certificate
            | Step::Principal
            | Step::Role
            | Step::Consent
            | Step::Inheritance,
            Some(given),
        ) => given::look(&scene, step, given).await,
        (step, _) => ours(&scene, step).await,
    };
    match result {
        Ok(did) => Outcome {
            step,
            ended: Ended::Done { found: did.found },
            correlation: did.correlation,
            resolves: scene.open.map(|open| (open.correlation, did.found)),
            learnt: did.learnt,
            seen: did.seen,
        },
        Err(stop) => {
            // An earlier creation is settled as not having happened as soon as the next one is tried.
            let tried = !scene.looks_only && matches!(*stop.ended, Ended::Unknown { .. });
            Outcome {
                step,
                ended: *stop.ended,
                correlation: stop.correlation,
                resolves: scene.open.filter(|_| tried).map(|open| (open.correlation, false)),
                learnt: Objects::default(),
                seen: Vec::new(),
            }
        }
    }
}

/// A step of a chain that is ours from the blueprint on.
async fn ours(scene: &Scene<'_>, step: Step) -> Result<Did, Stop> {
    match step {
        Step::Survey => survey::survey(scene).await,
        Step::Blueprint => blueprint::create(scene).await,
        Step::Certificate => certificate::append(scene).await,
        Step::Principal => principal::create(scene).await,
        Step::Role => principal::assign_role(scene).await,
        Step::Consent => consent::grant(scene).await,
        Step::Inheritance => consent::inherit(scene).await,
        Step::Agent => agent::create(scene).await,
        Step::User => user::create(scene).await,
        Step::UsageLocation => user::locate(scene).await,
        Step::Licence => user::license(scene).await,
        Step::Strip => strip::strip(scene).await,
        Step::Hops => probe::hops(scene).await,
        Step::Mailbox => probe::mailbox(scene).await,
        Step::Teams => probe::teams(scene).await,
    }
}

/// Everything a step may look at.
pub(crate) struct Scene<'a> {
    pub(crate) clients: &'a dyn Clients,
    pub(crate) wish: &'a Wish,
    pub(crate) objects: &'a Objects,
    pub(crate) correlation: Uuid,
    pub(crate) looks_only: bool,
    pub(crate) open: Option<Open>,
}

/// A step that is done.
pub(crate) struct Did {
    pub(crate) found: bool,
    pub(crate) learnt: Objects,
    /// The steps that it found to be done.
    pub(crate) seen: Vec<Step>,
    pub(crate) correlation: Option<Correlation>,
}

impl Did {
    /// There was nothing to do, and nothing to ask for.
    pub(crate) fn nothing() -> Self {
        Self { found: true, learnt: Objects::default(), seen: Vec::new(), correlation: None }
    }

    /// There was nothing to do.
    pub(crate) fn found<T>(answer: &Answer<T>) -> Self {
        Self { correlation: Some(answer.correlation.clone()), ..Self::nothing() }
    }

    /// It was done now.
    pub(crate) fn made<T>(answer: &Answer<T>) -> Self {
        Self { found: false, ..Self::found(answer) }
    }

    pub(crate) fn learning(mut self, teach: impl FnOnce(&mut Objects)) -> Self {
        teach(&mut self.learnt);
        self
    }
}

impl Scene<'_> {
    pub(crate) fn bootstrap(&self) -> Graph {
        self.clients.bootstrap().correlated(self.correlation)
    }

    fn as_blueprint(&self) -> Result<Graph, Stop> {
        Ok(self.clients.blueprint(self.blueprint()?).correlated(self.correlation))
    }

    fn as_agent_user(&self) -> Result<Graph, Stop> {
        let (blueprint, agent, user) = (self.blueprint()?, self.agent()?, self.user()?);
        Ok(self.clients.agent_user(blueprint, agent, user).correlated(self.correlation))
    }

    fn blueprint(&self) -> Result<AppId, Stop> {
        self.objects.blueprint.ok_or_else(|| missing(Step::Blueprint))
    }

    fn principal(&self) -> Result<attache_terms::ObjectId, Stop> {
        self.objects.principal.ok_or_else(|| missing(Step::Principal))
    }

    fn resource(&self) -> Result<attache_terms::ObjectId, Stop> {
        self.objects.graph.ok_or_else(|| missing(Step::Survey))
    }

    fn agent(&self) -> Result<AppId, Stop> {
        self.objects.agent.ok_or_else(|| missing(Step::Agent))
    }

    fn user(&self) -> Result<UserId, Stop> {
        self.objects.user.ok_or_else(|| missing(Step::User))
    }
}

/// A record says that a step is done and does not know its object: somebody edited it.
fn missing(step: Step) -> Stop {
    let told = Told {
        code: "record_damaged".to_owned(),
        message: format!("the record does not know the object of a step that is done: {step}"),
        remedy: "move the record away and run attache provision again: what exists is found by its tag"
            .to_owned(),
        operator: true,
    };
    Stop::failed(Failure::new(step, FailureCause::Refused).told(Some(told)))
}

/// At most one of what was found.
pub(crate) fn only<T>(
    step: Step,
    what: impl Into<String>,
    mut found: Vec<T>,
    id: impl Fn(&T) -> String,
) -> Result<Option<T>, Stop> {
    if found.len() > 1 {
        let ids = found.iter().map(id).collect();
        return Err(Stop::failed(Failure::new(step, FailureCause::Ambiguous { what: what.into(), ids })));
    }
    Ok(found.pop())
}

/// A search that may not create yet.
fn still_looking(correlation: &Correlation) -> Stop {
    Stop::waits(Reason::Hidden, None).at(correlation)
}
