//! The tenant in which an identity lives, one of ours or its organisation's own, and what is needed to act there.

use attache_store::{OrgId, OrgScope, StoreError};
use attache_terms::{TenantId, UserId};

use crate::Gateway;
use crate::cells::{Cell, CellId};
use crate::config::{ClientApp, HostedTenant};
use crate::connection::Connection;
use crate::identities::{Identity, Mode};
use crate::jobs::JobError;

/// A tenant in which identities live.
#[derive(Clone)]
pub(crate) struct Home {
    /// Which.
    pub(crate) tenant: TenantId,
    /// The application that may create agents there.
    pub(crate) provisioner: ClientApp,
    /// The licences to choose from, by part number or id; empty for any with mailbox and Teams.
    pub(crate) licences: Vec<String>,
    /// The country of its agent users.
    pub(crate) usage_location: String,
    /// Who answers for an agent for whom nobody else is named.
    pub(crate) sponsor: UserId,
    /// The organisation whose own tenant it is; `None` for one of ours.
    pub(crate) owner: Option<OrgId>,
    /// The cell of a blueprint that the organisation owns, if it has given one.
    pub(crate) cell: Option<CellId>,
}

impl From<&HostedTenant> for Home {
    fn from(hosted: &HostedTenant) -> Self {
        Self {
            tenant: hosted.tenant,
            provisioner: hosted.provisioner.clone(),
            licences: hosted.licences.clone(),
            usage_location: hosted.usage_location.clone(),
            sponsor: hosted.sponsor,
            owner: None,
            cell: None,
        }
    }
}

impl Gateway {
    /// Where an identity of this organisation lives; `None` while it lives nowhere, or where we cannot act any more.
    pub(crate) async fn home(
        &self,
        scope: OrgScope,
        identity: &Identity,
    ) -> Result<Option<Home>, StoreError> {
        let Some(tenant) = identity.tenant else { return Ok(None) };
        match identity.mode {
            Mode::Shared => Ok(None),
            Mode::Hosted => Ok(self.hosted(tenant).map(Home::from)),
            Mode::OwnTenant => {
                let connection = Connection::of(self.store.org(scope)).await?;
                let connection = connection.filter(|connection| connection.tenant == tenant);
                Ok(connection.and_then(|connection| self.connected_home(&connection)))
            }
        }
    }

    /// The same, for a job that cannot go on where we cannot act.
    pub(crate) async fn home_needed(&self, scope: OrgScope, identity: &Identity) -> Result<Home, JobError> {
        let home = self.home(scope, identity).await?;
        home.ok_or_else(|| {
            let tenant = identity.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
            JobError::Failed(format!("the tenant {tenant} is neither configured nor connected"))
        })
    }

    /// The tenant of a cell: ours, or that of the organisation for which it is reserved.
    pub(crate) async fn home_of_cell(&self, cell: &Cell) -> Result<Option<Home>, StoreError> {
        let Some(owner) = cell.reserved else { return Ok(self.hosted(cell.tenant).map(Home::from)) };
        let connection = Connection::of(self.store.org(OrgScope::granted(owner))).await?;
        let connection = connection.filter(|connection| connection.tenant == cell.tenant);
        Ok(connection.and_then(|connection| self.connected_home(&connection)))
    }

    /// The tenant of a connection, as a home; `None` when this gateway has no application for customers' tenants.
    pub(crate) fn connected_home(&self, connection: &Connection) -> Option<Home> {
        let app = self.config.connect.as_ref()?;
        Some(Home {
            tenant: connection.tenant,
            provisioner: app.clone(),
            licences: connection.licence.iter().map(ToString::to_string).collect(),
            usage_location: connection.usage_location.clone(),
            sponsor: connection.sponsor,
            owner: Some(connection.org),
            cell: connection.blueprint.as_ref().map(|blueprint| blueprint.cell),
        })
    }
}
