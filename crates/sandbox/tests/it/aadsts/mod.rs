//! Every AADSTS code of Entra reference §1.13 that a client can cause, by doing the thing that causes it: code,
//! OAuth error, status and shape.

mod agents;
mod clients;
mod federation;
mod service;
mod users;

pub(crate) use agents::{client_token, t1, with_t1};
pub(crate) use federation::{jwks, token, trust};
pub(crate) use users::{by_password, password};

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::Reply;

/// Code, error, status. A `page` shows the code to the person; a `redirect` sends it to the client.
const TABLE: &[(u64, &str, &str)] = &[
    (28_002, "invalid_scope", "400"),
    (28_003, "invalid_scope", "400"),
    (50_000, "server_error", "400"),
    (50_011, "", "page"),
    (50_012, "invalid_client", "401"),
    (50_013, "invalid_grant", "400"),
    (50_027, "invalid_client", "401"),
    (50_034, "invalid_grant", "400"),
    (50_053, "invalid_grant", "400"),
    (50_055, "invalid_grant", "400"),
    (50_057, "invalid_grant", "400"),
    (50_058, "login_required", "redirect"),
    (50_072, "interaction_required", "redirect"),
    (50_074, "interaction_required", "redirect"),
    (50_076, "invalid_grant", "400"),
    (50_079, "invalid_grant", "400"),
    (50_105, "", "page"),
    (50_126, "invalid_grant", "400"),
    (50_147, "invalid_grant", "400"),
    (50_173, "invalid_grant", "400"),
    (50_194, "invalid_request", "400"),
    (50_196, "invalid_grant", "400"),
    (53_000, "invalid_grant", "400"),
    (53_001, "invalid_grant", "400"),
    (53_003, "invalid_grant", "400"),
    (54_005, "invalid_grant", "400"),
    (65_001, "invalid_grant", "400"),
    (65_004, "access_denied", "redirect"),
    (70_000, "invalid_grant", "400"),
    (70_003, "unsupported_grant_type", "400"),
    (70_008, "invalid_grant", "400"),
    (70_011, "invalid_scope", "redirect"),
    (70_016, "authorization_pending", "400"),
    (70_018, "bad_verification_code", "400"),
    (70_019, "", "page"),
    (70_020, "expired_token", "400"),
    (70_021, "invalid_client", "401"),
    (70_043, "invalid_grant", "400"),
    (82_001, "unauthorized_client", "400"),
    (82_002, "unauthorized_client", "400"),
    (90_002, "invalid_request", "400"),
    (90_005, "invalid_request", "redirect"),
    (90_009, "invalid_request", "400"),
    (90_014, "invalid_request", "400"),
    (90_033, "temporarily_unavailable", "503"),
    (90_055, "temporarily_unavailable", "429"),
    (90_133, "invalid_request", "400"),
    (500_011, "invalid_resource", "400"),
    (500_131, "invalid_grant", "400"),
    (500_133, "invalid_grant", "400"),
    (501_481, "invalid_grant", "400"),
    (530_035, "invalid_grant", "400"),
    (650_051, "invalid_client", "redirect"),
    (650_052, "invalid_request", "redirect"),
    (650_056, "invalid_client", "401"),
    (650_057, "invalid_client", "401"),
    (700_016, "unauthorized_client", "400"),
    (700_022, "invalid_request", "redirect"),
    (700_023, "invalid_scope", "redirect"),
    (700_024, "invalid_client", "401"),
    (700_025, "invalid_client", "401"),
    (700_027, "invalid_client", "401"),
    (700_030, "invalid_client", "401"),
    (700_082, "invalid_grant", "400"),
    (700_084, "invalid_grant", "400"),
    (700_211, "invalid_client", "401"),
    (700_212, "invalid_client", "401"),
    (700_213, "invalid_client", "401"),
    (700_222, "invalid_client", "401"),
    (700_229, "invalid_client", "401"),
    (900_023, "invalid_request", "400"),
    (900_144, "invalid_request", "400"),
    (900_561, "invalid_request", "405"),
    (901_002, "invalid_request", "400"),
    (1_002_012, "invalid_scope", "400"),
    (7_000_112, "unauthorized_client", "400"),
    (7_000_114, "unauthorized_client", "400"),
    (7_000_215, "invalid_client", "401"),
    (7_000_216, "invalid_client", "401"),
    (7_000_218, "invalid_client", "401"),
    (7_000_222, "invalid_client", "401"),
    (7_000_229, "unauthorized_client", "400"),
    (7_000_272, "invalid_client", "401"),
    (7_002_131, "invalid_client", "401"),
    (7_002_137, "invalid_client", "401"),
    (9_001_023, "invalid_request", "400"),
    (9_002_313, "invalid_request", "400"),
    (9_002_324, "invalid_request", "400"),
];

