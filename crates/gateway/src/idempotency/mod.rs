//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a program that does not know whether its POST was
//! heard sends it again with the same key, and what it asked for happens once.
//!
//! The first unit that the request commits holds a [`Kept`](kept::Kept) record too, whose key is made of organisation, caller,
//! path and `Idempotency-Key`: a second request, however close, collides with it and changes nothing. The answer joins
//! the record when it is there, and is given again for a day. Between the two the process can die; then it is known that
//! the request took effect, and its answer is lost.
//!
//! What was refused before anything was committed is not kept: nothing happened, and trying again is what helps.

mod around;
mod asked;
mod kept;

pub(crate) use around::around;
pub(crate) use asked::{Asked, Turned, concurrent};
pub(crate) use kept::KEPT;

use attache_store::{CommitError, Committed, Unit};

use crate::Gateway;
use crate::access::Caller;

impl Gateway {
    /// Commits what a caller asked for. With the first unit of a request that carries an `Idempotency-Key` goes the
    /// record of it.
    pub(crate) async fn commit(&self, caller: &Caller, unit: Unit) -> Result<Committed, CommitError> {
        match &caller.asked {
            Some(asked) => asked.commit(self, unit).await,
            None => self.store.commit(unit).await,
        }
    }
}
