//! What is wanted of the tenant, from what the operator wishes and what the tenant has: its default domain and
//! its licences.

use attache_provision::{
    AgentUserWish, CertificateWish, Clients as _, Failure, FailureCause, LicenceWish, Naming, Patience, Tag,
    Wish,
};
use attache_terms::{SkuId, UserId};

use super::{Clients, Provisioning, ProvisioningError, Stored};
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
        let wishes = &self.connections.settings().agent;
        let sponsor = sponsor(wishes, identity)?;
        let domain = match &wishes.domain {
            Some(domain) => domain.clone(),
            None => default_domain(clients).await?,
        };
        let licence = licence(clients, wishes).await?;
        self.assemble(sponsor, &domain, licence, key)
    }

    /// Whether the settings wish for something else than the record.
    pub(super) fn wishes_more(
        &self,
        identity: &Identity,
        stored: &Stored,
    ) -> Result<bool, ProvisioningError> {
        let (wishes, before) = (&self.connections.settings().agent, stored.record.wish());
        let sponsor = wishes.sponsor.or(identity.record()?.sponsor().map(|sponsor| sponsor.id));
        Ok(wishes.display_name != before.user.display_name
            || wishes.nickname != before.user.mail_nickname
            || wishes.usage_location != before.user.usage_location
            || wishes.domain.as_ref().is_some_and(|domain| !domain.eq_ignore_ascii_case(domain_of(before)))
            || sponsor.is_some_and(|sponsor| sponsor != before.sponsor)
            || stored.licences.as_ref().is_some_and(|licences| *licences != wishes.licences))
    }

    /// Takes in what the settings wish for now.
    pub(super) async fn wish_again(
        &self,
        identity: &Identity,
        clients: &Clients,
        key: &BlueprintKey,
        stored: &mut Stored,
    ) -> Result<(), ProvisioningError> {
        let (wishes, before) = (&self.connections.settings().agent, stored.record.wish());
        let remembered = identity.record()?.sponsor().map(|sponsor| sponsor.id);
        let sponsor = wishes.sponsor.or(remembered).unwrap_or(before.sponsor);
        let domain = wishes.domain.clone().unwrap_or_else(|| domain_of(before).to_owned());
        let licence = match &stored.licences {
            Some(licences) if *licences != wishes.licences => licence(clients, wishes).await?,
            _ => before.licence.clone(),
        };
        let wish = self.assemble(sponsor, &domain, licence.clone(), key)?;
        stored.ignored = stored.record.set_wish(wish);
        if stored.record.wish().licence == licence {
            stored.licences = Some(wishes.licences.clone());
        }
        Ok(())
    }

    /// The certificate as the blueprint lists it.
    pub(super) fn certificate(&self, key: &BlueprintKey) -> CertificateWish {
        let (certificate, profile) = (key.certificate(), self.connections.settings().profile.name());
        CertificateWish::new(certificate.der(), certificate.sha1_thumbprint(), &format!("attache {profile}"))
    }

    fn assemble(
        &self,
        sponsor: UserId,
        domain: &str,
        licence: LicenceWish,
        key: &BlueprintKey,
    ) -> Result<Wish, ProvisioningError> {
        let settings = self.connections.settings();
        let wishes = &settings.agent;
        let tag = tag_of(sponsor, wishes)?;
        Ok(Wish {
            tenant: settings.tenant,
            blueprint: Naming {
                display_name: format!("{} (blueprint)", wishes.display_name),
                tag: tag.clone(),
            },
            shares_blueprint: false,
            given: None,
            agent: Naming { display_name: wishes.display_name.clone(), tag },
            user: AgentUserWish {
                display_name: wishes.display_name.clone(),
                user_principal_name: format!("{}@{domain}", wishes.nickname),
                mail_nickname: wishes.nickname.clone(),
                job_title: None,
                department: None,
                usage_location: wishes.usage_location.clone(),
            },
            sponsor,
            licence,
            scopes: Wish::least_scopes(),
            certificate: self.certificate(key),
            strip: settings.provisioner.as_ref().map(|provisioner| provisioner.client_id),
            patience: patience(settings.provision_scale),
        })
    }
}

fn domain_of(wish: &Wish) -> &str {
    wish.user.user_principal_name.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn sponsor(wishes: &AgentWishes, identity: &Identity) -> Result<UserId, IdentityError> {
    match wishes.sponsor {
        Some(sponsor) => Ok(sponsor),
        None => Ok(identity.record()?.sponsor().ok_or(IdentityError::SignedOut)?.id),
    }
}

/// The tag of this profile's agent.
pub(super) fn tag(wishes: &AgentWishes, identity: &Identity) -> Result<Tag, ProvisioningError> {
    tag_of(sponsor(wishes, identity)?, wishes)
}

/// An agent is known again by its sponsor and its nickname: a device whose profile is lost finds its agent,
/// and nobody else's.
fn tag_of(sponsor: UserId, wishes: &AgentWishes) -> Result<Tag, ProvisioningError> {
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
