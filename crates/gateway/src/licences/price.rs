//! What licences cost: a setting, since a tenant's contract says it and no API does. The defaults are Microsoft's list
//! prices in US dollars for a seat and month, of the few products that agents were given so far: Microsoft 365 Business
//! Basic 6.00 and F1 2.25, and for each sponsor Agent 365 15.00, through which Agent ID is sold, sponsors included
//! (Entra reference §13). A product without a price is named as such.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// An amount of money, in hundredths of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(pub i64);

impl Money {
    /// The sum.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times.
    pub fn times(self, count: usize) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// A share of it, rounded to the next hundredth.
    pub fn over(self, count: usize) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX).max(1);
        Self(self.0.saturating_add(count / 2).div_euclid(count))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, amount) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:02}", amount / 100, amount % 100)
    }
}

/// Why a text is no price, or no list of prices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a price: write 6.00, and in a list PART_NUMBER=6.00 with commas between")]
pub struct PricesError(String);

impl FromStr for Money {
    type Err = PricesError;

    fn from_str(text: &str) -> Result<Self, PricesError> {
        let bad = || PricesError(text.to_owned());
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || whole.len() > 9 || !digits(part) || part.len() > 2 {
            return Err(bad());
        }
        let scale = if part.len() == 1 { 10 } else { 1 };
        let (whole, part): (i64, i64) = (whole.parse().map_err(|_| bad())?, part.parse().map_err(|_| bad())?);
        Ok(Self(whole * 100 + part * scale))
    }
}

/// What the seats of products cost a month, by part number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices(BTreeMap<String, Money>);

impl Prices {
    /// That of one; `None` when nobody has said.
    pub fn of(&self, part_number: &str) -> Option<Money> {
        self.0.get(&part_number.to_ascii_uppercase()).copied()
    }
}

impl Default for Prices {
    fn default() -> Self {
        let known = [("O365_BUSINESS_ESSENTIALS", 600), ("M365_F1", 225), ("M365_F1_COMM", 225)];
        Self(known.into_iter().map(|(part, cents)| (part.to_owned(), Money(cents))).collect())
    }
}

impl FromStr for Prices {
    type Err = PricesError;

    /// Adds to the defaults, or replaces one of them.
    fn from_str(text: &str) -> Result<Self, PricesError> {
        let mut prices = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, price) = part.split_once('=').ok_or_else(|| PricesError(part.to_owned()))?;
            prices.0.insert(name.trim().to_ascii_uppercase(), price.parse()?);
        }
        Ok(prices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_prices_adds_to_what_is_known() {
        let prices: Prices = "SPE_E3=36.5, o365_business_essentials=7".parse().unwrap();
        assert_eq!(prices.of("spe_e3"), Some(Money(3650)));
        assert_eq!(prices.of("O365_BUSINESS_ESSENTIALS"), Some(Money(700)));
        assert_eq!(prices.of("M365_F1"), Some(Money(225)));
        assert_eq!(prices.of("SPE_E5"), None);
        for bad in ["SPE_E3", "SPE_E3=", "SPE_E3=-1", "SPE_E3=1.234", "SPE_E3=1,5x"] {
            assert!(bad.parse::<Prices>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_rounded() {
        assert_eq!(
            (Money(1500).over(2), Money(1000).over(3), Money(1500).over(0)),
            (Money(750), Money(333), Money(1500))
        );
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for cents in [0, 1, 9, 10, 99, 100, 101, 225, 3_650, 99_999_999_999] {
            assert_eq!(Money(cents).to_string().parse(), Ok(Money(cents)));
        }
    }
}
