//! Microsoft Graph as Attaché speaks it: typed calls on typed ids, paging, throttling, and errors that say
//! who must act. One module per resource; what they share is the client (one request and its repetitions),
//! the pages and the errors. Facts come from the Entra reference §2 to §7.
//!
//! A [`Graph`] is one identity at one cloud. Another identity is another `Graph`; both are cheap to clone. Whoever may
//! write only until some time gives it a deadline ([`Graph::before`]).

mod answer;
mod client;
mod error;
mod exchange;
mod needed;
mod page;
mod path;
mod retry;

mod agents;
mod applications;
mod blueprints;
mod chats;
pub mod checks;
mod credentials;
mod deleted;
mod grants;
mod inheritable;
mod licences;
mod mail;
mod memberships;
mod messages;
mod organisation;
mod policies;
mod principals;
mod roles;
mod sponsors;
mod subscriptions;
mod suspension;
mod users;

pub use agents::{AgentIdentity, NewAgentIdentity, NewAgentUser};
pub use answer::{Answer, Answered, Correlation};
pub use applications::KeyCredential;
pub use blueprints::{Blueprint, NewBlueprint};
pub use chats::{Chat, ChatExpand, ChatType, Member, Preview, UserKey};
pub use client::Graph;
pub use credentials::{ApplicationCredentials, CertificateCredential, SecretCredential};
pub use deleted::{DeletedItem, DeletedKind};
pub use error::{Cause, GraphError, meanings};
pub use exchange::{Exchange, ExchangeError};
pub use grants::{ConsentType, Grant};
pub use inheritable::{InheritablePermission, InheritableScopes};
pub use licences::{LicenceDetails, PrepaidUnits, ServicePlan, Sku};
pub use mail::Mailbox;
pub use messages::{Body, BodyFormat, Content, Message, MessageType, Sender};
pub use organisation::{Domain, Organization};
pub use page::Page;
pub use policies::{AppManagementPolicy, Restriction, Restrictions};
pub use principals::{AppRole, ServicePrincipal, graph_app_id};
pub use roles::RoleAssignment;
pub use sponsors::Sponsored;
pub use subscriptions::Subscription;
pub use users::{AssignedLicence, Described, NewUser, ProvisionedPlan, User};
