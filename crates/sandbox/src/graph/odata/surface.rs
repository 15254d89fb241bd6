//! What one collection or object lets a client ask for, and how the directory and Teams refuse the rest.

use super::{Path, QueryError};
use crate::graph::model::{self, Member};

/// Which service answers: the directory and Teams word their refusals differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Users, applications, service principals, grants, licences.
    Directory,
    /// Chats, members and messages.
    Teams,
}

/// What one collection or object lets a client ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surface {
    /// Who answers.
    pub(crate) service: Service,
    /// The type's name, as refusals spell it.
    pub(crate) type_name: &'static str,
    /// The options, without the dollar sign.
    pub(crate) options: &'static [&'static str],
    /// The type's properties; `$select`, `$orderby` and `$filter` know no others. Empty: any.
    pub(crate) properties: &'static [&'static str],
    /// The properties that `$expand` may name.
    pub(crate) expandable: &'static [&'static str],
    /// Items on a page when the client does not say.
    pub(crate) page: usize,
    /// The most that `$top` may ask for.
    pub(crate) largest_page: usize,
}

impl Surface {
    /// An object that takes `$select` and perhaps `$expand`.
    pub(crate) const fn object(
        service: Service,
        type_name: &'static str,
        properties: &'static [&'static str],
    ) -> Self {
        Self {
            service,
            type_name,
            options: &["select", "expand"],
            properties,
            expandable: &[],
            page: 1,
            largest_page: 1,
        }
    }

    /// A collection of the directory: pages of 100, at most 999 (§3.1).
    pub(crate) const fn directory(type_name: &'static str, properties: &'static [&'static str]) -> Self {
        Self {
            service: Service::Directory,
            type_name,
            options: &["filter", "select", "orderby", "expand", "count", "top", "skiptoken"],
            properties,
            expandable: &[],
            page: 100,
            largest_page: 999,
        }
    }

    /// The same with properties that may be expanded.
    pub(crate) const fn expanding(mut self, expandable: &'static [&'static str]) -> Self {
        self.expandable = expandable;
        self
    }

    /// The same with `$search`, which the directory serves as an advanced query.
    pub(crate) const fn searching(mut self) -> Self {
        self.options = &["filter", "select", "orderby", "expand", "count", "top", "skiptoken", "search"];
        self
    }

    pub(super) fn unknown_option(&self, name: &str) -> QueryError {
        match self.service {
            Service::Directory => QueryError {
                code: "Request_BadRequest",
                message: format!("Unrecognized query argument specified: '{name}'."),
            },
            Service::Teams => QueryError::bad(format!("The query parameter '{name}' is not supported.")),
        }
    }

    /// Whether an option means nothing here: one object of the directory is not counted, and Microsoft's example of
    /// the chain of managers counts it.
    pub(super) fn passes_over(&self, option: &str) -> bool {
        self.service == Service::Directory && self.largest_page == 1 && option == "count"
    }

    pub(super) fn option_not_allowed(&self, option: &str) -> QueryError {
        // Graph's directory sorts, searches, counts and expands more collections than the sandbox does.
        let is_perhaps_graphs =
            self.largest_page > 1 && ["orderby", "search", "count", "expand"].contains(&option);
        if self.service == Service::Directory && is_perhaps_graphs {
            return QueryError::not_emulated(&format!("${option} of a {}", self.type_name));
        }
        match self.service {
            Service::Directory => QueryError {
                code: "Request_UnsupportedQuery",
                message: format!(
                    "The query parameter '${option}' is not supported for resource '{}'.",
                    self.type_name
                ),
            },
            Service::Teams => {
                let mut shown = option.to_owned();
                if let Some(first) = shown.get_mut(0..1) {
                    first.make_ascii_uppercase();
                }
                QueryError::bad(format!(
                    "Query option '{shown}' is not allowed. To allow it, set the 'AllowedQueryOptions' property on EnableQueryAttribute or QueryValidationSettings."
                ))
            }
        }
    }

    pub(super) fn check_property(&self, path: &Path, prefix: &str) -> Result<(), QueryError> {
        let first = path.0.first().map_or("", String::as_str);
        if self.properties.is_empty()
            || first == "id"
            || self.properties.iter().any(|known| known.eq_ignore_ascii_case(first))
            || self.expandable.iter().any(|known| known.eq_ignore_ascii_case(first))
        {
            return Ok(());
        }
        Err(self.unknown(first, prefix))
    }

    /// Whether the name is Graph's way to other objects, which is not emulated, or nobody's.
    pub(super) fn unknown(&self, name: &str, prefix: &str) -> QueryError {
        if model::member(self.type_name, name) == Some(Member::Navigation) {
            return QueryError::not_emulated(&format!("'{name}' of a {} in a query", self.type_name));
        }
        QueryError::bad(format!(
            "{prefix}: Could not find a property named '{name}' on type 'microsoft.graph.{}'.",
            self.type_name
        ))
    }

    /// What another index could answer, and only on request.
    pub(super) fn needs_advanced(&self, what: &str) -> QueryError {
        QueryError::unsupported(format!(
            "{what} is not supported because the 'ConsistencyLevel:eventual' header or '$count=true' is missing. Refer to https://aka.ms/graph-docs/advanced-queries for more information."
        ))
    }

    pub(super) fn page_size(&self, value: &str) -> Result<usize, QueryError> {
        let asked = value.parse::<usize>().map_err(|_| {
            QueryError::bad(format!(
                "Invalid value '{value}' for $top query option found. The $top query option requires a non-negative integer value."
            ))
        })?;
        if (1..=self.largest_page).contains(&asked) {
            return Ok(asked);
        }
        Err(match self.service {
            Service::Directory => QueryError::unsupported(format!(
                "Invalid page size specified: '{asked}'. Must be between 1 and {} inclusive.",
                self.largest_page
            )),
            Service::Teams => QueryError::bad(format!(
                "The query specified in the URI is not valid. The limit of '{}' for Top query has been exceeded. The value from the incoming request is '{asked}'.",
                self.largest_page
            )),
        })
    }
}
