//! The parameters of a token or sign-in request.

use super::error::EntraError;

/// Decoded form or query parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` text. A parameter that stands twice is refused (RFC 6749
    /// §3.2); an empty one counts as absent.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, EntraError> {
        let mut form = Self(Vec::new());
        for (name, value) in form_urlencoded::parse(text).into_owned() {
            if value.is_empty() {
                continue;
            }
            if form.get(&name).is_some() {
                return Err(EntraError::malformed(&format!("The parameter '{name}' is repeated.")));
            }
            form.0.push((name, value));
        }
        Ok(form)
    }

    /// No parameters.
    pub(crate) fn empty() -> Self {
        Self(Vec::new())
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same with a parameter set.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut form = self.without(name);
        form.0.push((name.to_owned(), value.to_owned()));
        form
    }

    /// The same without a parameter.
    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(key, _)| key != name).cloned().collect())
    }

    /// As `application/x-www-form-urlencoded` text.
    pub(crate) fn to_text(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// A parameter that must be there.
    pub(crate) fn require(&self, name: &str) -> Result<&str, EntraError> {
        self.get(name).ok_or_else(|| EntraError::missing(name))
    }
}

/// What arbitrary bytes must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_form(bytes: &[u8]) {
    if let Ok(form) = Form::parse(bytes) {
        for (name, value) in &form.0 {
            assert!(!value.is_empty());
            assert_eq!(form.get(name), Some(value.as_str()), "every name stands once");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_absent() {
        assert_eq!(Form::parse(b"a=1&a=2").unwrap_err().code, 9_002_313);
        let form = Form::parse(b"a=&b=x+y%26").unwrap();
        assert_eq!((form.get("a"), form.get("b")), (None, Some("x y&")));
        assert_eq!(form.require("a").unwrap_err().code, 900_144);
    }

    #[test]
    fn the_corpus_is_read_or_refused() {
        crate::corpus::replay("form", withstand_form);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            withstand_form(&bytes);
        }

        #[test]
        fn what_a_client_encodes_is_what_is_read(pairs in proptest::collection::btree_map("[a-z_]{1,12}", ".{1,40}", 0..8)) {
            let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let form = Form::parse(text.as_bytes()).unwrap();
            for (name, value) in &pairs {
                prop_assert_eq!(form.get(name), Some(value.as_str()));
            }
        }
    }
}
