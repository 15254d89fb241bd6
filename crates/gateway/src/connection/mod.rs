//! A customer's own tenant, connected to its organisation so that identities can live there.
//!
//! The way there has three steps, all in one browser's session: an administrator consents at Entra; they sign in, and
//! we ask the directory itself whether they are an administrator; they name the organisation. What Entra's redirect
//! says of consent and tenant decides nothing: the tenant is that of the ID token, and that there is consent is shown
//! by a token of ours from that tenant.

mod admin;
mod attempt;
mod begin;
mod bind;
mod blueprint;
mod callback;
mod http;
mod instructions;
mod look;
mod ordinary_users;
mod page;
mod permissions;
mod settings;

use std::collections::BTreeSet;

use attache_store::{GatewayScope, OrgId, OrgScope, OrgStore, Record, StoreError, Versioned};
use attache_terms::{AppId, SkuId, TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use admin::{is_administrator, not_administrator};
pub(crate) use http::api;
pub(crate) use ordinary_users::may_make_ordinary_users;
pub(crate) use page::{Card, pages};
pub use permissions::{Needed, OWN_TENANT, Permission, hosted_permissions};

use crate::cells::CellId;
use crate::server::Problem;

/// A tenant that is connected to an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connection {
    /// Whose it is.
    pub(crate) org: OrgId,
    /// Which tenant.
    pub(crate) tenant: TenantId,
    /// Its name, as its directory says.
    pub(crate) name: String,
    /// The administrator who bound it, by object id.
    pub(crate) administrator: UserId,
    /// Their sign-in name, for people.
    pub(crate) administrator_name: String,
    /// The domain of its agents' addresses; one that is verified there.
    pub(crate) domain: String,
    /// The default identity's address before the @.
    pub(crate) local_part: String,
    /// Who answers for its agents until an identity names somebody else: a user there.
    pub(crate) sponsor: UserId,
    /// The country of its agent users.
    pub(crate) usage_location: String,
    /// The licence of its agent users; any with mailbox and Teams when `None`.
    pub(crate) licence: Option<SkuId>,
    /// The blueprint that the organisation owns and has given.
    pub(crate) blueprint: Option<GivenBlueprint>,
    /// What the application was granted there, at the last look.
    pub(crate) granted: Vec<String>,
    /// When that was.
    pub(crate) looked: Timestamp,
    /// How many identities were asked for in it: who asks for one and who disconnects it do not pass each other.
    pub(crate) asked: u64,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// A blueprint that an organisation owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenBlueprint {
    /// Its client id.
    pub(crate) client: AppId,
    /// The cell that holds our key for it.
    pub(crate) cell: CellId,
}

/// The organisations of a tenant: one, unless its administrators have allowed more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BoundTenant {
    tenant: TenantId,
    organisations: BTreeSet<OrgId>,
}

const KEY: &str = "connection";

impl Connection {
    /// That of this organisation.
    pub(crate) async fn of(store: OrgStore<'_>) -> Result<Option<Versioned<Self>>, StoreError> {
        store.get(KEY).await
    }

    /// What the tenant has not granted, of what is needed as things are.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        permissions::missing(&self.granted, self.blueprint.is_some())
    }
}

impl Record for Connection {
    const KIND: &'static str = "connection";
    type Scope = OrgScope;

    fn key(&self) -> String {
        KEY.to_owned()
    }
}

impl Record for BoundTenant {
    const KIND: &'static str = "bound_tenant";
    type Scope = GatewayScope;

    // Unique on this gateway: two organisations that want one tenant at once meet here.
    fn key(&self) -> String {
        self.tenant.to_string()
    }
}

/// That an organisation has no tenant of its own.
pub(crate) fn not_connected() -> Problem {
    Problem::new(
        ::http::StatusCode::CONFLICT,
        "not_connected",
        "the organisation has no tenant of its own that is connected",
        "connect one at Settings > Agent identity, with one of its administrators",
    )
}
