//! Brings an identity from nothing to ready, and back: blueprint, principal, agent identity, agent user,
//! licence, consent, mailbox and Teams (Entra reference §2, §3).
//!
//! The machine is pure. [`next()`] says what to do, [`perform()`] does one step and says what it saw, and
//! [`Record::apply`] takes that in. The crate neither stores nor sleeps; whoever drives it does, and writes
//! the ledger:
//!
//! ```text
//! loop {
//!     match next(&record, clock.now()) {
//!         Action::Do(step) => {
//!             record.begin(step, rng.uuid(), clock.now());
//!             persist(&record);                        // the intent, with its correlation
//!             ledger.intent(record.act());             // None for a read
//!             let outcome = perform(&clients, &record).await;
//!             record.apply(&outcome, clock.now(), rng.fraction());
//!             persist(&record);
//!             ledger.outcome(&outcome);
//!         }
//!         Action::WaitUntil { at, .. } => clock.sleep(at - clock.now()).await,
//!         Action::Ready | Action::Failed(_) => break,
//!     }
//! }
//! ```
//!
//! It may be killed anywhere. Every step looks before it writes. Two creations have no natural key, the
//! blueprint's and the agent identity's: after an unknown outcome they are looked for, by tag, as long as
//! replication may hide them, before they are made again. [`Record::unsettled`] says of which step nobody knows
//! whether it has changed the tenant: whoever gives up in the middle looks for that.
//!
//! A step makes several requests. Where two drivers must not perform the same step, `Clients` gives each [`Graph`] a
//! deadline (`attache_graph::Graph::before`); what it keeps from being sent ends as a wait.
//!
//! [`Graph`]: attache_graph::Graph

mod act;
mod clients;
mod failure;
mod next;
mod outcome;
mod perform;
mod permissions;
mod plan;
mod reason;
mod record;
pub mod removal;
mod step;
mod waits;
mod wish;

pub use act::Act;
pub use clients::Clients;
pub use failure::{Failure, FailureCause, Told};
pub use next::{Action, next};
pub use outcome::{Ended, Outcome};
pub use perform::perform;
pub use plan::{LicencePlan, Plan, Planned, plan};
pub use reason::Reason;
pub use record::{Ignored, Objects, Record, RecordError};
pub use removal::{
    Left, Removal, RemovalAction, RemovalOutcome, RemovalPlan, RemovalStep, Target, next_removal,
    perform_removal, plan_removal,
};
pub use step::Step;
pub use wish::{AgentUserWish, CertificateWish, LicenceWish, Naming, Patience, Tag, TagError, Wish};
