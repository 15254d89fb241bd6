//! Who signed in, from the id token: who it is for, who issued it, its nonce and its time. On a device it came
//! from Entra itself over TLS, so its signature need not be checked (OpenID Connect Core §3.1.3.7, point 6); a web
//! application checks that too.

use attache_terms::{AppId, Origin, Secret, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::{Authority, Proved, SignInError, SignInRequest, SignedIn};
use crate::entra::Entra;
use crate::response::Grant;
use crate::{Hop, TokenError};

/// What both sides' clocks may differ.
const SKEW_SECONDS: i64 = 300;

/// The same, as a span.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(SKEW_SECONDS);

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    tid: TenantId,
    oid: UserId,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    nonce: Option<String>,
    auth_time: Option<i64>,
    preferred_username: Option<String>,
    name: Option<String>,
}

/// The account that the answer's id token names.
pub(super) fn account(
    entra: &Entra,
    request: &SignInRequest,
    grant: &Grant,
    nonce: Option<Uuid>,
) -> Result<SignedIn, SignInError> {
    let token = grant.id_token.as_ref().ok_or(SignInError::IdToken("there is no id token"))?;
    let expected = Expected { client: request.client, authority: request.authority, nonce };
    Ok(judged(entra, &expected, token, grant.ahead_seconds)?.account)
}

/// What an id token has to say.
pub(super) struct Expected {
    pub(super) client: AppId,
    pub(super) authority: Authority,
    pub(super) nonce: Option<Uuid>,
}

/// Whom an id token names, and when they proved it, if it says what it has to.
pub(super) fn judged(
    entra: &Entra,
    expected: &Expected,
    token: &Secret,
    ahead_seconds: Option<i64>,
) -> Result<Proved, SignInError> {
    let claims = parse(token.expose()).ok_or(SignInError::IdToken("the id token is not readable"))?;
    judge(&claims, expected, &entra.cloud().login).map_err(SignInError::IdToken)?;
    let now = entra.clock.now().as_second();
    let early = now < claims.nbf.saturating_sub(SKEW_SECONDS);
    let late = now > claims.exp.saturating_add(SKEW_SECONDS);
    match ahead_seconds {
        Some(ahead_seconds) if (early || late) && ahead_seconds.abs() > SKEW_SECONDS => {
            return Err(TokenError::ClockWrong { hop: Hop::AuthorizationCode, ahead_seconds }.into());
        }
        _ if early => return Err(SignInError::IdToken("the id token is not valid yet")),
        _ if late => return Err(SignInError::IdToken("the id token has expired")),
        _ => {}
    }
    let upn = claims.preferred_username.unwrap_or_else(|| claims.oid.to_string());
    let name = claims.name.unwrap_or_else(|| upn.clone());
    let at = claims.auth_time.and_then(|seconds| Timestamp::from_second(seconds).ok());
    Ok(Proved { account: SignedIn { tenant: claims.tid, user: claims.oid, upn, name }, at })
}

fn parse(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    serde_json::from_slice(&BASE64URL.decode(payload.trim_end_matches('=')).ok()?).ok()
}

fn judge(claims: &Claims, expected: &Expected, login: &Origin) -> Result<(), &'static str> {
    if claims.aud != expected.client.to_string() {
        return Err("the id token is for another application");
    }
    if claims.iss != login.at(&format!("/{}/v2.0", claims.tid)) {
        return Err("the id token has another issuer");
    }
    if matches!(expected.authority, Authority::Tenant(tenant) if tenant != claims.tid) {
        return Err("the id token is of another tenant");
    }
    if expected.nonce.is_some_and(|nonce| claims.nonce != Some(nonce.to_string())) {
        return Err("the id token does not belong to this sign-in");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use attache_terms::Cloud;
    use proptest::prelude::*;

    use super::*;

    const CLIENT: &str = "8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c";
    const TENANT: &str = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce";

    /// Whether the text names an account for a sign-in at that tenant, with the nonce of all zeros.
    fn is_account(text: &str) -> bool {
        let expected = Expected {
            client: CLIENT.parse().unwrap(),
            authority: Authority::Tenant(TENANT.parse().unwrap()),
            nonce: Some(Uuid::nil()),
        };
        let claims = parse(text);
        claims.is_some_and(|claims| judge(&claims, &expected, &Cloud::global().login).is_ok())
    }

    fn token(claims: &serde_json::Value) -> String {
        format!("e30.{}.AAAA", BASE64URL.encode(claims.to_string()))
    }

    fn claims() -> serde_json::Value {
        serde_json::json!({
            "aud": CLIENT, "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "tid": TENANT,
            "oid": "82fe7758-5bb3-4f0d-a43f-e555fd399c6f", "exp": 4_000_000_000_i64, "nonce": Uuid::nil(),
        })
    }

    #[test]
    fn nothing_in_the_corpus_names_an_account() {
        assert!(is_account(&token(&claims())), "the corpus differs from this in one thing each");
        crate::corpus::replay("id-token", |bytes| assert!(!is_account(&String::from_utf8_lossy(bytes))));
    }

    proptest! {
        #[test]
        fn no_bytes_name_an_account(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!is_account(&String::from_utf8_lossy(&bytes)));
            let payload = format!("e30.{}.AAAA", BASE64URL.encode(&bytes));
            prop_assert!(!is_account(&payload));
        }

        #[test]
        fn each_claim_has_to_fit(
            name in prop::sample::select(vec!["aud", "iss", "tid", "nonce"]), value in any::<String>(),
        ) {
            let mut claims = claims();
            claims[name] = value.into();
            prop_assert!(!is_account(&token(&claims)));
        }
    }
}
