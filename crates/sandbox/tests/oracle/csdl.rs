//! Reads the CSDL type by type, when a body needs it: most tests need three of its thousands.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// The one CSDL of the process.
pub(super) static CSDL: LazyLock<Csdl> =
    LazyLock::new(|| Csdl { text: super::oracle_file("graph-v1.csdl.gz"), types: Mutex::default() });

pub(super) struct Csdl {
    text: String,
    types: Mutex<HashMap<String, Option<Arc<Type>>>>,
}

/// A named type.
#[derive(Debug)]
pub(super) enum Type {
    Enum { members: Vec<String>, is_flags: bool },
    Structured(Structured),
}

/// An entity or complex type, with what it inherits.
#[derive(Debug, Clone, Default)]
pub(super) struct Structured {
    pub(super) name: String,
    pub(super) is_abstract: bool,
    pub(super) is_open: bool,
    pub(super) is_entity: bool,
    /// Its own name and its ancestors'.
    pub(super) lineage: Vec<String>,
    pub(super) properties: BTreeMap<String, Property>,
}

#[derive(Debug, Clone)]
pub(super) struct Property {
    /// `Edm.String`, `microsoft.graph.user`, `Collection(…)`.
    pub(super) of: String,
    pub(super) is_nullable: bool,
    pub(super) is_navigation: bool,
}

impl Csdl {
    /// A type by its full name (`microsoft.graph.user`).
    pub(super) fn find(&self, name: &str) -> Option<Arc<Type>> {
        if let Some(known) = self.types.lock().unwrap().get(name) {
            return known.clone();
        }
        let found = self.read(name).map(Arc::new);
        self.types.lock().unwrap().insert(name.to_owned(), found.clone());
        found
    }

    pub(super) fn structured(&self, name: &str) -> Option<Structured> {
        match &*self.find(name)? {
            Type::Structured(structured) => Some(structured.clone()),
            Type::Enum { .. } => None,
        }
    }

    /// The type of an entity set (as a collection) or of a singleton.
    pub(super) fn root(&self, name: &str) -> Option<String> {
        let container = element(&self.text, "EntityContainer", "GraphService")?;
        if let Some(start) = container.find(&format!("<EntitySet Name=\"{name}\"")) {
            return Some(format!("Collection({})", attribute(head(&container[start..]), "EntityType")?));
        }
        let start = container.find(&format!("<Singleton Name=\"{name}\""))?;
        Some(attribute(head(&container[start..]), "Type")?.to_owned())
    }

    /// The names of all entity sets and singletons.
    pub(super) fn roots(&self) -> Vec<String> {
        let container = element(&self.text, "EntityContainer", "GraphService").unwrap_or_default();
        let sets = tags(container, "EntitySet").chain(tags(container, "Singleton"));
        sets.filter_map(|tag| Some(attribute(tag, "Name")?.to_owned())).collect()
    }

    /// The functions by the type that they are bound to; those that take arguments end in `({})`.
    pub(super) fn functions(&self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for schema in self.text.split("<Schema ").skip(1) {
            let namespace = attribute(&format!(" {schema}"), "Namespace").unwrap_or_default().to_owned();
            for function in schema.split("<Function ").skip(1) {
                let opening = format!(" {}", head(function));
                let body = function.split("</Function>").next().unwrap_or_default();
                let parameters: Vec<&str> = tags(body, "Parameter").collect();
                let (Some(name), Some("true"), Some(binding)) = (
                    attribute(&opening, "Name"),
                    attribute(&opening, "IsBound"),
                    parameters.first().and_then(|first| attribute(first, "Type")),
                ) else {
                    continue;
                };
                let arguments = if parameters.len() > 1 { "({})" } else { "" };
                let own = found.entry(qualified(&namespace, binding)).or_default();
                own.push(format!("{name}{arguments}"));
            }
        }
        found
    }

    fn read(&self, name: &str) -> Option<Type> {
        let (namespace, local) = name.rsplit_once('.')?;
        let schema = self.schema(namespace)?;
        if let Some(text) = element(schema, "EnumType", local) {
            let is_flags = attribute(head(text), "IsFlags") == Some("true");
            let members = tags(text, "Member").filter_map(|tag| Some(attribute(tag, "Name")?.to_owned()));
            return Some(Type::Enum { members: members.collect(), is_flags });
        }
        let text = element(schema, "EntityType", local).or_else(|| element(schema, "ComplexType", local))?;
        let mut read = match attribute(head(text), "BaseType") {
            Some(base) => self.structured(&qualified(namespace, base))?,
            None => Structured::default(),
        };
        name.clone_into(&mut read.name);
        read.lineage.push(name.to_owned());
        read.is_abstract = attribute(head(text), "Abstract") == Some("true");
        read.is_entity = text.starts_with("<EntityType");
        read.is_open |= attribute(head(text), "OpenType") == Some("true");
        for (tag, is_navigation) in tags(text, "Property")
            .map(|tag| (tag, false))
            .chain(tags(text, "NavigationProperty").map(|tag| (tag, true)))
        {
            let of = qualified(namespace, attribute(tag, "Type")?);
            let is_nullable = attribute(tag, "Nullable") != Some("false");
            read.properties
                .insert(attribute(tag, "Name")?.to_owned(), Property { of, is_nullable, is_navigation });
        }
        Some(Type::Structured(read))
    }

    fn schema(&self, namespace: &str) -> Option<&str> {
        let start = self.text.find(&format!("<Schema Namespace=\"{namespace}\""))?;
        let end = self.text[start..].find("</Schema>")?;
        Some(&self.text[start..start + end])
    }
}

/// The full name of a type that a schema may name by an alias.
fn qualified(namespace: &str, name: &str) -> String {
    if let Some(item) = item_of(name) {
        return format!("Collection({})", qualified(namespace, item));
    }
    match name.split_once('.') {
        Some(("Edm", _)) => name.to_owned(),
        Some(("graph", local)) => format!("microsoft.graph.{local}"),
        Some(("self", local)) => format!("{namespace}.{local}"),
        Some(("microsoft", _)) | None => name.to_owned(),
        Some((alias, local)) => format!("microsoft.graph.{alias}.{local}"),
    }
}

/// `T` of `Collection(T)`.
pub(super) fn item_of(name: &str) -> Option<&str> {
    name.strip_prefix("Collection(")?.strip_suffix(')')
}

/// An element with its content, by its kind and name.
fn element<'a>(text: &'a str, kind: &str, name: &str) -> Option<&'a str> {
    let start = text.find(&format!("<{kind} Name=\"{name}\""))?;
    let text = &text[start..];
    let end = if head(text).ends_with('/') { head(text).len() } else { text.find(&format!("</{kind}>"))? };
    Some(&text[..end])
}

/// An element's opening tag, without the closing bracket.
fn head(text: &str) -> &str {
    &text[..text.find('>').unwrap_or(text.len())]
}

fn tags<'a>(text: &'a str, kind: &str) -> impl Iterator<Item = &'a str> {
    let open = format!("<{kind} ");
    text.match_indices(&open).map(|(start, _)| head(&text[start..])).collect::<Vec<_>>().into_iter()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(&tag[start..start + tag[start..].find('"')?])
}
