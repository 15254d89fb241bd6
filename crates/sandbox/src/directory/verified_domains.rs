//! The verified domains of a tenant, of which there may be thousands: in the order in which they came, found by name,
//! and shared by copies of the tenant until one of them changes (Entra reference §2.4; §3, limits of the directory).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::sharing::{Part, SnapshotMap};

/// The domains, in lower case; the first is the default one.
#[derive(Debug, Clone, Default)]
pub(crate) struct VerifiedDomains {
    in_order: SnapshotMap<u64, String>,
    /// Where each stands in that order.
    places: SnapshotMap<String, u64>,
}

/// What came to a tenant's domains, and what went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DomainChanges<'d> {
    /// In order.
    pub(crate) came: Vec<&'d str>,
    pub(crate) went: Vec<&'d str>,
    /// Whether something came that does not stand behind all that was there: only a restored copy has that.
    is_reordered: bool,
}

impl DomainChanges<'_> {
    /// Whether nothing did.
    pub(crate) fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty()
    }
}

impl VerifiedDomains {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// The default one.
    pub(crate) fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// The one that the tenant came into being with: one of Microsoft's, or here the first.
    pub(crate) fn initial(&self) -> Option<&str> {
        self.iter().find(|name| name.ends_with(".onmicrosoft.com")).or_else(|| self.first())
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.in_order.values().map(String::as_str)
    }

    /// The domain of that name, in any case.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        let place = self.places.get(name.to_ascii_lowercase().as_str())?;
        self.in_order.get(place).map(String::as_str)
    }

    /// Whether there is that one, in any case.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    /// Whether a name is a subdomain of one of them.
    pub(crate) fn are_above(&self, name: &str) -> bool {
        name.match_indices('.').any(|(dot, _)| self.contains(&name[dot + 1..]))
    }

    /// Adds one, unless it is there.
    pub(crate) fn push(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        if self.places.contains_key(&name) {
            return;
        }
        let place = self.in_order.last().map_or(0, |(last, _)| last + 1);
        self.places.insert(name.clone(), place);
        self.in_order.insert(place, name);
    }

    /// Takes one away.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(place) = self.places.remove(name.to_ascii_lowercase().as_str()) {
            self.in_order.remove(&place);
        }
    }

    /// What changed since an earlier copy; what both share is not looked at.
    pub(crate) fn changes<'d>(&'d self, earlier: &'d Self) -> DomainChanges<'d> {
        let (mut changes, end) = (DomainChanges::default(), earlier.in_order.last().map(|(last, _)| *last));
        for (place, before, now) in self.in_order.differences(&earlier.in_order) {
            changes.went.extend(before.map(String::as_str));
            changes.came.extend(now.map(String::as_str));
            changes.is_reordered |= now.is_some() && Some(*place) <= end;
        }
        changes
    }
}

impl<S: AsRef<str>> FromIterator<S> for VerifiedDomains {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut domains = Self::default();
        for name in names {
            domains.push(name.as_ref());
        }
        domains
    }
}

impl Serialize for VerifiedDomains {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for VerifiedDomains {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer).map(|names| names.into_iter().collect())
    }
}

/// Told by name: places are not the same after a start.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    /// Where the order is another, and in older logs.
    Whole(VerifiedDomains),
    Changes {
        came: Vec<String>,
        went: Vec<String>,
    },
}

impl Part for VerifiedDomains {
    fn since(&self, earlier: &Self) -> Option<Value> {
        let changes = self.changes(earlier);
        if changes.is_empty() {
            return None;
        }
        let DomainChanges { came, went, is_reordered } = changes;
        Some(if is_reordered { self.iter().collect() } else { json!({ "came": came, "went": went }) })
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        match serde_json::from_value(change) {
            Ok(Told::Whole(domains)) => *self = domains,
            Ok(Told::Changes { came, went }) => {
                went.iter().for_each(|name| self.remove(name));
                came.iter().for_each(|name| self.push(name));
            }
            Err(_) => {
                return Err(serde_json::Error::custom("a change of domains is what came and what went"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(names: &[&str]) -> VerifiedDomains {
        names.iter().collect()
    }

    #[test]
    fn a_domain_is_found_in_any_case_and_the_first_is_the_default() {
        let mut domains = domains(&["Contoso.example", "contoso.onmicrosoft.com"]);
        domains.push("x.contoso.EXAMPLE");
        domains.push("contoso.example");
        assert_eq!(domains.len(), 3);
        assert_eq!(domains.first(), Some("contoso.example"));
        assert_eq!(domains.initial(), Some("contoso.onmicrosoft.com"));
        assert_eq!(domains.named("X.Contoso.Example"), Some("x.contoso.example"));
        domains.remove("CONTOSO.example");
        assert_eq!(domains.first(), Some("contoso.onmicrosoft.com"));
        assert!(!domains.contains("contoso.example"));
    }

    #[test]
    fn only_whole_labels_make_a_subdomain() {
        let domains = domains(&["contoso.example"]);
        assert!(domains.are_above("a.b.contoso.example"));
        assert!(!domains.are_above("contoso.example"));
        assert!(!domains.are_above("notcontoso.example"));
    }

    #[test]
    fn a_copy_tells_what_came_and_went_and_takes_it_up() {
        let before = domains(&["contoso.example", "old.contoso.example"]);
        let mut now = before.clone();
        assert_eq!(now.since(&before), None);
        now.remove("old.contoso.example");
        now.push("new.contoso.example");
        // Read anew, the places have no gaps.
        let mut read: VerifiedDomains =
            serde_json::from_value(serde_json::to_value(&before).unwrap()).unwrap();
        read.take_up(now.since(&before).unwrap()).unwrap();
        assert!(read.iter().eq(now.iter()));
        // The way back, as a restored snapshot has it.
        read.take_up(before.since(&now).unwrap()).unwrap();
        assert!(read.iter().eq(before.iter()));
    }

    #[test]
    fn a_log_that_tells_all_domains_is_taken_up() {
        let mut domains = domains(&["contoso.example"]);
        domains.take_up(json!(["contoso.example", "x.contoso.example"])).unwrap();
        assert!(domains.iter().eq(["contoso.example", "x.contoso.example"]));
        assert!(domains.take_up(json!(7)).is_err());
    }
}
