//! The `claims` parameter: what a client can take (`xms_cc`), and the answer to a claims challenge (Entra
//! reference §1.12).

use serde_json::Value;

use super::error::EntraError;
use super::form::Form;

/// What a client asks of its tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClaimsRequest {
    /// Whether the client can take a claims challenge (`cp1`).
    pub(crate) is_cae: bool,
    /// Authentication contexts (`acrs`).
    pub(crate) contexts: Vec<String>,
    /// A token from before this time will not do.
    pub(crate) not_before: Option<i64>,
    /// Whether a policy's challenge is answered: the user is to be asked for a second factor.
    pub(crate) is_challenged: bool,
}

impl ClaimsRequest {
    /// Reads the parameter, if it is there.
    pub(crate) fn of(form: &Form) -> Result<Self, EntraError> {
        let Some(text) = form.get("claims") else { return Ok(Self::default()) };
        let malformed = || EntraError::malformed("The 'claims' parameter is not a valid JSON object.");
        let claims: Value = serde_json::from_str(text).map_err(|_| malformed())?;
        let claims = claims.as_object().ok_or_else(malformed)?;
        let access = claims.get("access_token").cloned().unwrap_or_default();
        let texts = |name: &str| -> Vec<String> {
            let asked = access.get(name).cloned().unwrap_or_default();
            let one = asked.get("value").and_then(Value::as_str).map(str::to_owned);
            let several = asked.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
            several.iter().filter_map(Value::as_str).map(str::to_owned).chain(one).collect()
        };
        Ok(Self {
            is_cae: texts("xms_cc").iter().any(|one| one.eq_ignore_ascii_case("cp1")),
            contexts: texts("acrs"),
            not_before: texts("nbf").first().and_then(|one| one.parse().ok()),
            is_challenged: !texts("capolids").is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claims: &str) -> Result<ClaimsRequest, EntraError> {
        let text = form_urlencoded::Serializer::new(String::new()).append_pair("claims", claims).finish();
        ClaimsRequest::of(&Form::parse(text.as_bytes())?)
    }

    #[test]
    fn capability_challenge_and_context_are_read_and_nonsense_is_refused() {
        let claims = r#"{"access_token":{"xms_cc":{"values":["CP1"]},"nbf":{"essential":true,"value":"1604106651"},"acrs":{"essential":true,"value":"c1"},"capolids":{"essential":true,"values":["p"]}},"id_token":null}"#;
        let wanted = ClaimsRequest {
            is_cae: true,
            contexts: vec!["c1".to_owned()],
            not_before: Some(1_604_106_651),
            is_challenged: true,
        };
        assert_eq!(read(claims), Ok(wanted));
        assert_eq!(read("{}"), Ok(ClaimsRequest::default()));
        for claims in ["cp1", "[]", "\"x\"", "{"] {
            assert_eq!(read(claims).unwrap_err().code, 9_002_313, "{claims}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(claims in "\\PC{1,80}") {
            let _ = read(&claims);
        }
    }
}
