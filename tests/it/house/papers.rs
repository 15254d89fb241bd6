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
fn continuous_integration_does_what_a_developer_does() {
    assert!(read(".ci/run").contains("\nexec cargo xtask test"));
    let aliases = manifest(".cargo/config.toml");
    assert!(aliases["alias"]["xtask"].as_str().unwrap().contains("--package xtask"));
}
