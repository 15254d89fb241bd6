//! Suspending a whole organisation: nothing is done for any of its identities from now on and no new one is
//! provisioned; then each identity is suspended as by itself, with its own proof. What was suspended for a reason of
//! its own stays so when the organisation is resumed.

use attache_ledger::ActName;
use attache_store::{JobId, NewJob, OrgId, Unit, id};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Organisation;
use super::http::accepted;
use crate::Gateway;
use crate::access::{Grant, operators_only};
use crate::identities::FOLLOW;
use crate::jobs::take_up;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

id! {
    /// One suspension of an organisation.
    SuspensionId = "a suspension's id";
}

/// What makes the job the only one of its organisation.
const KEY: &str = "suspension";

const SUSPENDED: ActName = ActName::new("organisation.suspended");
const RESUMED: ActName = ActName::new("organisation.resumed");

/// That nothing is done for an organisation for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrgSuspension {
    /// Which one: what it stopped is what its end lets go on.
    pub(crate) id: SuspensionId,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Why, as whoever did it wrote.
    pub(crate) reason: String,
    /// Whether an operator of the gateway did it, who does not belong to the organisation.
    pub(crate) by_operator: bool,
}

/// Suspends an organisation. One that is suspended already stays as it is, except that an operator's word comes before
/// its members': they do not end what one of them began. Asked for again, what came to nothing of it is done again.
pub(crate) async fn suspend(gateway: &Gateway, grant: &Grant, reason: &str) -> Answer<Organisation> {
    let (reason, by_operator) = (plain(reason), grant.is_operators());
    let suspension = match &grant.organisation.suspended {
        None => OrgSuspension {
            id: SuspensionId::make(&*gateway.clock, &*gateway.rng),
            since: gateway.clock.now(),
            reason,
            by_operator,
        },
        Some(own) if by_operator && !own.by_operator => OrgSuspension { reason, by_operator, ..own.clone() },
        Some(_) => {
            let same = &grant.organisation.record;
            let mut unit = Unit::new();
            unit.expect(&grant.organisation);
            unit.enqueue(follow(gateway, same.id));
            gateway.commit_answered(&grant.caller, unit, || accepted(same)).await?;
            return Ok(same.clone());
        }
    };
    change(gateway, grant, Some(suspension), SUSPENDED).await
}

/// Lets an organisation go on. What an operator stopped, an operator lets go on. Asked for again, its identities follow
/// if that was given up.
pub(crate) async fn resume(gateway: &Gateway, grant: &Grant) -> Answer<Organisation> {
    let Some(suspension) = &grant.organisation.suspended else {
        take_up(gateway, &grant.caller, grant.scope, &FOLLOW, KEY).await?;
        return Ok(grant.organisation.record.clone());
    };
    if suspension.by_operator && !grant.caller.is_operator() {
        return Err(operators_only(
            "an operator of this gateway suspended the organisation, and only one resumes it",
        ));
    }
    change(gateway, grant, None, RESUMED).await
}

async fn change(
    gateway: &Gateway,
    grant: &Grant,
    suspended: Option<OrgSuspension>,
    act: ActName,
) -> Answer<Organisation> {
    let after = Organisation { suspended, ..grant.organisation.record.clone() };
    let mut unit = Unit::new();
    unit.update(&grant.organisation, &after);
    let about = on([thing("organisation", after.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, act, about));
    unit.enqueue(follow(gateway, after.id));
    gateway.commit_answered(&grant.caller, unit, || accepted(&after)).await?;
    Ok(after)
}

/// The job that brings the identities to where the organisation is. While it runs it is asked for once more.
pub(crate) fn follow(gateway: &Gateway, org: OrgId) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    NewJob::new(id, FOLLOW.name, Some(org), &()).only(KEY)
}

/// A reason on one line, at most 200 characters of it.
pub(crate) fn plain(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl OrgSuspension {
    /// That the organisation is suspended, as a problem.
    pub(crate) fn refused(&self) -> Problem {
        let who = if self.by_operator { " by an operator of this gateway" } else { "" };
        Problem::new(
            http::StatusCode::CONFLICT,
            "organisation_suspended",
            format!("the organisation is suspended{who} since {}: {}", self.since, self.reason),
            "resume the organisation first (POST /api/v1/orgs/{org}/resume, or its page Suspension)",
        )
    }
}

impl Organisation {
    /// Nothing, or that it is suspended.
    pub(crate) fn goes_on(&self) -> Answer<()> {
        self.suspended.as_ref().map_or(Ok(()), |suspension| Err(suspension.refused()))
    }
}
