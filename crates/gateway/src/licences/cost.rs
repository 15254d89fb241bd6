//! What an organisation's identities cost a month: the licences of each, and the licence that each sponsor needs, who
//! is counted once however many agents they answer for. A licence whose price nobody has said is named and not counted.

use std::collections::BTreeMap;

use attache_terms::{SkuId, UserId};

use super::price::{Money, Prices};

/// An identity, as far as its cost goes.
#[derive(Debug, Clone)]
pub(super) struct Costing<I> {
    /// Which.
    pub(super) identity: I,
    /// The licences of its user: id, and short name if it is known.
    pub(super) licences: Vec<(SkuId, Option<String>)>,
    /// Who answers for it.
    pub(super) sponsor: Option<UserId>,
}

/// What one identity costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cost<I> {
    /// Which.
    pub(super) identity: I,
    /// Its licences, each with its price if that is known.
    pub(super) licences: Vec<(String, Option<Money>)>,
    /// Its share of its sponsor's licence.
    pub(super) sponsor_share: Money,
    /// Both, as far as prices are known.
    pub(super) total: Money,
}

/// What all of them cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bill<I> {
    /// Each.
    pub(super) identities: Vec<Cost<I>>,
    /// How many people answer for them.
    pub(super) sponsors: usize,
    /// All of it: sponsors are counted once.
    pub(super) total: Money,
    /// Whether every price is known.
    pub(super) complete: bool,
}

/// Adds up. `sponsor` is what the licence of a sponsor costs.
pub(super) fn bill<I>(costings: Vec<Costing<I>>, prices: &Prices, sponsor: Money) -> Bill<I> {
    let mut agents: BTreeMap<UserId, usize> = BTreeMap::new();
    for user in costings.iter().filter_map(|costing| costing.sponsor) {
        *agents.entry(user).or_default() += 1;
    }
    let mut own = Money::default();
    let mut complete = true;
    let identities: Vec<Cost<I>> = costings
        .into_iter()
        .map(|costing| {
            let priced = costing.licences.into_iter().map(|(sku, name)| {
                let price = name.as_deref().and_then(|name| prices.of(name));
                (name.unwrap_or_else(|| sku.to_string()), price)
            });
            let licences: Vec<(String, Option<Money>)> = priced.collect();
            complete &= licences.iter().all(|(_, price)| price.is_some());
            let sum = licences.iter().filter_map(|(_, price)| *price).fold(Money::default(), Money::plus);
            own = own.plus(sum);
            let share = costing.sponsor.and_then(|user| agents.get(&user)).map(|count| sponsor.over(*count));
            let sponsor_share = share.unwrap_or_default();
            Cost { identity: costing.identity, licences, sponsor_share, total: sum.plus(sponsor_share) }
        })
        .collect();
    let total = own.plus(sponsor.times(agents.len()));
    Bill { identities, sponsors: agents.len(), total, complete }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn costing(identity: u8, licence: &str, sponsor: u128) -> Costing<u8> {
        let name = (!licence.is_empty()).then(|| licence.to_owned());
        Costing {
            identity,
            licences: vec![(SkuId::new(Uuid::from_u128(9)), name)],
            sponsor: Some(UserId::new(Uuid::from_u128(sponsor))),
        }
    }

    #[test]
    fn a_sponsor_is_paid_for_once() {
        let basic = "O365_BUSINESS_ESSENTIALS";
        let costings = vec![costing(1, basic, 7), costing(2, basic, 7), costing(3, basic, 8)];
        let bill = bill(costings, &Prices::default(), Money(1500));
        assert_eq!((bill.sponsors, bill.total, bill.complete), (2, Money(3 * 600 + 2 * 1500), true));
        let totals: Vec<_> = bill.identities.iter().map(|cost| cost.total).collect();
        assert_eq!(totals, [Money(600 + 750), Money(600 + 750), Money(600 + 1500)]);
    }

    #[test]
    fn what_has_no_price_is_named_and_not_counted() {
        let bill = bill(vec![costing(1, "SPE_E7", 7), costing(2, "", 7)], &Prices::default(), Money(0));
        assert!(!bill.complete);
        assert_eq!(bill.total, Money(0));
        assert_eq!(bill.identities[0].licences, [("SPE_E7".to_owned(), None)]);
    }
}
