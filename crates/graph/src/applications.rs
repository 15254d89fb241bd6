//! The certificates of an application (Entra reference §8, "keyCredentials"). The list is replaced as a
//! whole, so what we did not put there is carried through untouched, fields that we do not know included.

use attache_terms::AppId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Call;
use crate::path::{Path, literal};
use crate::{Answered, Graph};

/// One certificate of an application, as Graph gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyCredential(Value);

impl KeyCredential {
    /// A new certificate that verifies signatures; its times come from the certificate itself.
    pub fn certificate(der: &[u8], display_name: &str) -> Self {
        Self(json!({
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "key": STANDARD.encode(der),
            "displayName": display_name,
        }))
    }

    /// The id that Entra gave it.
    pub fn key_id(&self) -> Option<&str> {
        self.0.get("keyId")?.as_str()
    }

    /// Whether it is this certificate: by its bytes, or by `customKeyIdentifier`, the SHA-1 thumbprint,
    /// which services spell in base64 or in hex.
    pub fn is(&self, der: &[u8], sha1: &[u8; 20]) -> bool {
        let text = |name: &str| self.0.get(name).and_then(Value::as_str);
        if text("key").is_some_and(|key| STANDARD.decode(key).is_ok_and(|bytes| bytes == der)) {
            return true;
        }
        text("customKeyIdentifier").is_some_and(|id| {
            STANDARD.decode(id).is_ok_and(|bytes| bytes == sha1)
                || id.eq_ignore_ascii_case(&sha1.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    #[serde(default)]
    key_credentials: Vec<KeyCredential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    app_id: AppId,
}

impl Graph {
    /// The client id of the application that is called so, `None` when there is none (Application.Read.All).
    pub async fn application_named(&self, name: &str) -> Answered<Option<AppId>> {
        let filter = format!("displayName eq {}", literal(name));
        let path = Path::new("/applications").query("$filter", filter).query("$select", "appId");
        let found = self.all::<Named>(path).await?;
        Ok(found.map(|all| all.into_iter().next().map(|one| one.app_id)))
    }

    /// The certificates of a blueprint, with their bytes.
    pub async fn key_credentials(&self, blueprint: AppId) -> Answered<Vec<KeyCredential>> {
        let path = Path::new(format!("/applications/microsoft.graph.agentIdentityBlueprint/{blueprint}"))
            .query("$select", "id,keyCredentials");
        Ok(self.send::<Keys>(Call::get(path)).await?.map(|keys| keys.key_credentials))
    }

    /// Replaces the list of certificates of a blueprint. Send back what was read, and more.
    pub async fn set_key_credentials(&self, blueprint: AppId, all: &[KeyCredential]) -> Answered<()> {
        let path = Path::new(format!("/applications/microsoft.graph.agentIdentityBlueprint/{blueprint}"));
        self.send_bare(Call::patch(path, &json!({ "keyCredentials": all })).typed()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_recognised_by_its_bytes_or_by_its_thumbprint() {
        let sha1 = [0xab; 20];
        assert!(KeyCredential::certificate(b"der", "x").is(b"der", &sha1));
        for id in [STANDARD.encode(sha1), "ab".repeat(20), "AB".repeat(20)] {
            let credential = KeyCredential(json!({ "key": null, "customKeyIdentifier": id }));
            assert!(credential.is(b"der", &sha1), "{credential:?}");
            assert!(!credential.is(b"der", &[0; 20]));
        }
        assert!(!KeyCredential(json!({})).is(b"der", &sha1));
    }
}
