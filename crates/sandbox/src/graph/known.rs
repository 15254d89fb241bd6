//! What Graph has and the sandbox has not. The list of Graph's v1.0 paths is made from Microsoft's table of
//! permissions and its CSDL by a test (`oracle_tests`), is kept compressed, and is read when it is first asked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use http::{Method, StatusCode};

use super::error::GraphError;
use super::path::{Path, Version};
use crate::exchange::Request;

/// Lines of a path, lower-case with `{}` for parameters, and its methods, if the table knows them.
pub(super) const COMPRESSED: &[u8] = include_bytes!("known-paths.gz");

static KNOWN: LazyLock<Node> = LazyLock::new(|| {
    let mut text = String::new();
    // It is the one that was compiled in; a test reads it.
    let _ = GzDecoder::new(COMPRESSED).read_to_string(&mut text);
    let mut root = Node::default();
    for line in text.lines() {
        let (path, methods) = line.split_once(' ').unwrap_or((line, ""));
        root.add(path.split('/'), methods);
    }
    root
});

#[derive(Default)]
struct Node {
    next: BTreeMap<String, Node>,
    methods: BTreeSet<String>,
}

impl Node {
    fn add<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, methods: &str) {
        match path.next() {
            Some(part) => self.next.entry(part.to_owned()).or_default().add(path, methods),
            None => self.methods.extend(methods.split(',').filter(|one| !one.is_empty()).map(str::to_owned)),
        }
    }

    /// The node of a path, or the first segment that Graph does not know.
    fn find<'p>(&self, path: &'p [String]) -> Result<&Self, &'p str> {
        let Some((first, rest)) = path.split_first() else { return Ok(self) };
        let literal = self.next.get(&first.to_ascii_lowercase()).map(|node| node.find(rest));
        match (literal, self.next.get("{}")) {
            (Some(Ok(found)), _) => Ok(found),
            (_, Some(parameter)) => parameter.find(rest),
            (Some(unknown), None) => unknown,
            (None, None) => Err(first),
        }
    }
}

/// Whether a path that ends in a key names something of Graph's own there: `/users/delta` is nobody's id. Ids are
/// seldom a mere word, and only words are looked for.
pub(super) fn is_taken(segments: &[String]) -> bool {
    let Some((last, before)) = segments.split_last() else { return false };
    let is_word = last.bytes().all(|byte| byte.is_ascii_alphabetic());
    let collection = is_word.then(|| KNOWN.find(before).ok()).flatten();
    collection.filter(|node| node.next.contains_key("{}")).is_some_and(|node| {
        node.next.get(&last.to_ascii_lowercase()).is_some_and(|own| !own.methods.is_empty())
    })
}

/// Why there is no route: Graph has it and the sandbox has not (501), Graph has it not for this method (405),
/// or Graph has it not at all (400).
pub(super) fn no_route(request: &Request, path: &Path, ours: &[&Method]) -> GraphError {
    let missing = || GraphError::not_emulated(&format!("{} {}", request.method, request.path));
    // Of beta there is no list; `$count`, `$ref` and `$value` follow what they stand behind, and files are
    // named by paths and functions too.
    let is_special = |part: &String| part.starts_with('$') || part.contains([':', '(']);
    if path.version == Version::Beta || path.segments.iter().any(is_special) {
        return missing();
    }
    match KNOWN.find(&path.segments) {
        Ok(node) if node.methods.contains(request.method.as_str()) => missing(),
        Ok(node) if node.methods.is_empty() && ours.is_empty() => missing(),
        Ok(node) => {
            let mut allowed: BTreeSet<&str> = ours.iter().map(|method| method.as_str()).collect();
            allowed.extend(node.methods.iter().map(String::as_str));
            let allowed: Vec<&str> = allowed.into_iter().collect();
            not_allowed(&allowed.join(", "))
        }
        Err(_) if !ours.is_empty() => {
            let allowed: Vec<&str> = ours.iter().map(|method| method.as_str()).collect();
            not_allowed(&allowed.join(", "))
        }
        Err(segment) => GraphError::unreadable(format!("Resource not found for the segment '{segment}'.")),
    }
}

fn not_allowed(allowed: &str) -> GraphError {
    GraphError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
    )
    .with(http::header::ALLOW, allowed)
}
