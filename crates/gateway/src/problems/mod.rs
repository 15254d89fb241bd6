//! Every problem code, explained: the page to which the `type` of a problem leads. What Entra and Graph refuse is
//! explained where these answers are read; the rest stands here, once.

mod parts;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::routing::get;

use crate::Gateway;
use crate::dashboard::{Look, Page, page};
use crate::server::Pages;

use parts::{ENTRA, GRAPH, IDENTITIES, KEYS, MAIL};
use requests::{GATEWAY, HOSTING, REQUESTS, TENANTS};

/// The route.
pub(crate) fn pages() -> Pages {
    Pages::new().route("/docs/problems", get(show))
}

/// A code, what it means, what to do.
type Row = (&'static str, &'static str, &'static str);

const OWN: &[(&str, &[Row])] = &[
    ("Requests", REQUESTS),
    ("Identities", IDENTITIES),
    ("Hosting", HOSTING),
    ("Customers' own tenants", TENANTS),
    ("Mail", MAIL),
    ("The gateway itself", GATEWAY),
    ("Keys and secrets", KEYS),
    ("Entra ID", ENTRA),
    ("Microsoft Graph", GRAPH),
];

/// What a page says of one code: in different places it may come of different things.
#[derive(Default)]
struct Entry {
    means: Vec<&'static str>,
    todo: Vec<&'static str>,
}

struct Group {
    name: &'static str,
    entries: Vec<(&'static str, Entry)>,
}

/// Every code once, in the group in which it comes first.
fn groups() -> Vec<Group> {
    let entra = attache_entra::aadsts::all().iter().map(|row| (row.word, row.meaning, row.advice()));
    let graph = attache_graph::meanings().map(|(code, advice)| (code, "Graph refuses it", advice));
    let mut known = BTreeSet::new();
    let own = OWN.iter().map(|(name, rows)| (*name, rows.to_vec()));
    let answered = [("What Entra ID answers", entra.collect()), ("What Graph answers", graph.collect())];
    let group = |(name, rows): (&'static str, Vec<Row>)| {
        let mut entries = BTreeMap::<&str, Entry>::new();
        for (code, means, todo) in rows {
            if known.contains(code) {
                continue;
            }
            let entry = entries.entry(code).or_default();
            for (list, text) in [(&mut entry.means, means), (&mut entry.todo, todo)] {
                if !list.contains(&text) {
                    list.push(text);
                }
            }
        }
        known.extend(entries.keys().copied());
        Group { name, entries: entries.into_iter().collect() }
    };
    own.chain(answered).map(group).collect()
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    look: Look,
    groups: Vec<Group>,
}

async fn show(State(gateway): State<Arc<Gateway>>) -> Page {
    Ok(page(&Problems { look: Look::plain(&gateway), groups: groups() }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The codes in a source file: those of problems that are made there, and those of errors that explain
    /// themselves.
    fn codes(source: &str) -> BTreeSet<String> {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let mut codes = BTreeSet::new();
        for (begin, end) in [
            ("Problem::new(", ")\n"),
            ("refused(\n", ",\n"),
            ("refused(\"", ","),
            ("trouble(\n", ",\n"),
            ("fn code(&self) -> &'static str {", "\n    }\n"),
            ("pub(crate) fn word(&self) -> &'static str {", "\n    }\n"),
            ("pub(super) fn code(cause: &Cause) -> &'static str {", "\n}\n"),
        ] {
            for (at, _) in source.match_indices(begin) {
                let rest = &source[at + begin.len() - usize::from(begin.ends_with('"'))..];
                let rest = &rest[..rest.find(end).map_or(rest.len(), |end_at| end_at + end.len())];
                // One problem has one code; a method that tells codes has one in each arm.
                let (mark, most) = if begin.contains("fn ") { ("=> \"", usize::MAX) } else { ("\"", 1) };
                let texts = rest.split(mark).skip(1).filter_map(|text| text.split('"').next());
                codes.extend(texts.filter(|text| is_code(text)).map(str::to_owned).take(most));
            }
        }
        codes
    }

    fn is_code(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    fn sources(folder: &Path, into: &mut Vec<String>) {
        for found in std::fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn every_code_that_is_used_is_explained() {
        let groups = groups();
        let known: BTreeSet<&str> =
            groups.iter().flat_map(|group| group.entries.iter().map(|(code, _)| *code)).collect();
        let mut texts = Vec::new();
        for room in ["gateway", "entra", "graph", "provision", "mail", "keys", "store"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room).join("src"), &mut texts);
        }
        let used: BTreeSet<String> = texts.iter().flat_map(|text| codes(text)).collect();
        assert!(used.len() > 80 && used.contains("step_up") && used.contains("key_unknown"), "{used:?}");
        let missing: Vec<_> = used.iter().filter(|code| !known.contains(code.as_str())).collect();
        assert!(missing.is_empty(), "explain these in problems/: {missing:?}");
    }

    #[test]
    fn every_code_is_explained_once() {
        let groups = groups();
        let codes: Vec<&str> =
            groups.iter().flat_map(|group| group.entries.iter().map(|(code, _)| *code)).collect();
        assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
        for (code, entry) in groups.iter().flat_map(|group| &group.entries) {
            assert!(is_code(code), "{code}");
            let texts = entry.means.iter().chain(&entry.todo);
            assert!(texts.clone().all(|text| !text.is_empty() && !text.ends_with('.')), "{code}");
        }
    }
}
