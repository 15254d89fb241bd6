//! Which tenant takes the next organisation: a pure choice.

/// How full a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fill {
    /// How many subdomains it has.
    pub(super) taken: u32,
    /// How many it may have.
    pub(super) limit: u32,
}

impl Fill {
    /// Whether it takes one more.
    pub(super) fn has_room(self) -> bool {
        self.taken < self.limit
    }
}

/// The place in the list of the tenant that is least full for its size, the first of equals; `None` when all are full.
pub(super) fn least_full(tenants: &[Fill]) -> Option<usize> {
    let open = tenants.iter().enumerate().filter(|(_, fill)| fill.has_room());
    let least = open.min_by(|(_, a), (_, b)| {
        // a/A against b/B, without a fraction.
        (u64::from(a.taken) * u64::from(b.limit)).cmp(&(u64::from(b.taken) * u64::from(a.limit)))
    });
    least.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(taken: u32, limit: u32) -> Fill {
        Fill { taken, limit }
    }

    #[test]
    fn the_least_full_for_its_size_is_chosen_and_the_first_of_equals() {
        assert_eq!(least_full(&[fill(0, 10), fill(0, 10)]), Some(0));
        assert_eq!(least_full(&[fill(1, 10), fill(0, 10)]), Some(1));
        assert_eq!(least_full(&[fill(5, 10), fill(6, 100)]), Some(1));
        assert_eq!(least_full(&[fill(10, 10), fill(99, 100)]), Some(1));
    }

    #[test]
    fn none_is_chosen_when_all_are_full() {
        assert_eq!(least_full(&[fill(10, 10), fill(7, 3), fill(0, 0)]), None);
        assert_eq!(least_full(&[]), None);
    }
}
