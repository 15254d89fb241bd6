//! Nasty inputs that the parsers of bytes from outside have to withstand: `tests/corpus/<parser>/*`. Each
//! parser's tests replay its folder through the check that arbitrary bytes go through too.

use std::path::{Path, PathBuf};

/// A parser's corpus.
pub(crate) fn files(parser: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(parser);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// Gives every file of a parser's corpus to its check.
pub(crate) fn replay(parser: &str, withstands: impl Fn(&[u8])) {
    for file in files(parser) {
        // A failing test shows it.
        println!("{}", file.display());
        withstands(&std::fs::read(&file).unwrap());
    }
}
