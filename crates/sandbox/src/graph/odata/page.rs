//! Collections: filter, sort, cut into pages, and link to the next one (Entra reference §7.5).
//! A page token names the last item that was sent, so that what arrives meanwhile at the front
//! shifts nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Query;
use crate::scope;

/// Where a page ended: opaque to clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SkipToken {
    /// The id of the last item that was sent.
    #[serde(rename = "i")]
    last: String,
    /// How many were sent up to it, in case that it is gone.
    #[serde(rename = "n")]
    sent: usize,
}

impl SkipToken {
    fn encode(&self) -> String {
        // A struct of a string and a number always serialises.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn last(&self) -> &str {
        &self.last
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// A collection that is about to be answered.
#[derive(Debug)]
pub(crate) struct Collection<'a> {
    /// What `@odata.context` says after `$metadata#`.
    pub(crate) context: &'a str,
    /// Scheme, host and version of the service as the client named them: `https://host/v1.0`.
    pub(crate) root: &'a str,
    /// The absolute URL of this collection, without a query.
    pub(crate) url: &'a str,
    /// The parameters of the request, decoded.
    pub(crate) parameters: &'a [(String, String)],
}

impl Collection<'_> {
    /// The answer: the items that the query lets through, whole or selected, a page of them.
    /// Every item has an `id`, or `key` names the property that plays its part.
    pub(crate) fn answer(
        &self,
        query: &Query,
        items: Vec<Value>,
        key: &str,
        defaults: Option<&[&str]>,
    ) -> Value {
        let mut items: Vec<Value> = match &query.filter {
            Some(filter) => items.into_iter().filter(|item| filter.matches(item)).collect(),
            None => items,
        };
        if let Some(search) = &query.search {
            items.retain(|item| search.matches(item));
        }
        sort(query, &mut items);
        let total = items.len();

        let start = query.skip_token.as_ref().map_or(0, |token| {
            items
                .iter()
                .position(|item| item[key] == token.last.as_str())
                .map_or(token.sent.saturating_sub(1).min(total), |at| at + 1)
        });
        let page: Vec<Value> = items.into_iter().skip(start).take(scope::page(query.top)).collect();
        let end = start + page.len();
        let next = (end < total).then(|| match page.last() {
            Some(last) => SkipToken { last: last[key].as_str().unwrap_or_default().to_owned(), sent: end },
            // An empty page ends where the one before it did.
            None => query.skip_token.clone().unwrap_or_default(),
        });

        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(self.context(query)));
        if query.count || query.counts_page {
            let count = if query.counts_page { page.len() } else { total };
            body.insert("@odata.count".to_owned(), json!(count));
        }
        if let Some(next) = next {
            body.insert("@odata.nextLink".to_owned(), json!(self.next_link(&next)));
        }
        let page = page.into_iter().map(|item| query.project(item, defaults)).collect();
        body.insert("value".to_owned(), Value::Array(page));
        Value::Object(body)
    }

    /// The answer with a page that was cut already; `last` names its last item if more follow.
    pub(crate) fn page(&self, query: &Query, items: Vec<Value>, last: Option<String>) -> Value {
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(self.context(query)));
        if query.counts_page {
            body.insert("@odata.count".to_owned(), json!(items.len()));
        }
        if let Some(last) = last {
            let next = SkipToken { last, sent: items.len() };
            body.insert("@odata.nextLink".to_owned(), json!(self.next_link(&next)));
        }
        body.insert("value".to_owned(), Value::Array(items));
        Value::Object(body)
    }

    fn context(&self, query: &Query) -> String {
        format!("{}/$metadata#{}{}", self.root, self.context, query.selected())
    }

    fn next_link(&self, token: &SkipToken) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.parameters {
            if !name.eq_ignore_ascii_case("$skiptoken") {
                query.append_pair(name, value);
            }
        }
        query.append_pair("$skiptoken", &token.encode());
        format!("{}?{}", self.url, query.finish().replace("%24", "$"))
    }
}

