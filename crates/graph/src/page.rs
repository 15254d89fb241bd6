//! Pages of a collection (Entra reference §7.5): a page may be short or empty and still have a successor,
//! whose address is opaque and is followed only to the configured Graph.

use attache_terms::Origin;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::client::Call;
use crate::error::Cause;
use crate::path::Path;
use crate::{Answer, Answered, Graph, GraphError};

/// Part of a collection.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items, in the service's order.
    pub items: Vec<T>,
    /// How many items had a shape that we do not know and are missing from `items`.
    pub unreadable: usize,
    next: Option<String>,
}

impl<T> Page<T> {
    /// Whether the service has more.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }
}

#[derive(Deserialize)]
struct Wire {
    value: Vec<Value>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl<T: DeserializeOwned> From<Wire> for Page<T> {
    fn from(wire: Wire) -> Self {
        let total = wire.value.len();
        let items: Vec<T> =
            wire.value.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
        Self { unreadable: total - items.len(), items, next: wire.next }
    }
}

/// More pages than any collection of ours has; a link that leads back to itself ends here.
const MOST_PAGES: usize = 1000;

impl Graph {
    /// The page after this one, `None` after the last.
    pub async fn next_page<T: DeserializeOwned>(&self, page: &Page<T>) -> Answered<Option<Page<T>>> {
        match &page.next {
            None => Ok(Answer { value: None, correlation: self.fresh_correlation() }),
            Some(link) => {
                let url = admitted(link, self.origin())
                    .map_err(|cause| GraphError::new(cause, self.fresh_correlation()))?;
                Ok(self.send::<Wire>(Call::follow(url)).await?.map(|wire| Some(wire.into())))
            }
        }
    }

    pub(crate) async fn page<T: DeserializeOwned>(&self, path: Path) -> Answered<Page<T>> {
        Ok(self.send::<Wire>(Call::get(path)).await?.map(Page::from))
    }

    /// The whole collection. An item that cannot be read is an error here: what we cannot see, we might
    /// create twice.
    pub(crate) async fn all<T: DeserializeOwned>(&self, path: Path) -> Answered<Vec<T>> {
        let mut answer = self.page::<T>(path).await?;
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            if answer.value.unreadable > 0 {
                let what = format!("{} items of a collection", answer.value.unreadable);
                return Err(GraphError::new(Cause::Malformed { what }, answer.correlation));
            }
            items.append(&mut answer.value.items);
            match self.next_page(&answer.value).await? {
                Answer { value: Some(page), correlation } => answer = Answer { value: page, correlation },
                Answer { value: None, .. } => {
                    return Ok(Answer { value: items, correlation: answer.correlation });
                }
            }
        }
        let what = format!("a collection of more than {MOST_PAGES} pages");
        Err(GraphError::new(Cause::Malformed { what }, answer.correlation))
    }
}

fn admitted(link: &str, origin: &Origin) -> Result<Url, Cause> {
    let url =
        Url::parse(link).map_err(|_| Cause::Malformed { what: "the address of the next page".to_owned() })?;
    if origin.admits(&url) {
        Ok(url)
    } else {
        Err(Cause::ForeignLink { host: url.host_str().unwrap_or_default().to_owned() })
    }
}
