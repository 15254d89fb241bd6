//! Reads an entry that is spelled as this program spells it, in one pass that keeps nothing of it. JSON has
//! many spellings, which [`Entry::decode`](super::Entry::decode) reads; an entry has been written in one. So
//! this says either what that would say, sooner, or nothing: it never finds an entry to be wrong.

use std::net::IpAddr;
use std::str::FromStr;

use attache_terms::{ChatId, MessageId, UserId};
use jiff::Timestamp;
use memchr::memchr;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;
use uuid::Uuid;

use super::brief::{Brief, Role};
use super::commitment::{Field, Salt, commitment};
use super::event::Kind;
use super::names::is_name;
use super::{ByKind, EntryId, Mode, Retention, Verdict, WriterId};
use crate::note::decimal;
use crate::tree::Hash;

/// What the entry comes to, when it is right and has that spelling.
pub(super) fn read(leaf: &str, column: &str) -> Option<Brief> {
    let (mut brief, withheld) = Spelled(leaf).leaf()?;
    let opened = Spelled(column.trim_end_matches(' ')).column(&withheld)?;
    brief.is_erased = withheld.count() != opened;
    Some(brief)
}

/// What a leaf says of the fields that stand beside it.
#[derive(Default)]
struct Withheld {
    commitments: [Option<Hash>; Field::COUNT],
    has_by: bool,
}

impl Withheld {
    fn count(&self) -> usize {
        self.commitments.iter().flatten().count()
    }

    /// Whether this is the value that was recorded, and one that could be.
    fn admits(&self, field: Field, salt: Salt, value: &str) -> bool {
        let is_one = match field {
            Field::User | Field::TargetUser => is::<UserId>(value),
            Field::Chat => is::<ChatId>(value),
            Field::Message => is::<MessageId>(value),
            Field::From => is::<IpAddr>(value),
            Field::By => self.has_by && !value.contains(char::is_control),
            Field::Subject => !value.contains(char::is_control),
        };
        is_one && self.commitments[field as usize] == Some(commitment(salt, value))
    }
}

fn is<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

/// What is left to read. Each method takes what it is named after, or the reading ends.
struct Spelled<'a>(&'a str);

