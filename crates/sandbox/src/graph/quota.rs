//! How many objects a directory holds, and how many somebody who is no administrator makes of them (Microsoft:
//! "Microsoft Entra service limits and restrictions"; Entra reference §2.9, §2.11).

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::error::GraphError;
use crate::sharing::{SnapshotList, SnapshotMap, parts, whole};
use crate::tenant::Tenant;

/// Without a domain of one's own, and with one.
const UNVERIFIED: usize = 50_000;
const VERIFIED: usize = 300_000;

/// How many objects may be somebody's who is no administrator.
const OWN: usize = 250;

/// How long a purged object counts for a quarter.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a tenant's quotas go by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Quota {
    /// How many objects the directory may hold, where that is not the default.
    pub(crate) most: Option<u32>,
    /// Who made an object without being an administrator, by the object's id.
    makers: SnapshotMap<String, Maker>,
    purged: SnapshotList<Purged>,
}

/// A user's object id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Maker(String);

/// An object that cannot be restored any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Purged {
    at: Timestamp,
    maker: Option<Maker>,
}

parts!(Quota { makers, purged } whole { most });

whole!(Maker, Purged);

impl Tenant {
    /// An object is gone for good.
    pub(crate) fn purged(&mut self, id: &str, now: Timestamp) {
        let quota = &mut self.workloads.quota;
        quota.purged.retain(|one| now.duration_since(one.at) < REMEMBERED);
        let maker = quota.makers.remove(id);
        quota.purged.push(Purged { at: now, maker });
    }

    /// How many objects the directory may hold.
    fn most_objects(&self) -> usize {
        let has_own_domain = self.domains.iter().any(|domain| !domain.ends_with(".onmicrosoft.com"));
        let default = if has_own_domain { VERIFIED } else { UNVERIFIED };
        self.workloads.quota.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(default)
    }

    /// How many it holds: soft-deleted ones count, purged ones for a quarter.
    fn objects(&self, now: Timestamp) -> usize {
        let purged = self.workloads.quota.purged(|_| true, now);
        let groups = self.workloads.groups.len();
        self.users.len() + self.applications.len() + self.service_principals.len() + groups + purged / 4
    }
}

impl Quota {
    fn purged(&self, counts: impl Fn(&Purged) -> bool, now: Timestamp) -> usize {
        let counted = self.purged.iter().filter(|one| now.duration_since(one.at) < REMEMBERED);
        counted.filter(|one| counts(one)).count()
    }

    fn made_by(&self, maker: &str, now: Timestamp) -> usize {
        let purged = self.purged(|one| one.maker.as_ref().is_some_and(|one| one.0 == maker), now);
        self.makers.values().filter(|one| one.0 == maker).count() + purged / 4
    }
}

impl Call<'_> {
    /// Whether there is room for one object more. Agents stop at 95 per cent.
    pub(crate) fn check_room(&self, is_agent: bool) -> Result<(), GraphError> {
        let (objects, most) = (self.tenant.objects(self.now), self.tenant.most_objects());
        if objects >= most {
            return Err(exceeded("Directory_QuotaExceeded", "for the Tenant"));
        }
        if is_agent && objects >= most - most / 20 {
            return Err(exceeded("Agent_Directory_QuotaExceeded", "for agents"));
        }
        let has_made = |maker: &str| self.tenant.workloads.quota.made_by(maker, self.now);
        match self.maker() {
            Some(maker) if has_made(maker) >= OWN => {
                Err(exceeded("Directory_QuotaExceeded", "for the Principal"))
            }
            _ => Ok(()),
        }
    }

    /// Notes who has made an object.
    pub(crate) fn has_made(&mut self, id: &str) {
        if let Some(maker) = self.maker().map(|maker| Maker(maker.to_owned())) {
            self.tenant.workloads.quota.makers.insert(id.to_owned(), maker);
        }
    }

    /// Who calls in their own name and is no administrator.
    fn maker(&self) -> Option<&str> {
        self.caller.user_id().filter(|_| self.require_administrator().is_err())
    }
}

fn exceeded(code: &'static str, whose: &str) -> GraphError {
    GraphError::new(
        StatusCode::FORBIDDEN,
        code,
        format!(
            "The directory object quota limit {whose} has been exceeded. Please ask your administrator to increase the quota limit or delete objects to reduce the used quota."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Seed;
    use crate::seed::{self, Source};

    #[test]
    fn a_domain_of_ones_own_makes_room() {
        let mut tenant = seed::tenant(&Source::new(Seed::Constants), Timestamp::UNIX_EPOCH);
        assert_eq!(tenant.most_objects(), 300_000);
        tenant.domains = ["contoso.onmicrosoft.com"].iter().collect();
        assert_eq!(tenant.most_objects(), 50_000);
    }

    #[test]
    fn what_is_purged_counts_for_a_quarter_for_a_month() {
        let mut tenant = seed::tenant(&Source::new(Seed::Constants), Timestamp::UNIX_EPOCH);
        let (now, before) = (Timestamp::UNIX_EPOCH, tenant.objects(Timestamp::UNIX_EPOCH));
        for number in 0..8 {
            tenant.purged(&number.to_string(), now);
        }
        assert_eq!(tenant.objects(now), before + 2);
        assert_eq!(tenant.objects(now + REMEMBERED), before);
    }
}
