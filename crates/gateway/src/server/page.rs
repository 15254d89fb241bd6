//! Lists in pages: `?limit=` and a `?cursor=`, and the next cursor in the answer.

use attache_store::{Order, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Problem;

const MOST: usize = 200;
const USUAL: usize = 50;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Cursor {
    /// At most so many; 50 unless said, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of the answer before.
    #[param(format = "uuid")]
    cursor: Option<String>,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// The part.
    pub(crate) items: Vec<T>,
    /// Pass it as `cursor` to get what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl Cursor {
    /// From a query of another shape.
    pub(crate) fn new(limit: Option<usize>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// The page that it asks the store for: one more than wanted, which tells whether more follow.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        let after = self.cursor.as_deref().map(open).transpose()?;
        Ok(Page::newest(self.limit()? + 1).after(after))
    }

    /// The same, the oldest first.
    pub(crate) fn oldest(&self) -> Result<Page, Problem> {
        Ok(Page { order: Order::Ascending, ..self.page()? })
    }

    /// Where it begins, as part of an address; empty at the beginning of the list.
    pub(crate) fn query(&self) -> String {
        let uuid = self.cursor.as_deref().and_then(|cursor| Uuid::try_parse(cursor).ok());
        uuid.map(|uuid| format!("?cursor={uuid}")).unwrap_or_default()
    }

    /// How many are wanted.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(Problem::invalid("limit", "out of range", "ask for 1 to 200 items")),
        }
    }

    /// The answer, from what the store gave for [`Cursor::page`].
    pub(crate) fn listed<R, T>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Result<Listed<T>, Problem> {
        let limit = self.limit()?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(key);
        Ok(Listed { items: rows.into_iter().map(show).collect(), next })
    }
}

/// Where a part ended: the id of its last item. Whose item it was does not matter, since a list is of one place.
fn open(cursor: &str) -> Result<String, Problem> {
    Uuid::try_parse(cursor).map(|id| id.to_string()).map_err(|_| {
        Problem::invalid("cursor", "not one of ours", "pass `next` of the answer before as it is, or none")
    })
}
