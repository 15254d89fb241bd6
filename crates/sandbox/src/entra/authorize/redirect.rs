//! What a client is sent by way of the browser: codes and id tokens, or an error (Entra reference §1.3).

use crate::directory::{User, new_id};
use crate::entra::code::{Challenge, Code, LIFETIME};
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::issue::{Identity, client_info, end_of, id_token};
use crate::entra::redirect::{Mode, Platform, send};
use crate::entra::sealed::{Kind, seal};
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::request::SignInRequest;
use super::session::Session;

/// What the client wants to be sent, and how.
pub(super) struct Redirect {
    pub(super) platform: Platform,
    pub(super) uri: String,
    pub(super) mode: Mode,
    pub(super) wants_code: bool,
    pub(super) wants_id_token: bool,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
}

impl Redirect {
    /// Back to the client with what it asked for.
    pub(super) fn answer(
        &self,
        context: &Context<'_>,
        tenant: &Tenant,
        request: &SignInRequest,
        user: &User,
        session: &Session,
    ) -> Response {
        let mut answer = Vec::new();
        let code = self.wants_code.then(|| {
            let code = Code {
                id: new_id(),
                client_id: request.client.app_id.clone(),
                user_id: user.id.clone(),
                redirect_uri: self.uri.clone(),
                platform: self.platform,
                scope: request.scope.clone(),
                challenge: self.challenge.clone(),
                nonce: self.nonce.clone(),
                sign_in: session.sign_in.clone(),
                issued: session.since,
                expires: end_of(context.now, LIFETIME),
                tells_time: request.max_age.is_some(),
            };
            seal(&tenant.entra.secret, Kind::Code, &code)
        });
        if self.wants_id_token {
            let oidc: Vec<String> = request.scope.split_whitespace().map(str::to_owned).collect();
            let identity = Identity {
                user,
                sign_in: &session.sign_in,
                nonce: self.nonce.as_deref(),
                oidc: &oidc,
                code: code.as_deref(),
                tells_time: request.max_age.is_some(),
            };
            answer.push(("id_token", id_token(context, tenant, &request.client, &identity)));
        }
        if let Some(code) = code {
            answer.insert(0, ("code", code));
        }
        if let Some(state) = &self.state {
            answer.push(("state", state.clone()));
        }
        answer.push(("session_state", session.sign_in.session_id.clone()));
        if Form::parse(request.text.as_bytes()).is_ok_and(|form| form.get("client_info") == Some("1")) {
            answer.push(("client_info", client_info(tenant, user)));
        }
        send(&self.uri, self.mode, &answer)
    }

    /// Back to the client with what went wrong.
    pub(super) fn refuse(&self, context: &Context<'_>, error: &EntraError) -> Response {
        let mut answer = vec![
            ("error", error.error.to_owned()),
            ("error_description", error.description(context.ids, context.now)),
            ("error_uri", error.uri()),
        ];
        if let Some(suberror) = error.suberror {
            answer.push(("suberror", suberror.to_owned()));
        }
        if error.code == 65_004 {
            answer.push(("error_subcode", "cancel".to_owned()));
        }
        if let Some(claims) = &error.claims {
            answer.push(("claims", claims.to_string()));
        }
        if let Some(state) = &self.state {
            answer.push(("state", state.clone()));
        }
        send(&self.uri, self.mode, &answer)
    }
}
