//! Subjects of tokens: pairwise ones for people, and the path that an exchange token names an agent identity
//! by (Entra reference §1.11).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// `/eid1/c/pub/t/{tenant}/a/{blueprint}/{path}`; the two GUIDs as base64url of .NET's byte order.
pub(crate) fn exchange_subject(tenant_id: &str, blueprint_id: &str, path: &str) -> String {
    format!("/eid1/c/pub/t/{}/a/{}/{path}", short_guid(tenant_id), short_guid(blueprint_id))
}

/// A GUID in 22 characters: base64url of .NET's byte order.
pub(crate) fn short_guid(text: &str) -> String {
    let id = Uuid::parse_str(text).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(id.to_bytes_le())
}

/// The subject of a user for one client: it differs per client and tells nothing.
pub(crate) fn pairwise(tenant_id: &str, client_id: &str, user_id: &str) -> String {
    let hash = digest(&SHA256, format!("{tenant_id}\0{client_id}\0{user_id}").as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_subject_is_encoded_as_captured() {
        assert_eq!(
            exchange_subject(
                "323626f5-1bfe-48cd-8902-ddfdfd44e1ce",
                "8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c",
                "agent"
            ),
            "/eid1/c/pub/t/9SY2Mv4bzUiJAt39_UThzg/a/2N8iihXz4U6-hMX0alsLPA/agent"
        );
    }
}
