use attache_graph::Cause;

use crate::scripted::{Script, answer};

const CHALLENGE: &str = r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==""#;
const ME: &str = r#"{"id":"82fe7758-5bb3-4f0d-a43f-e555fd399c6f","displayName":"Ada","userPrincipalName":"ada@contoso.example"}"#;

#[tokio::test]
async fn a_challenge_is_answered_once_with_its_claims() {
    let (graph, script) = Script::graph([
        answer(
            401,
            &[("www-authenticate", CHALLENGE)],
            r#"{"error":{"code":"InvalidAuthenticationToken","message":"…"}}"#,
        ),
        answer(200, &[], ME),
    ]);
    let me = graph.me().await.unwrap();
    assert_eq!(me.value.user_principal_name, "ada@contoso.example");
    assert_eq!(me.correlation.request_id.as_deref(), Some("graph-1"));
    assert_eq!(me.correlation.token_request_id.as_deref(), Some("sts-1"));
    assert_eq!(*script.refused.lock().unwrap(), ["token-1"]);
    assert_eq!(
        *script.tokens.lock().unwrap(),
        [None, Some(r#"{"access_token":{"nbf":{"essential":true}}}"#.to_owned())]
    );
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[1].headers()["authorization"], "Bearer token-2");
    assert_eq!(asked[0].headers()["client-request-id"], asked[1].headers()["client-request-id"]);
}

#[tokio::test]
async fn a_second_refusal_is_the_answer() {
    let refusal = || {
        answer(
            401,
            &[],
            r#"{"error":{"code":"InvalidAuthenticationToken","message":"Access token has expired or is not yet valid."}}"#,
        )
    };
    let (graph, script) = Script::graph([refusal(), refusal()]);
    let error = graph.me().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Unauthorised { .. }), "{error}");
    assert_eq!(script.requests(), 2);
}
