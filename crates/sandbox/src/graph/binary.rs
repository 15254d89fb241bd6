//! `Edm.Binary` as Graph reads it: base64 in which white space counts for nothing, for clients send what stands in a
//! PEM file as it stands there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes, if the text is base64.
pub(super) fn binary(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(joined).ok()
}
