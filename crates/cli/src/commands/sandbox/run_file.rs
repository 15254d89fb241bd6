//! Run files: what a sandbox leaves while it runs, so that commands on the same machine find it. One file a
//! port under `~/.attache/run`, readable by its owner only, since it holds the control token.

use std::fs;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

/// How long a port may take to say that it is there.
const CONNECT: Duration = Duration::from_secs(1);

/// The run file of this process's sandbox; it is removed with this.
#[derive(Debug)]
pub(super) struct RunFile(PathBuf);

impl RunFile {
    /// Writes the ready object into `folder`.
    pub(super) fn write(folder: &Path, ready: &Value) -> io::Result<Self> {
        let port = port(ready).ok_or(io::ErrorKind::InvalidInput)?;
        let mut known = ready.clone();
        known["pid"] = json!(std::process::id());
        private_folder(folder)?;
        let path = folder.join(format!("sandbox-{port}.json"));
        // Its own name until it is whole; readers never see half a file.
        let mut file = tempfile::Builder::new().prefix(".sandbox-").tempfile_in(folder)?;
        file.write_all(known.to_string().as_bytes())?;
        file.persist(&path)?;
        Ok(Self(path))
    }
}

impl Drop for RunFile {
    fn drop(&mut self) {
        let is_ours = read(&self.0).is_some_and(|known| known["pid"] == json!(std::process::id()));
        if is_ours {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Where run files are.
pub(super) fn folder(home: &Path) -> PathBuf {
    home.join("run")
}

/// The ready objects of the sandboxes that run. Files of those that were killed are removed.
pub(super) fn running(folder: &Path) -> Vec<Value> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !(name.starts_with("sandbox-") && name.ends_with(".json")) {
            continue;
        }
        let Some(known) = read(&path) else { continue };
        match answers(&known) {
            true => found.push(known),
            false => {
                let _ = fs::remove_file(&path);
            }
        }
    }
    found.sort_by_key(port);
    found
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn port(ready: &Value) -> Option<u16> {
    ready["url"].as_str()?.parse::<Url>().ok()?.port_or_known_default()
}

fn answers(known: &Value) -> bool {
    let Some(port) = port(known) else { return false };
    let addresses = ("localhost", port).to_socket_addrs().into_iter().flatten();
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, CONNECT).is_ok())
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_sandbox_is_found_while_it_runs_and_only_its_owner_reads_the_file() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(home.path());
        let listener = TcpListener::bind("localhost:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let file = RunFile::write(&folder, &json!({ "url": url, "control_token": "t" })).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(running(&folder)[0]["url"], url);
        drop(file);
        assert!(running(&folder).is_empty());
    }

    #[test]
    fn what_a_killed_sandbox_left_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("localhost:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let file = RunFile::write(home.path(), &json!({ "url": url })).unwrap();
        drop(listener);
        assert!(running(home.path()).is_empty());
        assert!(!file.0.exists());
    }
}
