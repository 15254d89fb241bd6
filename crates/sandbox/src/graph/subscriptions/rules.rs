//! What a subscription may say: URLs, times, certificates (Graph reference §6.1, §6.5).

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::graph::GraphError;
use crate::graph::binary::binary;

/// The longest client state and certificate id.
const LONGEST_TEXT: usize = 128;

/// The shortest life that a subscription has, whatever is asked for.
const FLOOR: SignedDuration = SignedDuration::from_mins(45);

/// 400 `InvalidRequest`.
pub(super) fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

/// The payload is not one of a subscription.
pub(super) fn unreadable() -> GraphError {
    invalid(
        "Could not process subscription creation payload. Are all property names spelled and camelCased properly? Also are the Datetimes in a valid internet Date and Time format?",
    )
}

/// The text of a property; null counts as absent.
pub(super) fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, GraphError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(unreadable()),
    }
}

/// A text of at most 128 characters.
pub(super) fn short_text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, GraphError> {
    let text = text(body, name)?;
    if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
        return Err(invalid(format!("'{name}' cannot be longer than {LONGEST_TEXT} characters.")));
    }
    Ok(text)
}

/// The expiry that a request gets: raised to the floor, refused beyond the maximum.
pub(super) fn expiry(asked: &str, longest: i64, now: Timestamp) -> Result<Timestamp, GraphError> {
    let asked: Timestamp = asked.parse().map_err(|_| unreadable())?;
    if asked.duration_since(now) > SignedDuration::from_mins(longest) {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "ExtensionError",
            format!("Subscription expiration can only be {longest} minutes in the future."),
        ));
    }
    Ok(asked.max(now.saturating_add(FLOOR).unwrap_or(Timestamp::MAX)))
}

/// An absolute URL that can be posted to; whether its scheme will do is for who sends.
pub(super) fn endpoint(url: &str, name: &str) -> Result<(), GraphError> {
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "https" | "http") && parsed.host_str().is_some() => Ok(()),
        _ => Err(invalid(format!("'{name}' is not a valid URL: an absolute https URL is expected."))),
    }
}

/// The DER of a certificate that came as base64, of DER or of PEM: RSA of 2048 to 4096 bits.
pub(crate) fn certificate(text: &str) -> Option<Vec<u8>> {
    let decoded = binary(text)?;
    let der = match x509_parser::pem::parse_x509_pem(&decoded) {
        Ok((_, pem)) => pem.contents,
        Err(_) => decoded,
    };
    let bits = {
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
        match certificate.public_key().parsed().ok()? {
            x509_parser::public_key::PublicKey::RSA(key) => key.key_size(),
            _ => return None,
        }
    };
    (2048..=4096).contains(&bits).then_some(der)
}

/// What arbitrary bytes of a certificate must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_certificate(bytes: &[u8]) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    certificate(&STANDARD.encode(bytes));
    certificate(&String::from_utf8_lossy(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_raised_to_the_floor_and_refused_beyond_the_maximum() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let at = |asked: &str| expiry(asked, 60, now).map(|at| at.to_string());
        assert_eq!(at("2026-03-01T12:50:00Z").unwrap(), "2026-03-01T12:50:00Z");
        assert_eq!(at("2026-03-01T14:00:00.0000000+01:00").unwrap(), "2026-03-01T13:00:00Z");
        assert_eq!(at("2026-03-01T12:01:00Z").unwrap(), "2026-03-01T12:45:00Z");
        assert_eq!(at("2026-03-01T13:00:01Z").unwrap_err().code, "ExtensionError");
        assert_eq!(at("tomorrow").unwrap_err().code, "InvalidRequest");
    }
}
