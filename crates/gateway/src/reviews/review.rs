//! The last confirmation of an identity, and when the next one is due.

use std::time::Duration;

use attache_store::{OrgId, OrgScope, Record};
use attache_terms::UserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identities::IdentityId;

/// That somebody has confirmed an identity: it is still wanted, and its sponsor is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Review {
    /// Which identity.
    pub(crate) identity: IdentityId,
    /// Whose it is.
    pub(crate) org: OrgId,
    /// When.
    pub(crate) confirmed: Timestamp,
    /// By whom: their object id; `None` for a key.
    pub(crate) by: Option<UserId>,
    /// Their name, or the key's.
    pub(crate) name: String,
    /// The sponsor whom they confirmed. With another one, it is to be confirmed anew.
    pub(crate) sponsor: Option<UserId>,
}

/// When an identity is to be confirmed: so long after it was last, or after it was made; at once where the sponsor is
/// another one than was confirmed.
pub(crate) fn due(
    created: Timestamp,
    sponsor: Option<UserId>,
    last: Option<&Review>,
    interval: Duration,
) -> Timestamp {
    let since = match last {
        Some(last) if last.sponsor == sponsor => last.confirmed,
        Some(last) => return last.confirmed,
        None => created,
    };
    since.saturating_add(interval).unwrap_or(Timestamp::MAX)
}

impl Record for Review {
    const KIND: &'static str = "access_review";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.identity.to_string()
    }
}

#[cfg(test)]
mod tests {
    use attache_terms::{Clock as _, ManualClock, SeededRng};
    use uuid::Uuid;

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 24 * 3600).unwrap()
    }

    #[test]
    fn a_review_is_due_after_its_time_and_at_once_for_another_sponsor() {
        let (clock, rng) = (ManualClock::new(at(0)), SeededRng::new(1));
        let ninety = Duration::from_secs(90 * 24 * 3600);
        let (ada, bob) = (Some(UserId::new(Uuid::from_u128(1))), Some(UserId::new(Uuid::from_u128(2))));
        assert_eq!(due(clock.now(), ada, None, ninety), at(90));
        let last = Review {
            identity: IdentityId::make(&clock, &rng),
            org: OrgId::make(&clock, &rng),
            confirmed: at(30),
            by: ada,
            name: "Ada".to_owned(),
            sponsor: ada,
        };
        assert_eq!(due(at(0), ada, Some(&last), ninety), at(120));
        assert_eq!(due(at(0), bob, Some(&last), ninety), at(30));
    }
}
