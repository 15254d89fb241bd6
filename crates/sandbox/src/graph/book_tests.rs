//! The book's list of routes, made from the route table, so that it cannot go stale: this test fails when
//! `docs/sandbox-routes.md` says something else, and writes it when `ATTACHE_WRITE_BOOK` is set.

use std::fmt::Write as _;
use std::path::Path;

use super::route::Needs;

const BEGINNING: &str = "\
# The sandbox's Graph routes

Made from the route table by a test of the sandbox (`graph/book_tests.rs`); change the table, not this file:

    ATTACHE_WRITE_BOOK=1 cargo test -p attache-sandbox the_book_lists_every_route

Each route exists below `/v1.0` and `/beta`. A caller needs one of the permissions in its column; `—` says that such a caller may never make the call. What the sandbox does with each stands in [sandbox.md](sandbox.md). Everything else that Graph has answers 501 `sandboxNotEmulated`.

| Route | Delegated, one of | Application, one of |
|---|---|---|
";

#[test]
fn the_book_lists_every_route() {
    let routes = super::routes();
    let mut rows: Vec<(String, String)> = routes
        .all()
        .map(|(method, parts, cast, route)| {
            let cast = cast.map(|cast| format!(" as {cast}")).unwrap_or_default();
            let path = format!("/{}", parts.join("/"));
            let row = format!(
                "| `{method} {path}`{cast} | {} | {} |\n",
                one_of(route.needs, route.needs.delegated),
                one_of(route.needs, route.needs.application),
            );
            (format!("{path} {method}{cast}"), row)
        })
        .collect();
    rows.sort();
    let mut book = BEGINNING.to_owned();
    for (_, row) in &rows {
        book.push_str(row);
    }
    writeln!(book, "\n{} routes.", rows.len()).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox-routes.md");
    if std::env::var_os("ATTACHE_WRITE_BOOK").is_some() {
        std::fs::write(&file, &book).unwrap();
    }
    let stands = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stands == book,
        "{} is not what the route table says; its first lines say what to do",
        file.display()
    );
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
