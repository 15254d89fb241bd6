//! What a limit is: so much of something, within a time, by everybody who shares it.

/// Who shares a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    /// All requests of an app, in all tenants.
    App,
    /// All requests of an app in the tenant.
    AppAndTenant,
    /// All requests in the tenant.
    Tenant,
    /// All requests of an app to one mailbox.
    Mailbox,
    /// All requests of an app to one chat, channel or team.
    Place,
    /// All requests of an app for one user.
    User,
    /// All requests on behalf of one user, whatever the app.
    Person,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Requests.
    Requests,
    /// Resource units, of which a request of the directory costs some.
    Units,
    /// Requests that change something.
    Writes,
    /// Bytes that come in.
    Bytes,
    /// Requests at the same time.
    AtOnce,
}

/// One limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) per: Per,
    pub(super) of: Of,
    /// How much, in tenants below 50 users, to 500, and above.
    most: [u32; 3],
    /// Within how many seconds.
    seconds: u32,
}

impl Limit {
    /// So many requests within so many seconds.
    pub(super) const fn requests(per: Per, most: u32, seconds: u32) -> Self {
        Self { per, of: Of::Requests, most: [most; 3], seconds }
    }

    /// So many requests a second.
    pub(super) const fn a_second(per: Per, most: u32) -> Self {
        Self::requests(per, most, 1)
    }

    /// The same limit on something else than requests.
    pub(super) const fn of(mut self, of: Of) -> Self {
        self.of = of;
        self
    }

    /// More of it in larger tenants.
    pub(super) const fn or_larger(mut self, medium: u32, large: u32) -> Self {
        self.most = [self.most[0], medium, large];
        self
    }

    /// How much is allowed within how many seconds, in a tenant of that many users. What is so much a second is
    /// also five sixths of that over a minute: bursts are short (Graph reference §5.4).
    pub(super) fn windows(&self, users: usize) -> impl Iterator<Item = (u32, u32)> {
        let size = match users {
            0..50 => 0,
            50..=500 => 1,
            _ => 2,
        };
        let most = self.most[size];
        let over_a_minute = (self.seconds == 1).then_some((most.saturating_mul(50), 60));
        [(most, self.seconds)].into_iter().chain(over_a_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_much_a_second_is_five_sixths_of_it_over_a_minute() {
        let windows = |limit: Limit, users| limit.windows(users).collect::<Vec<_>>();
        assert_eq!(windows(Limit::a_second(Per::App, 6), 1), [(6, 1), (300, 60)]);
        assert_eq!(windows(Limit::requests(Per::App, 4, 60), 1), [(4, 60)]);
    }

    #[test]
    fn larger_tenants_are_allowed_more() {
        let units = Limit::requests(Per::AppAndTenant, 3_500, 10).or_larger(5_000, 8_000);
        let allowed = |users| units.windows(users).next().unwrap().0;
        assert_eq!([49, 50, 500, 501].map(allowed), [3_500, 5_000, 5_000, 8_000]);
    }
}
