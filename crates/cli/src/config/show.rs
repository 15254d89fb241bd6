//! `attache config show`: each setting, its value and where that came from. Secrets are named, not shown.

use serde_json::{Value as Json, json};

use super::Given;
use super::keys::KEYS;
use crate::output::Output;

/// Prints every setting.
pub(crate) fn show(given: &Given, output: &Output) {
    if output.json {
        output.object(&json!({
            "home": given.place.home,
            "profile": given.place.profile.name().as_str(),
            "file": given.place.file(),
            "settings": KEYS.iter().map(|key| {
                let value = given.values.get(key.name);
                json!({
                    "name": key.name,
                    "value": value.map(|value| shown(key.secret, &value.text)),
                    "from": value.map(|value| value.origin.to_string()),
                    "variables": key.variables,
                    "help": key.help,
                })
            }).collect::<Vec<Json>>(),
            "problems": given.values.problems,
        }));
        return;
    }
    output.line(format!("profile {} in {}", given.place.profile.name(), given.place.home.display()));
    for key in KEYS {
        let (value, from) = match given.values.get(key.name) {
            Some(value) => (shown(key.secret, &value.text), value.origin.to_string()),
            None => ("-".to_owned(), format!("unset ({})", key.variables[0])),
        };
        output.line(format!("  {:<26} {value:<38} {from}", key.name));
        output.line(format!("  {:<26} {}", "", key.help));
    }
    for problem in &given.values.problems {
        output.line(format!("problem: {problem}"));
    }
}

fn shown(secret: bool, text: &str) -> String {
    if secret { "(set, not shown)".to_owned() } else { text.to_owned() }
}
