//! The query options of OData as Graph takes them: each collection says which ones it knows, every
//! other is refused as Graph refuses it, and the rest is one implementation on JSON (Entra reference
//! §3.1, §5.1, §5.3, §7.5).

mod filter;
mod indexes;
mod page;
mod search;
mod surface;

use serde_json::Value;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use filter::withstand_filter;
pub(crate) use filter::{Filter, Op, Path};
pub(crate) use page::Collection;
pub(crate) use search::Search;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use search::withstand_search;
pub(crate) use surface::{Service, Surface};

/// The options of one request, parsed and permitted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// `$filter`.
    pub(crate) filter: Option<Filter>,
    /// `$select`, as sent.
    pub(crate) select: Option<Vec<String>>,
    /// `$orderby`: property and whether it descends.
    pub(crate) order: Vec<(Path, bool)>,
    /// `$expand`: the names, without nested options.
    pub(crate) expand: Vec<String>,
    /// What stands in the parentheses of `$expand`.
    nested: Vec<Nested>,
    /// `$search` of the directory.
    pub(crate) search: Option<Search>,
    /// `$count=true`.
    pub(crate) count: bool,
    /// `$top` or the collection's default.
    pub(crate) top: usize,
    /// `@odata.count` is there unasked, and counts the page, as Teams has it.
    pub(crate) counts_page: bool,
    /// Where the last page ended.
    skip_token: Option<page::SkipToken>,
}

/// Why a query was refused: 400, or 501 if Graph would have taken it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct QueryError {
    /// `error.code`.
    pub(crate) code: &'static str,
    /// `error.message`.
    pub(crate) message: String,
}

impl QueryError {
    fn bad(message: String) -> Self {
        Self { code: "BadRequest", message }
    }

    /// Graph has it and the sandbox has not: 501.
    fn not_emulated(what: &str) -> Self {
        Self { code: "sandboxNotEmulated", message: format!("The sandbox does not emulate {what}.") }
    }

    fn unsupported(message: String) -> Self {
        Self { code: "Request_UnsupportedQuery", message }
    }
}

impl Query {
    /// Parses the decoded parameters of a request. `eventual` says that the client sent
    /// `ConsistencyLevel: eventual`.
    pub(crate) fn parse(
        surface: &Surface,
        parameters: &[(String, String)],
        eventual: bool,
    ) -> Result<Self, QueryError> {
        let mut query = Self { top: surface.page, ..Self::default() };
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in parameters {
            // Parameters that are none of OData's are the service's own business; Graph passes over them.
            let Some(option) = name.strip_prefix('$') else { continue };
            let option = option.to_ascii_lowercase();
            if !KNOWN.contains(&option.as_str()) {
                return Err(surface.unknown_option(name));
            }
            if surface.passes_over(&option) {
                continue;
            }
            if !surface.options.contains(&option.as_str()) {
                return Err(surface.option_not_allowed(&option));
            }
            if seen.contains(&option) {
                return Err(QueryError::bad(format!(
                    "Query option '{name}' was specified more than once, but it must be specified at most once."
                )));
            }
            query.take(surface, &option, value)?;
            seen.push(option);
        }
        query.check_advanced(surface, eventual)?;
        // The directory passes over the option, though not over the segment (Microsoft: "Advanced query capabilities").
        query.count &= eventual || surface.service != Service::Directory;
        let advanced = eventual && (query.count || query.search.is_some());
        if let Some(filter) = &query.filter {
            indexes::check_filter(surface, filter, advanced)?;
        }
        query.order.iter().try_for_each(|(path, _)| indexes::check_order(surface, path, advanced))?;
        Ok(query)
    }

    /// One that asks for nothing but a selection.
    pub(crate) fn selecting(select: Option<Vec<String>>) -> Self {
        Self { select, ..Self::default() }
    }

