//! Query options as Exchange takes them, with its own restrictions (Graph reference §4.3): `$orderby` follows
//! `$filter`, `$search` stands alone, pages are counted by `$skip`.

use serde_json::{Map, Value, json};

use super::refusals::{bad, not_emulated};
use super::search::Search;
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::model::{self, Member};
use crate::graph::odata::{Filter, Path};
use crate::scope;

/// Items on a page when the client does not say.
const PAGE: usize = 10;
/// The most that `$top` may ask for.
const LARGEST_PAGE: usize = 1_000;
/// What Graph takes in `$filter` and `$orderby` of no message.
const NOT_FILTERABLE: &[&str] = &[
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "internetMessageHeaders",
    "uniqueBody",
    "webLink",
];

/// The options of one request.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) filter: Option<Filter>,
    pub(super) order: Vec<(Path, bool)>,
    pub(super) select: Option<Vec<String>>,
    /// Each with what stands in its parentheses.
    pub(super) expand: Vec<(String, String)>,
    pub(super) search: Option<Search>,
    pub(super) count: bool,
    pub(super) top: usize,
    pub(super) skip: usize,
}

/// What a resource lets a client ask for.
pub(super) struct Surface {
    pub(super) type_name: &'static str,
    pub(super) options: &'static [&'static str],
    pub(super) properties: &'static [&'static str],
    pub(super) expandable: &'static [&'static str],
}

impl Surface {
    fn check(&self, name: &str) -> Result<(), GraphError> {
        let first = name.split('/').next().unwrap_or_default();
        let is_known = name == "*"
            || first.starts_with("microsoft.graph.")
            || self.properties.iter().chain(self.expandable).any(|known| known.eq_ignore_ascii_case(first));
        if is_known {
            return Ok(());
        }
        Err(bad(
            "RequestBroker--ParseUri",
            format!(
                "Could not find a property named '{first}' on type 'microsoft.graph.{}'.",
                self.type_name
            ),
        ))
    }
}

/// The options of the request, as far as the surface takes them.
pub(super) fn options(call: &Call<'_>, surface: &Surface) -> Result<Options, GraphError> {
    let mut options = Options { top: PAGE, ..Options::default() };
    for (name, value) in &call.request.query {
        let Some(option) = name.strip_prefix('$') else { continue };
        let option = option.to_ascii_lowercase();
        if !surface.options.contains(&option.as_str()) {
            return Err(match option.as_str() {
                "filter" | "orderby" | "select" | "expand" | "search" | "count" | "top" | "skip" => bad(
                    "ErrorInvalidUrlQuery",
                    format!("The query parameter '${option}' is not supported for this resource."),
                ),
                _ => not_emulated(&format!("the query option {name} here")),
            });
        }
        take(&mut options, surface, &option, value)?;
    }
    check_together(&options)?;
    Ok(options)
}

fn take(options: &mut Options, surface: &Surface, option: &str, value: &str) -> Result<(), GraphError> {
    let number = |largest: usize| {
        value.parse().ok().filter(|number| *number <= largest).ok_or_else(|| {
            bad("ErrorInvalidUrlQuery", format!("Invalid value '{value}' for ${option} query option found: a number up to {largest} is required."))
        })
    };
    match option {
        "filter" => {
            let filter = Filter::parse(value).map_err(|error| bad("BadRequest", error.to_string()))?;
            for path in filter.properties() {
                let first = path.0.first().map_or("", String::as_str);
                if first != "singleValueExtendedProperties" {
                    surface.check(first)?;
                }
                if NOT_FILTERABLE.iter().any(|one| one.eq_ignore_ascii_case(first)) {
                    return Err(bad(
                        "ErrorInvalidUrlQueryFilter",
                        "The query filter contains one or more invalid nodes.",
                    ));
                }
            }
            options.filter = Some(filter);
        }
        "orderby" => {
            for clause in value.split(',') {
                let mut words = clause.split_ascii_whitespace();
                let path = words.next().unwrap_or_default();
                surface.check(path)?;
                let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
                    None | Some("asc") => false,
                    Some("desc") => true,
                    Some(_) => return Err(bad("BadRequest", "Invalid orderby clause.")),
                };
                options.order.push((Path(path.split('/').map(str::to_owned).collect()), descending));
            }
        }
        "select" => {
            let names: Vec<String> =
                value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
            for name in &names {
                surface.check(name)?;
            }
            options.select = (!names.is_empty()).then_some(names);
        }
        "expand" => {
            for one in outer_commas(value) {
                let (name, inside) = one.split_once('(').unwrap_or((one, ""));
                let name = name.trim().to_owned();
                if !surface.expandable.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                    if model::member(surface.type_name, &name) == Some(Member::Navigation) {
                        return Err(not_emulated(&format!("$expand={name}")));
                    }
                    return Err(bad(
                        "RequestBroker--ParseUri",
                        format!(
                            "Could not find a property named '{name}' on type 'microsoft.graph.{}'.",
                            surface.type_name
                        ),
                    ));
                }
                options.expand.push((name, inside.strip_suffix(')').unwrap_or(inside).to_owned()));
            }
        }
        "search" => options.search = Some(Search::parse(value)?),
        "count" => {
            options.count = match value {
                "true" => true,
                "false" => false,
                _ => return Err(bad("BadRequest", "The value of $count is true or false.")),
            };
        }
        "top" => {
            options.top = number(LARGEST_PAGE)?;
            if options.top == 0 {
                return Err(bad("ErrorInvalidUrlQuery", "Invalid value '0' for $top query option found."));
            }
        }
        "skip" => options.skip = number(usize::MAX >> 1)?,
        _ => {}
    }
    Ok(())
}

