//! Members: the people of an organisation, by their directory and object id, never by an e-mail address.

mod http;
mod invitation;
mod page;
mod service;

use attache_store::{Lookup, OrgId, OrgScope, OrgStore, Record, StoreError, Versioned, id};
use attache_terms::{TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use http::api;
pub(crate) use page::pages;

use crate::access::Role;

id! {
    /// A member of an organisation.
    MemberId = "a member's id";
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Their id here.
    pub(crate) id: MemberId,
    /// Of which organisation.
    pub(crate) org: OrgId,
    /// Their directory.
    pub(crate) tenant: TenantId,
    /// Their object id there.
    pub(crate) user: UserId,
    /// The name that people see, as Entra said it at the last sign-in.
    pub(crate) name: String,
    /// The sign-in name, for people.
    pub(crate) upn: String,
    /// What they are.
    pub(crate) role: Role,
    /// Since when.
    pub(crate) since: Timestamp,
}

impl Member {
    /// The lookup by directory and object id, within an organisation: nobody is a member of it twice.
    pub(crate) const BY_USER: &'static str = "user";
    /// The same over all organisations: to which of them somebody belongs is asked at every sign-in.
    pub(crate) const BY_USER_ANYWHERE: &'static str = "anywhere";
    /// The lookup by role.
    pub(super) const BY_ROLE: &'static str = "role";

    /// The member who is this user.
    pub(crate) async fn of(
        store: OrgStore<'_>,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<Versioned<Self>>, StoreError> {
        store.find(Self::BY_USER, &user_key(tenant, user)).await
    }
}

/// A person as a lookup's value.
pub(crate) fn user_key(tenant: TenantId, user: UserId) -> String {
    format!("{tenant}/{user}")
}

impl Record for Member {
    const KIND: &'static str = "member";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        let user = user_key(self.tenant, self.user);
        vec![
            Lookup::unique(Self::BY_USER, &user),
            Lookup::many(Self::BY_USER_ANYWHERE, user),
            Lookup::many(Self::BY_ROLE, self.role.as_str()),
        ]
    }
}
