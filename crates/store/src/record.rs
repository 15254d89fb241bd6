//! Records: values with a key, kept with a version and found again by lookups.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Place, Scope, StoreError};

/// A value that the gateway keeps. Its body is JSON; what it is found by is said in [`Record::lookups`].
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is called in the store: short, singular, snake case, never changed.
    const KIND: &'static str;

    /// To whom it belongs: [`crate::OrgScope`] or [`crate::GatewayScope`].
    type Scope: Scope;

    /// Its key, unique among its kind and place. Keys of version 7 list by age.
    fn key(&self) -> String;

    /// What it is found by besides its key.
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    /// When it may be swept away.
    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

/// Something that a record is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The name: `template`, `state`.
    pub name: &'static str,
    /// The value; at most 500 bytes.
    pub value: String,
    /// Among what it is unique.
    pub reach: Reach,
}

/// Among what the value of a lookup is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Many records may share it.
    Many,
    /// One record of this kind in its place has it.
    UniqueInPlace,
    /// One record of this kind anywhere has it.
    UniqueEverywhere,
}

impl Lookup {
    /// A lookup that many records may share.
    pub fn many(name: &'static str, value: impl ToString) -> Self {
        Self { name, value: value.to_string(), reach: Reach::Many }
    }

    /// A lookup that one record of this kind in its place has.
    pub fn unique(name: &'static str, value: impl ToString) -> Self {
        Self { name, value: value.to_string(), reach: Reach::UniqueInPlace }
    }

    /// A lookup that one record of this kind anywhere has.
    pub fn unique_everywhere(name: &'static str, value: impl ToString) -> Self {
        Self { name, value: value.to_string(), reach: Reach::UniqueEverywhere }
    }
}

/// A record as an engine keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// To whom it belongs.
    pub place: Place,
    /// Its key.
    pub key: String,
    /// Its version, from 1.
    pub version: u64,
    /// The record, in JSON.
    pub body: String,
}

/// A record as it was read: what [`crate::Unit::update`] compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<R> {
    /// To whom it belongs.
    pub place: Place,
    /// Its version, from 1.
    pub version: u64,
    /// The record.
    pub record: R,
}

impl<R> std::ops::Deref for Versioned<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.record
    }
}

impl<R: Record> Versioned<R> {
    /// What it is once a unit that replaced it was applied.
    pub fn replaced(self, record: R) -> Self {
        Self { place: self.place, version: self.version + 1, record }
    }

    /// Reads a row.
    pub(crate) fn read(row: Row) -> Result<Self, StoreError> {
        let record = serde_json::from_str(&row.body)
            .map_err(|error| StoreError::damaged(R::KIND, &row.key, &error.to_string()))?;
        Ok(Self { place: row.place, version: row.version, record })
    }
}