    fn take(&mut self, surface: &Surface, option: &str, value: &str) -> Result<(), QueryError> {
        match option {
            "filter" => {
                let filter = Filter::parse(value).map_err(|error| QueryError::bad(error.to_string()))?;
                for path in filter.properties() {
                    surface.check_property(path, "Invalid filter clause")?;
                }
                self.filter = Some(filter);
            }
            "select" => {
                let names = names(value);
                if names.is_empty() {
                    return Err(QueryError::bad("Parsing OData Select and Expand failed: Term '' is not valid in a $select or $expand expression.".to_owned()));
                }
                for name in names.iter().filter(|name| *name != "*") {
                    surface.check_property(
                        &Path(name.split('/').map(str::to_owned).collect()),
                        "Parsing OData Select and Expand failed",
                    )?;
                }
                self.select = Some(names);
            }
            "expand" => {
                for clause in clauses(value) {
                    let (name, inner) = clause.split_once('(').unwrap_or((&clause, ""));
                    let name = name.trim().to_owned();
                    self.nested.push(Nested::parse(&name, inner)?);
                    if !surface.expandable.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                        return Err(surface.unknown(&name, "Parsing OData Select and Expand failed"));
                    }
                    self.expand.push(name);
                }
            }
            "orderby" => {
                for clause in names(value) {
                    let mut words = clause.split_ascii_whitespace();
                    let path = Path(words.next().unwrap_or_default().split('/').map(str::to_owned).collect());
                    let descending = match words.next() {
                        None | Some("asc") => false,
                        Some("desc") => true,
                        Some(_) => return Err(QueryError::bad("Invalid orderby clause".to_owned())),
                    };
                    surface.check_property(&path, "Invalid orderby clause")?;
                    self.order.push((path, descending));
                }
            }
            "count" => {
                self.count = match value {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(QueryError::bad(format!(
                            "Invalid value '{value}' for $count query option found. Valid values are 'true' and 'false'."
                        )));
                    }
                };
            }
            "top" => self.top = surface.page_size(value)?,
            "search" => self.search = Some(Search::parse(value)?),
            "skiptoken" => {
                self.skip_token = Some(page::SkipToken::decode(value).ok_or_else(|| match surface.service {
                    Service::Directory => QueryError {
                        code: "Directory_ExpiredPageToken",
                        message: "The specified page token value has expired and can no longer be included in your request.".to_owned(),
                    },
                    Service::Teams => QueryError::bad("Invalid skip token.".to_owned()),
                })?);
            }
            _ => return Err(surface.option_not_allowed(option)),
        }
        Ok(())
    }

    /// The directory serves some queries from another index only, on request (§3.1).
    fn check_advanced(&self, surface: &Surface, eventual: bool) -> Result<(), QueryError> {
        if !eventual && self.nested.iter().any(|nested| nested.levels.is_some()) {
            return Err(QueryError::unsupported(
                "The '$levels' query option needs the request header 'ConsistencyLevel: eventual'."
                    .to_owned(),
            ));
        }
        let is_search = self.search.is_some() && self.filter.is_none();
        if surface.service != Service::Directory || (eventual && (self.count || is_search)) {
            return Ok(());
        }
        if self.search.is_some() {
            return Err(QueryError::unsupported(
                "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'".to_owned(),
            ));
        }
        if self.filter.as_ref().is_some_and(Filter::is_advanced) {
            return Err(surface.needs_advanced("Operator"));
        }
        if self.filter.is_some() && !self.order.is_empty() {
            return Err(surface.needs_advanced("Sorting of a filtered list"));
        }
        Ok(())
    }

    /// Whether it looks at nothing but what objects show anyway.
    pub(crate) fn is_plain(&self) -> bool {
        let Self { filter, select, order, expand, search, .. } = self;
        filter.is_none() && select.is_none() && order.is_empty() && expand.is_empty() && search.is_none()
    }

    /// Whether `$select` names a property, or a part of it.
    pub(crate) fn selects(&self, name: &str) -> bool {
        let first = |one: &String| one.split('/').next().is_some_and(|one| one.eq_ignore_ascii_case(name));
        self.select.iter().flatten().any(first)
    }

    /// What a context says of `$select`, in parentheses.
    pub(crate) fn selected(&self) -> String {
        self.select.as_ref().map(|select| format!("({})", select.join(","))).unwrap_or_default()
    }

    /// What the filter demands of one of these properties ([`Filter::demands`]).
    pub(crate) fn demanded(&self, properties: &[&str]) -> Option<&str> {
        let filter = self.filter.as_ref()?;
        properties.iter().find_map(|property| filter.demands(property))
    }

    /// What names the last item of the page before, as [`Collection::page`] wrote it.
    pub(crate) fn after(&self) -> Option<&str> {
        self.skip_token.as_ref().map(page::SkipToken::last)
    }

    /// The properties that `$select` names and the object lacks: the directory shows them as null, or empty.
    pub(crate) fn fill(&self, object: &mut Value, properties: &[&str]) {
        let Some(fields) = object.as_object_mut() else { return };
        for name in self.select.iter().flatten() {
            let known = properties.iter().find(|known| known.eq_ignore_ascii_case(name));
            let Some(known) = known else { continue };
            let empty = || if COLLECTIONS.contains(known) { Value::Array(Vec::new()) } else { Value::Null };
            let field = fields.entry(*known).or_insert_with(empty);
            if *known == "onPremisesExtensionAttributes" {
                with_all_attributes(field);
            }
        }
    }

    fn nested_in(&self, name: &str) -> Option<&Nested> {
        self.nested.iter().find(|nested| nested.name.eq_ignore_ascii_case(name))
    }

    /// How often `$expand` follows a relation: once, if `$levels` says nothing else.
    pub(crate) fn levels(&self, name: &str) -> usize {
        self.nested_in(name).and_then(|nested| nested.levels).unwrap_or(1)
    }

    /// An expanded object with what the `$select` inside of `$expand` names.
    pub(crate) fn project_nested(&self, name: &str, object: Value) -> Value {
        let select = self.nested_in(name).and_then(|nested| nested.select.as_ref());
        let (Some(select), Value::Object(fields)) = (select, &object) else { return object };
        let keeps = |name: &str| {
            name.starts_with("@odata.") || select.iter().any(|one| one.eq_ignore_ascii_case(name))
        };
        let kept = fields.iter().filter(|(name, _)| keeps(name));
        Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The object with what `$select` names; without `$select`, with `defaults` only. `@odata`
    /// annotations stay, and so does the id of directory objects, if it was selected.
    pub(crate) fn project(&self, object: Value, defaults: Option<&[&str]>) -> Value {
        let Value::Object(mut fields) = object else { return object };
        let keeps = |name: &str| match (&self.select, defaults) {
            _ if name.starts_with("@odata.") || name.contains('@') => true,
            (Some(select), _) => {
                select.iter().any(|one| {
                    one == "*" || one.split('/').next().is_some_and(|one| one.eq_ignore_ascii_case(name))
                }) || self.expand.iter().any(|one| one.eq_ignore_ascii_case(name))
            }
            (None, Some(defaults)) => {
                defaults.contains(&name) || self.expand.iter().any(|one| one.eq_ignore_ascii_case(name))
            }
            (None, None) => true,
        };
        fields.retain(|name, _| keeps(name));
        Value::Object(fields)
    }
}

