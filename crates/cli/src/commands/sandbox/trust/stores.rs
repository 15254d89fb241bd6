//! The stores of authorities: Debian's and Ubuntu's, Fedora's and its like, macOS's, and the NSS databases
//! that Chromium and Firefox read on Linux.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::constraint::Authority;
use crate::output::Failure;

/// What our entries are called everywhere.
const NAME: &str = "attache-sandbox";

/// The authority's common name, by which macOS finds it again.
const COMMON_NAME: &str = "Sandbox (loopback names only)";

const MACOS: &str = "/Library/Keychains/System.keychain";

/// A store on this machine.
#[derive(Debug)]
pub(super) enum Store {
    /// A folder of certificates, and the program that makes a bundle of them.
    Folder {
        /// Where certificates are put.
        folder: PathBuf,
        /// What is run afterwards.
        update: &'static [&'static str],
    },
    /// The keychain of the machine.
    Keychain,
    /// An NSS database.
    Nss(PathBuf),
}

/// The stores that are here.
pub(super) fn present() -> Vec<Store> {
    let folders: [(&str, &[&str]); 4] = [
        ("/usr/local/share/ca-certificates", &["update-ca-certificates"]),
        ("/etc/pki/ca-trust/source/anchors", &["update-ca-trust", "extract"]),
        ("/etc/ca-certificates/trust-source/anchors", &["update-ca-trust"]),
        ("/etc/pki/trust/anchors", &["update-ca-certificates"]),
    ];
    let here = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/sbin", "/sbin"].into_iter().map(PathBuf::from);
        std::env::split_paths(&path).chain(usual).any(|folder| folder.join(program).is_file())
    };
    let mut stores: Vec<Store> = folders
        .into_iter()
        .filter(|(folder, update)| Path::new(folder).is_dir() && here(update[0]))
        .map(|(folder, update)| Store::Folder { folder: folder.into(), update })
        .collect();
    if cfg!(target_os = "macos") {
        stores.push(Store::Keychain);
    }
    if here("certutil") && !cfg!(windows) {
        stores.extend(nss_databases().into_iter().map(Store::Nss));
    }
    stores
}

/// Chromium's database and those of Firefox's profiles.
fn nss_databases() -> Vec<PathBuf> {
    let Some(home) = std::env::home_dir() else { return Vec::new() };
    let profiles = ["/.mozilla/firefox", "/snap/firefox/common/.mozilla/firefox"]
        .iter()
        .filter_map(|folder| fs::read_dir(format!("{}{folder}", home.display())).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()));
    let all = std::iter::once(home.join(".pki/nssdb")).chain(profiles);
    all.filter(|folder| folder.join("cert9.db").is_file()).collect()
}

impl Store {
    /// What installs the authority here.
    pub(super) fn install(&self, authority: &Authority) -> Vec<Step> {
        match self {
            Self::Folder { folder, update } => vec![
                Step::Write { path: folder.join(format!("{NAME}.crt")), bytes: authority.pem.clone() },
                Step::run(update),
            ],
            Self::Keychain => {
                let line = ["security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", MACOS];
                vec![Step::Pipe { line: owned(&line), bytes: authority.pem.clone(), as_root: true }]
            }
            Self::Nss(folder) => {
                let database = format!("sql:{}", folder.display());
                let line = ["certutil", "-A", "-d", &database, "-t", "C,,", "-n", NAME, "-i"];
                vec![Step::Pipe { line: owned(&line), bytes: authority.pem.clone(), as_root: false }]
            }
        }
    }

    /// What removes our authorities from here; nothing if there is none.
    pub(super) fn remove(&self) -> Vec<Step> {
        match self {
            Self::Folder { folder, update } => {
                let path = folder.join(format!("{NAME}.crt"));
                if !path.exists() {
                    return Vec::new();
                }
                // Debian's links to removed files are only cleared away on request.
                let fresh: &[&str] = if update == &["update-ca-certificates"] {
                    &["update-ca-certificates", "--fresh"]
                } else {
                    update
                };
                vec![Step::Remove(path), Step::run(fresh)]
            }
            Self::Keychain => {
                let find = ["security", "find-certificate", "-c", COMMON_NAME, MACOS];
                if !succeeds(&find) {
                    return Vec::new();
                }
                let line = ["security", "delete-certificate", "-c", COMMON_NAME, "-t", MACOS];
                vec![Step::Run { line: owned(&line), as_root: true }]
            }
            Self::Nss(folder) => {
                let database = format!("sql:{}", folder.display());
                if !succeeds(&["certutil", "-L", "-d", &database, "-n", NAME]) {
                    return Vec::new();
                }
                let line = ["certutil", "-D", "-d", &database, "-n", NAME];
                vec![Step::Run { line: owned(&line), as_root: false }]
            }
        }
    }
}

fn owned(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

fn succeeds(line: &[&str]) -> bool {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Write a file.
    Write { path: PathBuf, bytes: Vec<u8> },
    /// Remove a file.
    Remove(PathBuf),
    /// Run a program.
    Run { line: Vec<String>, as_root: bool },
    /// Run a program with the certificate as its last argument.
    Pipe { line: Vec<String>, bytes: Vec<u8>, as_root: bool },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, .. } => write!(f, "write {}", path.display()),
            Self::Remove(path) => write!(f, "remove {}", path.display()),
            Self::Run { line, .. } => write!(f, "run {}", line.join(" ")),
            Self::Pipe { line, .. } => write!(f, "run {} (the certificate)", line.join(" ")),
        }
    }
}

impl Step {
    fn run(line: &[&str]) -> Self {
        Self::Run { line: owned(line), as_root: true }
    }

    /// Whether we may.
    pub(super) fn is_permitted(&self) -> bool {
        is_root() || matches!(self, Self::Run { as_root: false, .. } | Self::Pipe { as_root: false, .. })
    }

    /// Does it.
    pub(super) fn take(&self) -> Result<(), Failure> {
        let failed = |why: String| {
            Failure::new(
                "trust_failed",
                format!("this went wrong: {self}: {why}"),
                "put right what it says; what was done before it stays, and `attache sandbox untrust` undoes it",
            )
        };
        match self {
            Self::Write { path, bytes } => fs::write(path, bytes).map_err(|error| failed(error.to_string())),
            Self::Remove(path) => fs::remove_file(path).map_err(|error| failed(error.to_string())),
            Self::Run { line, .. } => command(line, None).map_err(failed),
            Self::Pipe { line, bytes, .. } => {
                let mut file = tempfile::Builder::new()
                    .suffix(".pem")
                    .tempfile()
                    .map_err(|error| failed(error.to_string()))?;
                std::io::Write::write_all(&mut file, bytes).map_err(|error| failed(error.to_string()))?;
                command(line, Some(file.path())).map_err(failed)
            }
        }
    }
}

/// Runs a program unseen; what it said when it failed.
fn command(line: &[String], last: Option<&Path>) -> Result<(), String> {
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).args(last).stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    Err(format!("{}: {}", output.status, String::from_utf8_lossy(&said).trim()))
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    true
}
