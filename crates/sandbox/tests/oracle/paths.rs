//! The paths that navigation reaches from the entity container, as far as two steps, and the functions there.

use std::collections::{BTreeMap, BTreeSet};

use super::csdl::{CSDL, item_of};

/// Lower-case, with `{}` for keys, without a leading slash; and the type that each leads to.
pub(crate) fn paths() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for root in CSDL.roots() {
        let of = CSDL.root(&root).unwrap();
        walk(&root.to_ascii_lowercase(), &of, 2, &mut found);
    }
    found
}

/// The functions that are bound to what those paths lead to; arguments are `({})`.
pub(crate) fn functions() -> BTreeSet<String> {
    let bound = CSDL.functions();
    let mut found = BTreeSet::new();
    for (path, of) in paths() {
        let Some(one) = CSDL.structured(item_of(&of).unwrap_or(&of)) else { continue };
        for ancestor in one.lineage {
            let of = if item_of(&of).is_some() { format!("Collection({ancestor})") } else { ancestor };
            let own = bound.get(&of).into_iter().flatten();
            found.extend(own.map(|function| format!("{path}/{}", function.to_ascii_lowercase())));
        }
    }
    found
}

fn walk(path: &str, of: &str, steps: u32, found: &mut BTreeMap<String, String>) {
    found.insert(path.to_owned(), of.to_owned());
    let (path, of) = match item_of(of) {
        Some(item) => (format!("{path}/{{}}"), item),
        None => (path.to_owned(), of),
    };
    found.insert(path.clone(), of.to_owned());
    let Some(one) = CSDL.structured(of) else { return };
    for (name, property) in one.properties.iter().filter(|(_, property)| property.is_navigation && steps > 0)
    {
        walk(&format!("{path}/{}", name.to_ascii_lowercase()), &property.of, steps - 1, found);
    }
}
