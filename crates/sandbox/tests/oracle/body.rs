//! A body that left Graph, held against the CSDL: names, types, enum members, nullability, `@odata.type`; and
//! an error against the envelope (Graph reference §7.3).

use serde_json::{Map, Value};

use super::context::{self, Said};
use super::csdl::{CSDL, Structured, Type, item_of};
use super::known::{ANNOTATIONS, BEYOND_THE_CSDL, NULL_ALL_THE_SAME, WITHOUT_CONTEXT};

/// Fails the test that met a body which Graph would not have sent. `path` is the request's, with its version.
pub(crate) fn assert_graphs(method: &str, path: &str, status: u16, body: &Value) {
    let wrong = faults(path, status, body);
    assert!(
        wrong.is_empty(),
        "{method} {path} answers {status} with what Graph does not say:\n  {}\n{body:#}",
        wrong.join("\n  ")
    );
}

pub(crate) fn faults(path: &str, status: u16, body: &Value) -> Vec<String> {
    let mut wrong = Wrong::default();
    if status >= 400 {
        wrong.error(body);
    } else if path.ends_with("/$batch") {
        wrong.batch(body);
    } else {
        wrong.success(path, body);
    }
    wrong.0
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn say(&mut self, at: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{at}: {what}"));
    }

    fn error(&mut self, body: &Value) {
        let error = &body["error"];
        for name in ["code", "message"] {
            if !error[name].is_string() {
                self.say(&format!("error.{name}"), "is no text");
            }
        }
        let inner = &error["innerError"];
        for name in ["date", "request-id", "client-request-id"] {
            if !inner[name].is_string() {
                self.say(&format!("error.innerError.{name}"), "is no text");
            }
        }
        if inner["date"]
            .as_str()
            .is_some_and(|date| date.parse::<jiff::civil::DateTime>().is_err() || date.len() != 19)
        {
            self.say("error.innerError.date", "has a zone or a fraction, or is no date");
        }
    }

    fn batch(&mut self, body: &Value) {
        let Some(responses) = body["responses"].as_array() else {
            return self.say("responses", "is no list");
        };
        for one in responses {
            let status = one["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            match (status, one["id"].as_str()) {
                // Without the path of the request only errors and bodies with a context can be told.
                (Some(status), Some(_)) if one["body"].is_object() => {
                    self.0.extend(faults("", status, &one["body"]));
                }
                (Some(_), Some(_)) => {}
                _ => self.say("responses", format!("{one} has no id or no status")),
            }
        }
    }

    fn success(&mut self, path: &str, body: &Value) {
        let Some(said) = body["@odata.context"].as_str() else {
            if !WITHOUT_CONTEXT.iter().any(|(end, _)| path.ends_with(end)) {
                self.say("@odata.context", "is missing");
            }
            return;
        };
        let Some((root, fragment)) = said.split_once("/$metadata#") else {
            return self.say("@odata.context", format!("{said} names no metadata"));
        };
        if !root.ends_with("/v1.0") && !root.ends_with("/beta") {
            self.say("@odata.context", format!("{said} names no version"));
        }
        match context::read(fragment) {
            Ok(Said::One(of)) => match CSDL.structured(&of) {
                Some(_) => self.value(&of, body, ""),
                // A primitive, or an enum, stands in `value`.
                None => self.value(&of, &body["value"], "value"),
            },
            Ok(Said::Many(of)) => self.collection(&of, body),
            Ok(Said::References) => self.references(body),
            Err(why) => self.say("@odata.context", format!("{fragment}: {why}")),
        }
    }

    fn references(&mut self, body: &Value) {
        let items = body["value"].as_array().map_or_else(|| std::slice::from_ref(body), Vec::as_slice);
        for item in items {
            if !item["@odata.id"].is_string() {
                self.say("@odata.id", format!("is missing in {item}"));
            }
        }
    }

    fn collection(&mut self, of: &str, body: &Value) {
        let Some(items) = body["value"].as_array() else { return self.say("value", "is no list") };
        for name in body.as_object().into_iter().flat_map(Map::keys) {
            if name != "value" && !ANNOTATIONS.contains(&name.as_str()) {
                self.say(name, "stands beside the collection");
            }
        }
        for (index, item) in items.iter().enumerate() {
            self.value(of, item, &format!("value[{index}]"));
        }
    }

    fn value(&mut self, of: &str, value: &Value, at: &str) {
        if let Some(item) = item_of(of) {
            return match value.as_array() {
                Some(values) => {
                    for (index, value) in values.iter().enumerate() {
                        self.value(item, value, &format!("{at}[{index}]"));
                    }
                }
                None => self.say(at, format!("{value} is no list of {item}")),
            };
        }
        if of.starts_with("Edm.") {
            if !is_primitive(of, value) {
                self.say(at, format!("{value} is no {of}"));
            }
            return;
        }
        match CSDL.find(of).as_deref() {
            None => self.say(at, format!("no type {of}")),
            Some(Type::Enum { members, is_flags }) => {
                let text = value.as_str().unwrap_or_default();
                let named: Vec<&str> = if *is_flags { text.split(',').collect() } else { vec![text] };
                if !named.iter().all(|one| members.iter().any(|member| member == one)) {
                    self.say(at, format!("{value} is no member of {of}"));
                }
            }
            Some(Type::Structured(declared)) => self.object(declared, value, at),
        }
    }

    fn object(&mut self, declared: &Structured, value: &Value, at: &str) {
        let Some(fields) = value.as_object() else {
            return self.say(at, format!("{value} is no {}", declared.name));
        };
        let actual = match fields.get("@odata.type").map(Value::as_str) {
            None => declared.clone(),
            Some(named) => {
                let named = named.unwrap_or_default();
                match named.strip_prefix('#').and_then(|name| CSDL.structured(name)) {
                    Some(actual) if actual.lineage.contains(&declared.name) => actual,
                    _ => return self.say(at, format!("@odata.type {named} is no {}", declared.name)),
                }
            }
        };
        let is_removed = fields.contains_key("@removed");
        if actual.is_abstract && !is_removed {
            self.say(at, format!("{} is abstract: @odata.type is missing", actual.name));
        }
        for (name, value) in fields {
            self.field(&actual, name, value, at);
        }
    }

    fn field(&mut self, of: &Structured, name: &str, value: &Value, at: &str) {
        let here = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        if let Some(at_sign) = name.find('@') {
            if !ANNOTATIONS.contains(&&name[at_sign..]) {
                self.say(&here, "is no annotation of Graph's");
            }
            return;
        }
        let listed = |list: &[(&str, &str, &str)]| {
            list.iter()
                .any(|(owner, property, _)| *property == name && of.lineage.iter().any(|one| one == owner))
        };
        match of.properties.get(name) {
            None if takes_any(of, name) || listed(BEYOND_THE_CSDL) => {}
            None => self.say(&here, format!("{} has no such property", of.name)),
            Some(property) if value.is_null() => {
                if !property.is_nullable && !listed(NULL_ALL_THE_SAME) {
                    self.say(&here, format!("is null, which {} forbids", of.name));
                }
            }
            Some(property) => self.value(&property.of, value, &here),
        }
    }
}

