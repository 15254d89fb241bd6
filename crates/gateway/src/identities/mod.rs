//! Agent identities: one default for each organisation and any number of specialists, each with a mode, an address
//! and a state that says what it waits for.

mod again;
mod aliases;
mod appearance;
mod condition;
mod drive;
mod follow;
mod halted;
mod http;
mod import;
mod manage;
mod named;
mod names;
mod opening;
mod ordinary;
mod page;
mod photo;
mod provisioning;
mod removal;
mod send;
mod service;
mod setback;
mod shared;
mod specialist;
mod state;
mod stoppable;
mod subdomain;
mod subject;
mod suspend;
mod unheard;
mod verify;
mod wait;
mod watch;
mod wish;
mod written;

use std::collections::BTreeSet;

use attache_store::{Lookup, OrgId, OrgScope, Record, id};
use attache_terms::{SkuId, TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use drive::PROVISION;
pub(crate) use follow::FOLLOW;
pub(crate) use halted::{Halted, Stopped, halted};
pub(crate) use http::{api, find};
pub use import::{Import, ImportError, Taken, What, import_identities};
pub(crate) use named::{on_named, resume_named, suspend_named};
pub(crate) use ordinary::{Fallback, FellBack};
pub(crate) use page::{IdentityCard, pages};
pub(crate) use removal::REMOVE;
pub(crate) use setback::set_back;
pub(crate) use state::{State, Trouble, Waiting};
pub(crate) use stoppable::{Stoppable, stoppable};
pub(crate) use subject::{job_for, subject};
pub(crate) use suspend::{ENFORCE, acting, enforcement, pause};
pub(crate) use watch::{WATCH, look_now};

use crate::cells::CellId;
use crate::organisations::SuspensionId;

id! {
    /// An agent identity of an organisation.
    IdentityId = "an identity's id";
}

/// The template of an organisation's default identity.
pub(crate) const DEFAULT: &str = "default";

/// Where an identity lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Nowhere: mail comes from a no-reply address that all such organisations share.
    Shared,
    /// In a tenant of ours.
    Hosted,
    /// In the customer's tenant.
    OwnTenant,
}

/// How it comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// An operator makes the user; we find it and record its id.
    Verify,
    /// It is active already; we take it as it is.
    Adopt,
    /// We make an agent user, through the whole chain.
    Create,
    /// We make an ordinary licensed user.
    OrdinaryUser,
}

/// An agent identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its id.
    pub(crate) id: IdentityId,
    /// Whose it is.
    pub(crate) org: OrgId,
    /// `default`, or the specialist's name.
    pub(crate) template: String,
    /// Where it lives.
    pub(crate) mode: Mode,
    /// How it comes to be.
    pub(crate) method: Method,
    /// What its organisation wants where no agent user can be had.
    #[serde(default)]
    pub(crate) fallback: Fallback,
    /// That it has come to that, and why.
    #[serde(default)]
    pub(crate) fell_back: Option<FellBack>,
    /// In which tenant; `None` while it is shared.
    pub(crate) tenant: Option<TenantId>,
    /// Its subdomain in a hosted tenant.
    pub(crate) subdomain: Option<String>,
    /// Its sign-in name and address: `curate@acme.agents.example.com`.
    pub(crate) address: Option<String>,
    /// The name that people see.
    pub(crate) display_name: String,
    /// Its job title in the directory, as we wrote it; empty where we wrote none.
    pub(crate) job_title: String,
    /// Its department in the directory, as we wrote it; empty where we wrote none.
    pub(crate) department: String,
    /// Extra addresses of the same mailbox, wanted: `dev-team`, `cfo`.
    pub(crate) aliases: Vec<String>,
    /// The person who answers for it, by object id.
    pub(crate) sponsor: Option<UserId>,
    /// The licences of its user, as they were seen last.
    #[serde(default)]
    pub(crate) licences: Vec<SkuId>,
    /// The cell whose blueprint it comes from.
    pub(crate) cell: Option<CellId>,
    /// Its agent identity, a client id, where it has one.
    pub(crate) agent: Option<attache_terms::AppId>,
    /// Its user.
    pub(crate) user: Option<UserId>,
    /// How it stands.
    pub(crate) state: State,
    /// What it waits for.
    pub(crate) waiting: Option<Waiting>,
    /// Why it cannot go on.
    pub(crate) trouble: Option<Trouble>,
    /// Since when it is suspended, and why.
    pub(crate) suspended: Option<Suspension>,
    /// When somebody last had it tried again.
    #[serde(default)]
    pub(crate) retried: Option<Timestamp>,
    /// Since when it exists here.
    pub(crate) created: Timestamp,
    /// When it last changed.
    pub(crate) changed: Timestamp,
}