/// The options that OData knows.
const KNOWN: &[&str] = &[
    "filter",
    "select",
    "expand",
    "orderby",
    "count",
    "top",
    "skip",
    "skiptoken",
    "search",
    "deltatoken",
    "format",
    "apply",
    "compute",
];

/// The properties of directory objects that are collections, among those that are shown on demand.
const COLLECTIONS: &[&str] = &[
    "assignedLabels",
    "assignedLicenses",
    "identities",
    "infoCatalogs",
    "interests",
    "onPremisesProvisioningErrors",
    "pastProjects",
    "responsibilities",
    "schools",
    "serviceProvisioningErrors",
    "skills",
];

/// The fifteen extension attributes are all there, set or not.
fn with_all_attributes(field: &mut Value) {
    for number in 1..=15 {
        let name = format!("extensionAttribute{number}");
        if field.get(&name).is_none() {
            field[name] = Value::Null;
        }
    }
}

/// The clauses of `$expand`: commas inside of parentheses part nothing.
fn clauses(list: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut clauses = vec![String::new()];
    for character in list.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match clauses.last_mut() {
            Some(last) if character != ',' || depth > 0 => last.push(character),
            _ => clauses.push(String::new()),
        }
    }
    clauses.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

/// What stands in the parentheses of one `$expand`: `$select`, and of managers `$levels`.
#[derive(Debug, Clone, Default)]
struct Nested {
    name: String,
    select: Option<Vec<String>>,
    levels: Option<usize>,
}

impl Nested {
    /// The largest number of levels; `max` is no more.
    const MOST_LEVELS: usize = 1_000;

    fn parse(name: &str, inner: &str) -> Result<Self, QueryError> {
        let mut nested = Self { name: name.to_owned(), ..Self::default() };
        let inner = inner.trim_end().trim_end_matches(')');
        for clause in inner.split(';').map(str::trim).filter(|clause| !clause.is_empty()) {
            let (option, value) = clause.split_once('=').unwrap_or((clause, ""));
            match option.trim().to_ascii_lowercase().as_str() {
                "$select" => nested.select = Some(names(value)),
                "$levels" if name.eq_ignore_ascii_case("manager") => {
                    nested.levels = Some(Self::levels(value.trim())?);
                }
                _ => return Err(QueryError::not_emulated(&format!("'{clause}' inside of $expand={name}"))),
            }
        }
        Ok(nested)
    }