/// Open entity types are open for directory and schema extensions, whose names have an underscore; identities
/// are open for nothing that a test should not have to list.
fn takes_any(of: &Structured, name: &str) -> bool {
    let is = |ancestor: &str| of.lineage.iter().any(|one| one == ancestor);
    let is_dictionary =
        !is("microsoft.graph.identity") && !is("microsoft.graph.identitySet") && !of.is_entity;
    of.is_open && (is_dictionary || name.contains('_'))
}

fn is_primitive(of: &str, value: &Value) -> bool {
    let text = |is: fn(&str) -> bool| value.as_str().is_some_and(is);
    match of {
        "Edm.Boolean" => value.is_boolean(),
        "Edm.Byte" | "Edm.SByte" | "Edm.Int16" | "Edm.Int32" => {
            value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        "Edm.Int64" => value.is_i64() || value.is_u64(),
        "Edm.Double" | "Edm.Single" | "Edm.Decimal" => {
            value.is_number() || text(|one| matches!(one, "INF" | "-INF" | "NaN"))
        }
        "Edm.DateTimeOffset" => text(|one| one.contains('T') && one.parse::<jiff::Timestamp>().is_ok()),
        "Edm.Date" => text(|one| one.len() == 10 && one.parse::<jiff::civil::Date>().is_ok()),
        "Edm.TimeOfDay" => text(|one| one.parse::<jiff::civil::Time>().is_ok()),
        "Edm.Duration" => text(|one| one.trim_start_matches('-').starts_with('P')),
        "Edm.Guid" => text(|one| one.len() == 36 && one.parse::<uuid::Uuid>().is_ok()),
        "Edm.Binary" => {
            text(|one| one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)))
        }
        "Edm.String" | "Edm.Stream" => value.is_string(),
        _ => true,
    }
}