/// What was caused.
#[derive(Default)]
struct Seen(BTreeMap<u64, (String, String)>);

impl Seen {
    /// An answer of the token or device-code endpoint.
    fn answer(&mut self, reply: &Reply) {
        let (error, code) = reply.error();
        let description = reply.text("/error_description");
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        for part in [
            format!(" Trace ID: {}", reply.text("/trace_id")),
            format!(" Correlation ID: {}", reply.text("/correlation_id")),
            format!(" Timestamp: {}", reply.text("/timestamp")),
        ] {
            assert!(description.contains(&part), "{part} is not in {description}");
        }
        assert_eq!(reply.text("/trace_id"), reply.header("x-ms-request-id"));
        assert!(uuid::Uuid::parse_str(reply.text("/correlation_id")).is_ok());
        assert_eq!(reply.text("/error_uri"), format!("https://login.microsoftonline.com/error?code={code}"));
        if let Some(claims) = reply.json.get("claims") {
            let claims: Value = serde_json::from_str(claims.as_str().unwrap()).unwrap();
            assert!(claims["access_token"].is_object(), "{claims}");
        }
        self.0.insert(code, (error.to_owned(), reply.status.as_u16().to_string()));
    }

    /// What a client was sent to its redirect URI.
    fn redirect(&mut self, sent: &Value) {
        let description = sent["error_description"].as_str().unwrap_or_else(|| panic!("no error in {sent}"));
        assert_eq!(sent["state"], "st&te");
        self.0.insert(code(description), (sent["error"].as_str().unwrap().to_owned(), "redirect".to_owned()));
    }

    /// What a person saw.
    fn page(&mut self, reply: &Reply) {
        let (_, shown) = reply.text.split_once("AADSTS").unwrap_or_else(|| panic!("{}", reply.text));
        self.0.insert(code(&format!("AADSTS{shown}")), (String::new(), "page".to_owned()));
    }
}

fn code(description: &str) -> u64 {
    let (code, _) = description.strip_prefix("AADSTS").unwrap().split_once(':').unwrap();
    code.parse().unwrap()
}

#[tokio::test]
async fn every_code_is_caused_by_its_cause_and_has_its_shape() {
    let mut seen = Seen::default();
    clients::cause(&mut seen).await;
    federation::cause(&mut seen).await;
    agents::cause(&mut seen).await;
    users::cause(&mut seen).await;
    service::cause(&mut seen).await;
    let table: BTreeMap<u64, (String, String)> =
        TABLE.iter().map(|(code, error, form)| (*code, ((*error).to_owned(), (*form).to_owned()))).collect();
    let missing: Vec<_> = table.keys().filter(|code| !seen.0.contains_key(code)).collect();
    assert!(missing.is_empty(), "never caused: {missing:?}");
    let further: Vec<_> = seen.0.keys().filter(|code| !table.contains_key(code)).collect();
    assert!(further.is_empty(), "not in the table: {further:?}");
    for (code, expected) in &table {
        assert_eq!(&seen.0[code], expected, "{code}");
    }
}
