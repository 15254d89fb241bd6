//! What the book says of the sandbox's routes, against what this run's tests called: every test leaves the routes
//! that it called with success under `target/evidence`, and `docs/sandbox-routes.md` names for each route the tests
//! that hold it. A test that does not call it any more is no witness.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};

use crate::run::{Repository, say};

const BOOK: &str = "docs/sandbox-routes.md";

/// Forgets what earlier runs left.
pub(crate) fn begin(repository: &Repository) -> Result<()> {
    let folder = repository.target.join("evidence");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Whether every test called the routes that it is named for; it says what is wrong.
pub(crate) fn is_borne_out(repository: &Repository) -> Result<bool> {
    let book = fs::read_to_string(repository.root.join(BOOK)).with_context(|| format!("reading {BOOK}"))?;
    let folder = repository.target.join("evidence");
    let mut called = BTreeMap::new();
    for file in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let file = file?;
        let lines = fs::read_to_string(file.path())?;
        let routes: BTreeSet<String> = lines.lines().map(str::to_owned).collect();
        called.insert(file.file_name().to_string_lossy().replace('.', "::"), routes);
    }
    let wrong = unfounded(&book, &called);
    if !wrong.is_empty() {
        say(&format!("\n{BOOK} says what this run did not see:\n{}", wrong.join("\n")));
        say("Where the tests are right, its first lines say how to write it anew.");
    }
    Ok(wrong.is_empty())
}

/// The rows that name a test which did not call the route.
fn unfounded(book: &str, called: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in book.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut columns = row.split(" | ");
        let route = columns.next().unwrap_or_default().replace('`', "");
        let held = columns.nth(1).unwrap_or_default();
        for test in held.split(", ").filter_map(|test| test.strip_prefix('`')?.strip_suffix('`')) {
            if !called.get(test).is_some_and(|routes| routes.contains(&route)) {
                wrong.push(format!("  {test} does not call {route}"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_needs_a_test_that_called_the_route() {
        let book = "| Route | Source | Held by | Witness |\n\
            | `GET /users` | §3.1 | `people::listed`, `msgraph::all` | Graph SDK for Python |\n\
            | `POST /users` as agentUser | §2.4 | `people::made` | — |\n\
            | `GET /domains` | CSDL | — | — |\n";
        let routes = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
        let mut called = BTreeMap::from([
            ("people::listed".to_owned(), routes(&["GET /users"])),
            ("people::made".to_owned(), routes(&["POST /users as agentUser"])),
        ]);
        assert_eq!(unfounded(book, &called), ["  msgraph::all does not call GET /users"]);
        called.insert("msgraph::all".to_owned(), routes(&["GET /users"]));
        assert_eq!(unfounded(book, &called), [""; 0]);
    }
}
