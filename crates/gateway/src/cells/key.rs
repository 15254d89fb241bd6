//! A cell's own key: made with the cell, sealed in the database, so that every node can prove the blueprint.

use std::sync::Arc;
use std::time::Duration;

use attache_entra::ClientCredential;
use attache_keys::{Certificate, CertificateError, KeyError, SoftwareKey, Validity};
use attache_provision::CertificateWish;
use attache_terms::{Explain, Remedy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use super::{Cell, CellId};
use crate::Gateway;
use crate::jobs::JobError;
use crate::sealing::{Context, SealError, Sealed};
use crate::server::Problem;

/// How long a certificate is good.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);
/// Clocks differ: a certificate that begins now would be of tomorrow for some.
const BACKDATED: Duration = Duration::from_secs(10 * 60);

/// Why a cell's key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CellError {
    /// The key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Its seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] attache_store::StoreError),
    /// The database refused a change.
    #[error(transparent)]
    Commit(#[from] attache_store::CommitError),
    /// The cell is not there.
    #[error("there is no cell {0}")]
    Gone(CellId),
    /// Every seat of a blueprint that a customer owns is taken.
    #[error("the cell {0} of the given blueprint has no free seat")]
    Full(CellId),
}

impl Explain for CellError {
    fn code(&self) -> &'static str {
        match self {
            Self::Key(error) => error.code(),
            Self::Certificate(_) => "certificate_damaged",
            Self::Seal(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Gone(_) => "cell_gone",
            Self::Full(_) => "blueprint_full",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Key(error) => error.remedy(),
            Self::Seal(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Commit(error) => error.remedy(),
            Self::Full(_) => Remedy::operator(
                "give another blueprint (Settings > Agent identity); one holds 200 identities here, removed ones counted",
            ),
            Self::Certificate(_) | Self::Gone(_) => Remedy::operator("restore the database from a backup"),
        }
    }
}

impl From<CellError> for Problem {
    fn from(error: CellError) -> Self {
        match error {
            CellError::Store(error) => error.into(),
            CellError::Commit(error) => error.into(),
            CellError::Seal(error) => error.into(),
            error => Self::explained(StatusCode::INTERNAL_SERVER_ERROR, &error),
        }
    }
}

impl From<CellError> for JobError {
    fn from(error: CellError) -> Self {
        match error {
            CellError::Store(error) => error.into(),
            CellError::Commit(error) => error.into(),
            CellError::Seal(error) => error.into(),
            CellError::Full(_) => Self::Refused {
                code: error.code(),
                message: error.to_string(),
                remedy: error.remedy().to_string(),
            },
            error => Self::Failed(error.to_string()),
        }
    }
}

/// A new key for the cell of this id, sealed, and its certificate.
pub(super) async fn make(gateway: &Gateway, id: CellId) -> Result<(Sealed, String), CellError> {
    let key = SoftwareKey::generate().await?;
    let now = gateway.clock.now();
    let validity = Validity {
        not_before: now.saturating_sub(BACKDATED).unwrap_or(now),
        not_after: now.saturating_add(VALID).unwrap_or(now),
    };
    let name = format!("attache cell {id}");
    let certificate = Certificate::self_signed(&key, &name, validity, &*gateway.rng).await?;
    let sealed = gateway.keyring.seal(context(&id.to_string()), &key.to_pkcs8()?).await?;
    Ok((sealed, STANDARD.encode(certificate.der())))
}

/// What Entra is shown for a cell, and what its blueprint must carry.
pub(crate) async fn credential(
    gateway: &Gateway,
    cell: &Cell,
) -> Result<(ClientCredential, CertificateWish), CellError> {
    let opened = gateway.keyring.open(context(&cell.id.to_string()), &cell.key).await?;
    let signer = Arc::new(SoftwareKey::from_pkcs8(&opened)?);
    // What is no base64 is no certificate either.
    let certificate = Certificate::from_der(STANDARD.decode(&cell.certificate).unwrap_or_default())?;
    let name = format!("attache cell {}", cell.id);
    let wish = CertificateWish::new(certificate.der(), certificate.sha1_thumbprint(), &name);
    Ok((ClientCredential::Certificate { certificate, signer }, wish))
}

fn context(id: &str) -> Context<'_> {
    Context { purpose: "cell_key", of: id }
}
