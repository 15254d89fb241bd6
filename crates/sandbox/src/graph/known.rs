//! What Graph has and the sandbox has not. The list of Graph's v1.0 paths and functions is made from Microsoft's
//! table of permissions and its CSDL by a test (`oracle_tests`), is kept compressed, and is read when it is first
//! asked.

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
        let (path, methods) = line.rsplit_once(' ').unwrap_or((line, ""));
        root.add(parts(path).iter().map(String::as_str), methods);
    }
    root
});

/// A path of the list as [`Path`] reads what clients send, so that `f(a={value})` is `f` with a key as well; keys are
/// `{}`.
fn parts(path: &str) -> Vec<String> {
    let path = path.split('?').next().unwrap_or_default();
    // The table does not close a drive's path before what follows it.
    let path = Path::parse(&format!("/v1.0/{}", path.replace("root:/{}", "root:/{}:")));
    let mut parts = path.map(|path| path.segments).unwrap_or_default();
    let mut is_in_items = false;
    for part in &mut parts {
        let is_key = part.contains(['{', ':']) || (is_in_items && part == "root");
        is_in_items = part == "items";
        if is_key {
            "{}".clone_into(part);
        }
    }
    parts
}

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
    if path.version == Version::Beta {
        return missing();
    }
    if let Some(special) = path.segments.iter().position(is_special) {
        return match KNOWN.find(&path.segments[..special]) {
            Err(segment) if ours.is_empty() => unknown(segment),
            _ => missing(),
        };
    }
    match KNOWN.find(&path.segments) {
        Ok(_) if is_delta_of_messages(&path.segments) => GraphError::unreadable(
            "Unsupported request: Change tracking is not supported against 'microsoft.graph.message'.",
        ),
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
        Err(segment) => unknown(segment),
    }
}

fn unknown(segment: &str) -> GraphError {
    GraphError::unreadable(format!("Resource not found for the segment '{segment}'."))
}

/// The CSDL has `delta` of every collection of messages; Graph has it of a folder's only.
fn is_delta_of_messages(segments: &[String]) -> bool {
    let is = |segment: &String, name: &str| segment.eq_ignore_ascii_case(name);
    match segments {
        [me, messages, delta] => is(me, "me") && is(messages, "messages") && is(delta, "delta"),
        [users, _, messages, delta] => is(users, "users") && is(messages, "messages") && is(delta, "delta"),
        _ => false,
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn status(method: &str, path: &str) -> u16 {
        let request = Request {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            raw_query: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            origin: String::new(),
        };
        no_route(&request, &Path::parse(path).unwrap(), &[]).status.as_u16()
    }

    /// A line of the list as a client fills it in.
    fn sample(line: &str) -> (String, &str) {
        let (path, methods) = line.rsplit_once(' ').unwrap_or((line, "GET"));
        let mut parts = path.split('?').next().unwrap().split(['{', '}']);
        let mut filled = parts.next().unwrap().to_owned();
        for (place, part) in parts.enumerate() {
            filled.push_str(if place % 2 == 0 { "x1" } else { part });
        }
        (format!("/v1.0/{filled}"), methods)
    }

    #[test]
    fn what_the_list_names_is_never_unknown() {
        let mut text = String::new();
        GzDecoder::new(COMPRESSED).read_to_string(&mut text).unwrap();
        for line in text.lines() {
            let (path, methods) = sample(line);
            for method in methods.split(',') {
                let expected: &[u16] =
                    if is_delta_of_messages(&parts(&path[6..])) { &[400] } else { &[501, 405] };
                let answered = status(method, &path);
                assert!(expected.contains(&answered), "{method} {path}: {answered}, of {line}");
            }
        }
    }

    #[test]
    fn functions_are_known_with_their_arguments() {
        for path in [
            "/reports/getEmailActivityUserDetail(period='D7')",
            "/me/reminderView(startDateTime='a',endDateTime='b')",
            "/me/drive/root/getActivitiesByInterval(startDateTime='a',endDateTime='b',interval='day')",
            "/admin/windows/updates/products/microsoft.graph.FindByCatalogId(catalogID='x')",
            "/directoryObjects/delta",
            "/me/mailFolders/inbox/childFolders/delta()",
        ] {
            assert_eq!(status("GET", &format!("/v1.0{path}")), 501, "{path}");
        }
        assert_eq!(status("GET", "/v1.0/reports/getNoSuch(period='D7')"), 400);
        assert_eq!(status("POST", "/v1.0/reports/getEmailActivityUserDetail(period='D7')"), 405);
    }

    #[test]
    fn a_word_is_an_id_where_graph_has_no_function_of_that_name() {
        let is_taken = |path: &str| is_taken(&Path::parse(&format!("/v1.0{path}")).unwrap().segments);
        for path in
            ["/users/delta", "/me/messages/delta", "/chats/x/messages/delta", "/me/chats/getAllMessages"]
        {
            assert!(is_taken(path), "{path}");
        }
        for path in ["/me/drive/root", "/me/mailFolders/inbox", "/users/ada", "/me/drive/items/delta"] {
            assert!(!is_taken(path), "{path}");
        }
    }
}
