//! What the token endpoint says, read (Entra reference §1.6 and §1.7). Numbers may come as strings, and
//! anything may be missing.

use std::time::Duration;

use attache_terms::Secret;
use serde::Deserialize;
use uuid::Uuid;

use crate::{AccessToken, Refusal};

/// A token with how long it lives, before anybody keeps it.
pub(crate) struct Grant {
    pub(crate) token: AccessToken,
    pub(crate) lives: Duration,
    /// Entra's own hint when to get the next one.
    pub(crate) refresh_in: Option<Duration>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) id_token: Option<Secret>,
    /// How many seconds our wall clock was ahead of Entra's, where Entra said the time.
    pub(crate) ahead_seconds: Option<i64>,
}

/// What is needed of an answer besides its body.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) client_request_id: Uuid,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) ahead_seconds: Option<i64>,
}

#[derive(Deserialize)]
struct Granted {
    token_type: String,
    access_token: String,
    expires_in: Number,
    refresh_in: Option<Number>,
    refresh_token: Option<String>,
    id_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Integer(u64),
    Float(f64),
    Text(String),
}

impl Number {
    fn seconds(&self) -> Option<Duration> {
        match self {
            Self::Integer(seconds) => Some(Duration::from_secs(*seconds)),
            Self::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Text(text) => text.trim().parse().ok().map(Duration::from_secs),
        }
    }
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    suberror: Option<String>,
    claims: Option<String>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

/// The grant in a successful answer, or what is wrong with it.
pub(crate) fn grant(body: &[u8], head: &Head) -> Result<Grant, String> {
    let granted: Granted = read(body)?;
    if !granted.token_type.eq_ignore_ascii_case("Bearer") {
        return Err("the token's type is not Bearer".to_owned());
    }
    if granted.access_token.is_empty() || !granted.access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the access token could not stand in a header".to_owned());
    }
    let lives = granted.expires_in.seconds().ok_or("expires_in is no number of seconds")?;
    Ok(Grant {
        token: AccessToken::new(Secret::new(granted.access_token), &head.request_id, head.client_request_id),
        lives,
        refresh_in: granted.refresh_in.and_then(|number| number.seconds()),
        refresh_token: granted.refresh_token.map(Secret::new),
        id_token: granted.id_token.map(Secret::new),
        ahead_seconds: head.ahead_seconds,
    })
}

/// The OAuth error in an unsuccessful answer, or what is wrong with it.
pub(crate) fn refusal(body: &[u8], head: &Head) -> Result<Refusal, String> {
    let refused: Refused = read(body)?;
    let codes = if refused.error_codes.is_empty() {
        codes_in(&refused.error_description)
    } else {
        refused.error_codes
    };
    Ok(Refusal {
        error: bearable(&refused.error, 60),
        codes,
        message: bearable(without_trailer(&refused.error_description), 300),
        suberror: refused.suberror,
        claims: refused.claims,
        trace_id: refused.trace_id.map(|id| bearable(&id, 60)),
        correlation_id: refused.correlation_id.map(|id| bearable(&id, 60)),
        request_id: head.request_id.clone(),
        client_request_id: head.client_request_id,
        status: head.status,
        retry_after: head.retry_after,
    })
}

/// Reads JSON without repeating any of it in the error: it may hold tokens.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => "a field is missing or has another type".to_owned(),
        _ => "it is not JSON".to_owned(),
    })
}

/// The number in `AADSTS700016: …`, for servers that leave `error_codes` out.
fn codes_in(description: &str) -> Vec<u32> {
    let digits =
        description.strip_prefix("AADSTS").map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    digits.flatten().and_then(|digits| digits.parse().ok()).into_iter().collect()
}

/// The sentence before `Trace ID: …`, which older servers set off by a line break and newer by a space.
fn without_trailer(description: &str) -> &str {
    description.split("Trace ID:").next().unwrap_or_default().trim_end()
}

/// A text that the other side chose, fit for one line of a log.
pub(crate) fn bearable(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(status: u16) -> Head {
        Head {
            status,
            request_id: "r".to_owned(),
            client_request_id: Uuid::nil(),
            retry_after: None,
            ahead_seconds: None,
        }
    }

    #[test]
    fn the_four_members_of_client_credentials_are_enough() {
        let body =
            br#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ0"}"#;
        let grant = grant(body, &head(200)).unwrap();
        assert_eq!(grant.lives, Duration::from_secs(3599));
        assert_eq!(grant.token.secret.expose(), "eyJ0");
        assert!(grant.refresh_token.is_none() && grant.id_token.is_none());
    }

    #[test]
    fn numbers_may_be_strings() {
        let body = br#"{"token_type":"bearer","expires_in":"3600","refresh_in":"1800","access_token":"a"}"#;
        let grant = grant(body, &head(200)).unwrap();
        assert_eq!(grant.lives, Duration::from_secs(3600));
        assert_eq!(grant.refresh_in, Some(Duration::from_secs(1800)));
    }

    #[test]
    fn both_trailers_are_cut_off_and_the_code_is_found_without_error_codes() {
        for separator in ["\\r\\n", " "] {
            let body = format!(
                r#"{{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.{separator}Trace ID: 1 Correlation ID: 2"}}"#
            );
            let refusal = refusal(body.as_bytes(), &head(401)).unwrap();
            assert_eq!(refusal.codes, [7_000_215]);
            assert_eq!(refusal.message, "AADSTS7000215: Invalid client secret.");
        }
    }

    #[test]
    fn an_error_about_a_grant_does_not_repeat_the_token() {
        let body = br#"{"token_type":"Bearer","expires_in":{},"access_token":"secret-token"}"#;
        let error = grant(body, &head(200)).err().unwrap();
        assert!(!error.contains("secret-token"), "{error}");
    }

    fn withstands(body: &[u8]) {
        if let Ok(grant) = grant(body, &head(200)) {
            assert!(grant.token.secret.expose().bytes().all(|byte| byte.is_ascii_graphic()));
        }
        if let Ok(refusal) = refusal(body, &head(400)) {
            for (text, longest) in [(&refusal.message, 300), (&refusal.error, 60)] {
                assert!(text.chars().count() <= longest);
                assert!(!text.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn the_corpus_is_read_or_refused() {
        crate::corpus::replay("token-response", withstands);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            withstands(&body);
        }

        #[test]
        fn any_texts_are_fit_for_a_log(error in any::<String>(), text in any::<String>()) {
            let body = serde_json::json!({"error": error, "error_description": format!("AADSTS{text}")}).to_string();
            prop_assert!(refusal(body.as_bytes(), &head(400)).is_ok());
            withstands(body.as_bytes());
        }
    }
}
