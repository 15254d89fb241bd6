//! `$search` of the directory: `"displayName:ada" OR "mail:contoso"`, each quoted clause a property and the
//! beginning of one of its words (Entra reference §3.1).

use serde_json::Value;

use super::QueryError;

/// A parsed `$search`: one of the groups holds, all clauses of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search(Vec<Vec<(String, String)>>);

impl Search {
    /// Parses the value of `$search`.
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let refuse = |why: &str| QueryError {
            code: "Request_BadRequest",
            message: format!("Syntax error: {why} in '{text}'."),
        };
        let mut groups = vec![Vec::new()];
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(refuse("a clause is missing"));
        }
        loop {
            let inner =
                rest.strip_prefix('"').ok_or_else(|| refuse("a clause has to be in double quotes"))?;
            let (clause, after) = inner.split_once('"').ok_or_else(|| refuse("a quote is not closed"))?;
            let (property, word) =
                clause.split_once(':').ok_or_else(|| refuse("a clause has to be 'property:value'"))?;
            if property.is_empty() || word.is_empty() {
                return Err(refuse("a clause has to be 'property:value'"));
            }
            if let Some(last) = groups.last_mut() {
                last.push((property.to_owned(), word.to_lowercase()));
            }
            rest = after.trim_start();
            if rest.is_empty() {
                return Ok(Self(groups));
            }
            if let Some(after) = rest.strip_prefix("OR ") {
                groups.push(Vec::new());
                rest = after.trim_start();
            } else {
                rest = rest.strip_prefix("AND ").unwrap_or(rest).trim_start();
            }
        }
    }

    /// Does the object match?
    pub(super) fn matches(&self, object: &Value) -> bool {
        let holds = |(property, word): &(String, String)| {
            let fields = object.as_object().into_iter().flatten();
            let value = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(property));
            value.is_some_and(|(_, value)| match value {
                Value::Array(list) => list.iter().any(|one| has_word(one, word)),
                one => has_word(one, word),
            })
        };
        self.0.iter().any(|group| group.iter().all(holds))
    }
}

/// Words end at spaces, at numbers' and letters' borders and at punctuation; a search finds their beginnings.
/// What arbitrary text of a search must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_search(text: &str) {
    if let Ok(search) = Search::parse(text) {
        search.matches(
            &serde_json::json!({ "displayName": "Ada King-Lovelace", "mail": null, "tags": ["a b"] }),
        );
    }
}

fn has_word(value: &Value, wanted: &str) -> bool {
    let Some(text) = value.as_str() else { return false };
    let text = text.to_lowercase();
    let is_start = |at: usize| text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
    text.match_indices(wanted).any(|(at, _)| is_start(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn finds(search: &str) -> bool {
        let object = json!({
            "displayName": "Ada King-Lovelace", "mail": "ada@contoso.example", "proxyAddresses": ["SMTP:ada@x"],
        });
        Search::parse(search).unwrap().matches(&object)
    }

    #[test]
    fn words_are_found_by_their_beginning() {
        for yes in [
            "\"displayName:ada\"",
            "\"displayName:love\"",
            "\"DISPLAYNAME:King\" AND \"mail:contoso\"",
            "\"displayName:nobody\" OR \"mail:ada@contoso\"",
            "\"proxyAddresses:ada\"",
        ] {
            assert!(finds(yes), "{yes}");
        }
        for no in ["\"displayName:lace\"", "\"mail:ada\" AND \"displayName:x\"", "\"missing:ada\""] {
            assert!(!finds(no), "{no}");
        }
        for bad in ["", "ada", "\"ada\"", "\"displayName:ada", "\"a:b\" OR", "\":x\""] {
            assert!(Search::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(\"|displayName|:| OR | AND |\\PC){0,20}") {
            if let Ok(search) = Search::parse(&text) {
                let _ = search.matches(&json!({ "displayName": "Ä b ß", "n": 1 }));
            }
        }
    }
}
