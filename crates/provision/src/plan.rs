//! What provisioning would do: objects, roles, licence and free seats, before the first write.

use std::fmt;

use attache_terms::Explain as _;
use serde::Serialize;

use crate::perform::stop::Stop;
use crate::perform::survey::{Findings, look};
use crate::{Clients, Ended, Failure, Step, Wish};

/// A plan, for people (`Display`) and programs (`Serialize`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Where.
    pub tenant: String,
    /// The objects and settings, in the order of the steps.
    pub objects: Vec<Planned>,
    /// The delegated permissions that agent users will have.
    pub scopes: Vec<String>,
    /// The application permission that the blueprint will have.
    pub blueprint_permission: String,
    /// The broad roles that the provisioner has and that will be removed from it.
    pub removes_from_provisioner: Vec<String>,
    /// The licence that will be given, or is.
    pub licence: Option<LicencePlan>,
    /// Why the plan cannot be carried out.
    pub problems: Vec<Failure>,
}

/// One object or setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Its step.
    pub step: Step,
    /// What it is called.
    pub name: String,
    /// Whether it exists already.
    pub exists: bool,
    /// Its id, where it exists and has one.
    pub id: Option<String>,
}

/// A licence and its free seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LicencePlan {
    /// Its id.
    pub sku: String,
    /// Its short name.
    pub name: String,
    /// The seats that are free now.
    pub free_seats: i64,
}

/// Looks and plans; nothing is written.
pub async fn plan(clients: &dyn Clients, wish: &Wish) -> Result<Plan, Failure> {
    look(&clients.bootstrap(), wish).await.map(|findings| of(wish, findings)).map_err(failure)
}

/// A plan is not worth waiting for: what would make a step wait is a failure here.
pub(crate) fn failure(stop: Stop) -> Failure {
    match *stop.ended {
        Ended::Failed(failure) => failure,
        Ended::Waits { reason, told, .. } => Failure::too_long(Step::Survey, reason, told),
        Ended::Unknown { told } => Failure::too_long(Step::Survey, crate::Reason::Outage, Some(told)),
        Ended::Done { .. } => Failure::too_long(Step::Survey, crate::Reason::Outage, None),
    }
}

fn of(wish: &Wish, findings: Findings) -> Plan {
    let ids = &findings.objects;
    let planned = |step: Step, name: &str, id: Option<String>| Planned {
        step,
        name: name.to_owned(),
        exists: !findings.missing.contains(&step),
        id,
    };
    let licence = findings.licence.as_ref().map(|sku| LicencePlan {
        sku: sku.sku_id.to_string(),
        name: sku.sku_part_number.clone(),
        free_seats: sku.free_seats(),
    });
    let objects = vec![
        planned(Step::Blueprint, &wish.blueprint.display_name, ids.blueprint.map(|id| id.to_string())),
        planned(Step::Certificate, wish.certificate.name(), None),
        planned(Step::Principal, &wish.blueprint.display_name, ids.principal.map(|id| id.to_string())),
        planned(Step::Role, crate::permissions::MANAGE_AGENT_USERS, None),
        planned(Step::Consent, &wish.scopes.join(" "), None),
        planned(Step::Inheritance, &wish.scopes.join(" "), None),
        planned(Step::Agent, &wish.agent.display_name, ids.agent.map(|id| id.to_string())),
        planned(Step::User, &wish.user.user_principal_name, ids.user.map(|id| id.to_string())),
        planned(Step::UsageLocation, &wish.user.usage_location, None),
        planned(
            Step::Licence,
            licence.as_ref().map_or("none", |licence| &licence.name),
            licence.as_ref().map(|licence| licence.sku.clone()),
        ),
    ];
    Plan {
        tenant: wish.tenant.to_string(),
        objects,
        scopes: wish.scopes.clone(),
        blueprint_permission: crate::permissions::MANAGE_AGENT_USERS.to_owned(),
        removes_from_provisioner: findings.broad.iter().map(|&name| name.to_owned()).collect(),
        licence,
        problems: findings.problems,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "In tenant {}:", self.tenant)?;
        for object in &self.objects {
            let verb = if object.exists { "is there  " } else { "to be made" };
            write!(f, "  {verb}  {}: {}", object.step, object.name)?;
            match &object.id {
                Some(id) => writeln!(f, " ({id})")?,
                None => writeln!(f)?,
            }
        }
        for role in &self.removes_from_provisioner {
            writeln!(f, "  to be removed from the provisioner afterwards: {role}")?;
        }
        if let Some(licence) = &self.licence {
            writeln!(f, "Licence {}: {} free seats now.", licence.name, licence.free_seats)?;
        }
        for problem in &self.problems {
            writeln!(f, "Problem: {problem}. To do: {}.", problem.remedy())?;
        }
        Ok(())
    }
}
