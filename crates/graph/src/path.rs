//! Paths and queries, encoded once and in one place. Values from outside become one segment or one query
//! value, whatever they hold.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986 "unreserved".
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What OData writes into query values and every server takes literally.
const VALUE: &AsciiSet = &SEGMENT
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'$');

/// A path below `/v1.0` with its query.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    text: String,
    queried: bool,
}

impl Path {
    /// `/v1.0` and this path, which starts with a slash and is encoded already.
    pub(crate) fn new(path: impl AsRef<str>) -> Self {
        let path = path.as_ref();
        debug_assert!(path.starts_with('/') && !path.contains('?'), "{path}");
        Self { text: format!("/v1.0{path}"), queried: false }
    }

    /// Adds one query option, such as `$select`.
    pub(crate) fn query(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.text.push(if self.queried { '&' } else { '?' });
        self.queried = true;
        self.text.push_str(name);
        self.text.push('=');
        self.text.extend(utf8_percent_encode(value.as_ref(), VALUE));
        self
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A text as an OData string literal, quotes included.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_reads_as_odata_writes_it() {
        let path = Path::new("/users").query("$filter", format!("tag eq {}", literal("o'x & y")));
        assert_eq!(path.as_str(), "/v1.0/users?$filter=tag%20eq%20'o''x%20%26%20y'");
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_place(value in "\\PC{0,40}") {
            let path = Path::new(format!("/users/{}", segment(&value))).query("$filter", literal(&value));
            let url = url::Url::parse(&format!("https://graph.example{}", path.as_str())).unwrap();
            if !matches!(value.as_str(), "." | "..") {
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            }
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![("$filter".to_owned(), literal(&value))]);
            prop_assert!(url.fragment().is_none());
        }
    }
}
