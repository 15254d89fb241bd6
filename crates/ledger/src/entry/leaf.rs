//! The bytes of an entry: the leaf, which the tree covers and which never changes, and the column beside
//! it, which holds the salts and values of the withheld fields and may be emptied. Both are JSON on one
//! line.

use std::io;

use attache_terms::{ObjectId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::commitment::{Commitments, Field, Openings};
use super::{
    Actor, By, ByKind, Correlation, ENTRY_VERSION, Entry, EntryId, Event, Mode, RequestId, Target, Thing,
    WriterId,
};

/// The leaf as it is written. Its field names are part of the format.
#[derive(Serialize, Deserialize)]
pub(super) struct Leaf {
    pub(super) v: u32,
    pub(super) seq: u64,
    pub(super) id: EntryId,
    pub(super) time: Timestamp,
    pub(super) writer: WriterId,
    pub(super) event: Event,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<TenantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<ByKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) things: Vec<Thing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_request_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_request_id: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Commitments::is_empty")]
    pub(super) withheld: Commitments,
}

/// Why the bytes of an entry cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A newer program wrote it.
    #[error("the entry has version {0}; this program reads up to version {ENTRY_VERSION}")]
    Newer(u32),
    /// The leaf is not an entry.
    #[error("the entry cannot be read: {0}")]
    Leaf(String),
    /// The column beside the leaf has another form than was written.
    #[error("the column of withheld fields is damaged")]
    Column,
    /// A withheld field is not the one that was recorded.
    #[error("the withheld field {0:?} is not what was recorded")]
    Field(Field),
}

/// What a leaf begins with, its version being 1. Its number comes next.
const BEGINS: &str = r#"{"v":1,"seq":"#;

impl Leaf {
    /// The leaf from its number on, without the number, which is 0.
    pub(super) fn encode_rest(&self) -> String {
        json(self).split_off(BEGINS.len() + 1)
    }
}

/// Puts the number into a leaf.
pub(super) fn number(version: u32, sequence: u64, rest: &str) -> String {
    format!(r#"{{"v":{version},"seq":{sequence}{rest}"#)
}

/// JSON on one line, without a tab or a line end: both are escaped inside JSON's strings.
#[expect(clippy::expect_used, reason = "these types have string keys and no failing serializer")]
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values become JSON")
}

/// The column beside the leaf.
pub(super) fn column(openings: &Openings) -> String {
    json(openings)
}

/// The column when everything withheld was destroyed, as long as it was before.
pub(crate) fn erased_column(length: usize) -> String {
    format!("{:<length$}", "{}")
}

impl Entry {
    /// Reads an entry and checks its withheld fields against the leaf.
    pub fn decode(leaf: &str, column: &str) -> Result<Self, EntryError> {
        let leaf = serde_json::from_str::<Leaf>(leaf)
            .map_err(|error| newer(leaf).unwrap_or_else(|| EntryError::Leaf(error.to_string())))?;
        if leaf.v > ENTRY_VERSION {
            return Err(EntryError::Newer(leaf.v));
        }
        let openings = openings(column)?;
        for (field, opening) in &openings {
            if leaf.withheld.get(field) != Some(&opening.commitment()) {
                return Err(EntryError::Field(*field));
            }
        }
        entry(leaf, &openings)
    }
}

/// Reads the column. It has one spelling only, but for the spaces that an erasure leaves at its end.
fn openings(column: &str) -> Result<Openings, EntryError> {
    let written = column.trim_end_matches(' ');
    let openings: Openings = serde_json::from_str(written).map_err(|_| EntryError::Column)?;
    let mut same = Same(written.as_bytes());
    match serde_json::to_writer(&mut same, &openings) {
        Ok(()) if same.0.is_empty() => Ok(openings),
        _ => Err(EntryError::Column),
    }
}

/// Takes what is written to it as long as it is the same as these bytes.
struct Same<'a>(&'a [u8]);

