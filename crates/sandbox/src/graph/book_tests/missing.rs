//! What Graph has beside the sandbox's routes and the sandbox has not, by Graph's own list of paths.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use flate2::read::GzDecoder;

use super::super::known::COMPRESSED;

/// The parts that Graph has where our paths branch off, by the path that they follow: only the first part that we
/// lack, since nothing below it is there either. Paths are in lower case, keys `{}`, `/me` stands as `/users/{}`.
pub(super) fn missing(ours: &BTreeSet<Vec<String>>) -> BTreeMap<Vec<String>, BTreeSet<String>> {
    let mut text = String::new();
    GzDecoder::new(COMPRESSED).read_to_string(&mut text).unwrap();
    let beginnings: BTreeSet<&[String]> =
        ours.iter().flat_map(|path| (1..=path.len()).map(move |end| &path[..end])).collect();
    let mut missing: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let path = plain(line.split(' ').next().unwrap_or_default());
        let Some(end) = (1..=path.len()).find(|end| !beginnings.contains(&path[..*end])) else { continue };
        let (stem, part) = (&path[..end - 1], &path[end - 1]);
        // Functions with parameters, examples and casts are noise; a drive's `root` is an item.
        let is_name = part == "{}" || part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'$');
        if !stem.is_empty() && is_name && !["root", "inbox", "me"].contains(&part.as_str()) {
            missing.entry(stem.to_vec()).or_default().insert(part.clone());
        }
    }
    missing
}

/// A path's parts, as this list has them.
pub(super) fn plain(path: &str) -> Vec<String> {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_ascii_lowercase() };
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(part).collect();
    if parts.first().is_some_and(|first| first == "me") {
        parts.splice(..1, ["users".to_owned(), "{}".to_owned()]);
    }
    parts
}
