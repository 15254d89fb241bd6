//! The book's chapter of routes, made from the route table, the sources, and what tests saw, so that it cannot go
//! stale: this test fails when `docs/sandbox-routes.md` or `docs/sandbox-permissions.md` says something else, and
//! writes them when `ATTACHE_WRITE_BOOK` is set.

mod evidence;
mod missing;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::route::Needs;
use evidence::Evidence;
use missing::{missing, plain};
use sources::{CHAPTERS, SIGN_IN, SOURCES};

const ROUTES: &str = "\
# The sandbox's routes

Made by a test of the sandbox (`graph/book_tests`) from the route table and from what tests called with success; change those, not this file:

    cargo xtask test          # every test leaves the routes that it called under target/evidence
    ATTACHE_WRITE_BOOK=1 cargo test -p attache-sandbox the_book_tells_of_every_route

*Source* is a section of the protocol reference that the project was given, Microsoft's CSDL, or a page of Microsoft's. *Held by* names at most two of the sandbox's own tests that call the route with success, and one for each witness. *Witness* is software of others, unmodified, that called it so. `cargo xtask test` compares both columns with what the tests of that run called, and fails if one of them no longer does. What the sandbox does with each stands in [sandbox.md](sandbox.md), the permissions in [sandbox-permissions.md](sandbox-permissions.md).

Each route of Graph's exists below `/v1.0` and `/beta`. *Not there* is made from Graph's own list of v1.0 paths: what it has where ours branch off, down to the first part that we lack. All of that answers 501 `sandboxNotEmulated`, and so does every other path that Graph has.
";

const PERMISSIONS: &str = "\
# The permissions of the sandbox's Graph routes

Made from the route table by a test of the sandbox (`graph/book_tests`); change the table, not this file:

    ATTACHE_WRITE_BOOK=1 cargo test -p attache-sandbox the_book_tells_of_every_route

A caller needs one of the permissions in its column; `—` says that such a caller may never make the call. Another test compares them with Microsoft's table.

| Route | Delegated, one of | Application, one of |
|---|---|---|
";

/// A route as the book has it.
struct Row {
    name: String,
    source: &'static str,
    permissions: String,
}

#[test]
fn the_book_tells_of_every_route() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let (routes, permissions) = (docs.join("sandbox-routes.md"), docs.join("sandbox-permissions.md"));
    let is_written = std::env::var_os("ATTACHE_WRITE_BOOK").is_some();
    let stands = std::fs::read_to_string(&routes).unwrap_or_default();
    let folder = if is_written { evidence_folder() } else { PathBuf::new() };
    let evidence = Evidence::gather(&stands, &folder);
    let chapters = chapters();
    for (file, book) in [(routes, tell(&chapters, &evidence)), (permissions, list(&chapters))] {
        if is_written {
            std::fs::write(&file, &book).unwrap();
        }
        let stands = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stands == book,
            "{} is not what the route table says; its first lines say what to do",
            file.display()
        );
    }
}

fn evidence_folder() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("evidence")
}

/// The routes by chapter, in the order of their paths.
fn chapters() -> BTreeMap<&'static str, Vec<Row>> {
    let routes = super::routes();
    let mut chapters: BTreeMap<&str, BTreeMap<String, Row>> = BTreeMap::new();
    for (method, parts, cast, route) in routes.all() {
        let path = format!("/{}", parts.join("/"));
        let own = plain(&path);
        let fitting = SOURCES.iter().map(|(beginning, ..)| plain(beginning)).zip(SOURCES);
        let fitting = fitting.filter(|(beginning, _)| own.starts_with(beginning));
        let (_, (_, chapter, source)) = fitting
            .max_by_key(|(beginning, _)| beginning.len())
            .unwrap_or_else(|| panic!("{method} {path} has no source: see book_tests/sources.rs"));
        let cast = cast.map(|cast| format!(" as {cast}")).unwrap_or_default();
        let permissions = format!(
            "{} | {}",
            one_of(route.needs, route.needs.delegated),
            one_of(route.needs, route.needs.application)
        );
        let row = Row { name: format!("{method} {path}{cast}"), source, permissions };
        chapters.entry(chapter).or_default().insert(format!("{path} {method}{cast}"), row);
    }
    chapters.into_iter().map(|(chapter, rows)| (chapter, rows.into_values().collect())).collect()
}

