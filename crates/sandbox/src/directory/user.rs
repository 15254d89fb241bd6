//! Users: people and agent users (Entra reference §2.4, §3.1).

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{AssignedLicence, AuthenticationMethod, Life, Named, Properties};

/// A user object. What has no field of its own stands in `other`, under Graph's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) life: Life,
    pub(crate) kind: UserKind,
    pub(crate) upn: String,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) mail: Option<String>,
    pub(crate) account_enabled: bool,
    pub(crate) usage_location: Option<String>,
    /// From when on licensing knows the location.
    pub(crate) usage_location_effective: Timestamp,
    /// A person's password; agent users have none.
    pub(crate) password: Option<String>,
    /// `passwordProfile.forceChangePasswordNextSignIn`: the password is good for choosing another one.
    #[serde(default)]
    pub(crate) must_change_password: bool,
    /// What a person has registered to prove to be themselves with beside the password; if that was never said, the
    /// app on a phone ([`Self::methods`]), as the people of the sandbox and of seed documents have it.
    #[serde(default)]
    pub(crate) registered: Option<Vec<AuthenticationMethod>>,
    /// Whether this person may consent for the tenant.
    pub(crate) is_admin: bool,
    /// Tokens and sessions from before this time are void.
    pub(crate) sessions_valid_from: Timestamp,
    #[serde(deserialize_with = "tight")]
    pub(crate) licences: Vec<AssignedLicence>,
    /// Object ids of the sponsors, users or groups.
    pub(crate) sponsors: Vec<String>,
    /// Other settable properties, such as `givenName` or `jobTitle`.
    pub(crate) other: Properties,
}

/// What kind of user it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UserKind {
    Person,
    /// An agent user and the agent identity that is its parent.
    Agent {
        identity_parent_id: String,
    },
}

impl Named for User {
    /// What it signs in with, and the address if that is another.
    fn names(&self) -> impl Iterator<Item = &str> {
        let mail = self.mail.as_deref().filter(|mail| !mail.eq_ignore_ascii_case(&self.upn));
        std::iter::once(self.upn.as_str()).chain(mail)
    }

    /// The agent identity of an agent user.
    fn parents(&self) -> impl Iterator<Item = &str> {
        self.identity_parent_id().into_iter()
    }

    /// The SKUs of which it uses a seat.
    fn counted(&self) -> impl Iterator<Item = &str> {
        let licences = self.life.is_live().then_some(&self.licences).into_iter().flatten();
        licences.map(|licence| licence.sku_id.as_str())
    }
}

impl User {
    /// Whether `userType` says that this is a guest.
    pub(crate) fn is_guest(&self) -> bool {
        self.other.get("userType").is_some_and(|kind| kind == "Guest")
    }

    /// The parent agent identity of an agent user.
    pub(crate) fn identity_parent_id(&self) -> Option<&str> {
        match &self.kind {
            UserKind::Person => None,
            UserKind::Agent { identity_parent_id } => Some(identity_parent_id),
        }
    }
}

/// A list with no room to spare: there may be hundreds of thousands of users.
fn tight<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Vec::deserialize(deserializer).map(|mut list: Vec<T>| {
        list.shrink_to_fit();
        list
    })
}
