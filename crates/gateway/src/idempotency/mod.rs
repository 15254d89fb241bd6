//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a program that does not know whether its POST was
//! heard sends it again with the same key, and what it asked for happens once.
//!
//! The first unit that the request commits holds a [`Kept`](kept::Kept) record too, whose key is made of organisation, caller,
//! path and `Idempotency-Key`: a second request, however close, collides with it and changes nothing. The record has the
//! answer, which is given again for a day. Where the answer depends on an act that the unit only announces (a message
//! that is sent, a job that is revived) it joins the record afterwards; if the process dies between, it is known that the
//! request took effect, and its answer is lost.
//!
//! What was refused before anything was committed is not kept: nothing happened, and trying again is what helps.

mod around;
mod asked;
mod kept;

pub(crate) use around::around;
pub(crate) use asked::{Asked, Turned, concurrent};
pub(crate) use kept::KEPT;

use attache_store::{CommitError, Committed, Unit};
use axum::response::IntoResponse;

use crate::Gateway;
use crate::access::Caller;

impl Gateway {
    /// Commits what a caller asked for, with the answer that they will get: both or neither.
    pub(crate) async fn commit_answered<A: IntoResponse>(
        &self,
        caller: &Caller,
        unit: Unit,
        answer: impl FnOnce() -> A,
    ) -> Result<Committed, CommitError> {
        match &caller.asked {
            Some(asked) => asked.commit(self, unit, Some(answer().into_response())).await,
            None => self.store.commit(unit).await,
        }
    }

    /// Commits what a caller asked for. With the first unit of a request that carries an `Idempotency-Key` goes the
    /// record of it.
    pub(crate) async fn commit(&self, caller: &Caller, unit: Unit) -> Result<Committed, CommitError> {
        match &caller.asked {
            Some(asked) => asked.commit(self, unit, None).await,
            None => self.store.commit(unit).await,
        }
    }
}
