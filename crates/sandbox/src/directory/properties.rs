//! The properties of an object that have no field of their own, by Graph's names: few, so a list of them is
//! smaller than a map.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::map::Map;

/// The names that objects most often have such properties by; they take no memory of their own.
const COMMON: [&str; 10] = [
    "businessPhones",
    "companyName",
    "department",
    "employeeId",
    "givenName",
    "jobTitle",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
];

/// Properties in the order of their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Properties(Vec<(Cow<'static, str>, Value)>);

impl Properties {
    /// The value of a property.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(self.find(name).ok()?).map(|(_, value)| value)
    }

    /// Sets a property.
    pub(crate) fn insert(&mut self, name: String, value: Value) {
        match self.find(&name) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (kept(name), value));
            }
        }
    }

    /// Takes a property away.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).ok().map(|place| self.0.remove(place).1)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(one, _)| (**one).cmp(name))
    }
}

fn kept(name: String) -> Cow<'static, str> {
    match COMMON.iter().find(|common| **common == name) {
        Some(common) => Cow::Borrowed(common),
        None => Cow::Owned(name),
    }
}

impl Extend<(String, Value)> for Properties {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, properties: I) {
        for (name, value) in properties {
            self.insert(name, value);
        }
    }
}

impl FromIterator<(String, Value)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(properties: I) -> Self {
        let mut all = Self::default();
        all.extend(properties);
        all
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(|properties| properties.into_iter().collect())
    }
}
