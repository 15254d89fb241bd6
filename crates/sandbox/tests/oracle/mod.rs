//! What Microsoft publishes for machines, as the judge of what the sandbox says: the CSDL and the table of
//! permissions (Graph reference §10). The two files are not part of the project; `ATTACHE_ORACLES` names their
//! folder, and without them the tests fail. Unit and integration tests share this module.

pub(crate) mod body;
mod context;
mod csdl;
mod known;
pub(crate) mod paths;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the oracles are looked for if `ATTACHE_ORACLES` is not set: from the root of the workspace.
const BESIDE_THE_PROJECT: &str = "../shared/reference";

/// The text of one of the two files.
pub(crate) fn oracle_file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder =
        std::env::var_os("ATTACHE_ORACLES").map_or_else(|| root.join(BESIDE_THE_PROJECT), PathBuf::from);
    let file = folder.join(name);
    assert!(
        file.is_file(),
        "The oracle {name} is not in {}: set ATTACHE_ORACLES to the folder that holds graph-permissions.json.gz \
         and graph-v1.csdl.gz.",
        folder.display()
    );
    let output = Command::new("gzip").arg("-dc").arg(&file).output().expect("gzip can be started");
    assert!(output.status.success(), "The oracle {} is damaged: gzip cannot read it.", file.display());
    String::from_utf8(output.stdout).unwrap()
}
