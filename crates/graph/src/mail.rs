//! Mailboxes: whether there is one (Entra reference §3.3, "Errors before provisioning completes"), and sending
//! from it (§4.1).

use attache_terms::UserId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

/// Whose mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailbox {
    /// The signed-in user's.
    Mine,
    /// This user's, as an application may.
    Of(UserId),
}

impl Mailbox {
    fn path(self, rest: &str) -> Path {
        match self {
            Self::Mine => Path::new(format!("/me{rest}")),
            Self::Of(user) => Path::new(format!("/users/{user}{rest}")),
        }
    }
}

#[derive(Deserialize)]
struct Folder {
    #[serde(rename = "id")]
    _id: String,
}

impl Graph {
    /// Succeeds when there is a mailbox: the cheapest call that needs one (Mail.ReadBasic, or as an
    /// application Mail.ReadBasic.All).
    pub async fn inbox(&self, mailbox: Mailbox) -> Answered<()> {
        let path = mailbox.path("/mailFolders/inbox").query("$select", "id");
        Ok(self.send::<Folder>(Call::get(path)).await?.map(|_| ()))
    }

    /// Sends a MIME message and keeps a copy in Sent Items (Mail.Send). Graph takes it for delivery and gives
    /// it no id. Each call is one more message, so an unknown outcome is not repeated.
    pub async fn send_mail(&self, mailbox: Mailbox, mime: &[u8]) -> Answered<()> {
        self.send_bare(Call::post_text(mailbox.path("/sendMail"), STANDARD.encode(mime))).await
    }
}
