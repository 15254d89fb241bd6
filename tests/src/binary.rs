//! The `attache` binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The path of the `attache` that belongs to these sources. `cargo xtask test` has built it and says where it
/// is; a test that is started without it asks cargo, which builds what has changed.
pub fn attache() -> Result<PathBuf> {
    if let Some(built) = std::env::var_os("ATTACHE_TEST_BINARY") {
        return Ok(built.into());
    }
    let test = std::env::current_exe().context("where this test lies")?;
    let name = format!("attache{}", std::env::consts::EXE_SUFFIX);
    // The benchmarks stand beside it; `cargo xtask bench` has built both.
    let beside = test.with_file_name(&name);
    if beside.is_file() {
        return Ok(beside);
    }
    let profile = test.ancestors().nth(2).context("this test lies in no target folder")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace's root")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = profile.parent().context("cargo's target folder")?;
    let build = Command::new(cargo)
        .args(["build", "--quiet", "--package", "attache", "--target-dir"])
        .arg(target)
        .current_dir(root)
        .output()
        .context("starting cargo to build attache")?;
    ensure!(build.status.success(), "attache does not build:\n{}", String::from_utf8_lossy(&build.stderr));
    Ok(profile.join(name))
}
