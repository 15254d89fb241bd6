//! What a request for a token or a sign-in turns out to be about, noted on its way through the grants, so that
//! the sign-in log can tell it whatever the end was.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::directory::{ServicePrincipalKind, User};

use super::client::Client;
use super::conditional_access::Applied;
use super::resource::Resource;
use super::sign_in_log::SignInRow;

/// The notes of one request.
#[derive(Debug, Default)]
pub(crate) struct Attempt(RefCell<Notes>);

/// What is known of an attempt.
#[derive(Debug, Default, Clone)]
pub(crate) struct Notes {
    pub(crate) client: Option<ClientNote>,
    pub(crate) user: Option<UserNote>,
    pub(crate) resource: Option<ResourceNote>,
    pub(crate) applied: Vec<Applied>,
    /// `clientSecret`, `clientAssertion`…; none for a public client.
    pub(crate) credential: Option<&'static str>,
    pub(crate) session_id: Option<String>,
    /// The factors that the user has given.
    pub(crate) methods: Vec<String>,
    /// The `aud` of the token, as v1 answers name the resource.
    pub(crate) audience: Option<String>,
    row: Option<SignInRow>,
}

/// The client of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientNote {
    pub(crate) app_id: String,
    pub(crate) name: String,
    pub(crate) principal_id: String,
    pub(crate) kind: ClientKind,
    /// The blueprint's id, of an agent identity.
    pub(crate) blueprint_id: Option<String>,
}

/// What a client is, as the sign-in log tells agents apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientKind {
    Ordinary,
    Blueprint,
    AgentIdentity,
}

/// The user of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UserNote {
    pub(crate) id: String,
    pub(crate) upn: String,
    pub(crate) name: String,
    /// The agent identity, of an agent user.
    pub(crate) parent: Option<String>,
}

/// The resource of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResourceNote {
    pub(crate) app_id: String,
    pub(crate) name: String,
}

impl Attempt {
    /// The client has been found.
    pub(crate) fn client(&self, client: &Client) {
        let kind = match (&client.principal.kind, client.is_blueprint) {
            (ServicePrincipalKind::AgentIdentity { .. }, _) => ClientKind::AgentIdentity,
            (_, true) => ClientKind::Blueprint,
            _ => ClientKind::Ordinary,
        };
        self.0.borrow_mut().client = Some(ClientNote {
            app_id: client.app_id.clone(),
            name: client.name.clone(),
            principal_id: client.principal.id.clone(),
            kind,
            blueprint_id: client.principal.blueprint_id().map(str::to_owned),
        });
    }

    /// The client has presented a credential of that kind.
    pub(crate) fn credential(&self, kind: &'static str) {
        self.0.borrow_mut().credential = Some(kind);
    }

    /// The user is known.
    pub(crate) fn user(&self, user: &User) {
        self.0.borrow_mut().user = Some(UserNote {
            id: user.id.clone(),
            upn: user.upn.clone(),
            name: user.display_name.clone(),
            parent: user.identity_parent_id().map(str::to_owned),
        });
    }

    /// The user signed in so.
    pub(crate) fn session(&self, session_id: &str, methods: &[String]) {
        let mut notes = self.0.borrow_mut();
        notes.session_id = Some(session_id.to_owned());
        notes.methods = methods.to_vec();
    }

    /// The resource is known.
    pub(crate) fn resource(&self, resource: &Resource, name: &str) {
        let mut notes = self.0.borrow_mut();
        notes.resource = Some(ResourceNote { app_id: resource.app_id.clone(), name: name.to_owned() });
        notes.audience = Some(resource.audience.clone());
    }

    /// Conditional access has been asked.
    pub(crate) fn applied(&self, applied: Vec<Applied>) {
        self.0.borrow_mut().applied = applied;
    }

    /// The row of the sign-in log that this attempt ends in.
    pub(crate) fn ends(&self, row: SignInRow) {
        self.0.borrow_mut().row = Some(row);
    }

    /// The row, once.
    pub(crate) fn take_row(&self) -> Option<SignInRow> {
        self.0.borrow_mut().row.take()
    }

    /// What is known by now.
    pub(crate) fn notes(&self) -> Notes {
        self.0.borrow().clone()
    }
}
