//! Graph's paths: versions, OData keys, casts and percent-encoding, and the patterns that routes declare.
//!
//! `/v1.0/users('ada%40contoso.example')`, `/beta/users/ada@contoso.example` and
//! `/v1.0/users/microsoft.graph.agentUser/{id}` all come down to segments; a type cast is taken out of them
//! and kept beside, a namespaced action loses its namespace. `myorganization` behind the version is the caller's
//! tenant, and so nothing. What a drive addresses by path,
//! `…/drive/root:/a/b.txt:/content` or `…/items/{id}:/b.txt:/content`, becomes one segment, the key of an
//! item: `…/drive/items/{root:/a/b.txt}/content`; and `…/drive/root` is `…/drive/items/{root}`, as
//! `…/drive/special/photos:/a.png` is `…/drive/items/{special/photos:/a.png}`.

use percent_encoding::percent_decode_str;

/// The types that stand in a path as a cast; any other name in the namespace is an action or a function.
const CAST_TYPES: [&str; 10] = [
    "agentIdentityBlueprint",
    "agentIdentityBlueprintPrincipal",
    "agentIdentity",
    "agentUser",
    "application",
    "servicePrincipal",
    "user",
    "group",
    "directoryRole",
    "orgContact",
];

/// What stands for the caller's tenant, as it did in Azure AD Graph.
const OWN_TENANT: &str = "myorganization";

/// Which version of Graph a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    Beta,
}

impl Version {
    /// The version as a path segment.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// Whether a path begins with what looks like a version of Graph's and is none.
pub(crate) fn is_other_version(path: &str) -> bool {
    let first = path.split('/').find(|part| !part.is_empty()).unwrap_or_default().to_ascii_lowercase();
    let is_number = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    ["v", "beta"].iter().any(|name| first.strip_prefix(name).is_some_and(is_number))
        && Path::parse(path).is_none()
}

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) version: Version,
    pub(crate) segments: Vec<String>,
    /// The last type cast, without namespace and in the CSDL's spelling.
    pub(crate) cast: Option<&'static str>,
}

impl Path {
    /// Reads the path of a URL, percent-encoded as sent; `None` if it is not below `/v1.0` or `/beta`.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        let version = match parts.next()? {
            version if version.eq_ignore_ascii_case("v1.0") => Version::V1,
            version if version.eq_ignore_ascii_case("beta") => Version::Beta,
            _ => return None,
        };
        parts.next_if(|part| part.eq_ignore_ascii_case(OWN_TENANT));
        let mut parsed = Self { version, segments: Vec::new(), cast: None };
        let mut in_colons = false;
        for part in parts {
            let part = percent_decode_str(part).decode_utf8_lossy();
            if in_colons {
                in_colons = parsed.push_inside_colons(&part);
            } else if parsed.is_at_special() {
                parsed.segments.pop();
                parsed.push_drive_item(&format!("special/{part}"));
                in_colons = part.ends_with(':');
            } else if parsed.begins_colons(&part) {
                parsed.push_drive_item(&part);
                in_colons = true;
            } else if part.eq_ignore_ascii_case("root") && parsed.is_at_a_drive() {
                parsed.push_drive_item("root");
            } else {
                parsed.push(&part);
            }
        }
        Some(parsed)
    }

    /// Whether the next part names something in a drive.
    fn is_at_a_drive(&self) -> bool {
        is_a_drive(&self.segments)
    }

    /// Whether the next part names one of a drive's special folders.
    fn is_at_special(&self) -> bool {
        let last = self.segments.split_last();
        last.is_some_and(|(last, drive)| last.eq_ignore_ascii_case("special") && is_a_drive(drive))
    }

    /// Whether a path in a drive begins with this part: `root:` or an item's `{id}:`.
    fn begins_colons(&self, part: &str) -> bool {
        let Some(item) = part.strip_suffix(':').filter(|item| !item.contains('/')) else { return false };
        (item.eq_ignore_ascii_case("root") && self.is_at_a_drive())
            || (!item.is_empty()
                && self.segments.last().is_some_and(|last| last.eq_ignore_ascii_case("items")))
    }

    /// `root` is the item of that name.
    fn push_drive_item(&mut self, item: &str) {
        if self.is_at_a_drive() {
            self.segments.push("items".to_owned());
        }
        self.segments.push(item.to_owned());
    }

    /// Adds a part to a path in a drive; whether the path goes on.
    fn push_inside_colons(&mut self, part: &str) -> bool {
        if let Some(item) = self.segments.last_mut() {
            item.push('/');
            item.push_str(part.strip_suffix(':').unwrap_or(part));
        }
        !part.ends_with(':')
    }

    fn push(&mut self, part: &str) {
        if self.segments.is_empty() {
            return self.push_with_key(part);
        }
        match strip_namespace(part) {
            Some(name) => match CAST_TYPES.iter().find(|cast| cast.eq_ignore_ascii_case(name)) {
                Some(cast) => self.cast = Some(cast),
                None => self.push_with_key(name),
            },
            None => self.push_with_key(part),
        }
    }

    /// `users('x')` is two segments, `users` and `x`; `delta()` is one.
    fn push_with_key(&mut self, part: &str) {
        let split = part.strip_suffix(')').and_then(|open| open.split_once('('));
        match split {
            Some((name, key)) if is_name(name) => {
                self.segments.push(name.to_owned());
                if !key.is_empty() {
                    self.segments.push(unquote(key).unwrap_or_else(|| key.to_owned()));
                }
            }
            _ => self.segments.push(part.to_owned()),
        }
    }
}

