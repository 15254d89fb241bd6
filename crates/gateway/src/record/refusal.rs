//! Refusals as entries: somebody tried what is not theirs. Only so many a minute of one caller are entries, and only so
//! many of all who have proved nothing, so that nobody fills a log by asking in vain; the answers are the same.
//! What it takes to note one is boxed: most requests are not refused, and are not to carry room for it.

use attache_ledger::{Act, ActName, Code, Verdict};
use attache_store::{GatewayScope, Scope, Unit};
use uuid::Uuid;

use crate::Gateway;
use crate::access::Visit;
use crate::limits::Noting;
use crate::server::Problem;

impl Gateway {
    /// Notes that a caller was refused something. That it cannot be noted changes nothing about the refusal.
    pub(crate) async fn refused(&self, caller: Uuid, scope: impl Scope, act: Act, problem: &Problem) {
        if self.meter.notes(Noting::Caller(caller), self.clock.boot()) {
            Box::pin(self.note_refusal(scope, act, problem)).await;
        }
    }

    /// Notes, in the gateway's own log, that somebody who has proved nothing was refused.
    pub(crate) async fn refused_visitor(&self, visit: Visit, act: ActName, problem: &Problem) {
        let now = self.clock.boot();
        if self.meter.notes(Noting::Caller(visit.whose()), now) && self.meter.notes(Noting::Visitors, now) {
            let act = Act::new(act, visit.actor(None)).correlated(visit.correlation());
            Box::pin(self.note_refusal(GatewayScope::granted(), act, problem)).await;
        }
    }

    async fn note_refusal(&self, scope: impl Scope, act: Act, problem: &Problem) {
        let code = problem.code.parse().unwrap_or(Code::new("refused"));
        let mut unit = Unit::new();
        unit.record(scope, self.composer.change(act, Verdict::Refused, Some(code)));
        if let Err(error) = self.store.commit(unit).await {
            tracing::warn!(code = &*problem.code, %error, "a refusal is not on record");
        }
    }
}
