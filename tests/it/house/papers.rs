//! What the papers say agrees with what is built.

use super::workspace::{manifest, packages, read};

#[test]
fn the_architecture_names_every_room() {
    let architecture = read("ARCHITECTURE.md");
    for package in packages() {
        let folder =
            package.manifest.trim_end_matches("/Cargo.toml").trim_start_matches("crates/").to_owned();
        let named =
            [format!("`{folder}`"), format!("`{folder}/`")].iter().any(|name| architecture.contains(name));
        assert!(named, "ARCHITECTURE.md does not mention `{folder}`");
    }
}

#[test]
fn each_dependency_is_accounted_for() {
    let paper = read("docs/dependencies.md");
    let workspace = manifest("Cargo.toml");
    let dependencies = workspace["workspace"]["dependencies"].as_table().unwrap();
    let direct: Vec<&String> = dependencies.keys().filter(|name| !name.starts_with("attache-")).collect();
    for name in &direct {
        assert!(paper.contains(&format!("| `{name}` |")), "docs/dependencies.md does not account for {name}");
    }
    let rows = paper.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    for (name, _) in rows {
        assert!(
            direct.iter().any(|direct| *direct == name),
            "docs/dependencies.md accounts for {name}, unused"
        );
    }
}

#[test]
fn each_workspace_dependency_is_used() {
    let workspace = manifest("Cargo.toml");
    let members: String = packages().iter().map(|package| read(&package.manifest)).collect();
    for name in workspace["workspace"]["dependencies"].as_table().unwrap().keys() {
        let inherited = [format!("\n{name}.workspace"), format!("\n{name} = {{ workspace")];
        assert!(inherited.iter().any(|line| members.contains(line)), "nobody uses {name}");
    }
}

#[test]
fn there_is_one_crypto_provider() {
    let deny = manifest("deny.toml");
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().unwrap().iter().filter_map(|entry| entry["crate"].as_str()).collect();
    for other in ["ring", "openssl", "openssl-sys", "native-tls", "rsa"] {
        assert!(banned.contains(&other), "deny.toml does not ban {other}");
    }
}

#[test]
fn the_gateways_container_names_what_there_is() {
    let container = read("packaging/container/Dockerfile");
    let features = manifest("crates/cli/Cargo.toml")["features"].as_table().unwrap().clone();
    assert!(
        container.contains("--no-default-features --features gateway ") && features.contains_key("gateway")
    );
    assert!(container.contains("CMD [\"attache\", \"gateway\", \"ready\"]"), "its health check");
    assert!(read("crates/cli/src/commands/gateway/mod.rs").contains("Command::Ready"));
    let settings = read("crates/cli/src/commands/gateway/keys.rs");
    let named: Vec<&str> =
        container.split(|char: char| !(char.is_ascii_uppercase() || char == '_')).collect();
    for name in named.into_iter().filter(|name| name.starts_with("ATTACHE_") && *name != "ATTACHE_HOME") {
        assert!(settings.contains(&format!("\"{name}\"")), "{name} is no setting of the gateway's");
    }
    let user = container.lines().rfind(|line| line.starts_with("USER "));
    assert_eq!(user, Some("USER 65532:65532"), "somebody, by a number, who is not root");
    let toolchain =
        manifest("Cargo.toml")["workspace"]["package"]["rust-version"].as_str().unwrap().to_owned();
    assert!(container.contains(&format!("FROM rust:{toolchain}-")), "the image has Rust {toolchain}");
}

#[test]
fn continuous_integration_does_what_a_developer_does() {
    assert!(read(".ci/run").contains("\nexec cargo xtask test"));
    let aliases = manifest(".cargo/config.toml");
    assert!(aliases["alias"]["xtask"].as_str().unwrap().contains("--package xtask"));
}

/// The book's rows name the tests that hold them: `module::name`, or the beginning of a name and an ellipsis.
#[test]
fn the_book_of_the_sandbox_names_tests_that_exist() {
    let sources: String = super::workspace::sources().iter().map(|source| source.text.as_str()).collect();
    let mut named = 0;
    for row in read("docs/sandbox.md").lines().filter(|line| line.starts_with("| ")) {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for test in tests.split("::").skip(1) {
            let name: String = test
                .chars()
                .take_while(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || *one == '_')
                .collect();
            if name.is_empty() || name == "tests" {
                continue;
            }
            let exists = ["fn ", "mod "].iter().any(|kind| sources.contains(&format!("{kind}{name}")));
            assert!(exists, "docs/sandbox.md names the test {name}, which there is not: {row}");
            named += 1;
        }
    }
    assert!(named > 100, "the book names only {named} tests");
}
