//! From `@odata.context` to the type of the body: through entity sets, navigation, keys, casts and
//! selections (OData 4.01 protocol, §10).

use super::csdl::{CSDL, item_of};

/// What a body is said to hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// One object or value of that type.
    One(String),
    /// `{"value": […]}` of items of that type.
    Many(String),
    /// References: `{"@odata.id": …}`, or a collection of them.
    References,
}

/// Reads what follows `$metadata#`.
pub(super) fn read(fragment: &str) -> Result<Said, String> {
    if matches!(fragment, "$ref" | "Collection($ref)") {
        return Ok(Said::References);
    }
    if let Some(item) = item_of(fragment) {
        return Ok(Said::Many(full(item)));
    }
    let mut parts = split(fragment);
    let is_entity = parts.last().is_some_and(|part| part == "$entity");
    let is_delta = parts.last().is_some_and(|part| part == "$delta");
    if is_entity || is_delta {
        parts.pop();
    }
    let mut parts = parts.iter().map(|part| Part::of(part));
    let first = parts.next().ok_or("an empty context")?;
    let mut of = if first.name.starts_with("microsoft.graph.") || first.name.starts_with("Edm.") {
        first.name.to_owned()
    } else {
        CSDL.root(first.name).ok_or_else(|| format!("{} is no entity set and no singleton", first.name))?
    };
    of = first.apply(of)?;
    for part in parts {
        of = part.follow(&of)?;
    }
    match (item_of(&of), is_entity) {
        (Some(item), true) => Ok(Said::One(item.to_owned())),
        (Some(item), false) => Ok(Said::Many(item.to_owned())),
        // A single navigation property is an entity with or without the suffix.
        (None, _) => Ok(Said::One(of)),
    }
}

/// Some workloads leave the namespace out (`Collection(message)`).
fn full(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("microsoft.graph.{name}") }
}

/// One segment: a name, and a key or a selection.
struct Part<'a> {
    name: &'a str,
    has_key: bool,
}

impl<'a> Part<'a> {
    fn of(text: &'a str) -> Self {
        let (name, rest) = text.split_once('(').unwrap_or((text, ""));
        let inside = rest.strip_suffix(')').unwrap_or(rest);
        let is_guid = inside.len() == 36 && inside.matches('-').count() == 4;
        Self { name, has_key: inside.starts_with('\'') || inside.contains("='") || is_guid }
    }

    fn apply(&self, of: String) -> Result<String, String> {
        if !self.has_key {
            return Ok(of);
        }
        item_of(&of).map(str::to_owned).ok_or_else(|| format!("{} has a key but is no collection", self.name))
    }

    fn follow(&self, of: &str) -> Result<String, String> {
        let (item, is_collection) = item_of(of).map_or((of, false), |item| (item, true));
        if self.name.starts_with("microsoft.graph.") {
            let cast = CSDL.structured(self.name).ok_or_else(|| format!("no type {}", self.name))?;
            if !cast.lineage.iter().any(|ancestor| ancestor == item) {
                return Err(format!("{} is no {item}", self.name));
            }
            let cast =
                if is_collection { format!("Collection({})", self.name) } else { self.name.to_owned() };
            return self.apply(cast);
        }
        if is_collection {
            return Err(format!("{} follows a collection that has no key", self.name));
        }
        let owner = CSDL.structured(item).ok_or_else(|| format!("no type {item}"))?;
        let property =
            owner.properties.get(self.name).ok_or_else(|| format!("{item} has no property {}", self.name))?;
        self.apply(property.of.clone())
    }
}

/// The segments; a slash in a key or a selection separates nothing.
fn split(fragment: &str) -> Vec<String> {
    let (mut depth, mut quoted) = (0_u32, false);
    let mut parts = vec![String::new()];
    for letter in fragment.chars() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(last) if letter != '/' || depth > 0 => last.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts
}
