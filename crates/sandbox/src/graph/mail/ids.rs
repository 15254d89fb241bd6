//! The ids of Exchange: opaque to clients, of the shape and length of the real ones (Graph reference §4.3). The
//! ordinary id of a message names its folder and changes when it moves; the immutable one stays.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The counter of the first folder, as mailboxes have it: the inbox is `0x10C`.
const FIRST_FOLDER: u64 = 0x100;
/// What the counters of messages start from.
const FIRST_MESSAGE: u64 = 0x0001_0C00_0000;

const IMMUTABLE: [u8; 27] = [
    0, 9, 0, 0x2E, 0, 0, 0, 0, 0, 0x1D, 0x84, 3, 0x11, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0, 0xAA, 0, 0x2F,
    0x84, 0x5A, 0x0D, 0,
];

/// Which ids a client wants: `Prefer: IdType="ImmutableId"` asks for the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum IdKind {
    #[default]
    Ordinary,
    Immutable,
}

/// What an id names within its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Folder(u64),
    /// A message by the serial of its present place.
    Placed(u64),
    /// A message by its lasting number.
    Lasting(u64),
}

/// Why an id names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadId {
    Malformed,
    /// It is of another mailbox.
    Foreign,
}

pub(super) fn folder(mailbox: &str, number: u64) -> String {
    let mut bytes = header(mailbox, 0x2E);
    bytes.extend([1, 0]);
    bytes.extend(database(mailbox));
    push_counter(&mut bytes, FIRST_FOLDER + number);
    bytes.extend([0, 0]);
    URL_SAFE.encode(bytes)
}

pub(super) fn placed(mailbox: &str, folder: u64, serial: u64) -> String {
    let mut bytes = header(mailbox, 0x46);
    bytes.extend([7, 0]);
    bytes.extend(database(mailbox));
    push_counter(&mut bytes, FIRST_FOLDER + folder);
    bytes.extend([0, 0]);
    bytes.extend(database(mailbox));
    push_counter(&mut bytes, FIRST_MESSAGE + serial);
    bytes.extend([0, 0]);
    URL_SAFE.encode(bytes)
}

pub(super) fn lasting(mailbox: &str, uid: u64) -> String {
    let mut bytes = IMMUTABLE.to_vec();
    bytes.extend(database(mailbox));
    push_counter(&mut bytes, FIRST_MESSAGE + uid);
    bytes.extend([0, 0]);
    URL_SAFE.encode(bytes)
}

/// The id of an attachment: its message's and its own number.
pub(super) fn attachment(message_id: &str, uid: u64, number: u32) -> String {
    let mut bytes = URL_SAFE.decode(message_id).unwrap_or_default();
    bytes.extend([1, 0x12, 0, 0x10, 0]);
    let mut own = [0x5A_u8; 16];
    own[..8].copy_from_slice(&uid.to_be_bytes());
    own[12..].copy_from_slice(&number.to_be_bytes());
    bytes.extend(own);
    URL_SAFE.encode(bytes)
}

pub(super) fn conversation(mailbox: &str, guid: [u8; 16]) -> String {
    let mut bytes = vec![0, 4, 0x24, 0];
    bytes.extend(mailbox.bytes());
    bytes.extend([0, 0x10, 0]);
    bytes.extend(guid);
    URL_SAFE.encode(bytes)
}

/// The change key of the `change`th change of a mailbox.
pub(super) fn change_key(mailbox: &str, change: u64) -> String {
    let mut bytes = vec![9, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend(database(mailbox));
    push_counter(&mut bytes, change);
    STANDARD.encode(bytes)
}

/// Reads the id of a folder or a message; `+` and `/` stand for `-` and `_`, padding may be missing.
pub(super) fn parse(mailbox: &str, id: &str) -> Result<Named, BadId> {
    let mut text = id.replace('+', "-").replace('/', "_");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    let bytes = URL_SAFE.decode(text).map_err(|_| BadId::Malformed)?;
    let counter = |at: usize, first: u64| {
        let mut value = [0; 8];
        value[2..].copy_from_slice(bytes.get(at..at + 6).ok_or(BadId::Malformed)?);
        u64::from_be_bytes(value).checked_sub(first).ok_or(BadId::Malformed)
    };
    let check = |at: usize, wanted: &[u8], otherwise: BadId| {
        if bytes.get(at..at + wanted.len()) == Some(wanted) { Ok(()) } else { Err(otherwise) }
    };
    let of_folder = header(mailbox, 0x2E).len() + 2;
    match bytes.len() {
        51 => {
            check(0, &IMMUTABLE, BadId::Malformed)?;
            check(27, &database(mailbox), BadId::Foreign)?;
            Ok(Named::Lasting(counter(43, FIRST_MESSAGE)?))
        }
        length if length == of_folder + 24 => {
            check(0, &[0, 3, 0x24, 0], BadId::Malformed)?;
            check(41, &[0x2E], BadId::Malformed)?;
            check(4, mailbox.as_bytes(), BadId::Foreign)?;
            Ok(Named::Folder(counter(of_folder + 16, FIRST_FOLDER)?))
        }
        length if length == of_folder + 48 => {
            check(0, &[0, 3, 0x24, 0], BadId::Malformed)?;
            check(41, &[0x46], BadId::Malformed)?;
            check(4, mailbox.as_bytes(), BadId::Foreign)?;
            Ok(Named::Placed(counter(of_folder + 40, FIRST_MESSAGE)?))
        }
        _ => Err(BadId::Malformed),
    }
}

/// How a client may write an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// The entry id of MAPI alone, URL-safe, with the number of missing `=` at its end.
    Entry,
    /// That of Exchange Web Services, in ordinary base64.
    Ews,
    /// That of Graph.
    Rest,
}