impl<'a> Spelled<'a> {
    fn leaf(mut self) -> Option<(Brief, Withheld)> {
        self.take(r#"{"v":"#)?;
        if !self.has("1") {
            self.take("2")?;
        }
        self.take(r#","seq":"#)?;
        let sequence = self.number()?;
        self.take(r#","id":""#)?;
        let id = EntryId::from(self.uuid()?);
        self.take(r#","time":""#)?;
        self.text()?.parse::<Timestamp>().ok()?;
        self.take(r#","writer":""#)?;
        let writer = WriterId::from(self.uuid()?);
        self.take(r#","event":{"kind":""#)?;
        let role = self.event()?;
        let withheld = self.details()?;
        self.end()?;
        Some((Brief { sequence, id, writer, role, is_erased: false }, withheld))
    }

    /// The event from its kind on.
    fn event(&mut self) -> Option<Role> {
        let kind = self.word()?;
        let role = match kind {
            Kind::Intent | Kind::Outcome | Kind::Refusal | Kind::Change => self.act(kind)?,
            Kind::Repair => {
                self.take(r#","offset":"#)?;
                self.number()?;
                self.take(r#","removed":"#)?;
                self.number()?;
                self.take(r#","digest":""#)?;
                self.hash()?;
                Role::Repair
            }
            Kind::Erasure => {
                self.take(r#","entries":"#)?;
                self.number()?;
                Role::Other
            }
            Kind::Retention => {
                self.take(r#","from":"#)?;
                let from = self.number()?;
                self.take(r#","to":"#)?;
                let to = self.number()?;
                self.take(r#","entries":"#)?;
                Role::Retention(Retention { from, to, entries: self.number()? })
            }
        };
        self.take("}")?;
        Some(role)
    }

    fn act(&mut self, kind: Kind) -> Option<Role> {
        self.take(r#","act":""#)?;
        self.name()?;
        let mut role = Role::Other;
        match kind {
            Kind::Intent => return Some(Role::Intent),
            Kind::Outcome => {
                self.take(r#","intent":""#)?;
                role = Role::Outcome(self.uuid()?.into());
            }
            _ => {}
        }
        if let Kind::Outcome | Kind::Change = kind {
            self.take(r#","verdict":""#)?;
            self.word::<Verdict>()?;
        }
        if self.has(r#","code":""#) {
            self.name()?;
        } else if let Kind::Refusal = kind {
            return None;
        }
        Some(role)
    }

    /// What comes after the event. None of it must be there.
    fn details(&mut self) -> Option<Withheld> {
        let mut withheld = Withheld::default();
        if self.has(r#","tenant":""#) {
            self.uuid()?;
        }
        if self.has(r#","agent":""#) {
            self.uuid()?;
        }
        if self.has(r#","mode":""#) {
            self.word::<Mode>()?;
        }
        if self.has(r#","by":""#) {
            self.word::<ByKind>()?;
            withheld.has_by = true;
        }
        if self.has(r#","object":""#) {
            self.uuid()?;
        }
        if self.has(r#","things":["#) {
            self.things()?;
        }
        if self.has(r#","client_request_id":""#) {
            self.uuid()?;
        }
        if self.has(r#","request_id":""#) {
            self.name()?;
        }
        if self.has(r#","token_request_id":""#) {
            self.name()?;
        }
        if self.has(r#","request":""#) {
            self.uuid()?;
        }
        if self.has(r#","withheld":{"#) {
            self.commitments(&mut withheld)?;
        }
        self.take("}")?;
        Some(withheld)
    }

    fn things(&mut self) -> Option<()> {
        loop {
            self.take(r#"{"kind":""#)?;
            self.name()?;
            self.take(r#","id":""#)?;
            self.name()?;
            self.take("}")?;
            if !self.has(",") {
                return self.take("]");
            }
        }
    }

    fn commitments(&mut self, withheld: &mut Withheld) -> Option<()> {
        let mut last = None;
        loop {
            let field = self.field(&mut last)?;
            self.take("\"")?;
            withheld.commitments[field as usize] = Some(self.hash()?);
            if !self.has(",") {
                return self.take("}");
            }
        }
    }

    /// How many withheld fields stand in the column.
    fn column(mut self, withheld: &Withheld) -> Option<usize> {
        self.take("{")?;
        let (mut last, mut count) = (None, 0);
        while !self.has("}") {
            if count > 0 {
                self.take(",")?;
            }
            let field = self.field(&mut last)?;
            self.take("[\"")?;
            let salt = Salt::parse(self.text()?)?;
            self.take(",\"")?;
            let value = self.value()?;
            self.take("]")?;
            if !withheld.admits(field, salt, value) {
                return None;
            }
            count += 1;
        }
        self.end()?;
        Some(count)
    }

    /// The name of a field, with the colon. They stand in order, each once.
    fn field(&mut self, last: &mut Option<Field>) -> Option<Field> {
        self.take("\"")?;
        let field = self.word()?;
        self.take(":")?;
        (last.replace(field) < Some(field)).then_some(field)
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn has(&mut self, text: &str) -> bool {
        self.take(text).is_some()
    }

    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// A text up to its end, in which nothing may be escaped.
    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.0.split_at(memchr(b'"', self.0.as_bytes())?);
        self.0 = &rest[1..];
        Some(text)
    }

    /// A text that may say anything, but nothing that has to be escaped.
    fn value(&mut self) -> Option<&'a str> {
        let is_special = |byte: u8| (byte < b' ') | (byte == b'\\');
        self.text().filter(|text| !text.bytes().fold(false, |found, byte| found | is_special(byte)))
    }

    fn name(&mut self) -> Option<()> {
        is_name(self.text()?).then_some(())
    }

    fn word<T: Deserialize<'a>>(&mut self) -> Option<T> {
        T::deserialize(IntoDeserializer::<Error>::into_deserializer(self.text()?)).ok()
    }

    fn uuid(&mut self) -> Option<Uuid> {
        let (text, rest) = self.0.split_at_checked(36)?;
        self.0 = rest.strip_prefix('"')?;
        Uuid::try_parse(text).ok()
    }

    fn hash(&mut self) -> Option<Hash> {
        let (text, rest) = self.0.split_at_checked(44)?;
        self.0 = rest.strip_prefix('"')?;
        text.parse().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self.0.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (text, rest) = self.0.split_at(digits);
        self.0 = rest;
        decimal(text)
    }
}

#[cfg(test)]
mod tests;
