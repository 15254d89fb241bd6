//! Every check there is, in the order in which they are made and shown. The checks stand beside what they check;
//! here is only who comes after whom, and what each needs of those before it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use attache_entra::{ClientCredential, Entra, checks as entra};
use attache_graph::Graph;
use attache_graph::checks::{self as graph, AgentUser, Use, Watched};
use attache_terms::{Check, Clock, Rng};
use jiff::{SignedDuration, Timestamp};

use super::configured::Configured;

/// What whoever asks says of it.
pub(super) struct Asked {
    /// Addresses that the agent's mailbox should have.
    pub(super) aliases: Vec<String>,
    /// Whether Exchange grants sending by RBAC for Applications.
    pub(super) sends_by_exchange: bool,
}

/// Whom the doctor looks at, and what was learnt on the way.
pub(super) struct Patient {
    pub(super) configured: Configured,
    pub(super) asked: Asked,
    pub(super) entra: Arc<Entra>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Arc<dyn Rng>,
    /// The time, by Entra's clock once it has told it.
    pub(super) now: Timestamp,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    graph: Option<Graph>,
    permissions: BTreeSet<String>,
    agent_user: Option<AgentUser>,
    ingest_user: Option<AgentUser>,
}

type Looking<'a> = Pin<Box<dyn Future<Output = Vec<Check>> + 'a>>;
type Look = for<'a> fn(&'a mut Patient) -> Looking<'a>;

/// The list: what may be found, and how it is looked at.
pub(super) const CHECKS: &[(&[&str], Look)] = &[
    (&["configuration", "env_file", "secret", "client_state"], |patient| Box::pin(variables(patient))),
    (&["authority", "clock"], |patient| Box::pin(authority(patient))),
    (&["token"], |patient| Box::pin(token(patient))),
    (
        &["send_permission", "send_reach", "directory_permission", "read_permission", "excess_permissions"],
        |patient| Box::pin(permissions(patient)),
    ),
    (&["credential"], |patient| Box::pin(credentials(patient))),
    (&["secret_policy"], |patient| Box::pin(secret_policy(patient))),
    (&["agent_user", "licence", "mailbox", "aliases"], |patient| Box::pin(agent_user(patient))),
    (&["ingest_user", "ingest_address"], |patient| Box::pin(ingest(patient))),
    (&["subscription"], |patient| Box::pin(subscriptions(patient))),
];

impl Patient {
    pub(super) fn new(
        configured: Configured,
        asked: Asked,
        entra: Arc<Entra>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let now = clock.now();
        Self { configured, asked, entra, clock, rng, now, seen: Seen::default() }
    }

    /// Makes every check.
    pub(super) async fn examine(&mut self) -> Vec<Check> {
        let mut found = Vec::new();
        for (names, look) in CHECKS {
            let checks = look(self).await;
            debug_assert!(
                checks.iter().all(|check| names.contains(&check.name)),
                "{checks:?} besides {names:?}"
            );
            found.extend(checks);
        }
        found
    }
}

async fn variables(patient: &mut Patient) -> Vec<Check> {
    std::mem::take(&mut patient.configured.checks)
}

async fn authority(patient: &mut Patient) -> Vec<Check> {
    let Some(tenant) = patient.configured.tenant else {
        return vec![Check::skipped("authority", "no tenant is named")];
    };
    let found = entra::authority(&patient.entra, tenant).await;
    patient.now = set_right(patient.now, found.ahead_seconds);
    found.checks
}

/// The time by Entra, of which our clock is so many seconds ahead. A date in whole seconds cannot tell a clock that is
/// right from one that is a second off.
fn set_right(now: Timestamp, ahead_seconds: Option<i64>) -> Timestamp {
    let ahead = ahead_seconds.filter(|ahead| ahead.abs() > 1).unwrap_or_default();
    now.saturating_sub(SignedDuration::from_secs(ahead)).unwrap_or(now)
}

