//! What tests saw: every test that ends well leaves a file with the routes that it called with success
//! (`target/evidence`, written by the tests' own `Tenant`). The book remembers what it said of tests that have
//! left none; `cargo xtask test` compares what it says with what they left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Whose software the modules of `tests/it` drive.
const WITNESSES: [(&str, &str); 7] = [
    ("msgraph", "Graph SDK for Python"),
    ("msal", "MSAL for Python"),
    ("msal_node", "MSAL for Node"),
    ("azure_identity", "azure-identity"),
    ("oidc", "openid-client"),
    ("pages", "Chromium"),
    ("inspector", "MCP Inspector"),
];

/// How many tests the book names for a route.
const NAMED: usize = 2;

/// Which tests called which routes: `module::name` to the routes.
#[derive(Debug, Default)]
pub(super) struct Evidence(BTreeMap<String, BTreeSet<String>>);

impl Evidence {
    /// What the book says, and above that what lies in the folder.
    pub(super) fn gather(book: &str, folder: &Path) -> Self {
        let mut told = Self::of_book(book);
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            let test = file.file_name().to_string_lossy().replace('.', "::");
            let lines = fs::read_to_string(file.path()).unwrap_or_default();
            told.0.insert(test, lines.lines().map(str::to_owned).collect());
        }
        told
    }

    fn of_book(book: &str) -> Self {
        let mut told = Self::default();
        for row in book.lines().filter_map(|line| line.strip_prefix("| `")) {
            let Some((route, rest)) = row.split_once(" | ") else { continue };
            let route = route.replace('`', "");
            let held = rest.split(" | ").nth(1).unwrap_or_default();
            for test in held.split(", ").filter_map(|test| test.strip_prefix('`')?.strip_suffix('`')) {
                told.0.entry(test.to_owned()).or_default().insert(route.clone());
            }
        }
        told
    }

    /// The tests that hold a route, chosen for how few others they hold; of those that drive other people's
    /// software one for each of them. By name, so that the book reads back as it was written.
    pub(super) fn of(&self, route: &str) -> (Vec<&str>, Vec<&'static str>) {
        let mut tests: Vec<_> = self.0.iter().filter(|(_, routes)| routes.contains(route)).collect();
        tests.sort_by_key(|(test, routes)| (routes.len(), *test));
        let (theirs, ours): (Vec<_>, Vec<_>) =
            tests.into_iter().map(|(test, _)| test.as_str()).partition(|test| witness(test).is_some());
        let mut held: Vec<&str> = ours.into_iter().take(NAMED).collect();
        held.sort_unstable();
        let mut witnesses: Vec<(&str, &'static str)> = Vec::new();
        for test in theirs {
            let known = |client: &&str| witnesses.iter().any(|(_, known)| known == client);
            witnesses.extend(witness(test).filter(|client| !known(client)).map(|client| (test, client)));
        }
        witnesses.sort_unstable();
        held.extend(witnesses.iter().map(|(test, _)| *test));
        (held, witnesses.into_iter().map(|(_, client)| client).collect())
    }
}

fn witness(test: &str) -> Option<&'static str> {
    let module = test.split("::").next()?;
    WITNESSES.iter().find(|(name, _)| *name == module).map(|(_, client)| *client)
}
