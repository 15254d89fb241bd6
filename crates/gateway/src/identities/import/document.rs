//! Documents of the collection `agent_identities` of earlier systems, as `mongoexport` writes them: extended JSON, one
//! document a line or one array. What is read follows the runbook of those systems: the key `{org_id, template_id}`
//! (null for the default), `m365_user_id`, and the states PENDING, ACTIVE, ERROR and DEPROVISIONED.

use attache_terms::UserId;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::identities::{DEFAULT, Mode};
use crate::organisations::is_slug;

/// A document that can be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// What finds it in the file: its place and its `_id`.
    pub(super) name: String,
    /// Its `_id`, or its place.
    pub(super) id: String,
    /// The organisation's id there.
    pub(super) org: String,
    /// The organisation's name, if it says one.
    pub(super) org_name: Option<String>,
    pub(super) template: String,
    pub(super) mode: Mode,
    pub(super) status: Status,
    pub(super) user: Option<UserId>,
    pub(super) address: Option<String>,
    pub(super) subdomain: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) job_title: Option<String>,
    pub(super) department: Option<String>,
    /// The parts before the @.
    pub(super) aliases: Vec<String>,
    pub(super) created: Option<Timestamp>,
}

/// How an identity stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Active,
    Error,
    Deprovisioned,
}

/// A document that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) name: String,
    pub(super) reason: String,
}

/// Reads an export; `Err` when it is none.
pub(super) fn read(text: &str) -> Result<Vec<Result<Document, Refused>>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('[') {
        let all: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        return Ok((1..).zip(all).map(|(nth, value)| document(&format!("document {nth}"), value)).collect());
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |(nth, line): (usize, &str)| {
        let place = format!("line {nth}");
        match serde_json::from_str(line) {
            Ok(value) => document(&place, value),
            Err(error) => Err(Refused { name: place, reason: format!("it is not JSON: {error}") }),
        }
    };
    Ok(lines.map(read).collect())
}

fn document(place: &str, value: Value) -> Result<Document, Refused> {
    let Value::Object(fields) = plain(value) else {
        return Err(Refused { name: place.to_owned(), reason: "it is no document".to_owned() });
    };
    let id = text(&fields, &["_id"]);
    let name = id.as_ref().map_or_else(|| place.to_owned(), |id| format!("{place}, _id {id}"));
    let id = id.unwrap_or_else(|| place.to_owned());
    judge(&fields, name.clone(), id).map_err(|reason| Refused { name, reason })
}

fn judge(fields: &Map<String, Value>, name: String, id: String) -> Result<Document, String> {
    let org = text(fields, &["org_id"]).ok_or("it has no org_id")?;
    let template = match text(fields, &["template_id", "template"]) {
        None => DEFAULT.to_owned(),
        Some(template) => {
            let slug = template.to_ascii_lowercase().replace('_', "-");
            if !is_slug(&slug) {
                return Err(format!("its template_id {template:?} makes no short name"));
            }
            slug
        }
    };
    let status = match text(fields, &["status", "state"]).as_deref() {
        Some(word) if word.eq_ignore_ascii_case("active") => Status::Active,
        Some(word) if word.eq_ignore_ascii_case("pending") => Status::Pending,
        Some(word) if word.eq_ignore_ascii_case("error") => Status::Error,
        Some(word) if word.eq_ignore_ascii_case("deprovisioned") => Status::Deprovisioned,
        Some(other) => return Err(format!("its status {other:?} is none that is known")),
        None => return Err("it has no status".to_owned()),
    };
    let mode = match text(fields, &["identity_mode", "mode"]).map(|mode| mode.to_ascii_lowercase()) {
        None => Mode::Hosted,
        Some(mode) if mode.contains("hosted") => Mode::Hosted,
        Some(mode) if mode == "shared" || mode == "noreply" => Mode::Shared,
        Some(other) => return Err(format!("its mode {other:?} is none that can be taken in")),
    };
    let user = text(fields, &["m365_user_id"]);
    let user = match &user {
        Some(text) => Some(text.parse().map_err(|_| format!("its m365_user_id {text:?} is no object id"))?),
        None => None,
    };
    if mode == Mode::Hosted && status == Status::Active && user.is_none() {
        return Err("it is ACTIVE and has no m365_user_id".to_owned());
    }
    let address = text(fields, &["email", "email_address", "address", "mailbox"]);
    if let Some(address) = address.as_deref()
        && !is_address(address)
    {
        return Err(format!("its address {address:?} is none"));
    }
    let subdomain = text(fields, &["subdomain", "org_subdomain"]).map(|text| text.to_ascii_lowercase());
    if let Some(subdomain) = subdomain.as_deref()
        && !is_slug(subdomain)
    {
        return Err(format!(
            "its subdomain {subdomain:?} is none that this gateway gives: 2 to 40 small letters, digits and inner hyphens"
        ));
    }
    Ok(Document {
        name,
        id,
        org,
        org_name: text(fields, &["org_name"]),
        template,
        mode,
        status,
        user,
        address,
        subdomain,
        display_name: text(fields, &["display_name"]),
        job_title: text(fields, &["job_title"]),
        department: text(fields, &["department"]),
        aliases: aliases(fields)?,
        created: time(fields.get("created_at")),
    })
}

/// What a field holds that is written under one of these names.
fn text(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let found = names.iter().find_map(|name| fields.get(*name)?.as_str())?;
    Some(found.trim().to_owned()).filter(|text| !text.is_empty())
}

