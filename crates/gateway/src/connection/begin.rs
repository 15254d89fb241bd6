//! The first step: the browser is sent to Entra's page of consent (Entra reference §1.1, "Admin consent"), with a state
//! that only this session can use, once.

use attache_ledger::ActName;
use attache_store::{GatewayScope, Unit};
use http::StatusCode;
use jiff::Timestamp;
use url::Url;

use super::attempt::{Attempt, Awaits, person};
use super::http::begun_at;
use crate::Gateway;
use crate::access::{Grant, Token};
use crate::config::ClientApp;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

/// Where Entra sends the browser back to, from consent and from the sign-in that follows.
pub(super) const CALLBACK: &str = "/connect/callback";

const BEGUN: ActName = ActName::new("tenant.connection_begun");

/// Where to send the browser, and until when.
pub(super) struct Begun {
    pub(super) url: Url,
    pub(super) ends: Timestamp,
}

/// Begins. `hint` is a domain or an id of the tenant, if it is known; the administrator's account decides without.
pub(super) async fn begin(gateway: &Gateway, grant: &Grant, hint: Option<&str>) -> Answer<Begun> {
    let session = person(&grant.caller)?;
    let app = app(gateway)?;
    let tenant = checked(hint)?;
    let state = Token::new("", &*gateway.rng);
    let attempt = Attempt::new(gateway, session, grant.scope.org(), state.digest, Awaits::Consent);
    let base = gateway.entra.cloud().login.at(&format!("/{tenant}/v2.0/adminconsent"));
    let mut url = Url::parse(&base).map_err(|_| Problem::invalid("tenant", "no tenant", REMEDY))?;
    url.query_pairs_mut()
        .append_pair("client_id", &app.client_id.to_string())
        .append_pair("scope", &gateway.entra.cloud().graph.at("/.default"))
        .append_pair("redirect_uri", &gateway.config.url(CALLBACK))
        .append_pair("state", state.secret.expose());
    let mut unit = Unit::new();
    unit.create(GatewayScope::granted(), &attempt);
    let about = on([thing("organisation", grant.scope.org())]);
    unit.record(grant.scope, gateway.changed(&grant.caller, BEGUN, about));
    let begun = Begun { url, ends: attempt.ends };
    gateway.commit_answered(&grant.caller, unit, || begun_at(&begun)).await?;
    Ok(begun)
}

/// The application for customers' tenants.
pub(super) fn app(gateway: &Gateway) -> Answer<&ClientApp> {
    gateway.config.connect.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "connect_not_configured",
            "this gateway has no application for customers' own tenants",
            "have an operator configure one (connect_client_id, connect_client_secret), or choose a hosted identity",
        )
    })
}

const REMEDY: &str = "write a domain or the id of the tenant, or leave it out";

fn checked(hint: Option<&str>) -> Answer<&str> {
    let Some(hint) = hint.map(str::trim).filter(|hint| !hint.is_empty()) else { return Ok("organizations") };
    let plain = hint.len() <= 253
        && hint.contains(['.', '-'])
        && hint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && !hint.starts_with('.')
        && !hint.contains("..");
    if plain { Ok(hint) } else { Err(Problem::invalid("tenant", "no domain and no id", REMEDY)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_leads_to_no_other_page() {
        assert_eq!(checked(None).ok(), Some("organizations"));
        assert_eq!(checked(Some(" ")).ok(), Some("organizations"));
        for good in ["contoso.example", "323626f5-1bfe-48cd-8902-ddfdfd44e1ce"] {
            assert_eq!(checked(Some(good)).ok(), Some(good));
        }
        for bad in ["..", "a/b.c", "a.b?x", "common", "../../x.y", "a..b", "a.b#c", "ü.example"] {
            assert!(checked(Some(bad)).is_err(), "{bad}");
        }
    }
}
