//! The route table: each Graph operation is declared once, with the permissions that it needs.

use std::collections::HashMap;

use http::Method;

use super::call::Call;
use super::error::Answer;
use super::known;
use super::path::{Params, Path, Pattern};

/// What a handler is.
pub(crate) type Handler = fn(&mut Call<'_>) -> Answer;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    name: String,
    method: Method,
    pattern: Pattern,
    cast: Option<&'static str>,
    pub(crate) needs: Needs,
    pub(crate) area: Area,
    pub(crate) handler: Handler,
}

/// Whose words a refusal uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Directory,
    Teams,
    Outlook,
    Files,
}

/// The permissions that a call needs: one of each group. An empty list says that this kind of caller may
/// never make the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) delegated: &'static [&'static str],
    pub(crate) application: &'static [&'static str],
    /// A second group, for calls that need two permissions; empty if they do not.
    pub(crate) and: &'static [&'static str],
}

/// Stands for "no permission"; no permission has this name.
const ANYONE: &str = "*";

impl Needs {
    /// One of these, delegated or application alike.
    pub(crate) const fn either(any: &'static [&'static str]) -> Self {
        Self { delegated: any, application: any, and: &[] }
    }

    /// One of `delegated` in a user's token, one of `application` in an app's.
    pub(crate) const fn split(
        delegated: &'static [&'static str],
        application: &'static [&'static str],
    ) -> Self {
        Self { delegated, application, and: &[] }
    }

    /// Only a user's token, with one of these.
    pub(crate) const fn delegated(any: &'static [&'static str]) -> Self {
        Self::split(any, &[])
    }

    /// No permission: the handler asks for something else, such as a proof of possession.
    pub(crate) const fn anyone() -> Self {
        Self::either(&[ANYONE])
    }

    /// Whether it is [`Self::anyone`].
    pub(crate) fn is_anyone(&self) -> bool {
        self.delegated == [ANYONE]
    }

    /// And one of these too.
    pub(crate) const fn and(mut self, any: &'static [&'static str]) -> Self {
        self.and = any;
        self
    }
}

impl Route {
    /// An operation of the directory; `pattern` is without the version: `/users/{id}`.
    pub(crate) fn new(method: Method, pattern: &'static str, needs: Needs, handler: Handler) -> Self {
        let name = format!("{method} {pattern}");
        let pattern = Pattern::new(pattern);
        Self { name, method, pattern, cast: None, needs, area: Area::Directory, handler }
    }

    /// How people name it: `GET /users/{id}`, or `POST /users as agentUser`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Matches only with this type cast in the path, before routes that ask for none.
    pub(crate) fn cast(mut self, cast: &'static str) -> Self {
        self.cast = Some(cast);
        self.name = format!("{} as {cast}", self.name);
        self
    }

    /// Refuses in the words of that workload.
    pub(crate) fn area(mut self, area: Area) -> Self {
        self.area = area;
        self
    }
}

/// Every route; of several that match, the one with a cast wins, then the more literal one.
#[derive(Debug)]
pub(crate) struct Routes {
    /// In the order in which they are asked.
    all: Vec<Route>,
    /// Those that begin with a literal and have so many parts, by their places.
    index: HashMap<(String, usize), Vec<usize>>,
}

impl Routes {
    /// The table, put in the order in which it is asked.
    pub(crate) fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| std::cmp::Reverse((route.cast.is_some(), route.pattern.precedence())));
        let mut index: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, route) in routes.iter().enumerate() {
            let parts = route.pattern.parts();
            let first = parts.first().map(|first| first.to_ascii_lowercase()).unwrap_or_default();
            index.entry((first, parts.len())).or_default().push(place);
        }
        Self { all: routes, index }
    }

    /// Every route, for tests of the whole table.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Method, Vec<String>, Option<&'static str>, &Route)> {
        self.all.iter().map(|route| (&route.method, route.pattern.parts(), route.cast, route))
    }

    /// The methods that a path takes.
    pub(crate) fn methods(&self, path: &Path) -> Vec<&Method> {
        let fits = |route: &&Route| {
            (route.cast.is_none() || route.cast == path.cast)
                && route.pattern.matches(&path.segments).is_some()
        };
        self.all.iter().filter(fits).map(|route| &route.method).collect()
    }

    /// The route for a call.
    pub(crate) fn find(&self, method: &Method, path: &Path) -> Option<(&Route, Params)> {
        let first = path.segments.first().map(|first| first.to_ascii_lowercase()).unwrap_or_default();
        let places = self.index.get(&(first, path.segments.len()))?;
        places.iter().filter_map(|place| self.all.get(*place)).find_map(|route| {
            let fits = route.method == method && (route.cast.is_none() || route.cast == path.cast);
            let params = fits.then(|| route.pattern.matches(&path.segments)).flatten()?;
            let is_taken = route.pattern.ends_in_parameter() && known::is_taken(&path.segments);
            (!is_taken).then_some((route, params))
        })
    }
}
