//! The validation request: an endpoint proves that it wants notifications by saying a token back within ten
//! seconds (Graph reference §6.1).

use bytes::Bytes;
use http::StatusCode;

use crate::clock::Clock;

use super::poster::{PostError, Poster};

/// Posts the token and compares what comes back; the error is for the client to read.
pub(super) async fn validate(poster: &Poster, clock: &Clock, url: &str) -> Result<(), String> {
    let token = format!(
        "Validation: Testing client application reachability for subscription Request-Id: {}",
        crate::directory::new_id()
    );
    let encoded: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let separator = if url.contains('?') { '&' } else { '?' };
    let asked = format!("{url}{separator}validationToken={encoded}");
    let reply = match poster.post(clock, &asked, "text/plain; charset=utf-8", Bytes::new()).await {
        Ok(reply) => reply,
        Err(PostError::Timeout) => return Err("Subscription validation request timed out.".to_owned()),
        Err(PostError::NotAllowed(why)) => {
            return Err(format!("Subscription validation request failed. {why}"));
        }
        Err(PostError::Failed(why)) => {
            return Err(format!(
                "Subscription validation request failed. Notification endpoint could not be reached: {why}."
            ));
        }
    };
    if reply.status != StatusCode::OK {
        let name: String = reply.status.canonical_reason().unwrap_or("Unknown").split(' ').collect();
        return Err(format!(
            "Subscription validation request failed. HTTP status code is '{name}'. Notification endpoint must respond with 200 OK to validation request."
        ));
    }
    if !reply.content_type.to_ascii_lowercase().starts_with("text/plain") {
        return Err(format!(
            "Subscription validation request failed. Response must have the content type 'text/plain', not '{}'.",
            reply.content_type
        ));
    }
    if reply.body != token.as_bytes() {
        return Err(
            "Subscription validation request failed. Response must exactly match validationToken query parameter."
                .to_owned(),
        );
    }
    Ok(())
}