async fn token(patient: &mut Patient) -> Vec<Check> {
    let Configured { tenant: Some(tenant), client: Some(client), secret: Some(secret), .. } =
        &patient.configured
    else {
        return vec![Check::skipped("token", "tenant, client id and secret are not all named")];
    };
    let credential = ClientCredential::Secret(secret.clone());
    let (check, token) = entra::token(&patient.entra, *tenant, *client, credential).await;
    if let Some(token) = token {
        let entra = &patient.entra;
        let (clock, rng) = (Arc::clone(&patient.clock), Arc::clone(&patient.rng));
        let graph = Graph::new(entra.cloud(), entra.transport().clone(), token.source, clock, rng);
        patient.seen.graph = Some(graph);
        patient.seen.permissions = token.permissions;
    }
    vec![check]
}

fn without_token(name: &'static str) -> Vec<Check> {
    vec![Check::skipped(name, "there is no token to look with")]
}

async fn permissions(patient: &mut Patient) -> Vec<Check> {
    if patient.seen.graph.is_none() {
        return without_token("send_permission");
    }
    let used =
        Use { receives: patient.configured.receives, sends_by_exchange: patient.asked.sends_by_exchange };
    graph::permissions(&patient.seen.permissions, used)
}

async fn credentials(patient: &mut Patient) -> Vec<Check> {
    let (Some(graph), Some(client), Some(secret)) =
        (&patient.seen.graph, patient.configured.client, &patient.configured.secret)
    else {
        return without_token("credential");
    };
    graph::credentials(graph, client, secret, patient.now).await
}

async fn secret_policy(patient: &mut Patient) -> Vec<Check> {
    match &patient.seen.graph {
        None => without_token("secret_policy"),
        Some(graph) => vec![graph::secret_policy(graph).await],
    }
}

async fn agent_user(patient: &mut Patient) -> Vec<Check> {
    let Some(id) = patient.configured.agent_user else {
        return vec![Check::skipped("agent_user", "M365_AGENT_USER_ID names none")];
    };
    let Some(graph) = &patient.seen.graph else { return without_token("agent_user") };
    let (check, user) = graph::agent_user(graph, "agent_user", id).await;
    let mut found = vec![check];
    if let Some(user) = &user {
        found.push(graph::licence(graph, id, patient.configured.licence).await);
        found.push(graph::mailbox(graph, id, &patient.seen.permissions).await);
        found.extend(graph::aliases(user, &patient.asked.aliases));
    }
    patient.seen.agent_user = user;
    found
}

async fn ingest(patient: &mut Patient) -> Vec<Check> {
    let Some(id) = patient.configured.ingest_user else { return Vec::new() };
    let Some(graph) = &patient.seen.graph else { return without_token("ingest_user") };
    let (check, user) = graph::agent_user(graph, "ingest_user", id).await;
    let mut found = vec![check];
    if let (Some(user), Some(address)) = (&user, &patient.configured.ingest_address) {
        found.push(graph::ingest_address(user, address));
    }
    patient.seen.ingest_user = user;
    found
}

async fn subscriptions(patient: &mut Patient) -> Vec<Check> {
    let Some(graph) = &patient.seen.graph else { return without_token("subscription") };
    // The shared mailbox where there is one, else the agent's own.
    let watched = match (patient.configured.receives, patient.configured.ingest_user) {
        (false, _) => None,
        (true, Some(id)) => Some((id, &patient.seen.ingest_user)),
        (true, None) => patient.configured.agent_user.map(|id| (id, &patient.seen.agent_user)),
    };
    let watched: Vec<Watched> = watched
        .into_iter()
        .map(|(id, user)| {
            let names = user.as_ref().map(|user| user.addresses.clone()).unwrap_or_default();
            Watched { id, names }
        })
        .collect();
    graph::subscriptions(graph, &watched, patient.now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_set_right_by_what_a_date_can_tell() {
        let now = Timestamp::from_second(1_000).unwrap();
        let by = |ahead| set_right(now, ahead).as_second();
        assert_eq!([by(None), by(Some(1)), by(Some(-1))], [1_000; 3]);
        assert_eq!((by(Some(2)), by(Some(-300))), (998, 1_300));
    }

    #[test]
    fn the_book_names_every_check() {
        let book = include_str!("../../../../../docs/doctor.md");
        for name in CHECKS.iter().flat_map(|(names, _)| *names) {
            assert!(book.contains(&format!("| `{name}` |")), "docs/doctor.md has no row for {name}");
        }
    }
}