/// Graph's id for one that is written so; `None` if it is not written so.
pub(super) fn read(mailbox: &str, id: &str, writing: Writing) -> Option<String> {
    match writing {
        Writing::Rest => Some(id.to_owned()),
        Writing::Ews => STANDARD.decode(id).ok().map(|bytes| URL_SAFE.encode(bytes)),
        Writing::Entry => {
            let (text, padding) = id.split_at_checked(id.len().checked_sub(1)?)?;
            let padding = "=".repeat(padding.parse().ok().filter(|count| *count < 3)?);
            let entry = URL_SAFE.decode(format!("{text}{padding}")).ok()?;
            let length = u8::try_from(entry.len()).ok()?;
            let mut bytes = match length {
                46 if entry.get(..22) == IMMUTABLE.get(5..) => vec![0, 9, 0],
                _ => [&[0, 3, 0x24, 0][..], mailbox.as_bytes(), &[0]].concat(),
            };
            bytes.extend([length, 0]);
            bytes.extend(entry);
            Some(URL_SAFE.encode(bytes))
        }
    }
}

/// One of Graph's ids, written otherwise.
pub(super) fn written(mailbox: &str, id: &str, writing: Writing) -> Option<String> {
    let bytes = URL_SAFE.decode(id).ok()?;
    Some(match writing {
        Writing::Rest => id.to_owned(),
        Writing::Ews => STANDARD.encode(bytes),
        Writing::Entry => {
            let before = if bytes.starts_with(&IMMUTABLE) { 5 } else { 4 + mailbox.len() + 3 };
            let text = URL_SAFE.encode(bytes.get(before..)?);
            let bare = text.trim_end_matches('=');
            format!("{bare}{}", text.len() - bare.len())
        }
    })
}

fn header(mailbox: &str, kind: u8) -> Vec<u8> {
    let mut bytes = vec![0, 3, 0x24, 0];
    bytes.extend(mailbox.bytes());
    bytes.extend([0, kind, 0, 0, 0, 0, 0]);
    bytes.extend(guid(mailbox).map(|byte| byte ^ 0xA5));
    bytes
}

fn database(mailbox: &str) -> [u8; 16] {
    guid(mailbox).map(|byte| byte.rotate_left(3) ^ 0x3C)
}

fn guid(mailbox: &str) -> [u8; 16] {
    uuid::Uuid::try_parse(mailbox).map(uuid::Uuid::into_bytes).unwrap_or_default()
}

fn push_counter(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend(&value.to_be_bytes()[2..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADA: &str = "a77ac4e0-0000-4000-8000-000000000101";
    const GRACE: &str = "a77ac4e0-0000-4000-8000-000000000102";

    #[test]
    fn ids_have_the_length_and_the_beginning_of_real_ones() {
        let message = placed(ADA, 12, 1);
        assert_eq!((message.len(), &message[..5]), (152, "AAMkA"));
        assert!(folder(ADA, 12).ends_with("AAA="), "{}", folder(ADA, 12));
        assert!(lasting(ADA, 1).starts_with("AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A"));
        assert!(change_key(ADA, 1).starts_with("CQAAABYAAA"));
        assert_eq!(change_key(ADA, 1).len(), 40);
    }

    #[test]
    fn ids_of_others_and_nonsense_are_told_apart() {
        for id in [placed(ADA, 1, 1), folder(ADA, 1), lasting(ADA, 1)] {
            assert_eq!(parse(GRACE, &id), Err(BadId::Foreign));
            assert_eq!(parse(ADA, &id[..id.len() - 8]), Err(BadId::Malformed));
        }
        assert_eq!(parse(ADA, "inbox"), Err(BadId::Malformed));
    }

    proptest! {
        #[test]
        fn ids_come_back(number in 0..1_u64 << 40) {
            prop_assert_eq!(parse(ADA, &placed(ADA, 12, number)), Ok(Named::Placed(number)));
            prop_assert_eq!(parse(ADA, &lasting(ADA, number)), Ok(Named::Lasting(number)));
            prop_assert_eq!(parse(ADA, &folder(ADA, number)), Ok(Named::Folder(number)));
            let plain = placed(ADA, 12, number).replace('-', "+").replace('_', "/");
            prop_assert_eq!(parse(ADA, plain.trim_end_matches('=')), Ok(Named::Placed(number)));
        }

        #[test]
        fn ids_come_back_from_every_writing(number in 0..1_u64 << 40) {
            for id in [placed(ADA, 12, number), lasting(ADA, number), folder(ADA, number)] {
                for writing in [Writing::Entry, Writing::Ews, Writing::Rest] {
                    let text = written(ADA, &id, writing).unwrap();
                    prop_assert_eq!(read(ADA, &text, writing), Some(id.clone()));
                }
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,210}") {
            let _ = parse(ADA, &text);
            let _ = (read(ADA, &text, Writing::Entry), read(ADA, &text, Writing::Ews));
        }
    }
}
