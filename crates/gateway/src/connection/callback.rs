//! The second step: the browser comes back, first from consent, then from the administrator's sign-in. Neither is
//! believed: the state must be this session's and unused, and who signed in is judged by ID token and directory.

use std::sync::Arc;

use attache_entra::{Authority, Freshness, Prompt, Scopes, WebAttempt, WebClient};
use attache_ledger::{Act, ActName, Code, Verdict};
use attache_store::{GatewayScope, Unit, Versioned};
use attache_terms::{Secret, TenantId};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;

use super::admin::{is_administrator, not_administrator};
use super::attempt::{Administrator, Attempt, Awaits, granted, person};
use super::begin::{self, CALLBACK};
use super::look;
use crate::Gateway;
use crate::access::{Caller, Digest, Grant, Token};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const REFUSED: ActName = ActName::new("tenant.connection_refused");

#[derive(Debug, Deserialize)]
pub(super) struct Brought {
    state: Option<String>,
    admin_consent: Option<String>,
    tenant: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

pub(super) async fn callback(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Query(brought): Query<Brought>,
) -> Answer<Response> {
    let state = brought.state.as_deref().unwrap_or_default();
    let attempt = Attempt::find(&gateway, &caller, state).await?;
    let grant = granted(&gateway, caller, &attempt).await?;
    match step(&gateway, &grant, &attempt, brought).await {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(problem) => {
            note(&gateway, &grant, &problem).await?;
            Err(problem)
        }
    }
}

/// One step: where the browser goes next.
async fn step(
    gateway: &Gateway,
    grant: &Grant,
    attempt: &Versioned<Attempt>,
    brought: Brought,
) -> Answer<String> {
    if let Some(error) = &brought.error {
        Attempt::go_on(gateway, attempt, None).await?;
        return Err(declined(error, brought.error_description.as_deref().unwrap_or_default()));
    }
    match attempt.awaits.clone() {
        Awaits::Consent => consented(gateway, grant, attempt, &brought).await,
        Awaits::SignIn { claimed, web } => {
            signed_in(gateway, grant, attempt, claimed, &web, brought.code).await
        }
        Awaits::Name(_) => Err(incomplete()),
    }
}

/// A refusal on the way is on record: somebody may have tried what is not theirs.
pub(super) async fn note(gateway: &Gateway, grant: &Grant, problem: &Problem) -> Answer<()> {
    let code = problem.code.parse().unwrap_or(Code::new("refused"));
    let act = Act::new(REFUSED, grant.caller.actor())
        .on(on([thing("organisation", grant.scope.org())]))
        .correlated(grant.caller.correlation());
    let mut unit = Unit::new();
    unit.record(grant.scope, gateway.composer.change(act, Verdict::Refused, Some(code)));
    gateway.store.commit(unit).await?;
    Ok(())
}

/// Back from the page of consent: on to the sign-in of whoever consented.
async fn consented(
    gateway: &Gateway,
    grant: &Grant,
    attempt: &Versioned<Attempt>,
    brought: &Brought,
) -> Answer<String> {
    let given = brought.admin_consent.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let claimed = brought.tenant.as_deref().and_then(|tenant| tenant.parse::<TenantId>().ok());
    let Some(claimed) = claimed.filter(|_| given) else { return Err(incomplete()) };
    let (url, web) = gateway
        .entra
        .begin_web_sign_in(&web(gateway, claimed)?, Some(Prompt::SelectAccount), Freshness::Any)
        .map_err(|error| Problem::explained(StatusCode::BAD_GATEWAY, &error))?;
    let state = Digest::of(&web.state);
    let awaits = Awaits::SignIn { claimed, web };
    let next = Attempt::new(gateway, person(&grant.caller)?, attempt.org, state, awaits);
    Attempt::go_on(gateway, attempt, Some(&next)).await?;
    Ok(url.into())
}

/// Back from the sign-in: the tenant is that of the ID token, and the directory says what they are there.
async fn signed_in(
    gateway: &Gateway,
    grant: &Grant,
    attempt: &Versioned<Attempt>,
    claimed: TenantId,
    web_attempt: &WebAttempt,
    code: Option<String>,
) -> Answer<String> {
    let code = code.ok_or_else(incomplete)?;
    // Whatever comes of it, the state is used up.
    Attempt::go_on(gateway, attempt, None).await?;
    let signed_in = gateway
        .entra
        .finish_web_sign_in(&web(gateway, claimed)?, web_attempt, Secret::new(code))
        .await
        .map_err(|error| Problem::explained(StatusCode::FORBIDDEN, &error))?
        .account;
    let graph = look::graph(gateway, signed_in.tenant)?;
    if !is_administrator(&graph, signed_in.user).await? {
        return Err(not_administrator());
    }
    let administrator = Administrator {
        tenant: signed_in.tenant,
        tenant_name: look::name(&graph).await?,
        user: signed_in.user,
        upn: signed_in.upn,
    };
    let state = Token::new("", &*gateway.rng);
    let awaits = Awaits::Name(administrator);
    let next = Attempt::new(gateway, person(&grant.caller)?, attempt.org, state.digest, awaits);
    let mut unit = Unit::new();
    unit.create(GatewayScope::granted(), &next);
    gateway.store.commit(unit).await?;
    Ok(format!("/connect/confirm/{}", state.secret.expose()))
}

/// The application that customers consent to, as one that people sign in to at this tenant: nobody of another one can.
fn web(gateway: &Gateway, tenant: TenantId) -> Answer<WebClient> {
    let app = begin::app(gateway)?;
    Ok(WebClient {
        authority: Authority::Tenant(tenant),
        client: app.client_id,
        credential: app.credential(),
        redirect_uri: gateway.config.url(CALLBACK),
        scopes: Scopes::new([]),
    })
}

fn declined(error: &str, said: &str) -> Problem {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    Problem::new(
        StatusCode::FORBIDDEN,
        "consent_declined",
        format!("Entra did not give the consent ({}): {}", clean(error), clean(said)),
        "begin again and accept, or have an administrator of the tenant do it",
    )
}

fn incomplete() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "connection_refused",
        "what came back from Entra is no answer to what was asked",
        "begin again at Settings > Agent identity",
    )
}
