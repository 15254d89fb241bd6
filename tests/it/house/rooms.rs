//! Which room may know which, and which outside knowledge belongs to one room alone.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::{manifest, packages};

/// What each room may use of ours, `terms` apart. `sandbox` uses nothing, `terms` included: a mistake about
/// the protocol must not be able to hide by being made once and used on both sides.
const MAY_USE: &[(&str, &[&str])] = &[
    ("attache-terms", &[]),
    ("attache-keys", &[]),
    ("attache-entra", &["attache-keys"]),
    ("attache-graph", &["attache-entra"]),
    ("attache-ledger", &[]),
    ("attache-mail", &["attache-graph"]),
    ("attache-provision", &["attache-entra", "attache-graph"]),
    (
        "attache-agent",
        &["attache-entra", "attache-graph", "attache-keys", "attache-ledger", "attache-provision"],
    ),
    ("attache-mcp", &["attache-agent"]),
    ("attache-store", &["attache-ledger"]),
    ("attache-store-sqlite", &["attache-store", "attache-ledger"]),
    ("attache-store-postgres", &["attache-ledger", "attache-store"]),
    (
        "attache-gateway",
        &[
            "attache-entra",
            "attache-graph",
            "attache-keys",
            "attache-ledger",
            "attache-mail",
            "attache-provision",
            "attache-store",
        ],
    ),
    ("attache-sandbox", &[]),
];

/// Packages outside the rooms: the binary and what tests it put the rooms together.
const ASSEMBLERS: &[&str] = &["attache", "attache-tests", "attache-bench"];

/// Outside knowledge that belongs to one room: the SDK, SQL, the operating system's key stores, the terminal.
/// The benchmarks measure ours beside bare servers on the same SDK and HTTP stack, and the store beside bare SQL.
const BELONGS_TO: &[(&str, &[&str])] = &[
    ("rmcp", &["attache-mcp", "attache-bench"]),
    ("rusqlite", &["attache-agent", "attache-store-sqlite", "attache-bench"]),
    ("deadpool-postgres", &["attache-store-postgres"]),
    ("tokio-postgres", &["attache-store-postgres", "attache-bench"]),
    ("tokio-postgres-rustls", &["attache-store-postgres"]),
    ("keyring-core", &["attache-keys"]),
    ("zbus-secret-service-keyring-store", &["attache-keys"]),
    ("argon2", &["attache-keys"]),
    ("axum", &["attache-gateway", "attache-sandbox", "attache-bench"]),
    ("askama", &["attache-gateway", "attache-sandbox"]),
    ("clap", &["attache"]),
    ("indicatif", &["attache"]),
];

#[test]
fn a_room_uses_only_the_rooms_below_it() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for package in &packages {
        let name = package.name.as_str();
        if ASSEMBLERS.contains(&name) {
            continue;
        }
        let mut may = allowed.get(name).copied().unwrap_or_default().to_vec();
        if name == "xtask" {
            assert_eq!(package.uses, ["anyhow"], "everybody waits for xtask to compile");
        } else {
            assert!(allowed.contains_key(name), "{name} is a new room: say here what it may use");
            may.extend((name != "attache-sandbox").then_some("attache-terms"));
        }
        for used in package.uses.iter().filter(|used| ours.contains(used.as_str())) {
            assert!(may.contains(&used.as_str()), "{name} may not use {used}; see ARCHITECTURE.md");
        }
    }
    for (room, _) in MAY_USE {
        assert!(ours.contains(room), "{room} is listed here but is no package");
    }
}

#[test]
fn outside_knowledge_stays_in_its_room() {
    for package in packages() {
        for (dependency, rooms) in BELONGS_TO {
            let used = package.uses.iter().any(|used| used == dependency);
            assert!(
                !used || rooms.contains(&package.name.as_str()),
                "{} may not use {dependency}",
                package.name
            );
        }
    }
}

#[test]
fn a_room_is_named_for_its_purpose() {
    for package in packages() {
        let last = package.name.rsplit('-').next().unwrap();
        let nothing_said = ["common", "core", "helpers", "lib", "misc", "shared", "util", "utils"];
        assert!(!nothing_said.contains(&last), "{} says nothing about what it is for", package.name);
        let manifest = manifest(&package.manifest);
        let description = manifest["package"]["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{} has no sentence of purpose", package.name);
        let folder = package.manifest.rsplit('/').nth(1).unwrap();
        let expected = match package.name.as_str() {
            "attache" => "cli",
            "attache-bench" => "benches",
            other => other.strip_prefix("attache-").unwrap_or(other),
        };
        assert_eq!(folder, expected, "the folder of {}", package.name);
    }
}

#[test]
fn every_package_takes_lints_and_dependencies_from_the_workspace() {
    for package in packages() {
        let manifest = manifest(&package.manifest);
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints, Some(&toml::Value::Boolean(true)), "{}: lints.workspace", package.name);
        for (name, dependency) in dependencies(&manifest) {
            let inherited = dependency.get("workspace").and_then(toml::Value::as_bool);
            assert_eq!(inherited, Some(true), "{}: {name} is named once, in the root manifest", package.name);
        }
    }
}

fn dependencies(manifest: &toml::Table) -> Vec<(&String, &toml::Value)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let platforms =
        manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let here = kinds.iter().filter_map(|kind| manifest.get(*kind)?.as_table());
    let there =
        platforms.flat_map(|platform| kinds.iter().filter_map(|kind| platform.get(*kind)?.as_table()));
    here.chain(there).flatten().collect()
}

#[test]
fn a_package_has_one_integration_test_binary() {
    for package in packages() {
        assert!(package.test_binaries <= 1, "{}: each test binary is one more large link", package.name);
    }
}
