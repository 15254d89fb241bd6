//! Erasure: what the log holds of a person is destroyed. The leaves are salted commitments to the fields that are
//! withheld, so that proofs, checkpoints and exports verify as before; that something was destroyed, and at whose
//! word, stays on record. The job remembers only hashes of whom it looks for.

use std::sync::Arc;

use attache_ledger::{ActName, ByKind, Correlation, Entry};
use attache_store::{EntryQuery, GatewayScope, JobId, NewJob, Unit, Versioned};
use attache_terms::UserId;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::keeping::accepted;
use crate::Gateway;
use crate::access::{Digest, Grant};
use crate::api_keys::{ApiKey, KeyId};
use crate::config::Operator;
use crate::identities::Identity;
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::members::Member;
use crate::record::{on, system, thing};
use crate::server::{Answer, Problem};

/// The job that destroys.
pub(crate) const ERASE: Kind = Kind {
    name: "audit.erase",
    tries: 20,
    recurring: false,
    work: |gateway, turn| Box::pin(erase(gateway, turn)),
};

const REQUESTED: ActName = ActName::new("audit.erasure_requested");

/// How many entries are looked at in one go.
const PART: usize = 500;

/// Whom to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The object id under which they acted, or were acted on.
    pub(super) user: Option<UserId>,
    /// A name or an address by which entries speak of them: an invitation's, a message's.
    pub(super) subject: Option<String>,
}

/// What the job looks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    user: Option<Digest>,
    subject: Option<Digest>,
}

/// Asks for it: an owner in person, since what is destroyed here never comes back. Whoever is still a member is removed
/// first: what they do next would be written down again.
pub(super) async fn ask(gateway: &Gateway, grant: &Grant, person: &Person) -> Answer<JobId> {
    grant.owner_in_person("has the log forget somebody")?;
    let subject = person.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty());
    if person.user.is_none() && subject.is_none() {
        let remedy = "give user_id, subject, or both";
        return Err(Problem::invalid("user_id", "nobody is named", remedy));
    }
    if let Some(user) = person.user {
        is_a_person(gateway, grant, user).await?;
        is_no_member(gateway, grant, user).await?;
    }
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let body = Body {
        user: person.user.map(|user| Digest::of(&user.to_string())),
        subject: subject.map(Digest::of),
    };
    let mut unit = Unit::new();
    unit.enqueue(NewJob::new(id, ERASE.name, Some(grant.scope.org()), &body));
    unit.record(grant.scope, gateway.changed(&grant.caller, REQUESTED, on([thing("job", id)])));
    gateway.commit_answered(&grant.caller, unit, || accepted(id)).await?;
    Ok(id)
}

/// What programs, agents and those who run the gateway did stays on record: they are not people whom it tells of.
async fn is_a_person(gateway: &Gateway, grant: &Grant, user: UserId) -> Answer<()> {
    let store = gateway.store.org(grant.scope);
    let refused =
        |whose: &str| Err(Problem::invalid("user_id", whose, "give the object id of a person who has left"));
    let is_ours = |operator: &Operator| operator.user == user;
    if gateway.config.operators.iter().any(is_ours) {
        return refused("that of an operator of this gateway");
    }
    if let Ok(key) = user.to_string().parse::<KeyId>()
        && store.get::<ApiKey>(key).await?.is_some()
    {
        return refused("that of an API key");
    }
    let identities: Vec<Versioned<Identity>> = store.every().await?;
    if identities.iter().any(|one| one.user == Some(user) || one.id.uuid() == user.uuid()) {
        return refused("that of an agent identity");
    }
    Ok(())
}

async fn is_no_member(gateway: &Gateway, grant: &Grant, user: UserId) -> Answer<()> {
    let members: Vec<Versioned<Member>> = gateway.store.org(grant.scope).every().await?;
    if members.iter().any(|member| member.user == user) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "still_member",
            "whoever is a member goes on leaving traces in the log",
            "remove them from the organisation first",
        ));
    }
    Ok(())
}

async fn erase(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let body: Body = turn.job().body()?;
    let scope = turn.scope()?;
    let log = gateway.store.org(scope).own_log();
    let engine = gateway.store.engine(GatewayScope::granted());
    let mut at = 0;
    loop {
        // Before each part, for a log may be longer than a lease.
        turn.before_write().await?;
        let rows =
            engine.entries(EntryQuery { sequences: at..u64::MAX, ..EntryQuery::all(log, PART) }).await?;
        let Some(last) = rows.last() else { return Ok(Ending::done()) };
        at = last.sequence + 1;
        let (mut unit, mut count) = (Unit::new(), 0);
        for row in &rows {
            if let Some(Ok(entry)) = row.entry()
                && body.is_in(&entry)
            {
                unit.erase(scope, row.sequence);
                count += 1;
            }
        }
        if count > 0 {
            let about = on([thing("job", turn.job().id)]);
            unit.record(scope, gateway.composer.erasure(count, system(), about, Correlation::default()));
            turn.commit(unit).await?;
        }
    }
}

impl Body {
    /// Whether an entry tells of this person.
    fn is_in(&self, entry: &Entry) -> bool {
        let users = [entry.actor.user, entry.target.user].into_iter().flatten().map(|user| user.to_string());
        let by = entry.actor.by.as_ref().filter(|by| by.kind == ByKind::Person);
        let by = by.and_then(|by| by.id.clone());
        let named = |wanted: &Option<Digest>, text: &str| {
            wanted.as_ref().is_some_and(|wanted| *wanted == Digest::of(text))
        };
        users.chain(by).any(|id| named(&self.user, &id))
            || entry.target.subject.as_deref().is_some_and(|subject| named(&self.subject, subject))
    }
}
