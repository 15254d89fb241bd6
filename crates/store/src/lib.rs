//! What the gateway persists, and the contract of the engines that do it.
//!
//! * A [`Record`] is a value with a key, a version and [`Lookup`]s. The types stand with the features that own
//!   them; an engine knows rows.
//! * A [`Unit`] is a unit of work as a value: changes with the versions they expect, jobs, ends of jobs, audit
//!   entries. [`Store::commit`] applies all of it or reports the conflict.
//! * Whatever belongs to an organisation is reached through an [`OrgScope`], which only the gate-keepers make:
//!   code that forgets the organisation does not compile. Workers go through [`Store::system`].
//! * Jobs are rows of the same unit, leased and fenced ([`Lease`]).
//! * Each organisation has an append-only Merkle log ([`LogHead`], [`EntryRow`]); an engine numbers the entries
//!   of a unit in the transaction that applies it.
//!
//! Two engines exist, `store-sqlite` and `store-postgres`; `conformance` is the one suite that both pass.

mod actor;
mod bounds;
#[cfg(feature = "conformance")]
pub mod conformance;
mod engine;
mod error;
pub mod ids;
mod job;
mod known;
mod log;
mod number;
mod prove;
mod record;
mod scope;
mod store;
mod unit;

pub use actor::actor_digest;
pub use bounds::{Cursor, Order, Page};
pub use engine::{Engine, EntryQuery, JobQuery, ListQuery, Lookups, Tally, TallyQuery};
pub use error::{CommitError, StoreError};
pub use ids::{JobId, NodeId, NotAnId, OrgId};
pub use job::{Claim, Job, JobEnd, JobState, LAPSED, Lease, NewJob, Settled};
pub use log::{BLOCK, Checkpointed, ERASED, EntryRow, Log, LogHead};
pub use number::{NewEntry, Numberer};
pub use prove::{prove_consistency, prove_inclusion};
pub use record::{Lookup, Reach, Record, Row, Versioned};
pub use scope::{GatewayScope, OrgScope, Place, Scope, Within};
pub use store::{OrgStore, Store, SystemStore};
pub use unit::{Becomes, Change, Committed, Unit};
