//! Who asks, and what they may: the one door through which a handler gets at an organisation's data.
//!
//! A handler names the right that it needs in its signature, [`Allowed<R>`](Allowed). Taking that from the request
//! finds out who asks (a session's cookie or an API key), whose organisation the path names, and whether they may;
//! only here is an [`OrgScope`](attache_store::OrgScope) granted to a request.

mod allowed;
mod caller;
mod cookie;
mod prefix;
mod rights;
mod secret;
mod session;
mod visit;

pub(crate) use allowed::{Allowed, AsOperator, AsPerson, Grant, InOrg, grant, members_only, operators_only};
pub use caller::operator_key;
pub(crate) use caller::{Caller, Principal, person, session_of};
pub(crate) use cookie::{SESSION, cookie, full_name, set_cookie};
pub use prefix::{Prefix, PrefixError};
pub(crate) use rights::{AskForIdentity, Needs, Right, Role, Scopes, right};
pub(crate) use secret::{Digest, Token};
pub(crate) use session::{Csrf, Session, SessionRecord};
pub(crate) use visit::{Visit, Visitor};
