//! The secrets and certificates of an application: what each is called, and when it ends (Entra reference §8).
//! Graph shows neither a secret's text nor a private key.

use attache_terms::{AppId, ObjectId};
use jiff::Timestamp;
use serde::Deserialize;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

/// An application with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationCredentials {
    /// The application's object id.
    pub id: ObjectId,
    /// Its name, as its owners chose it.
    pub display_name: Option<String>,
    /// Its client secrets.
    #[serde(default, rename = "passwordCredentials")]
    pub secrets: Vec<SecretCredential>,
    /// Its certificates.
    #[serde(default, rename = "keyCredentials")]
    pub certificates: Vec<CertificateCredential>,
}

/// A client secret, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretCredential {
    /// What the portal calls the Secret ID.
    pub key_id: Option<String>,
    /// What its maker called it.
    pub display_name: Option<String>,
    /// The first characters of its text.
    pub hint: Option<String>,
    /// From when it works.
    pub start_date_time: Option<Timestamp>,
    /// Until when it works.
    pub end_date_time: Option<Timestamp>,
}

/// A certificate, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateCredential {
    /// Which.
    pub key_id: Option<String>,
    /// What its maker called it.
    pub display_name: Option<String>,
    /// Until when it works.
    pub end_date_time: Option<Timestamp>,
}

impl Graph {
    /// The credentials of an application (Application.Read.All, or Application.ReadWrite.OwnedBy for one's
    /// own).
    pub async fn application_credentials(&self, app: AppId) -> Answered<ApplicationCredentials> {
        let path = Path::new(format!("/applications(appId='{app}')"))
            .query("$select", "id,displayName,passwordCredentials,keyCredentials");
        self.send(Call::get(path)).await
    }
}
