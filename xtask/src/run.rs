//! Running other programs from the root of the repository.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Tells the developer something. Standard output belongs to the programs that are run.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The checkout, and where its builds go.
pub(crate) struct Repository {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Repository {
    /// Finds both from where this program was built and lies.
    pub(crate) fn find() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands outside a workspace")?;
        let program = std::env::current_exe().context("where xtask itself lies")?;
        let target = program.ancestors().nth(2).context("xtask lies in no target folder")?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// A program, to be run in the root. What `cargo run` told this process about its own package is taken
    /// away, so that nothing is built anew because of it.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Program {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name.as_ref());
            }
        }
        Program { command }
    }

    /// The cargo that runs us.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Program {
        self.program("cargo").args(arguments)
    }
}

/// A program about to run.
pub(crate) struct Program {
    command: Command,
}

impl Program {
    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it elsewhere than in the root.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it in full view; an error unless it ends well.
    pub(crate) fn run(self) -> Result<()> {
        let line = self.line();
        if !self.succeeds_in_view()? {
            bail!("`{line}` failed");
        }
        Ok(())
    }

    /// Runs it in full view; whether it ended well.
    pub(crate) fn succeeds_in_view(mut self) -> Result<bool> {
        let line = self.line();
        let status = self.command.stdin(Stdio::null()).status();
        Ok(status.with_context(|| format!("cannot start `{line}`"))?.success())
    }

    /// Runs it unseen; its output, when it ends well, or else an error that holds what it wrote.
    pub(crate) fn output(mut self) -> Result<String> {
        let line = self.line();
        let output =
            self.command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
        if !output.status.success() {
            let written = [output.stdout, output.stderr].concat();
            bail!("`{line}` ended with {}:\n{}", output.status, String::from_utf8_lossy(&written).trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it unseen; whether it could be run and ended well.
    pub(crate) fn succeeds(mut self) -> bool {
        let quiet = self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// Whether a program of this name is on the search path.
pub(crate) fn present(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