fn sort(query: &Query, items: &mut [Value]) {
    if query.order.is_empty() {
        return;
    }
    items.sort_by(|left, right| {
        query
            .order
            .iter()
            .map(|(path, descending)| {
                let ordering = compare(path.of(left), path.of(right));
                if *descending { ordering.reverse() } else { ordering }
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
}

fn compare(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            match (left.parse::<jiff::Timestamp>(), right.parse::<jiff::Timestamp>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => left.to_lowercase().cmp(&right.to_lowercase()),
            }
        }
        (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
        (Value::Null, _) => std::cmp::Ordering::Less,
        (_, Value::Null) => std::cmp::Ordering::Greater,
        _ => left.to_string().cmp(&right.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::odata::Surface;

    const THINGS: Surface = Surface::directory("thing", &[]);

    fn page(items: &[&str], parameters: &[(String, String)]) -> Value {
        let query = Query::parse(&THINGS, parameters, true).unwrap();
        let items = items.iter().map(|id| json!({"id": id})).collect();
        let collection = Collection {
            context: "things",
            root: "https://h/v1.0",
            url: "https://h/v1.0/things",
            parameters,
        };
        collection.answer(&query, items, "id", None)
    }

    fn follow(answer: &Value) -> Vec<(String, String)> {
        let link = answer["@odata.nextLink"].as_str().unwrap();
        assert!(link.starts_with("https://h/v1.0/things?$"), "{link}");
        form_urlencoded::parse(link.split_once('?').unwrap().1.as_bytes()).into_owned().collect()
    }

    #[test]
    fn pages_are_followed_to_the_end_and_keep_their_options() {
        let first = page(&["a", "b", "c"], &[("$top".into(), "2".into()), ("$count".into(), "true".into())]);
        assert_eq!(first["@odata.count"], 3);
        assert_eq!(first["value"], json!([{"id": "a"}, {"id": "b"}]));
        let last = page(&["a", "b", "c"], &follow(&first));
        assert_eq!(last["value"], json!([{"id": "c"}]));
        assert!(last.get("@odata.nextLink").is_none());
    }

    proptest::proptest! {
        /// Every item once, in the order that was asked for, whatever the size of a page and whatever comes first
        /// meanwhile.
        #[test]
        fn pages_give_each_item_once_and_in_order(
            ids in proptest::collection::btree_set("[a-f]{1,2}", 0..30), top in 1_usize..8, descending: bool, news: bool,
        ) {
            let mut items: Vec<String> = ids.into_iter().collect();
            let order = if descending { "id desc" } else { "id" };
            let top = ("$top".to_owned(), top.to_string());
            let mut parameters = vec![top, ("$orderby".to_owned(), order.to_owned())];
            let mut expected = items.clone();
            if descending {
                expected.reverse();
            }
            let (mut seen, mut number) = (Vec::new(), 0);
            loop {
                let whole: Vec<&str> = items.iter().map(String::as_str).collect();
                let answer = page(&whole, &parameters);
                let ids = answer["value"].as_array().unwrap().iter();
                seen.extend(ids.map(|item| item["id"].as_str().unwrap().to_owned()));
                if answer.get("@odata.nextLink").is_none() {
                    break;
                }
                parameters = follow(&answer);
                if news {
                    // It sorts before everything that was sent.
                    number += 1;
                    let first = if descending { "z".repeat(number) } else { format!("0{}", 100 - number) };
                    items.push(first);
                }
            }
            proptest::prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn what_arrives_or_goes_between_pages_repeats_nothing() {
        let first = page(&["a", "b", "c"], &[("$top".into(), "2".into())]);
        let next = follow(&first);
        assert_eq!(page(&["new", "a", "b", "c"], &next)["value"], json!([{"id": "c"}]));
        assert_eq!(page(&["a", "c"], &next)["value"], json!([{"id": "c"}]));
    }
}
