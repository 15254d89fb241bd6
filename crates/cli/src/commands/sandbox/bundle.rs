//! A bundle of the system's authorities and the sandbox's own, for programs that take one file in place of
//! the system's: OpenSSL's SSL_CERT_FILE, requests, curl. It stands beside the sandbox's authorities.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::output::Failure;

/// Where systems keep their authorities in one file: Debian, Fedora, SUSE, older Red Hat, Alpine and macOS,
/// FreeBSD.
const SYSTEM: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The first line of what we write, so that a bundle of ours is never taken for the system's.
const MARK: &str = "# The system's authorities and those of a sandbox tenant; written by attache sandbox\n";

/// Writes the bundle anew and says where; beside `ca`, or in `otherwise` if that folder is not ours to write.
pub(super) fn write(ca: &Path, otherwise: &Path) -> Result<PathBuf, Failure> {
    let own = fs::read_to_string(ca).map_err(|error| {
        Failure::new(
            "ca_unreadable",
            format!("the sandbox's authorities {} cannot be read: {error}", ca.display()),
            "give --ca the path of its ca.pem, as it is on this machine",
        )
    })?;
    let system = system().unwrap_or_default();
    let whole = format!("{MARK}{}\n{own}", system.trim_end());
    let beside = ca.parent().unwrap_or(Path::new("."));
    for folder in [beside, otherwise] {
        if let Ok(path) = put(folder, whole.as_bytes()) {
            return Ok(path);
        }
    }
    Err(Failure::new(
        "bundle_unwritable",
        format!("neither {} nor {} can be written", beside.display(), otherwise.display()),
        "give --home a folder that can",
    ))
}

fn put(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join("bundle.pem");
    if fs::read(&path).is_ok_and(|written| written == bytes) {
        return Ok(path);
    }
    fs::create_dir_all(folder)?;
    // Programs that run already may be reading it: it is replaced at once, never rewritten.
    let mut file = tempfile::Builder::new().prefix(".bundle-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(&path)?;
    Ok(path)
}

/// The authorities that programs use otherwise: those that the environment names, or the system's.
fn system() -> Option<String> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let files = named.into_iter().chain(SYSTEM.iter().map(PathBuf::from));
    files.filter_map(|file| fs::read_to_string(file).ok()).find(|text| !text.starts_with(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_the_sandboxs_authorities_once() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        fs::write(&ca, "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n").unwrap();
        let first = write(&ca, folder.path()).unwrap();
        let again = write(&ca, folder.path()).unwrap();
        assert_eq!(first, again);
        let bundle = fs::read_to_string(first).unwrap();
        assert_eq!(bundle.matches("\nours\n").count(), 1);
        assert!(bundle.starts_with(MARK));
    }
}
