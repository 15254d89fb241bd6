//! Jobs for one identity: of each kind there is one at a time for it.

use attache_store::{Job, JobId, NewJob, OrgId, OrgScope, StoreError, Versioned};
use serde::{Deserialize, Serialize};

use super::{Identity, IdentityId};
use crate::Gateway;
use crate::jobs::Kind;

/// What such a job needs to know.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Body {
    identity: IdentityId,
}

/// The job of this kind for an identity of this organisation, due at once.
pub(crate) fn job_for(gateway: &Gateway, kind: &Kind, org: OrgId, identity: IdentityId) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    NewJob::new(id, kind.name, Some(org), &Body { identity }).only(identity.to_string())
}

/// The identity that a job is for, with what its organisation has; `None` when it is no more.
pub(crate) async fn subject(
    gateway: &Gateway,
    job: &Job,
) -> Result<Option<(OrgScope, Versioned<Identity>)>, StoreError> {
    let (Some(org), Body { identity }) = (job.org, job.body()?) else { return Ok(None) };
    let scope = OrgScope::granted(org);
    let found = gateway.store.org(scope).get::<Identity>(identity).await?;
    Ok(found.map(|identity| (scope, identity)))
}
