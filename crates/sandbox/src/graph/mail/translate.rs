//! `translateExchangeIds`: one name of a message or a folder for another (Graph reference §4.3; the writings of the
//! kinds from Microsoft's "user: translateExchangeIds").

use serde::Deserialize;
use serde_json::{Value, json};

use super::access::enter;
use super::ids::{self, BadId, Named, Writing};
use super::refusals::{bad, foreign_id, malformed_id, no_item, wrong_value};
use super::state::Mailbox;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::Needs;

/// A delegated token may translate the ids of its own user, or of whom it reads.
pub(super) const ANYBODYS: Needs = Needs::split(
    &[
        "User.Read",
        "User.ReadBasic.All",
        "User.ReadWrite",
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
    &[
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
);

/// `/me` has no app that calls it.
pub(super) const OWN: Needs = Needs::delegated(ANYBODYS.delegated);

/// As many ids as one request translates.
const MOST: usize = 1000;

/// What an id is to be read as, or written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Format {
    #[serde(rename = "entryId")]
    Entry,
    #[serde(rename = "ewsId")]
    Ews,
    #[serde(rename = "immutableEntryId")]
    ImmutableEntry,
    #[serde(rename = "restId")]
    Rest,
    #[serde(rename = "restImmutableEntryId")]
    RestImmutableEntry,
}

impl Format {
    fn writing(self) -> Writing {
        match self {
            Self::Entry | Self::ImmutableEntry => Writing::Entry,
            Self::Ews => Writing::Ews,
            Self::Rest | Self::RestImmutableEntry => Writing::Rest,
        }
    }

    fn is_immutable(self) -> bool {
        matches!(self, Self::ImmutableEntry | Self::RestImmutableEntry)
    }
}

pub(super) fn translate(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let body = Value::Object(call.body()?);
    let format = |name: &str| Format::deserialize(&body[name]).map_err(|_| wrong_value(name));
    let (source, target) = (format("sourceIdType")?, format("targetIdType")?);
    let ids: Vec<String> = Vec::deserialize(&body["inputIds"]).map_err(|_| wrong_value("inputIds"))?;
    if ids.is_empty() || ids.len() > MOST {
        return Err(bad("ErrorInvalidRequest", format!("inputIds has to hold 1 to {MOST} ids.")));
    }
    let mailbox = entry.look(call)?;
    let items = ids.iter().map(|id| match translated(mailbox, id, source, target) {
        Ok(translated) => json!({ "sourceId": id, "targetId": translated }),
        Err(GraphError { code, message, .. }) => {
            json!({ "sourceId": id, "targetId": null, "errorDetails": { "code": code, "message": message } })
        }
    });
    Ok(call.whole("Collection(microsoft.graph.convertIdResult)", items.collect()))
}

fn translated(mailbox: &Mailbox, id: &str, source: Format, target: Format) -> Result<String, GraphError> {
    let rest = ids::read(&mailbox.owner, id, source.writing()).ok_or_else(malformed_id)?;
    let named = ids::parse(&mailbox.owner, &rest).map_err(|error| match error {
        BadId::Foreign => foreign_id(id),
        BadId::Malformed => malformed_id(),
    })?;
    // Folders have one id, which is constant.
    let is_as_said = match named {
        Named::Folder(_) => true,
        Named::Placed(_) => !source.is_immutable(),
        Named::Lasting(_) => source.is_immutable(),
    };
    if !is_as_said {
        return Err(malformed_id());
    }
    let meant = match named {
        Named::Folder(number) => {
            mailbox.folders.get(&number).ok_or_else(no_item)?;
            ids::folder(&mailbox.owner, number)
        }
        Named::Placed(_) | Named::Lasting(_) => {
            let uid = mailbox.find(&rest)?;
            let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
            match target.is_immutable() {
                true => ids::lasting(&mailbox.owner, uid),
                false => ids::placed(&mailbox.owner, message.folder, message.serial),
            }
        }
    };
    ids::written(&mailbox.owner, &meant, target.writing()).ok_or_else(malformed_id)
}