fn is_a_drive(segments: &[String]) -> bool {
    let is = |segment: &String, name: &str| segment.eq_ignore_ascii_case(name);
    match segments {
        [.., drives, _] if is(drives, "drives") => true,
        [_, .., drive] => is(drive, "drive"),
        _ => false,
    }
}

/// An object's key in a path: its id, or an alternate key such as `appId='…'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    Id(&'a str),
    /// An alternate key's name and value; the value is unquoted.
    By(&'a str, &'a str),
}

impl<'a> Key<'a> {
    /// Reads a segment.
    pub(crate) fn of(segment: &'a str) -> Self {
        match segment.split_once('=') {
            Some((name, value)) if is_name(name) => match quoted(value) {
                Some(value) => Self::By(name, value),
                None => Self::Id(segment),
            },
            _ => Self::Id(segment),
        }
    }
}

/// A route's pattern: `/users/{id}/sponsors/$ref`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(&'static str),
    Parameter(&'static str),
}

impl Pattern {
    /// Reads a pattern as it stands in the route table.
    pub(crate) fn new(text: &'static str) -> Self {
        let part = |text: &'static str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => Part::Parameter(name),
            None => Part::Literal(text),
        };
        Self(text.split('/').filter(|part| !part.is_empty()).map(part).collect())
    }

    /// The parameters of a path that matches, in order.
    pub(crate) fn matches(&self, segments: &[String]) -> Option<Params> {
        if segments.len() != self.0.len() {
            return None;
        }
        let mut params = Params::default();
        for (part, segment) in self.0.iter().zip(segments) {
            match part {
                Part::Literal(literal) if literal.eq_ignore_ascii_case(segment) => {}
                Part::Literal(_) => return None,
                // OData's own segments name nothing of the service's.
                Part::Parameter(_) if is_odatas(segment) => return None,
                Part::Parameter(name) => params.0.push((name, segment.clone())),
            }
        }
        Some(params)
    }

    /// Whether a parameter stands at the end.
    pub(crate) fn ends_in_parameter(&self) -> bool {
        matches!(self.0.last(), Some(Part::Parameter(_)))
    }

    /// The pattern's parts, parameters as `{name}`.
    pub(crate) fn parts(&self) -> Vec<String> {
        let part = |part: &Part| match part {
            Part::Literal(literal) => (*literal).to_owned(),
            Part::Parameter(name) => format!("{{{name}}}"),
        };
        self.0.iter().map(part).collect()
    }

    /// How many parts are literal, from the left: of two patterns that match, the more literal one wins.
    pub(crate) fn precedence(&self) -> Vec<bool> {
        self.0.iter().map(|part| matches!(part, Part::Literal(_))).collect()
    }
}

