//! `attache config show` and `attache gateway config`: each setting, its value and where that came from. Secrets are
//! named, not shown.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::Values;
use super::keys::Key;
#[cfg(feature = "device")]
use super::{Given, keys::KEYS};
use crate::output::Output;

/// Prints every setting of a profile.
#[cfg(feature = "device")]
pub(crate) fn show(given: &Given, output: &Output) {
    let name = given.place.profile.name();
    if output.json {
        let mut object = settings(KEYS, &given.values, &given.place.file());
        object["home"] = json!(given.place.home);
        object["profile"] = json!(name.as_str());
        output.object(&object);
    } else {
        output.line(format!("profile {name} in {}", given.place.home.display()));
        print(KEYS, &given.values, output);
    }
}

/// Prints every setting of the gateway.
#[cfg(feature = "gateway")]
pub(crate) fn show_gateway(keys: &[Key], values: &Values, file: &Path, output: &Output) {
    if output.json {
        output.object(&settings(keys, values, file));
    } else {
        output.line(format!("gateway, {}", file.display()));
        print(keys, values, output);
    }
}

fn settings(keys: &[Key], values: &Values, file: &Path) -> Json {
    let setting = |key: &Key| {
        let value = values.get(key.name);
        json!({
            "name": key.name,
            "value": value.map(|value| shown(key, &value.text)),
            "from": value.map(|value| value.origin.to_string()),
            "variables": key.variables,
            "help": key.help,
        })
    };
    json!({
        "file": file,
        "settings": keys.iter().map(setting).collect::<Vec<_>>(),
        "problems": values.problems,
    })
}

fn print(keys: &[Key], values: &Values, output: &Output) {
    for key in keys {
        let (value, from) = match values.get(key.name) {
            Some(value) => (shown(key, &value.text), value.origin.to_string()),
            None => ("-".to_owned(), format!("unset ({})", key.variables[0])),
        };
        output.line(format!("  {:<26} {value:<38} {from}", key.name));
        output.line(format!("  {:<26} {}", "", key.help));
    }
    for problem in &values.problems {
        output.line(format!("problem: {problem}"));
    }
}

fn shown(key: &Key, text: &str) -> String {
    match url::Url::parse(text) {
        _ if key.secret => "(set, not shown)".to_owned(),
        // An address may carry a password, before the host or as a parameter.
        Ok(mut url) if url.password().is_some() || url.query().is_some() => {
            url.set_query(None);
            let hidden = url.set_password(None).and_then(|()| url.set_username(""));
            if hidden.is_ok() {
                format!("{url} (credentials and parameters not shown)")
            } else {
                "(set, not shown)".to_owned()
            }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_secret_is_not_shown() {
        let key = |secret| Key { name: "a", variables: &["A"], default: None, secret, help: "" };
        assert_eq!(shown(&key(true), "canary"), "(set, not shown)");
        assert_eq!(shown(&key(false), "https://a.example/b"), "https://a.example/b");
        for address in ["postgres://me:canary@db:5433/attache", "postgres://db:5433/attache?password=canary"]
        {
            assert_eq!(
                shown(&key(false), address),
                "postgres://db:5433/attache (credentials and parameters not shown)"
            );
        }
        assert_eq!(shown(&key(false), "postgres:///attache?host=/run&password=canary").find("canary"), None);
    }
}
