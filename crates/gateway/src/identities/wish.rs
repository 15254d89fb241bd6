//! What is wanted of a tenant for an identity.

use attache_provision::{AgentUserWish, CertificateWish, LicenceWish, Naming, Patience, Wish};
use attache_terms::UserId;

use super::Identity;
use crate::cells::{Cell, tag};
use crate::tenants::Home;

/// The delegated permissions of a gateway's agent users: chat, and mail in both directions.
const SCOPES: [&str; 7] =
    ["Chat.Create", "Chat.Read", "ChatMessage.Send", "Mail.Read", "Mail.ReadBasic", "Mail.Send", "User.Read"];

/// The wish for an identity in its tenant.
pub(super) fn of(
    identity: &Identity,
    cell: &Cell,
    certificate: CertificateWish,
    home: &Home,
    sponsor: UserId,
    shares_blueprint: bool,
    scale: f64,
) -> Wish {
    let address = identity.address.clone().unwrap_or_default();
    let local = address.split_once('@').map_or("", |(local, _)| local);
    // A nickname is unique in its tenant, and every organisation has the same local part.
    let nickname = match &identity.subdomain {
        Some(subdomain) => format!("{local}-{subdomain}"),
        None => local.to_owned(),
    };
    Wish {
        tenant: home.tenant,
        blueprint: cell.blueprint(),
        given: cell.given,
        shares_blueprint,
        agent: Naming {
            display_name: identity.display_name.clone(),
            tag: tag("identity", &identity.id.to_string()),
        },
        user: AgentUserWish {
            display_name: identity.display_name.clone(),
            user_principal_name: address,
            mail_nickname: nickname,
            job_title: Some(identity.job_title.clone()),
            department: Some(identity.department.clone()),
            usage_location: home.usage_location.clone(),
        },
        sponsor,
        licence: licence(&home.licences),
        scopes: SCOPES.map(str::to_owned).to_vec(),
        certificate,
        // The next cell needs them again.
        strip: None,
        patience: patience(scale),
    }
}

/// One of the licences that are configured; which of the tenant's that is shows when it is looked at.
fn licence(licences: &[String]) -> LicenceWish {
    if licences.is_empty() { LicenceWish::Any } else { LicenceWish::OneOf(licences.to_vec()) }
}

/// How patient we are with a tenant, scaled.
pub(super) fn patience(scale: f64) -> Patience {
    let usual = Patience::default();
    Patience {
        hidden: usual.hidden.mul_f64(scale),
        effect: usual.effect.mul_f64(scale),
        mailbox: usual.mailbox.mul_f64(scale),
        teams: usual.teams.mul_f64(scale),
        outage: usual.outage.mul_f64(scale),
    }
}
