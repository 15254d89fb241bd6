//! Graph's own model, as Microsoft publishes it: what `$metadata` answers, and what says whether a name that
//! nothing here emulates is one of Graph's (501) or of nobody's (400). It is v1.0's document without its
//! annotations; a test makes it from the CSDL (`oracle_tests`), and it is read when it is first asked.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

/// The document, compressed.
pub(super) const COMPRESSED: &[u8] = include_bytes!("model.gz");

/// What a name is to a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// A property with a value of its own.
    Structural,
    /// A way to other objects: `$expand` takes it.
    Navigation,
}

/// An entity type of the namespace `microsoft.graph`.
#[derive(Debug, Default)]
struct Declared {
    base: Option<String>,
    /// What each is and of which type, by name in lower case.
    members: HashMap<String, (Member, String)>,
}

static TYPES: LazyLock<HashMap<String, Declared>> = LazyLock::new(|| {
    let text = document();
    let schema = text.split("</Schema>").next().unwrap_or_default();
    schema.split("<EntityType ").skip(1).filter_map(declared).collect()
});

/// The document.
pub(super) fn document() -> String {
    let mut text = String::new();
    // It is the one that was compiled in; a test reads it.
    let _ = GzDecoder::new(COMPRESSED).read_to_string(&mut text);
    text
}

/// What Graph's v1.0 has of that name in that type (`user`), or in one that it derives from.
pub(super) fn member(type_name: &str, name: &str) -> Option<Member> {
    found(type_name, name).map(|(member, _)| *member)
}

/// The type of a property, as the model names it: `Edm.String`, `Collection(Edm.Guid)`.
pub(super) fn type_of(type_name: &str, name: &str) -> Option<&'static str> {
    found(type_name, name).map(|(_, of)| of.as_str())
}

fn found(type_name: &str, name: &str) -> Option<&'static (Member, String)> {
    let name = name.to_ascii_lowercase();
    let mut of = TYPES.get(type_name);
    while let Some(declared) = of {
        if let Some(member) = declared.members.get(&name) {
            return Some(member);
        }
        of = declared.base.as_ref().and_then(|base| TYPES.get(base));
    }
    None
}

/// Reads an element from behind its opening.
fn declared(text: &str) -> Option<(String, Declared)> {
    let head = text.split('>').next()?;
    let body = if head.ends_with('/') { "" } else { text.split("</EntityType>").next()? };
    let members = [("<Property ", Member::Structural), ("<NavigationProperty ", Member::Navigation)];
    let members = members.into_iter().flat_map(|(tag, member)| {
        body.split(tag).skip(1).filter_map(move |rest| {
            let (name, of) = (attribute(rest, "Name")?, attribute(rest, "Type")?);
            Some((name.to_ascii_lowercase(), (member, of.to_owned())))
        })
    });
    let base = attribute(head, "BaseType").map(|base| base.trim_start_matches("graph.").to_owned());
    Some((attribute(head, "Name")?.to_owned(), Declared { base, members: members.collect() }))
}

fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split('>').next()?.split(&format!("{name}=\"")).nth(1)?.split('"').next()
}
