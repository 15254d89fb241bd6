//! What a client is sent by way of the browser: codes and tokens, or an error (Entra reference §1.3).

use crate::directory::{User, new_id};
use crate::entra::claims_request::ClaimsRequest;
use crate::entra::code::{Challenge, Code, LIFETIME};
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::issue::{Granted, Identity, client_info, end_of, id_token, user_token};
use crate::entra::redirect::{Mode, Platform, send};
use crate::entra::resource::{Asked, granted_scopes};
use crate::entra::sealed::{Kind, seal};
use crate::entra::user_response::shown_scope;
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
    pub(super) wants_token: bool,
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
        match self.tokens(context, tenant, request, user, session) {
            Ok(answer) => send(&self.uri, self.mode, &answer),
            Err(error) => self.refuse(context, &error),
        }
    }

    fn tokens(
        &self,
        context: &Context<'_>,
        tenant: &Tenant,
        request: &SignInRequest,
        user: &User,
        session: &Session,
    ) -> Result<Vec<(&'static str, String)>, EntraError> {
        let form = Form::parse(request.text.as_bytes())?;
        let asked = Asked::parse(tenant, context.names, &request.scope, false, context.now)?;
        let mut answer = Vec::new();
        let code = self.wants_code.then(|| self.code(context, tenant, request, user, session));
        answer.extend(code.clone().map(|code| ("code", code)));
        let mut access_token = None;
        if self.wants_token {
            let scopes =
                granted_scopes(tenant, &request.client.principal, &user.id, &asked.resource, context.now);
            let granted = Granted {
                user,
                resource: &asked.resource,
                scopes: &scopes,
                sign_in: &session.sign_in,
                wanted: &ClaimsRequest::of(&form)?,
            };
            let issued = user_token(context, tenant, &request.client, &granted);
            answer.extend([
                ("access_token", issued.token.clone()),
                ("token_type", "Bearer".to_owned()),
                ("expires_in", issued.lifetime.to_string()),
                ("scope", shown_scope(&asked, &scopes)),
            ]);
            access_token = Some(issued.token);
        }
        if self.wants_id_token {
            let identity = Identity {
                user,
                sign_in: &session.sign_in,
                nonce: self.nonce.as_deref(),
                oidc: &asked.oidc,
                code: code.as_deref(),
                access_token: access_token.as_deref(),
                tells_time: request.max_age.is_some(),
            };
            answer.push(("id_token", id_token(context, tenant, &request.client, &identity)));
        }
        answer.extend(self.state.clone().map(|state| ("state", state)));
        answer.push(("session_state", session.sign_in.session_id.clone()));
        if form.get("client_info") == Some("1") {
            answer.push(("client_info", client_info(tenant, user)));
        }
        Ok(answer)
    }

    fn code(
        &self,
        context: &Context<'_>,
        tenant: &Tenant,
        request: &SignInRequest,
        user: &User,
        session: &Session,
    ) -> String {
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
