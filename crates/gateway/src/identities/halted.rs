//! How far the identities of an organisation are stopped, counted and one by one; and the instructions with which an
//! administrator of the tenant stops an agent without anything of ours.

use attache_store::{OrgScope, Versioned};
use attache_terms::{AppId, TenantId, UserId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Identity, State, Suspension};
use crate::Gateway;
use crate::server::Answer;

/// What is known of an organisation's identities that are to do nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Halted {
    /// How many identities are there that could act or come to act.
    pub(crate) identities: usize,
    /// How many of them are suspended, for whatever reason.
    pub(crate) suspended: usize,
    /// For how many of those the tenant was told.
    pub(crate) enforced: usize,
    /// For how many of those it was tried and Entra refused.
    pub(crate) proved: usize,
    /// Until when a token that was issued before may still work.
    #[schema(value_type = Option<String>, format = DateTime)]
    tokens_end: Option<Timestamp>,
    /// How many seconds that is from now.
    #[schema(minimum = 0)]
    pub(crate) tokens_live_seconds: i64,
}

/// One identity, as the page of suspensions shows it.
pub(crate) struct Stopped {
    /// What it is named by in addresses.
    pub(crate) id: String,
    /// The name that people see.
    pub(crate) display_name: String,
    /// That it may not act for now.
    pub(crate) suspended: Option<Suspension>,
    /// What an administrator of its tenant runs to stop it without us.
    pub(crate) commands: Vec<String>,
}

impl Stopped {
    /// Whether it is suspended, with its organisation or by itself, and the tenant was not told yet.
    pub(crate) fn is_untold(&self, with_organisation: bool) -> bool {
        let untold = |suspension: &Suspension| {
            !suspension.proof.enforced && suspension.with.is_some() == with_organisation
        };
        self.suspended.as_ref().is_some_and(untold)
    }

    /// Why it is suspended.
    pub(crate) fn reason(&self) -> &str {
        self.suspended.as_ref().map_or("", |suspension| &suspension.reason)
    }

    /// What is shown of an identity.
    pub(crate) fn of(identity: &Identity) -> Self {
        let commands = identity.tenant.filter(|_| identity.user.is_some());
        Self {
            id: identity.id.to_string(),
            display_name: identity.display_name.clone(),
            suspended: identity.suspended.clone(),
            commands: commands
                .map(|tenant| without_us(tenant, identity.user, identity.agent))
                .unwrap_or_default(),
        }
    }
}

/// Counts; and the identities themselves, for a page.
pub(crate) async fn halted(gateway: &Gateway, scope: OrgScope) -> Answer<(Halted, Vec<Identity>)> {
    let all: Vec<Versioned<Identity>> = gateway.store.org(scope).every().await?;
    let is_there = |identity: &Identity| !matches!(identity.state, State::Deprovisioned);
    let all: Vec<Identity> = all.into_iter().map(|found| found.record).filter(is_there).collect();
    Ok((count(&all, gateway.clock.now()), all))
}

fn count(identities: &[Identity], now: Timestamp) -> Halted {
    let mut halted = Halted { identities: identities.len(), ..Halted::default() };
    for suspension in identities.iter().filter_map(|identity| identity.suspended.as_ref()) {
        halted.suspended += 1;
        halted.enforced += usize::from(suspension.proof.enforced);
        halted.proved += usize::from(suspension.proof.hops_fail.is_some());
        halted.tokens_end = halted.tokens_end.max(suspension.proof.tokens_end);
    }
    let left = halted.tokens_end.map(|end| end.duration_since(now).as_secs());
    halted.tokens_live_seconds = left.unwrap_or(0).max(0);
    halted
}

/// What an administrator of the tenant runs to stop an agent without us (Entra reference §13, "Stopping an agent for
/// real"), in PowerShell with Microsoft Graph's module.
fn without_us(tenant: TenantId, user: Option<UserId>, agent: Option<AppId>) -> Vec<String> {
    let mut commands = vec![format!(
        "Connect-MgGraph -TenantId {tenant} -Scopes User.ReadWrite.All,User.RevokeSessions.All,AgentIdentity.ReadWrite.All"
    )];
    let call = |method: &str, path: String, body: &str| {
        let body = if body.is_empty() { String::new() } else { format!(" -Body '{body}'") };
        format!("Invoke-MgGraphRequest -Method {method} -Uri https://graph.microsoft.com/v1.0/{path}{body}")
    };
    let off = r#"{"accountEnabled":false}"#;
    if let Some(user) = user {
        commands.push(call("PATCH", format!("users/{user}"), off));
        commands.push(call("POST", format!("users/{user}/revokeSignInSessions"), ""));
    }
    if let Some(agent) = agent {
        commands.push(call("PATCH", format!("servicePrincipals/microsoft.graph.agentIdentity/{agent}"), off));
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_stops_an_agent_with_commands_that_name_it() {
        let id = "82fe7758-5bb3-4f0d-a43f-e555fd399c6f";
        let commands = without_us(id.parse().unwrap(), id.parse().ok(), id.parse().ok());
        assert_eq!(commands.len(), 4);
        assert!(
            commands[0].starts_with("Connect-MgGraph") && commands[1..].iter().all(|one| one.contains(id))
        );
        assert_eq!(
            without_us(id.parse().unwrap(), None, None).len(),
            1,
            "what is not there needs no command"
        );
    }
}
