//! What the tenant's administrator can do without us, at any time: stop one agent, all of a blueprint, or everything of
//! ours, and see in Entra's own logs that it holds (Entra reference §13, "Stopping an agent for real"); and how they let
//! us make ordinary users, for which there is no page of consent. A function of what there is.

use attache_graph::graph_app_id;
use attache_terms::{AppId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::permissions::ORDINARY_USERS;
use crate::identities::Stoppable;

/// One thing that the administrator can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Instruction {
    /// What it is.
    pub(super) what: String,
    /// What it does, and what it leaves.
    pub(super) effect: String,
    /// Where to click, in the admin centres.
    pub(super) place: String,
    /// The same in Microsoft Graph PowerShell.
    pub(super) commands: Vec<String>,
}

const TOKENS: &str =
    "Tokens that were issued before live on for up to 90 minutes, or until Entra evaluates them anew";

/// All of them, for these agents and our application in this tenant.
pub(super) fn instructions(tenant: TenantId, app: AppId, agents: &[Stoppable]) -> Vec<Instruction> {
    let mut all = vec![Instruction {
        what: "Sign in as an administrator of the tenant".to_owned(),
        effect: "What follows is done as you, not as us; nothing of this gateway is needed".to_owned(),
        place: "PowerShell with the module Microsoft.Graph".to_owned(),
        commands: vec![format!(
            "Connect-MgGraph -TenantId {tenant} -Scopes User.EnableDisableAccount.All,User.RevokeSessions.All,Application.ReadWrite.All,AuditLog.Read.All"
        )],
    }];
    all.extend(agents.iter().map(one));
    let mut blueprints: Vec<AppId> = agents.iter().filter_map(|agent| agent.blueprint).collect();
    blueprints.sort_unstable();
    blueprints.dedup();
    all.extend(blueprints.into_iter().map(|blueprint| Instruction {
        what: format!("Stop every agent of the blueprint {blueprint}"),
        effect: format!("Its principal gets no tokens, nor does any agent identity of it. {TOKENS}"),
        place: "Entra admin centre > Agent ID > Agent blueprints > the blueprint > Disable".to_owned(),
        commands: disable(blueprint),
    }));
    all.push(Instruction {
        what: "Stop this gateway's application".to_owned(),
        effect: "The gateway can change nothing in the tenant any more. Agents that exist go on until they are stopped as above".to_owned(),
        place: "Entra admin centre > Enterprise applications > the application > Properties > Enabled for users to sign in: No".to_owned(),
        commands: disable(app),
    });
    all.push(Instruction {
        what: "Revoke the consent".to_owned(),
        effect: "The application is removed from the tenant with everything that it was granted. Connecting again needs fresh consent".to_owned(),
        place: "Entra admin centre > Enterprise applications > the application > Properties > Delete".to_owned(),
        commands: vec![
            principal(app),
            "Remove-MgServicePrincipal -ServicePrincipalId $p.Id".to_owned(),
        ],
    });
    all.push(Instruction {
        what: "See that it holds".to_owned(),
        effect: "After the last token has ended there is no successful sign-in of the agents any more"
            .to_owned(),
        place: "Entra admin centre > Sign-in logs > Service principal and non-interactive user sign-ins"
            .to_owned(),
        commands: agents
            .iter()
            .filter_map(|agent| agent.user)
            .map(|user| format!("Get-MgAuditLogSignIn -Filter \"userId eq '{user}'\" -Top 20"))
            .collect(),
    });
    all.push(ordinary_users(tenant, app));
    all
}

/// A grant to our application alone, and not to those of a later consent.
fn ordinary_users(tenant: TenantId, app: AppId) -> Instruction {
    let permission = ORDINARY_USERS.name;
    Instruction {
        what: "Let this gateway make ordinary users".to_owned(),
        effect: format!(
            "The gateway's application gets {permission}, with which it can make, change and delete any user of the \
             tenant. Only an organisation that wants ordinary users in place of agent users needs it"
        ),
        place: "Entra admin centre > Enterprise applications > the application > Permissions shows it, and takes it back; there is no page that grants it"
            .to_owned(),
        commands: vec![
            format!(
                "Connect-MgGraph -TenantId {tenant} -Scopes AppRoleAssignment.ReadWrite.All,Application.Read.All"
            ),
            principal(app),
            format!("$g = Get-MgServicePrincipal -Filter \"appId eq '{}'\"", graph_app_id()),
            format!("$r = $g.AppRoles | Where-Object Value -eq '{permission}'"),
            "New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $p.Id -PrincipalId $p.Id -ResourceId $g.Id -AppRoleId $r.Id".to_owned(),
        ],
    }
}

fn one(agent: &Stoppable) -> Instruction {
    let mut commands = Vec::new();
    if let Some(user) = agent.user {
        commands.push(format!("Update-MgUser -UserId {user} -AccountEnabled:$false"));
        commands.push(format!("Revoke-MgUserSignInSession -UserId {user}"));
    }
    if let Some(agent) = agent.agent {
        commands
            .push(format!("Update-MgServicePrincipal -ServicePrincipalId {agent} -AccountEnabled:$false"));
    }
    Instruction {
        what: format!("Stop {}", agent.name),
        effect: format!("The agent user cannot sign in, its sessions end, and the agent identity gets no tokens. {TOKENS}"),
        place: "Microsoft 365 admin centre > Users > the agent > Block sign-in, Sign out of all sessions; Entra admin centre > Agent ID > Agent identities > the agent > Disable".to_owned(),
        commands,
    }
}

fn principal(app: AppId) -> String {
    format!("$p = Get-MgServicePrincipal -Filter \"appId eq '{app}'\"")
}

fn disable(app: AppId) -> Vec<String> {
    vec![
        principal(app),
        "Update-MgServicePrincipal -ServicePrincipalId $p.Id -AccountEnabled:$false".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_and_each_blueprint_can_be_stopped_with_the_ids_filled_in() {
        let id = |last: u32| format!("00000000-0000-4000-8000-{last:012}");
        let agent = |last: u32| Stoppable {
            name: format!("Agent {last}"),
            agent: id(last).parse().ok(),
            user: id(last + 100).parse().ok(),
            blueprint: id(7).parse().ok(),
        };
        let tenant = id(1).parse().unwrap();
        let all = instructions(tenant, id(9).parse().unwrap(), &[agent(2), agent(3)]);
        let commands: Vec<&String> = all.iter().flat_map(|one| &one.commands).collect();
        let has = |text: &str| commands.iter().filter(|command| command.contains(text)).count();
        assert_eq!(has(&id(7)), 1, "one blueprint, once: {commands:?}");
        for part in [id(2), id(3)] {
            assert_eq!(has(&part), 1, "{commands:?}");
        }
        assert_eq!(has(&id(102)), 3, "disabled, its sessions ended, and looked for: {commands:?}");
        assert_eq!(has(&id(9)), 3, "our application, disabled, removed, or let do more: {commands:?}");
        assert!(all.iter().all(|one| !one.effect.is_empty() && !one.place.is_empty()));
    }
}