/// The values of a pattern's parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(&'static str, String)>);

impl Params {
    /// A parameter's text; empty if the pattern has none of that name.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Puts another text for a parameter.
    pub(crate) fn set(&mut self, name: &str, text: &str) {
        for (_, value) in self.0.iter_mut().filter(|(key, _)| *key == name) {
            text.clone_into(value);
        }
    }

    /// A parameter as an object's key.
    pub(crate) fn key(&self, name: &str) -> Key<'_> {
        Key::of(self.get(name))
    }
}

fn is_odatas(segment: &str) -> bool {
    ["$count", "$ref", "$value"].iter().any(|own| own.eq_ignore_ascii_case(segment))
}

fn strip_namespace(part: &str) -> Option<&str> {
    ["microsoft.graph.", "graph."].iter().find_map(|namespace| {
        let head = part.get(..namespace.len())?;
        head.eq_ignore_ascii_case(namespace).then(|| &part[namespace.len()..])
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''))
}

/// An OData string literal's text: quotes off, doubled quotes single.
fn unquote(text: &str) -> Option<String> {
    Some(quoted(text)?.replace("''", "'"))
}

/// What arbitrary bytes must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(path) = Path::parse(&text) {
        for segment in &path.segments {
            let _ = Key::of(segment);
        }
        let _ = Pattern::new("/users/{id}/chats").matches(&path.segments);
        // A key makes two segments of one part, and so does a drive's root; nothing makes more.
        assert!(path.segments.len() <= 2 * text.split('/').count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    fn params(pattern: &'static str, path: &str) -> Option<Params> {
        Pattern::new(pattern).matches(&Path::parse(path)?.segments)
    }

    #[test]
    fn keys_come_as_segments_or_in_parentheses() {
        for path in [
            "/v1.0/users/ada@contoso.example/sponsors/$ref",
            "/beta/users/ada%40contoso.example/sponsors/%24ref",
            "/v1.0/Users('ada%40contoso.example')/Sponsors/$ref",
            "/v1.0//users/ada@contoso.example/sponsors/$ref/",
        ] {
            let params = params("/users/{id}/sponsors/$ref", path).unwrap();
            assert_eq!(params.key("id"), Key::Id("ada@contoso.example"), "{path}");
        }
        assert_eq!(params("/users/{id}", "/v1.0/users('o''brien')").unwrap().get("id"), "o'brien");
        let by = params("/servicePrincipals/{id}", "/v1.0/servicePrincipals(appId='x-1')").unwrap();
        assert_eq!(by.key("id"), Key::By("appId", "x-1"));
        let chat = params("/chats/{id}/messages", "/v1.0/chats/19%3Aab%2Fc%40thread.v2/messages").unwrap();
        assert_eq!(chat.get("id"), "19:ab/c@thread.v2");
        assert!(params("/users/{id}", "/v1.0/users").is_none());
        assert!(params("/users/{id}", "/v1.0/users/$count").is_none());
        assert_eq!(params("/users/{id}", "/v1.0/users('$ada')").unwrap().get("id"), "$ada");
        assert!(params("/users/{id}", "/v2.0/users/x").is_none());
    }

    #[test]
    fn a_type_cast_is_kept_beside_and_an_action_loses_its_namespace() {
        for path in [
            "/v1.0/applications/microsoft.graph.agentIdentityBlueprint/x/addPassword",
            "/v1.0/applications/x/graph.AgentIdentityBlueprint/microsoft.graph.addPassword",
        ] {
            let parsed = Path::parse(path).unwrap();
            assert_eq!(parsed.cast, Some("agentIdentityBlueprint"), "{path}");
            assert_eq!(parsed.segments, ["applications", "x", "addPassword"], "{path}");
        }
        assert_eq!(
            Path::parse("/v1.0/me/chats/getAllMessages/delta()").unwrap().segments.last().unwrap(),
            "delta"
        );
    }

    #[test]
    fn the_callers_own_tenant_is_named_in_front_and_nowhere_else() {
        for (path, segments) in [
            ("/v1.0/myorganization/applications/x", &["applications", "x"][..]),
            ("/beta/myOrganization/users('x')", &["users", "x"]),
            ("/v1.0/MYORGANIZATION", &[]),
            ("/v1.0/myorganization/myorganization", &["myorganization"]),
            ("/v1.0/users/myorganization", &["users", "myorganization"]),
        ] {
            assert_eq!(Path::parse(path).unwrap().segments, segments, "{path}");
        }
    }

    #[test]
    fn a_path_in_a_drive_is_the_key_of_an_item() {
        for (path, segments) in [
            ("/v1.0/me/drive/root", &["me", "drive", "items", "root"][..]),
            ("/v1.0/me/drive/root/children", &["me", "drive", "items", "root", "children"]),
            (
                "/v1.0/me/drive/root:/a%20b/c.txt:/content",
                &["me", "drive", "items", "root:/a b/c.txt", "content"],
            ),
            ("/v1.0/drives/D/root:/a/b", &["drives", "D", "items", "root:/a/b"]),
            (
                "/v1.0/drives/D/items/I:/x(1).txt:/microsoft.graph.createUploadSession",
                &["drives", "D", "items", "I:/x(1).txt", "createUploadSession"],
            ),
            ("/v1.0/drives/D/items/root:/a:/children", &["drives", "D", "items", "root:/a", "children"]),
            (
                "/v1.0/drives/D/items/root%3A%2Fa%3A/children",
                &["drives", "D", "items", "root:/a:", "children"],
            ),
            ("/v1.0/users/U/drive/root:/:/children", &["users", "U", "drive", "items", "root:/", "children"]),
            ("/v1.0/me/drive/root/search(q='a b')", &["me", "drive", "items", "root", "search", "q='a b'"]),
            ("/v1.0/me/drive/special/photos", &["me", "drive", "items", "special/photos"]),
            (
                "/v1.0/drives/D/special/approot:/a/b.txt:/content",
                &["drives", "D", "items", "special/approot:/a/b.txt", "content"],
            ),
            ("/v1.0/me/drive/special", &["me", "drive", "special"]),
            ("/v1.0/users/root:/chats", &["users", "root:", "chats"]),
            ("/v1.0/drives/root/items/I", &["drives", "root", "items", "I"]),
        ] {
            assert_eq!(Path::parse(path).unwrap().segments, segments, "{path}");
        }
    }

    #[test]
    fn the_corpus_parses_or_does_not() {
        crate::corpus::replay("path", withstand_path);
    }

    proptest! {
        #[test]
        fn any_path_parses_or_does_not(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            withstand_path(&bytes);
            withstand_path(&[b"/v1.0/users", bytes.as_slice()].concat());
        }

        #[test]
        fn an_encoded_id_is_read_as_it_was(id in ".{1,60}") {
            let encoded = utf8_percent_encode(&id, NON_ALPHANUMERIC).to_string();
            // What OData itself would read as a key, a cast or a namespace is not an id.
            prop_assume!(!id.ends_with(')') && strip_namespace(&id).is_none());
            let params = params("/users/{id}/chats", &format!("/v1.0/users/{encoded}/chats")).unwrap();
            prop_assert_eq!(params.get("id"), id);
        }

        #[test]
        fn a_quoted_key_is_read_as_it_was(id in ".{1,60}") {
            let quoted = utf8_percent_encode(&format!("('{}')", id.replace('\'', "''")), NON_ALPHANUMERIC).to_string();
            let params = params("/users/{id}", &format!("/v1.0/users{quoted}")).unwrap();
            prop_assert_eq!(params.get("id"), id);
        }
    }
}
