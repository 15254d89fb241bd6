//! Whether there is a mailbox: the cheapest call that needs one (Entra reference §3.3, "Errors before
//! provisioning completes").

use serde::Deserialize;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

#[derive(Deserialize)]
struct Folder {
    #[serde(rename = "id")]
    _id: String,
}

impl Graph {
    /// Succeeds when the signed-in user has a mailbox (Mail.ReadBasic).
    pub async fn inbox(&self) -> Answered<()> {
        let path = Path::new("/me/mailFolders/inbox").query("$select", "id");
        Ok(self.send::<Folder>(Call::get(path)).await?.map(|_| ()))
    }
}