impl io::Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The id of an entry, of which perhaps no more than the beginning can be read.
pub(crate) fn id_of(leaf: &str) -> Option<EntryId> {
    let digits = |text: &'_ str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let version = leaf.strip_prefix(r#"{"v":"#)?;
    let number = version[digits(version)..].strip_prefix(r#","seq":"#)?;
    let id = number[digits(number)..].strip_prefix(r#","id":""#)?;
    id.get(..36)?.parse().ok()
}

/// The version of an entry that could not be read, when that is the reason.
fn newer(leaf: &str) -> Option<EntryError> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let Version { v } = serde_json::from_str(leaf).ok()?;
    (v > ENTRY_VERSION).then_some(EntryError::Newer(v))
}

fn entry(leaf: Leaf, openings: &Openings) -> Result<Entry, EntryError> {
    let erased = leaf.withheld.keys().filter(|field| !openings.contains_key(field)).copied().collect();
    Ok(Entry {
        sequence: leaf.seq,
        id: leaf.id,
        time: leaf.time,
        writer: leaf.writer,
        event: leaf.event,
        actor: Actor {
            tenant: leaf.tenant,
            agent: leaf.agent,
            user: open(openings, Field::User)?,
            mode: leaf.mode,
            by: by(leaf.by, openings)?,
            from: open(openings, Field::From)?,
        },
        target: Target {
            chat: open(openings, Field::Chat)?,
            message: open(openings, Field::Message)?,
            user: open(openings, Field::TargetUser)?,
            object: leaf.object,
            things: leaf.things,
            subject: text(openings, Field::Subject)?,
        },
        correlation: Correlation {
            client_request_id: leaf.client_request_id,
            request_id: leaf.request_id,
            token_request_id: leaf.token_request_id,
            request: leaf.request,
        },
        erased,
    })
}

fn open<T: std::str::FromStr>(openings: &Openings, field: Field) -> Result<Option<T>, EntryError> {
    let Some(opening) = openings.get(&field) else { return Ok(None) };
    opening.value().parse().map(Some).map_err(|_| EntryError::Field(field))
}

fn by(kind: Option<ByKind>, openings: &Openings) -> Result<Option<By>, EntryError> {
    let id = text(openings, Field::By)?;
    match kind {
        Some(kind) => Ok(Some(By { kind, id })),
        None if id.is_some() => Err(EntryError::Field(Field::By)),
        None => Ok(None),
    }
}

/// A withheld text. None was recorded that could move a terminal's cursor.
fn text(openings: &Openings, field: Field) -> Result<Option<String>, EntryError> {
    match openings.get(&field).map(|opening| opening.value()) {
        Some(text) if text.contains(char::is_control) => Err(EntryError::Field(field)),
        text => Ok(text.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use attache_terms::{ManualClock, SeededRng};
    use std::sync::Arc;

    use super::super::{Act, ActName, Draft};
    use super::*;
    use crate::entry::{Code, Composer, Name, Numbered, Verdict};

    fn draft() -> Draft {
        let (clock, rng) = (ManualClock::new(Timestamp::UNIX_EPOCH), SeededRng::new(5));
        let actor =
            Actor { user: Some("8c0a1a67-50ce-4114-bb6c-da9c5dbcf6ca".parse().unwrap()), ..Actor::default() };
        Composer::new(Arc::new(clock), Arc::new(rng)).intent(Act::new(ActName::new("create_chat"), actor))
    }

    #[test]
    fn the_bytes_of_an_entry_are_those_of_the_format() {
        let Numbered { leaf, column, hash } = draft().number(12);
        assert_eq!(hash, crate::leaf_hash(leaf.as_bytes()));
        assert_eq!(
            leaf,
            "{\"v\":1,\"seq\":12,\"id\":\"00000000-0000-755d-81aa-8f271e304440\",\"time\":\"1970-01-01T00:00:00Z\",\
             \"writer\":\"5ac389a3-0c3b-4363-b836-97934d3197c0\",\"event\":{\"kind\":\"intent\",\"act\":\"create_chat\"},\"withheld\":{\"user\":\"otK9lS5VMrx7kt1dkzlWk0z3xJcl/5WhOin4yjOnxHY=\"}}"
        );
        assert_eq!(column, r#"{"user":["R8FrEPDTkjtFuQXawk5uGQ==","8c0a1a67-50ce-4114-bb6c-da9c5dbcf6ca"]}"#);
    }

    /// A change as a gateway records it, with all that version 2 can say.
    fn change() -> Draft {
        let (clock, rng) = (ManualClock::new(Timestamp::UNIX_EPOCH), SeededRng::new(6));
        let name = Name::new("identity");
        let actor = Actor {
            by: Some(By::new(ByKind::Person, "ada@example.com")),
            from: Some([192, 0, 2, 7].into()),
            ..Actor::default()
        };
        let target = Target {
            things: vec![Thing::new(name, Uuid::from_u128(3).into())],
            subject: Some("eve@example.com".into()),
            ..Target::default()
        };
        let correlation = Correlation { request: Some(Uuid::from_u128(4)), ..Correlation::default() };
        let act = Act::new(ActName::new("suspend_identity"), actor).on(target).correlated(correlation);
        let composer = Composer::new(Arc::new(clock), Arc::new(rng));
        composer.change(act, Verdict::Refused, Some(Code::new("not_an_admin")))
    }

    #[test]
    fn a_change_has_version_2_and_what_a_device_records_keeps_version_1() {
        let Numbered { leaf, column, .. } = change().number(0);
        assert_eq!(
            leaf,
            "{\"v\":2,\"seq\":0,\"id\":\"00000000-0000-7b9e-aa62-f83a2d1efe6e\",\"time\":\"1970-01-01T00:00:00Z\",\
             \"writer\":\"00e0efad-d9a5-44bd-99df-5139b29d4172\",\"event\":{\"kind\":\"change\",\
             \"act\":\"suspend_identity\",\"verdict\":\"refused\",\"code\":\"not_an_admin\"},\"by\":\"person\",\
             \"things\":[{\"kind\":\"identity\",\"id\":\"00000000-0000-0000-0000-000000000003\"}],\
             \"request\":\"00000000-0000-0000-0000-000000000004\",\"withheld\":{\
             \"by\":\"EcgXzSIjfyJfCP0wTZiMD1TE07+lt3rbyIXtIm0QtEQ=\",\
             \"from\":\"X++zQ0gjMdrOIblwFLqBsfJLdS3v3kPQppmq/J91yGI=\",\
             \"subject\":\"RNBXsnXYo6OI+I5X2z6ugLKA2gh6JjLzZSFFm+F3r8M=\"}}"
        );
        assert!(column.contains(r#","192.0.2.7"],"subject":["#), "{column}");
    }

    #[test]
    fn all_of_a_change_is_read_back_and_its_persons_can_be_destroyed() {
        let draft = change();
        let (actor, target) = (draft.actor().clone(), draft.target().clone());
        let Numbered { leaf, column, .. } = draft.number(1);
        let entry = Entry::decode(&leaf, &column).unwrap();
        assert_eq!((&entry.actor, &entry.target), (&actor, &target));
        assert_eq!(entry.correlation.request, Some(Uuid::from_u128(4)));

        let erased = Entry::decode(&leaf, &erased_column(column.len())).unwrap();
        assert_eq!(erased.actor.by, Some(By { kind: ByKind::Person, id: None }));
        assert_eq!((erased.actor.from, &erased.target.subject), (None, &None));
        assert_eq!(erased.target.things, target.things);
        assert_eq!(erased.erased, [Field::By, Field::From, Field::Subject]);
    }

    #[test]
    fn a_text_that_somebody_chose_stays_short_and_on_one_line() {
        let (clock, rng) = (ManualClock::new(Timestamp::UNIX_EPOCH), SeededRng::new(6));
        let composer = Composer::new(Arc::new(clock), Arc::new(rng));
        let subject = format!("\u{1b}[2J\n{}", "é".repeat(1000));
        let target = Target { subject: Some(subject), ..Target::default() };
        let act = Act::new(ActName::new("invite"), Actor::default()).on(target);
        let Numbered { leaf, column, .. } = composer.change(act, Verdict::Done, None).number(0);
        let recorded = Entry::decode(&leaf, &column).unwrap().target.subject.unwrap();
        assert!(recorded.starts_with("\u{fffd}[2J\u{fffd}éé") && recorded.len() == 319, "{recorded:?}");
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for sequence in [0, 9, 10, u64::MAX] {
            let Numbered { leaf, column, .. } = draft().number(sequence);
            let entry = Entry::decode(&leaf, &column).unwrap();
            assert_eq!((entry.sequence, entry.id), (sequence, draft().id));
            assert!(entry.actor.user.is_some() && entry.erased.is_empty());
            let erased = Entry::decode(&leaf, &erased_column(column.len())).unwrap();
            assert_eq!((erased.actor.user, erased.erased), (None, vec![Field::User]));
        }
    }

    #[test]
    fn a_column_has_one_spelling() {
        let Numbered { leaf, column, .. } = draft().number(0);
        for other in [
            column.replace(':', ": "),
            format!("{column}\t"),
            format!(" {column}"),
            column.replace("\"user\"", "\"chat\""),
            column.replace("8c0a", "8C0A"),
            String::new(),
            "null".into(),
        ] {
            assert!(Entry::decode(&leaf, &other).is_err(), "{other}");
        }
        assert!(Entry::decode(&leaf, &format!("{column}   ")).is_ok(), "spaces are what an erasure leaves");
    }
}
