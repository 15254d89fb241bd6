//! What there is of an organisation's identities in a tenant that somebody could stop there by hand.

use attache_store::{OrgStore, Page, StoreError, Versioned};
use attache_terms::{AppId, TenantId, UserId};

use super::provisioning::Provisioning;
use super::{Identity, State};

/// How many are told of by name.
const MOST: usize = 50;

/// One identity, by its objects in the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stoppable {
    /// The name that people see.
    pub(crate) name: String,
    /// The agent identity.
    pub(crate) agent: Option<AppId>,
    /// The user.
    pub(crate) user: Option<UserId>,
    /// The blueprint that it came from.
    pub(crate) blueprint: Option<AppId>,
}

/// The identities of the organisation that have something in this tenant.
pub(crate) async fn stoppable(store: OrgStore<'_>, tenant: TenantId) -> Result<Vec<Stoppable>, StoreError> {
    let identities: Vec<Versioned<Identity>> = store.list(Page::newest(MOST)).await?;
    let mut all = Vec::new();
    for identity in identities {
        let is_there = identity.agent.is_some() || identity.user.is_some();
        if identity.tenant != Some(tenant) || identity.state == State::Deprovisioned || !is_there {
            continue;
        }
        let provisioning = store.get::<Provisioning>(identity.id).await?;
        all.push(Stoppable {
            name: identity.display_name.clone(),
            agent: identity.agent,
            user: identity.user,
            blueprint: provisioning.and_then(|provisioning| provisioning.steps.objects().blueprint),
        });
    }
    Ok(all)
}
