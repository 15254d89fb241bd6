//! The paths that navigation reaches from the entity container, as far as two steps.

use std::collections::BTreeSet;

use super::csdl::{CSDL, item_of};

/// Lower-case, with `{}` for keys, without a leading slash.
pub(crate) fn paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in CSDL.roots() {
        let of = CSDL.root(&root).unwrap();
        walk(&root.to_ascii_lowercase(), &of, 2, &mut found);
    }
    found
}

fn walk(path: &str, of: &str, steps: u32, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    let (path, of) = match item_of(of) {
        Some(item) => (format!("{path}/{{}}"), item),
        None => (path.to_owned(), of),
    };
    found.insert(path.clone());
    let Some(one) = CSDL.structured(of) else { return };
    for (name, property) in one.properties.iter().filter(|(_, property)| property.is_navigation && steps > 0)
    {
        walk(&format!("{path}/{}", name.to_ascii_lowercase()), &property.of, steps - 1, found);
    }
}
