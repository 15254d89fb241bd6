//! The workspace as cargo and the file system show it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The root of the workspace.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the workspace").to_owned()
}

/// The text of a file, named from the root.
pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A manifest, named from the root.
pub(super) fn manifest(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One member of the workspace.
pub(super) struct Package {
    /// Its name, such as `attache-terms`.
    pub(super) name: String,
    /// Its manifest, from the root.
    pub(super) manifest: String,
    /// What it depends on outside its tests.
    pub(super) uses: Vec<String>,
    /// How many integration-test binaries it has.
    pub(super) test_binaries: usize,
}

/// All members.
pub(super) fn packages() -> Vec<Package> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output =
        Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo speaks JSON");
    metadata["packages"].as_array().expect("packages").iter().map(package).collect()
}

fn package(package: &Value) -> Package {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let list = |name: &str| package[name].as_array().expect("a list");
    let path = PathBuf::from(text(&package["manifest_path"]));
    let outside_tests = list("dependencies").iter().filter(|dependency| dependency["kind"] != "dev");
    let targets = list("targets").iter();
    Package {
        name: text(&package["name"]),
        manifest: from_root(&path),
        uses: outside_tests.map(|dependency| text(&dependency["name"])).collect(),
        test_binaries: targets.filter(|target| target["kind"][0] == "test").count(),
    }
}

/// A Rust source.
pub(super) struct Source {
    /// Its path from the root, with forward slashes.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl Source {
    /// The part before the unit tests, which stand last in a file by convention.
    pub(super) fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    /// Whether the file holds tests and nothing else.
    pub(super) fn is_test(&self) -> bool {
        let ours = ["tests/", "benches/", "xtask/"].iter().any(|folder| self.path.starts_with(folder));
        ours || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// Every Rust source of the workspace.
pub(super) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["crates", "tests", "benches", "xtask"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 20, "the sources are somewhere else: only {} found", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder's entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = from_root(&path);
            found.push(Source { text: read(&name), path: name });
        }
    }
}

/// A path from the root, with forward slashes.
fn from_root(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("a path in the workspace");
    path.to_str().expect("a path in Unicode").replace('\\', "/")
}
