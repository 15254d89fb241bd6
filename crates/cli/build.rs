//! Tells the program which commit it was built from, and the linker what the system's loader understands.

use std::process::Command;

fn main() {
    let commit = std::env::var("ATTACHE_COMMIT").ok().or_else(from_git).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=ATTACHE_COMMIT={commit}");
    println!("cargo::rerun-if-env-changed=ATTACHE_COMMIT");
    if loader_reads_packed_relocations() {
        // They take a twentieth of the space, all of which is read at every start: more than 1 MiB.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The loader of glibc 2.36 and newer does. Asked of this machine, so never for another.
fn loader_reads_packed_relocations() -> bool {
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    if of("CARGO_CFG_TARGET_ENV") != "gnu"
        || of("CARGO_CFG_TARGET_OS") != "linux"
        || of("HOST") != of("TARGET")
    {
        return false;
    }
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut numbers =
        text.trim().trim_start_matches("glibc ").split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (2_u32, 36_u32)
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
