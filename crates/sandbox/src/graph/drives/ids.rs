//! Ids of drives and items, as OneDrive for Business has them: opaque to clients, and readable here.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// How a drive's id begins.
const DRIVE: &str = "b!";

/// The id of a user's drive: the owner's id and 32 bytes that stand for site and list.
pub(super) fn drive(owner: &str) -> String {
    let hash = digest(&SHA256, owner.as_bytes());
    let bytes = [guid_bytes(owner).as_slice(), hash.as_ref()].concat();
    format!("{DRIVE}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The owner of the drive with that id.
pub(super) fn owner(drive_id: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(drive_id.strip_prefix(DRIVE)?).ok()?;
    let owner = Uuid::from_slice(bytes.get(..16)?).ok()?.to_string();
    (drive(&owner) == drive_id).then_some(owner)
}

/// The GUID of the root of a user's drive.
pub(super) fn root_guid(owner: &str) -> String {
    let hash = digest(&SHA256, format!("root of {owner}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// An item's id: `01`, six characters that are the drive's, 26 that are the item's.
pub(super) fn item(owner: &str, guid: &str) -> String {
    let hash = digest(&SHA256, owner.as_bytes());
    let drive = base32(hash.as_ref());
    format!("01{}{}", &drive[..6], base32(&guid_bytes(guid)))
}

fn guid_bytes(guid: &str) -> [u8; 16] {
    guid.parse::<Uuid>().unwrap_or_default().into_bytes()
}

fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let digit = |bits: &[bool]| {
        let value = (0..5).fold(0, |value, at| value << 1 | usize::from(bits.get(at) == Some(&true)));
        char::from(DIGITS[value])
    };
    bits.chunks(5).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drives_id_names_its_owner_and_no_other_text_does() {
        let owner_id = "a77ac4e0-0000-4000-8000-000000000101";
        let id = drive(owner_id);
        assert_eq!(id.len(), 66);
        assert_eq!(owner(&id).as_deref(), Some(owner_id));
        assert_eq!(owner(&id[..65]), None);
        assert_eq!(owner("b!"), None);
        assert_eq!(owner("me"), None);
        let root = item(owner_id, &root_guid(owner_id));
        assert_eq!(root.len(), 34);
        assert!(root.starts_with("01") && root.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{root}");
    }
}
