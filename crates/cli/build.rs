//! Tells the program which commit it was built from.

use std::process::Command;

fn main() {
    let commit = std::env::var("ATTACHE_COMMIT").ok().or_else(from_git).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=ATTACHE_COMMIT={commit}");
    println!("cargo::rerun-if-env-changed=ATTACHE_COMMIT");
}

fn from_git() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}
