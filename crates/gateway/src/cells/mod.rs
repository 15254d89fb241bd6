//! Cells: a blueprint holds at most 250 agent identities in a tenant, and its credential opens all of them. So
//! blueprints are sharded: a cell is one blueprint with a key of its own and at most 200 identities, soft-deleted
//! ones counted, since they count for Entra too.

mod allot;
mod ends;
mod give_back;
mod http;
mod key;
mod lost;
mod page;
mod suspend;
mod trial;

use attache_provision::{Naming, Tag};
use attache_store::{GatewayScope, Lookup, OrgId, Record, id};
use attache_terms::{AppId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use allot::{allot, made, open_given, take};
pub(crate) use ends::cells;
pub(crate) use give_back::{GIVE_BACK, give_back_later};
pub(crate) use http::api;
pub(crate) use key::{CellError, credential};
pub(crate) use lost::{found, lost};
pub(crate) use page::pages;
pub(crate) use suspend::{CellSuspension, ENFORCE};
pub(crate) use trial::{code_of, refuses};

use crate::sealing::Sealed;

id! {
    /// A cell.
    CellId = "a cell's id";
}

/// How many identities a cell takes.
pub(crate) const SEATS: u32 = 200;

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Its id; the blueprint's tag has it.
    pub(crate) id: CellId,
    /// In which tenant.
    pub(crate) tenant: TenantId,
    /// The organisation that it is reserved for: that of the tenant, where it is a customer's own.
    pub(crate) reserved: Option<OrgId>,
    /// The blueprint that the customer owns and has given for this cell; one of ours is made when it is `None`.
    #[serde(default)]
    pub(crate) given: Option<AppId>,
    /// That its blueprint is not made yet: its first identity does that, and whoever finds a seat elsewhere does not
    /// wait for it.
    #[serde(default)]
    pub(crate) opening: bool,
    /// That somebody deleted its blueprint: nobody gets a seat in it.
    #[serde(default)]
    pub(crate) lost: bool,
    /// How many identities it holds.
    pub(crate) taken: u32,
    /// Its private key (PKCS#8), sealed.
    pub(crate) key: Sealed,
    /// Its certificate, DER in base64.
    pub(crate) certificate: String,
    /// That none of its agents may act for now.
    #[serde(default)]
    pub(crate) suspended: Option<CellSuspension>,
    /// Since when.
    pub(crate) created: Timestamp,
}

impl Cell {
    /// The lookup of cells with free seats and a blueprint that are not suspended, by tenant and whom they are reserved
    /// for.
    pub(crate) const BY_ROOM: &'static str = "room";
    /// The lookup of the one whose blueprint is being made, by the same.
    pub(crate) const BY_OPENING: &'static str = "opening";
    /// The lookup of the one cell of a given blueprint: its key opens all of its agents, so nobody shares it.
    pub(crate) const BY_GIVEN: &'static str = "given";

    /// The lookup's value of a given blueprint.
    pub(crate) fn given_key(tenant: TenantId, blueprint: AppId) -> String {
        format!("{tenant}/{blueprint}")
    }

    /// What its blueprint is called and found by.
    pub(crate) fn blueprint(&self) -> Naming {
        // Past the time, so that two that open at once are told apart.
        let short = &self.id.to_string()[..18];
        Naming { display_name: format!("Attaché cell {short}"), tag: tag("cell", &self.id.to_string()) }
    }
}

/// The lookup's value of cells with free seats.
pub(crate) fn room(tenant: TenantId, reserved: Option<OrgId>) -> String {
    reserved.map_or_else(|| tenant.to_string(), |org| format!("{tenant}/{org}"))
}

/// A tag of ours.
#[expect(clippy::expect_used, reason = "ids are plain characters and short")]
pub(crate) fn tag(kind: &str, key: &str) -> Tag {
    Tag::new(&format!("gateway/{kind}/{key}")).expect("ids make tags")
}

impl Record for Cell {
    const KIND: &'static str = "cell";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        let is_free = self.taken < SEATS && self.suspended.is_none() && !self.lost;
        let room = || room(self.tenant, self.reserved);
        let found_by = match self.given {
            // A seat in it is asked for by name.
            Some(given) => Lookup::unique_everywhere(Self::BY_GIVEN, Self::given_key(self.tenant, given)),
            None if is_free && self.opening => Lookup::unique_everywhere(Self::BY_OPENING, room()),
            None if is_free => Lookup::many(Self::BY_ROOM, room()),
            None => return Vec::new(),
        };
        vec![found_by]
    }
}
