//! What goes on while the agent serves: it listens, ends what a killed process began, provisions its own
//! identity when it may, and goes over to it. Each is a reconciler: it looks at what is remembered, does what
//! is missing, and waits for a change.

use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Explain, Who};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::agent::Agent;
use crate::identity::IdentityMode;

/// How often the profile is looked at for what other processes did: one system call.
const LOOK: Duration = Duration::from_millis(500);

/// The waits after a failure that may pass.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

pub(crate) fn spawn(agent: &Arc<Agent>, tasks: &TaskTracker, stop: &CancellationToken) {
    let (listener, token) = (agent.clone(), stop.clone());
    tasks.spawn(async move { listener.inbox().run(&listener, token).await });
    let (worker, token) = (agent.clone(), stop.clone());
    tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = reconcile(&worker) => {}
        }
    });
}

async fn reconcile(agent: &Agent) {
    let mut changes = agent.identity().changes();
    let mut failures = 0;
    let mut resolved = false;
    loop {
        let before = agent.identity().stamp();
        if !resolved {
            resolved = agent.resolve_left_over().await.unwrap_or_else(|error| {
                warn!(%error, "acts that a killed process began stay for the next start");
                true
            });
        }
        let (wait, seen) = match advance(agent).await {
            Advance::Settled => {
                failures = 0;
                (None, before)
            }
            Advance::LookAgain(after) => {
                failures = 0;
                (Some(after), before)
            }
            Advance::TryAgain(asked) => {
                failures += 1;
                let grown = FIRST_WAIT.saturating_mul(2u32.saturating_pow(failures - 1)).min(LONGEST_WAIT);
                let own = grown.mul_f64(0.5 + agent.rng().fraction() / 2.0);
                // What the attempt itself left behind is no reason to try again at once.
                (Some(asked.unwrap_or_default().max(own)), agent.identity().stamp())
            }
        };
        // Until something changes, here or in another process, or the wait is over.
        let since = agent.clock().boot();
        loop {
            let moved = tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                () = agent.clock().sleep(LOOK) => agent.identity().stamp() != seen,
            };
            let waited = since.until(agent.clock().boot());
            if moved || wait.is_some_and(|wait| waited >= wait) {
                break;
            }
        }
        if agent.identity().stamp() != seen {
            agent.inbox().wake();
        }
    }
}

/// What came of looking.
enum Advance {
    /// There is nothing to do until something changes.
    Settled,
    /// There will be something to do then.
    LookAgain(Duration),
    /// It may go better later, after this long if the platform said so.
    TryAgain(Option<Duration>),
}

async fn advance(agent: &Agent) -> Advance {
    match agent.mode() {
        Ok(IdentityMode::Sponsor) => {}
        Ok(IdentityMode::SignedOut) => return Advance::Settled,
        Ok(IdentityMode::AgentUser) => return retire(agent).await,
        Err(error) => return after("the profile", &error),
    }
    match agent.provisioned().await {
        Ok(Some(_)) => {}
        Ok(None) if agent.provisions() && agent.settings().provision_in_background => {
            if let Err(error) = agent.provision_now(|_| {}).await {
                return after("provisioning", &error);
            }
        }
        // Another process may be at it: its result shows in the profile.
        Ok(None) => {
            agent.provisioning_room().refresh();
            return Advance::TryAgain(None);
        }
        Err(error) => return after("provisioning", &error),
    }
    match agent.upgrade_now().await {
        Ok(_) => retire(agent).await,
        Err(error) => after("the upgrade", &error),
    }
}

/// An agent with a name of its own has no more use for the sponsor's token.
async fn retire(agent: &Agent) -> Advance {
    match agent.identity().retire_token().await {
        Ok(Some(left)) => Advance::LookAgain(left),
        Ok(None) => Advance::Settled,
        Err(error) => after("forgetting the sponsor's token", &error),
    }
}

fn after(what: &str, error: &dyn Explain) -> Advance {
    let remedy = error.remedy();
    warn!(code = error.code(), %error, %remedy, "{what} has not come further");
    match remedy.who {
        Who::Platform { retry_after } => Advance::TryAgain(retry_after),
        // Somebody must act, perhaps outside of what can be seen from here. They may be at it: the first
        // looks come soon, and then ever more seldom.
        Who::Operator | Who::Caller | Who::Us => Advance::TryAgain(None),
    }
}
