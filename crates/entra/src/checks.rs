//! What `doctor` looks at at the token endpoint: whether it can be reached and knows the tenant, whether the
//! clocks agree, and whether the application gets a token. Entra's numbers are decoded for whoever runs a
//! service, beside what they mean in general (Entra reference §1.13).

use std::collections::BTreeSet;
use std::sync::Arc;

use attache_terms::{AppId, Check, Remedy, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

use crate::entra::Entra;
use crate::response::bearable;
use crate::{AccessToken, ClientCredential, Hop, Resource, TokenError, TokenSource};

const AUTHORITY: &str = "authority";
const CLOCK: &str = "clock";
const TOKEN: &str = "token";
/// What nobody notices, and what Entra and clients bear (Entra reference §1.8).
const EXACT_SECONDS: u64 = 60;
const BORNE_SECONDS: u64 = 300;

/// What the token endpoint's host says before anybody proves anything.
pub struct Authority {
    /// Whether it answers and knows the tenant, and whether the clocks agree.
    pub checks: Vec<Check>,
    /// How many seconds this machine's clock is ahead of Entra's, where Entra told the time.
    pub ahead_seconds: Option<i64>,
}

/// Reads the tenant's public metadata, which needs no credential.
pub async fn authority(entra: &Entra, tenant: TenantId) -> Authority {
    let metadata = entra.cloud().login.at(&format!("/{tenant}/v2.0/.well-known/openid-configuration"));
    match entra.get(Hop::Application, &metadata).await {
        Ok(ahead_seconds) => {
            let seen = format!("{} answers and knows the tenant", entra.cloud().login);
            let checks = vec![Check::ok(AUTHORITY, seen), clock(ahead_seconds)];
            Authority { checks, ahead_seconds }
        }
        Err(error) => {
            let mut check = Check::failed(AUTHORITY, &error);
            if error.codes().contains(&90002) {
                check = check.meaning("MICROSOFT_GRAPH_TENANT_ID is wrong, or of another cloud");
            }
            let checks = vec![check, Check::skipped(CLOCK, "Entra did not tell the time")];
            Authority { checks, ahead_seconds: None }
        }
    }
}

fn clock(ahead_seconds: Option<i64>) -> Check {
    let Some(ahead) = ahead_seconds else { return Check::skipped(CLOCK, "Entra did not tell the time") };
    let side = if ahead < 0 { "behind" } else { "ahead of" };
    let seen = format!("this machine's clock is {} s {side} Entra's", ahead.unsigned_abs());
    let remedy = Remedy::operator("set the machine's clock (`timedatectl set-ntp true`)");
    let means = "certificates, tokens and expiry dates are judged by the wrong time";
    match ahead.unsigned_abs() {
        seconds if seconds <= EXACT_SECONDS => Check::ok(CLOCK, seen),
        seconds if seconds <= BORNE_SECONDS => Check::warn(CLOCK, seen, remedy).meaning(means),
        _ => Check::fail(CLOCK, seen, remedy).meaning(means),
    }
}

/// An application's fresh token, and what it says.
pub struct ApplicationToken {
    /// Gives it, and the next one.
    pub source: Arc<dyn TokenSource>,
    /// The application permissions in it.
    pub permissions: BTreeSet<String>,
}

/// Fetches a token for Microsoft Graph. The answer holds one where there is one.
pub async fn token(
    entra: &Arc<Entra>,
    tenant: TenantId,
    app: AppId,
    credential: ClientCredential,
) -> (Check, Option<ApplicationToken>) {
    let source = entra.application(tenant, app, credential, Resource::graph(entra.cloud()));
    match source.token(None).await {
        Ok(token) => {
            let claims = claims(&token);
            let who = claims
                .app_displayname
                .map_or_else(|| app.to_string(), |name| format!("\"{}\"", bearable(&name, 60)));
            let check = Check::ok(TOKEN, format!("a fresh token for {who}"));
            (check, Some(ApplicationToken { source, permissions: claims.roles }))
        }
        Err(fault) => {
            let check = Check::failed(TOKEN, &*fault);
            let codes = TokenError::of(&fault).map(TokenError::codes).unwrap_or_default();
            let told = codes.iter().find_map(|code| for_operators(*code));
            let check = match told {
                Some((means, remedy)) => check.meaning(means).with_remedy(Remedy::operator(remedy)),
                None => check.meaning("no call to Graph works: neither sending nor reading nor renewing"),
            };
            (check, None)
        }
    }
}

/// What a code means for a service that proves itself by a secret from its environment.
fn for_operators(code: u32) -> Option<(&'static str, &'static str)> {
    Some(match code {
        7_000_215 => (
            "the secret is none that this application has: cut off or changed when it was pasted, its Secret ID instead of its \
             Value, another application's, deleted, or added within the last two minutes",
            "put the Value of a secret of this application into MICROSOFT_GRAPH_CLIENT_SECRET; if it was replaced just now and \
             the old secret is not deleted yet, restore the file as it was before",
        ),
        7_000_222 => (
            "the secret has expired: sending, reading and the renewal of subscriptions have all stopped",
            "add a client secret (Entra admin centre > App registrations > the application > Certificates & secrets), put its \
             Value into MICROSOFT_GRAPH_CLIENT_SECRET, and restart what reads it; then look whether subscriptions lapsed",
        ),
        700_016 => (
            "the client id is wrong, or it is right in another tenant than MICROSOFT_GRAPH_TENANT_ID",
            "compare both with the Overview page of the app registration; an application of another tenant needs an \
             administrator's consent in this one first",
        ),
        7_000_229 => (
            "the application exists, and this tenant has not admitted it",
            "have an administrator of the tenant consent to the application",
        ),
        7_000_112 => (
            "the application was disabled in this tenant: by an administrator, or by Microsoft",
            "enable it (Entra admin centre > Enterprise applications > the application > Properties), if it was not disabled on \
             purpose",
        ),
        _ => return None,
    })
}

#[derive(Default, Deserialize)]
struct Claims {
    #[serde(default)]
    roles: BTreeSet<String>,
    app_displayname: Option<String>,
}

/// What a token says of itself; nothing, where it is opaque.
fn claims(token: &AccessToken) -> Claims {
    let payload = token.secret.expose().split('.').nth(1);
    let bytes = payload.and_then(|payload| BASE64URL.decode(payload.trim_end_matches('=')).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use attache_terms::{Secret, Verdict};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn said(token: String) -> Claims {
        claims(&AccessToken::new(Secret::new(token), "", Uuid::nil()))
    }

    #[test]
    fn a_clock_is_judged_by_how_far_off_it_is() {
        let verdict = |ahead| clock(Some(ahead)).verdict;
        assert_eq!(
            [0, -60, 61, -300, 301].map(verdict),
            [Verdict::Ok, Verdict::Ok, Verdict::Warn, Verdict::Warn, Verdict::Fail]
        );
        assert_eq!(clock(None).verdict, Verdict::Skipped);
        assert!(clock(Some(-400)).seen.contains("400 s behind"));
    }

    #[test]
    fn a_tokens_permissions_are_read_and_an_opaque_one_has_none() {
        let payload = BASE64URL.encode(r#"{"roles":["Mail.Send","User.Read.All"],"app_displayname":"x"}"#);
        assert_eq!(said(format!("e30.{payload}.sig")).roles.len(), 2);
        assert!(said("opaque".to_owned()).roles.is_empty());
    }

    proptest! {
        #[test]
        fn no_token_panics(token in "\\PC{0,60}") {
            let _ = said(token);
        }
    }
}