fn tell(chapters: &BTreeMap<&'static str, Vec<Row>>, evidence: &Evidence) -> String {
    let mut book = ROUTES.to_owned();
    let mut unheld = Vec::new();
    let mut table = |book: &mut String, title: &str, rows: &[(&str, &str)]| {
        writeln!(book, "\n## {title}\n\n| Route | Source | Held by | Witness |\n|---|---|---|---|").unwrap();
        for (name, source) in rows {
            let (held, witnesses) = evidence.of(name);
            if held.is_empty() {
                unheld.push((*name).to_owned());
            }
            let held: Vec<String> = held.iter().map(|test| format!("`{test}`")).collect();
            let or_none = |text: String| if text.is_empty() { "—".to_owned() } else { text };
            let (held, witnesses) = (or_none(held.join(", ")), or_none(witnesses.join(", ")));
            // What stands behind the path is no part of it.
            let (route, rest) = match name.match_indices(' ').nth(1) {
                Some((at, _)) => name.split_at(at),
                None => (*name, ""),
            };
            writeln!(book, "| `{route}`{rest} | {source} | {held} | {witnesses} |").unwrap();
        }
    };
    table(&mut book, "Signing in", SIGN_IN);
    let all: BTreeSet<Vec<String>> = chapters
        .values()
        .flatten()
        .map(|row| plain(row.name.split(' ').nth(1).unwrap_or_default()))
        .collect();
    let missing = missing(&all);
    for chapter in CHAPTERS {
        let rows = &chapters[chapter];
        let named: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.source)).collect();
        table(&mut book, chapter, &named);
        let lacks: Vec<String> = missing
            .iter()
            .filter(|(stem, _)| chapter_of(stem) == Some(chapter))
            .map(|(stem, parts)| {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                format!(
                    "* below `/{}`: {}\n",
                    stem.join("/"),
                    parts.join(", ").replace("{}", "one by its id")
                )
            })
            .collect();
        if !lacks.is_empty() {
            write!(book, "\nNot there:\n\n{}", lacks.concat()).unwrap();
        }
    }
    let number: usize = chapters.values().map(Vec::len).sum();
    let told = number + SIGN_IN.len();
    writeln!(
        book,
        "\n{number} routes of Graph's; tests call {} of {told} with success.",
        told - unheld.len()
    )
    .unwrap();
    book
}

fn chapter_of(stem: &[String]) -> Option<&'static str> {
    let fitting = SOURCES.iter().filter(|(beginning, ..)| stem.starts_with(&plain(beginning)));
    fitting.max_by_key(|(beginning, ..)| beginning.len()).map(|(_, chapter, _)| *chapter)
}

fn list(chapters: &BTreeMap<&'static str, Vec<Row>>) -> String {
    let mut book = PERMISSIONS.to_owned();
    for row in CHAPTERS.iter().flat_map(|chapter| &chapters[chapter]) {
        let (route, cast) = match row.name.split_once(" as ") {
            Some((route, cast)) => (route, format!(" as {cast}")),
            None => (row.name.as_str(), String::new()),
        };
        writeln!(book, "| `{route}`{cast} | {} |", row.permissions).unwrap();
    }
    book
}

fn one_of(needs: Needs, permissions: &[&str]) -> String {
    if needs.is_anyone() {
        return "any".to_owned();
    }
    if permissions.is_empty() {
        return "—".to_owned();
    }
    let and = if needs.and.is_empty() { String::new() } else { format!("; and {}", needs.and.join(", ")) };
    format!("{}{and}", permissions.join(", "))
}
