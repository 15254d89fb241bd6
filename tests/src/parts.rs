//! Software of other people that tests drive. A test that needs a part fails without it: a skipped proof
//! looks like a proof.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The Python that has MSAL.
pub fn python() -> Result<PathBuf> {
    part("ATTACHE_TEST_PYTHON", "python/bin/python")
}

/// The MCP Inspector's command.
pub fn inspector() -> Result<PathBuf> {
    part("ATTACHE_TEST_INSPECTOR", "inspector/node_modules/.bin/mcp-inspector")
}

fn part(variable: &str, installed: &str) -> Result<PathBuf> {
    let path = match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => {
            let test = std::env::current_exe().context("where this test lies")?;
            test.ancestors()
                .nth(3)
                .context("this test lies in no target folder")?
                .join("parts")
                .join(installed)
        }
    };
    ensure!(path.exists(), "{} is missing; `cargo xtask test install` installs it", path.display());
    Ok(path)
}
