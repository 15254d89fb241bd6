//! A write to an identity's user for which somebody waits: what is meant is committed before, what came of it after,
//! whoever leaves meanwhile.

use std::sync::Arc;

use attache_graph::{Answered, Graph};
use attache_ledger::{Act, ActName, Correlation, EntryId, Outcome};
use attache_store::{CommitError, OrgScope, Unit, Versioned};
use attache_terms::UserId;
use http::StatusCode;

use super::{Identity, IdentityId, suspend};
use crate::Gateway;
use crate::access::Grant;
use crate::jobs::{correlated, judge};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

/// Writes to the identity's user in its tenant; when that is done, the identity becomes what `becomes` makes of it.
pub(super) async fn write<F>(
    gateway: &Arc<Gateway>,
    grant: &Grant,
    identity: &Versioned<Identity>,
    name: ActName,
    call: impl FnOnce(Graph, UserId) -> F,
    becomes: impl Fn(Identity) -> Identity + Send + 'static,
) -> Answer<()>
where
    F: Future<Output = Answered<()>> + Send + 'static,
{
    grant.organisation.goes_on()?;
    if let Some(suspension) = &identity.suspended {
        return Err(suspend::refused(suspension));
    }
    let home = gateway.home(grant.scope, identity).await?;
    let (Some(user), Some(home)) = (identity.user, home) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not_active",
            "the identity has no user yet to whom it could be written",
            "wait until it is active",
        ));
    };
    let request = gateway.rng.uuid();
    let correlation = Correlation { client_request_id: Some(request), ..grant.caller.correlation() };
    let act = Act::new(name, grant.caller.actor()).on(on([thing("identity", identity.id)]));
    let mut unit = Unit::new();
    // It counts as a change from here on: of two who saw the same, one is told.
    unit.update(identity, &Identity { changed: gateway.clock.now(), ..identity.record.clone() });
    unit.expect(&grant.organisation);
    let intent = gateway.open(&mut unit, grant.scope, act.correlated(correlation));
    let writing = Writing { gateway: Arc::clone(gateway), scope: grant.scope, identity: identity.id, intent };
    let call = call(gateway.provisioner(&home).correlated(request), user);
    // On its own, so that who asked may leave: what was meant gets its outcome all the same.
    let written = gateway.spawn(writing.make(unit, call, becomes)).await;
    written.map_err(|_| {
        let said = "nobody knows whether it was written";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", said, "set it again")
    })?
}

/// What is being written, between its intent and its outcome.
struct Writing {
    gateway: Arc<Gateway>,
    scope: OrgScope,
    identity: IdentityId,
    intent: EntryId,
}

impl Writing {
    async fn make(
        self,
        intent: Unit,
        call: impl Future<Output = Answered<()>>,
        becomes: impl Fn(Identity) -> Identity,
    ) -> Answer<()> {
        self.gateway.store.commit(intent).await?;
        match call.await {
            Ok(answer) => {
                self.end(Outcome::done().correlated(correlated(&answer.correlation)), becomes).await
            }
            Err(error) => {
                self.end(judge(&error), |identity| identity).await?;
                Err(Problem::explained(StatusCode::BAD_GATEWAY, &error))
            }
        }
    }

    /// Commits what came of it; whatever else happened to the identity meanwhile stays.
    async fn end(&self, outcome: Outcome, becomes: impl Fn(Identity) -> Identity) -> Answer<()> {
        loop {
            let mut unit = Unit::new();
            self.gateway.close(&mut unit, self.intent, outcome.clone()).await?;
            if let Some(seen) = self.gateway.store.org(self.scope).get::<Identity>(self.identity).await? {
                let now = becomes(seen.record.clone());
                if now != seen.record {
                    unit.update(&seen, &now);
                }
            }
            match self.gateway.store.commit(unit).await {
                Err(CommitError::Conflict { .. }) => {}
                ended => return ended.map(|_| ()).map_err(Into::into),
            }
        }
    }
}
