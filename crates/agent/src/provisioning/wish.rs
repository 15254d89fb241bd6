//! What is wanted of the tenant, from what the operator wishes and what the tenant has: its default domain and
//! its licences.

use attache_provision::{
    AgentUserWish, CertificateWish, Clients as _, Failure, FailureCause, LicenceWish, Naming, Patience, Tag,
    Wish,
};
use attache_terms::{SkuId, UserId};

use super::{Clients, Provisioning, ProvisioningError};
use crate::identity::{BlueprintKey, Identity, IdentityError};
use crate::settings::AgentWishes;

impl Provisioning {
    /// The wish of this profile.
    pub(super) async fn wish(
        &self,
        identity: &Identity,
        clients: &Clients,
        key: &BlueprintKey,
    ) -> Result<Wish, ProvisioningError> {
        let settings = self.connections.settings();
        let wishes = &settings.agent;
        let (sponsor, tag) = (sponsor(wishes, identity)?, tag(wishes, identity)?);
        let domain = match &wishes.domain {
            Some(domain) => domain.clone(),
            None => default_domain(clients).await?,
        };
        let certificate = key.certificate();
        let name = format!("attache {}", settings.profile.name());
        Ok(Wish {
            tenant: settings.tenant,
            blueprint: Naming {
                display_name: format!("{} (blueprint)", wishes.display_name),
                tag: tag.clone(),
            },
            agent: Naming { display_name: wishes.display_name.clone(), tag },
            user: AgentUserWish {
                display_name: wishes.display_name.clone(),
                user_principal_name: format!("{}@{domain}", wishes.nickname),
                mail_nickname: wishes.nickname.clone(),
                usage_location: wishes.usage_location.clone(),
            },
            sponsor,
            licence: licence(clients, wishes).await?,
            scopes: Wish::least_scopes(),
            certificate: CertificateWish::new(certificate.der(), certificate.sha1_thumbprint(), &name),
            strip: settings.provisioner.as_ref().map(|provisioner| provisioner.client_id),
            patience: patience(settings.provision_scale),
        })
    }
}

fn sponsor(wishes: &AgentWishes, identity: &Identity) -> Result<UserId, IdentityError> {
    match wishes.sponsor {
        Some(sponsor) => Ok(sponsor),
        None => Ok(identity.record()?.sponsor().ok_or(IdentityError::SignedOut)?.id),
    }
}

/// An agent is known again by its sponsor and its nickname: a device whose profile is lost finds its agent,
/// and nobody else's.
pub(super) fn tag(wishes: &AgentWishes, identity: &Identity) -> Result<Tag, ProvisioningError> {
    let sponsor = sponsor(wishes, identity)?;
    Tag::new(&format!("device/{sponsor}/{}", wishes.nickname))
        .map_err(|_| ProvisioningError::BadNickname(wishes.nickname.clone()))
}

async fn default_domain(clients: &Clients) -> Result<String, ProvisioningError> {
    let domains = clients.bootstrap().domains().await?.value;
    let verified = || domains.iter().filter(|domain| domain.is_verified);
    let chosen = verified().find(|domain| domain.is_default).or_else(|| verified().next());
    Ok(chosen.ok_or(ProvisioningError::Incomplete("a verified domain"))?.id.clone())
}

/// The first of the wished licences that has a free seat, else the first that the tenant has at all: the
/// failure then names it.
async fn licence(clients: &Clients, wishes: &AgentWishes) -> Result<LicenceWish, ProvisioningError> {
    let Some(preferred) = wishes.licences.first() else { return Ok(LicenceWish::Any) };
    let skus = clients.bootstrap().subscribed_skus().await?.value;
    let wished: Vec<_> = wishes
        .licences
        .iter()
        .filter_map(|wish| {
            skus.iter().find(|sku| {
                sku.sku_part_number.eq_ignore_ascii_case(wish) || wish.parse::<SkuId>() == Ok(sku.sku_id)
            })
        })
        .collect();
    match wished.iter().find(|sku| sku.free_seats() > 0).or(wished.first()) {
        Some(sku) => Ok(LicenceWish::Sku(sku.sku_id)),
        None => Err(Failure {
            during: "choosing the licence".to_owned(),
            cause: FailureCause::LicenceUnknown { licence: preferred.clone() },
            told: None,
        }
        .into()),
    }
}

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