    fn levels(value: &str) -> Result<usize, QueryError> {
        match value.parse() {
            _ if value.eq_ignore_ascii_case("max") => Ok(Self::MOST_LEVELS),
            Ok(levels @ 1..=Self::MOST_LEVELS) => Ok(levels),
            _ => Err(QueryError::bad(format!(
                "Invalid value '{value}' for $levels: it is 'max' or a number from 1 to {}.",
                Self::MOST_LEVELS
            ))),
        }
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// What arbitrary bytes in a query must not break, whoever answers.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_query(bytes: &[u8]) {
    const TEAMS: Surface = Surface {
        service: Service::Teams,
        type_name: "driveItem",
        options: &["select", "expand", "orderby", "filter", "top", "skiptoken", "count"],
        properties: &[],
        expandable: &["children"],
        page: 20,
        largest_page: 50,
    };
    let parameters: Vec<(String, String)> = form_urlencoded::parse(bytes).into_owned().collect();
    let items: Vec<Value> =
        (0..5).map(|id| serde_json::json!({ "id": id.to_string(), "a": [id], "b": null })).collect();
    for surface in [TEAMS, Surface::directory("user", &[])] {
        for eventual in [false, true] {
            if let Ok(query) = Query::parse(&surface, &parameters, eventual) {
                let (root, url) = ("https://h/v1.0", "https://h/v1.0/x");
                let collection = Collection { context: "x", root, url, parameters: &parameters };
                let answer = collection.answer(&query, items.clone(), "id", Some(&["id"]));
                assert!(answer["value"].as_array().is_some_and(|page| page.len() <= items.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const USERS: Surface =
        Surface::directory("user", &["displayName", "tags", "mail"]).expanding(&["sponsors"]);
    const MESSAGES: Surface = Surface {
        service: Service::Teams,
        type_name: "chatMessage",
        options: &["top", "orderby", "filter", "skiptoken"],
        properties: &[],
        expandable: &[],
        page: 20,
        largest_page: 50,
    };

    fn parse(surface: &Surface, text: &str, eventual: bool) -> Result<Query, QueryError> {
        let parameters: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Query::parse(surface, &parameters, eventual)
    }

    fn code(surface: &Surface, text: &str) -> &'static str {
        parse(surface, text, false).unwrap_err().code
    }

    #[test]
    fn what_graph_refuses_is_refused() {
        assert_eq!(code(&USERS, "$foo=1"), "Request_BadRequest");
        assert_eq!(code(&USERS, "$skip=1"), "Request_UnsupportedQuery");
        assert_eq!(code(&USERS, "$top=1000"), "Request_UnsupportedQuery");
        assert_eq!(code(&USERS, "$top=0"), "Request_UnsupportedQuery");
        assert_eq!(code(&USERS, "$top=x"), "BadRequest");
        assert_eq!(code(&USERS, "$select=nosuch"), "BadRequest");
        assert_eq!(code(&USERS, "$filter=nosuch eq 'x'"), "BadRequest");
        assert_eq!(code(&USERS, "$filter=displayName eq"), "BadRequest");
        assert_eq!(code(&USERS, "$expand=nosuch"), "BadRequest");
        assert_eq!(code(&USERS, "$expand=calendars"), "sandboxNotEmulated");
        assert_eq!(code(&USERS, "$skiptoken=nonsense"), "Directory_ExpiredPageToken");
        assert_eq!(code(&USERS, "$top=1&$top=2"), "BadRequest");
        assert_eq!(code(&MESSAGES, "$select=id"), "BadRequest");
        assert_eq!(code(&MESSAGES, "$top=51"), "BadRequest");
        assert!(parse(&MESSAGES, "$top=50&other=1", false).is_ok());
    }

    #[test]
    fn advanced_queries_need_the_header_and_the_count() {
        for text in ["$filter=displayName ne 'x'", "$filter=mail eq 'x'&$orderby=displayName"] {
            assert!(parse(&USERS, text, false).is_err(), "{text}");
            assert!(parse(&USERS, &format!("{text}&$count=true"), false).is_err(), "{text}");
        }
        assert!(!parse(&USERS, "$count=true", false).unwrap().count);
        assert!(parse(&USERS, "$count=true", true).unwrap().count);
        assert!(parse(&USERS, "$filter=displayName ne 'x'", true).is_err());
        assert!(parse(&USERS, "$filter=displayName ne 'x'&$count=true", true).is_ok());
    }

    #[test]
    fn select_keeps_annotations_and_what_was_asked() {
        let object = json!({"@odata.type": "t", "id": "1", "displayName": "x", "mail": "m"});
        let query = parse(&USERS, "$select=id,DISPLAYNAME", false).unwrap();
        assert_eq!(
            query.project(object.clone(), None),
            json!({"@odata.type": "t", "id": "1", "displayName": "x"})
        );
        let query = parse(&USERS, "", false).unwrap();
        assert_eq!(query.project(object, Some(&["mail"])), json!({"@odata.type": "t", "mail": "m"}));
    }
}