fn outer_commas(text: &str) -> Vec<&str> {
    let (mut pieces, mut depth, mut from) = (Vec::new(), 0_i32, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text[from..].trim());
    pieces
}

fn check_together(options: &Options) -> Result<(), GraphError> {
    if options.search.is_some() {
        if options.filter.is_some() {
            return Err(bad(
                "SearchWithFilter",
                "The query parameter '$filter' is not supported together with '$search'.",
            ));
        }
        if !options.order.is_empty() {
            return Err(bad(
                "SearchWithOrderBy",
                "The query parameter '$orderby' is not supported together with '$search'.",
            ));
        }
    }
    if let (Some(filter), false) = (&options.filter, options.order.is_empty()) {
        let mut named: Vec<String> = Vec::new();
        for path in filter.properties() {
            let name = path.to_string().to_ascii_lowercase();
            if !named.contains(&name) {
                named.push(name);
            }
        }
        let leads = options.order.iter().map(|(path, _)| path.to_string().to_ascii_lowercase());
        if !leads.eq(named.iter().take(options.order.len()).cloned()) {
            return Err(bad(
                "InefficientFilter",
                "The restriction or sort order is too complex for this operation.",
            ));
        }
    }
    Ok(())
}

impl Options {
    /// What the collection's context says of `$select` and `$expand`.
    pub(super) fn selected(&self) -> String {
        match &self.select {
            Some(select) => format!("({})", select.join(",")),
            None => String::new(),
        }
    }

    /// Pages of the size that the client prefers (`odata.maxpagesize`), or smaller if `$top` asks for that.
    pub(super) fn prefer(&mut self, call: &Call<'_>, preferred: Option<usize>) {
        let is_asked = call.request.query("$top").is_some();
        self.top = match preferred {
            Some(size) if is_asked => self.top.min(size),
            Some(size) => size,
            None => self.top,
        };
    }

    /// Cuts a page out of the whole, with the link to the next.
    pub(super) fn page(
        &self,
        call: &Call<'_>,
        context: &str,
        total: usize,
        show: impl FnMut(usize) -> Value,
    ) -> Response {
        let end = (self.skip + scope::page(self.top)).min(total);
        let items: Vec<Value> = (self.skip.min(end)..end).map(show).collect();
        let mut body = Map::new();
        let context = call.context(&format!("{context}{}", self.selected()));
        body.insert("@odata.context".to_owned(), json!(context));
        if self.count {
            body.insert("@odata.count".to_owned(), json!(total));
        }
        if end < total {
            body.insert("@odata.nextLink".to_owned(), json!(link(call, &[("$skip", &end.to_string())])));
        }
        body.insert("value".to_owned(), json!(items));
        call.ok(&Value::Object(body))
    }
}

/// The request's own URL with these options in the place of those of the same names.
pub(super) fn link(call: &Call<'_>, replaced: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &call.request.query {
        if !replaced.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            query.append_pair(name, value);
        }
    }
    query.extend_pairs(replaced);
    let query = query.finish().replace("%24", "$");
    format!("{}{}?{query}", call.request.origin, call.request.path)
}

/// How two values of `$orderby` stand to each other: instants as instants, text without regard to case.
pub(super) fn compare(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(std::cmp::Ordering::Equal)
        }
        _ => left.is_null().cmp(&right.is_null()).reverse(),
    }
}
