//! Software of other people that tests drive. A test that needs a part fails without it: a skipped proof
//! looks like a proof.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The Python that has MSAL.
pub fn python() -> Result<PathBuf> {
    part("ATTACHE_TEST_PYTHON", "python/bin/python")
}

/// The Python that has Microsoft's Graph SDK.
pub fn msgraph_python() -> Result<PathBuf> {
    part("ATTACHE_TEST_MSGRAPH_PYTHON", "msgraph/bin/python")
}

/// The MCP Inspector's command.
pub fn inspector() -> Result<PathBuf> {
    part("ATTACHE_TEST_INSPECTOR", "inspector/node_modules/.bin/mcp-inspector")
}

/// The Python that has pytest, azure-identity, schemathesis and openapi-spec-validator.
pub fn interop_python() -> Result<PathBuf> {
    part("ATTACHE_TEST_INTEROP_PYTHON", "interop/bin/python")
}

/// A copy in `home` of a folder of scripts, which find the clients for Node there; where it is.
pub fn with_node_modules(scripts: &Path, home: &Path) -> Result<PathBuf> {
    let modules = part("ATTACHE_TEST_NODE_MODULES", "node/node_modules")?;
    let folder = home.join("scripts");
    std::fs::create_dir_all(&folder)?;
    for script in std::fs::read_dir(scripts).with_context(|| format!("reading {}", scripts.display()))? {
        let script = script?;
        std::fs::copy(script.path(), folder.join(script.file_name()))?;
    }
    link(&modules, &folder.join("node_modules"))?;
    Ok(folder)
}

/// The browser. Debian calls it chromium, others chromium-browser or google-chrome.
pub fn chromium() -> Result<String> {
    for name in ["chromium", "chromium-browser", "google-chrome"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output()?;
        if found.status.success() {
            return Ok(String::from_utf8(found.stdout)?.trim().to_owned());
        }
    }
    anyhow::bail!("chromium is missing; `cargo xtask test install` installs it")
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    std::os::unix::fs::symlink(from, to).context("linking the clients for Node")
}

#[cfg(windows)]
fn link(from: &Path, to: &Path) -> Result<()> {
    std::os::windows::fs::symlink_dir(from, to).context("linking the clients for Node")
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