fn is_address(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"".contains(&byte);
    match text.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && domain.contains('.') && !domain.contains('@') && text.bytes().all(plain)
        }
        None => false,
    }
}

/// Aliases are names or whole addresses there.
fn aliases(fields: &Map<String, Value>) -> Result<Vec<String>, String> {
    let Some(listed) = fields.get("aliases").filter(|listed| !listed.is_null()) else {
        return Ok(Vec::new());
    };
    let listed = listed.as_array().ok_or("its aliases are no list")?;
    let name = |alias: &Value| {
        let text = alias.as_str().ok_or("one of its aliases is no text")?;
        Ok(text.split('@').next().unwrap_or_default().to_owned())
    };
    listed.iter().map(name).collect::<Result<_, &str>>().map_err(str::to_owned)
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    match value? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// The value without the wrappers of extended JSON (MongoDB Extended JSON v2): `{"$oid": "…"}` is a text,
/// `{"$date": …}` what stands in it, `{"$numberLong": "…"}` a number.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut entries = fields.into_iter();
            match (entries.next(), entries.next()) {
                (Some((name, inner)), None) if name.starts_with('$') => unwrapped(&name, plain(inner)),
                (first, second) => {
                    let all = first.into_iter().chain(second).chain(entries);
                    Value::Object(all.map(|(name, value)| (name, plain(value))).collect())
                }
            }
        }
        Value::Array(list) => Value::Array(list.into_iter().map(plain).collect()),
        other => other,
    }
}

fn unwrapped(name: &str, inner: Value) -> Value {
    match (name, &inner) {
        ("$numberInt" | "$numberLong", Value::String(text)) => {
            text.parse::<i64>().map_or(Value::Null, Value::from)
        }
        _ => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "82fe7758-5bb3-4f0d-a43f-e555fd399c6f";

    fn one(text: &str) -> Result<Document, String> {
        let read = read(text).unwrap().into_iter().next().unwrap();
        read.map_err(|refused| refused.reason)
    }

    #[test]
    fn a_document_of_the_runbook_is_read_whole() {
        let line = format!(
            r#"{{"_id":{{"$oid":"665f1c2e9b1e8a0012345678"}},"org_id":"org_42","template_id":null,"identity_mode":"curate_me_hosted","subdomain":"Acme","m365_user_id":"{USER}","status":"ACTIVE","email":"curate@acme.curate-me.ai","aliases":["dev-team@acme.curate-me.ai","cfo"],"created_at":{{"$date":{{"$numberLong":"1747267200000"}}}},"__v":{{"$numberInt":"0"}}}}"#
        );
        let read = one(&line).unwrap();
        assert_eq!(read.name, "line 1, _id 665f1c2e9b1e8a0012345678");
        assert_eq!((read.org.as_str(), read.template.as_str()), ("org_42", "default"));
        assert_eq!((read.mode, read.status), (Mode::Hosted, Status::Active));
        assert_eq!(read.user.map(|user| user.to_string()).as_deref(), Some(USER));
        assert_eq!(read.address.as_deref(), Some("curate@acme.curate-me.ai"));
        assert_eq!(read.subdomain.as_deref(), Some("acme"));
        assert_eq!(read.aliases, ["dev-team", "cfo"]);
        assert_eq!(read.created.map(|time| time.to_string()).as_deref(), Some("2025-05-15T00:00:00Z"));
    }

    #[test]
    fn an_array_and_lines_say_the_same() {
        let line =
            format!(r#"{{"org_id":"a","status":"active","m365_user_id":"{USER}","template_id":"dev_team"}}"#);
        let lines = read(&format!("{line}\n\n{line}\n")).unwrap();
        let array = read(&format!("[{line},\n{line}]")).unwrap();
        assert_eq!((lines.len(), array.len()), (2, 2));
        for (one, other) in lines.into_iter().zip(array) {
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!(one.template, "dev-team");
            assert_eq!(
                Document { name: String::new(), id: String::new(), ..one },
                Document { name: String::new(), id: String::new(), ..other }
            );
        }
        assert!(read("[{").is_err());
    }

    #[test]
    fn what_cannot_be_taken_in_is_refused_with_its_reason() {
        for (line, reason) in [
            ("{", "not JSON"),
            ("7", "no document"),
            (r#"{"status":"ACTIVE"}"#, "no org_id"),
            (r#"{"org_id":"a"}"#, "no status"),
            (r#"{"org_id":"a","status":"SLEEPING"}"#, "SLEEPING"),
            (r#"{"org_id":"a","status":"ACTIVE"}"#, "no m365_user_id"),
            (r#"{"org_id":"a","status":"ACTIVE","m365_user_id":"me"}"#, "no object id"),
            (r#"{"org_id":"a","status":"PENDING","template_id":"../x"}"#, "no short name"),
            (r#"{"org_id":"a","status":"PENDING","mode":"own_tenant"}"#, "own_tenant"),
            (r#"{"org_id":"a","status":"PENDING","email":"a b@c.example"}"#, "is none"),
            (r#"{"org_id":"a","status":"PENDING","subdomain":"a.b"}"#, "subdomain"),
            (r#"{"org_id":"a","status":"PENDING","aliases":[7]}"#, "aliases"),
        ] {
            let refused = one(line).unwrap_err();
            assert!(refused.contains(reason), "{line}: {refused}");
        }
    }
}
