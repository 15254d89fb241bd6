//! A verifier that we did not write: the packages that Go's own checksum database is checked with. Needs Debian's
//! `golang-go` and `golang-golang-x-mod-dev`, which `cargo xtask test install` installs. The gateway's tests ask it, too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where Debian puts the sources of Go packages.
const PACKAGES: &str = "/usr/share/gocode";

/// The program under `tests/parts/go`, built.
pub(crate) struct Judge(tempfile::TempDir);

impl Judge {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parts/go/verify.go");
        let built = Command::new("go")
            .args(["build", "-o"])
            .args([&folder.path().join("verify"), &source])
            .env("GO111MODULE", "off")
            .env("GOPATH", PACKAGES)
            .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
            .env("CGO_ENABLED", "0")
            .output()
            .expect("Go is there: `cargo xtask test install` installs it");
        said(built).expect("the program is built: `cargo xtask test install` installs its packages");
        Self(folder)
    }

    /// Whether it has nothing against the log; what it said in any case.
    pub(crate) fn judge(&self, log: &Path, note: &str, proofs: &serde_json::Value) -> Result<String, String> {
        let file = |name: &str, text: &str| -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (note, proofs) = (file("note", note), file("proofs", &proofs.to_string()));
        said(Command::new(self.0.path().join("verify")).arg(log).args([note, proofs]).output().unwrap())
    }
}

fn said(output: Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