/// That an identity may not act for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Suspension {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// Why, as whoever did it wrote.
    pub(crate) reason: String,
    /// For what: that decides who ends it.
    #[serde(default)]
    pub(crate) cause: Cause,
    /// With which suspension of its organisation; absent when it was suspended for a reason of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) with: Option<SuspensionId>,
    /// Whether an operator of the gateway did it; then only an operator ends it.
    #[serde(default)]
    pub(crate) by_operator: bool,
    /// What the tenant was told, and what is proved of it.
    #[serde(default)]
    pub(crate) proof: suspend::Proof,
}

/// For what an identity is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// Somebody asked for it, and somebody ends it.
    #[default]
    Asked,
    /// Nobody answers for it: it ends when a successor of the sponsor has accepted.
    Sponsor,
}

impl Identity {
    /// The lookup by template.
    pub(crate) const BY_TEMPLATE: &'static str = "template";
    /// The lookup by user, in a tenant.
    pub(crate) const BY_USER: &'static str = "user";
    /// The lookup by address, extra ones included.
    pub(crate) const BY_ADDRESS: &'static str = "address";
    /// The lookup by cell.
    pub(crate) const BY_CELL: &'static str = "cell";
    /// The lookup by state.
    pub(crate) const BY_STATE: &'static str = "state";
    /// The lookup by sponsor.
    pub(crate) const BY_SPONSOR: &'static str = "sponsor";

    /// The organisation, if it is in whose own tenant it lives.
    pub(crate) fn owner(&self) -> Option<OrgId> {
        (self.mode == Mode::OwnTenant).then_some(self.org)
    }

    /// The addresses that are its own, the wanted ones included: Exchange gives each to one mailbox. That of a shared
    /// sender is nobody's own.
    fn addresses(&self) -> BTreeSet<String> {
        let Some(address) = self.address.as_ref().filter(|_| self.mode != Mode::Shared) else {
            return BTreeSet::new();
        };
        let (_, domain) = address.split_once('@').unwrap_or_default();
        let extra = self.aliases.iter().map(|alias| format!("{alias}@{domain}"));
        extra.chain([address.clone()]).map(|address| address.to_ascii_lowercase()).collect()
    }
}

impl Record for Identity {
    const KIND: &'static str = "identity";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = vec![Lookup::many(Self::BY_STATE, self.state.as_str())];
        if self.state == State::Deprovisioned {
            // Its name is free again; the record stays.
            return lookups;
        }
        lookups.push(Lookup::unique(Self::BY_TEMPLATE, &self.template));
        let addresses = self.addresses().into_iter();
        lookups.extend(addresses.map(|address| Lookup::unique_everywhere(Self::BY_ADDRESS, address)));
        if let (Some(tenant), Some(user)) = (self.tenant, self.user) {
            lookups.push(Lookup::unique_everywhere(Self::BY_USER, format!("{tenant}/{user}")));
        }
        if let Some(sponsor) = self.sponsor {
            lookups.push(Lookup::many(Self::BY_SPONSOR, sponsor));
        }
        if let Some(cell) = self.cell {
            lookups.push(Lookup::many(Self::BY_CELL, cell));
        }
        lookups
    }
}
