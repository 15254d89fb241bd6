//! Where each value comes from: flag, then environment, then file, then default. Nothing is judged here.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::keys::Key;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// This variable.
    Variable(&'static str),
    /// The configuration file.
    File(PathBuf),
    /// What is built in.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The settings that have a flag; all have a variable.
const FLAGS: [&str; 9] =
    ["tenant", "client_id", "authority", "graph", "ca", "log", "listen", "public_url", "database"];

/// A setting and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// Every setting that has a value, by name.
#[derive(Debug, Default)]
pub(crate) struct Values {
    keys: &'static [Key],
    values: BTreeMap<&'static str, Value>,
    /// Tables of the file that may be there several times, by name: `[[tenants]]`.
    pub(crate) tables: BTreeMap<&'static str, Vec<toml::Table>>,
    /// What is wrong with the file, each as one sentence with its remedy.
    pub(crate) problems: Vec<String>,
}

impl Values {
    /// The value of a setting.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Whether somebody gave it.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.origin != Origin::Default)
    }

    /// Whether it was given on the command line.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.origin == Origin::Flag)
    }

    /// How it is set: by which flag, if there is one, and by which variable.
    pub(crate) fn how(&self, name: &str) -> String {
        let key = self.keys.iter().find(|key| key.name == name);
        let variable = key.and_then(|key| key.variables.first()).copied().unwrap_or_default();
        if FLAGS.contains(&name) {
            format!("--{} or {variable}", name.replace('_', "-"))
        } else {
            variable.to_owned()
        }
    }

    /// Resolves every setting of `keys`.
    pub(crate) fn resolve(
        keys: &'static [Key],
        flags: &BTreeMap<&'static str, String>,
        environment: &dyn Fn(&str) -> Option<String>,
        file: &Path,
    ) -> Self {
        Self::with_tables(keys, &[], flags, environment, file)
    }

    /// The same, with tables of these names in the file.
    pub(crate) fn with_tables(
        keys: &'static [Key],
        tables: &[&'static str],
        flags: &BTreeMap<&'static str, String>,
        environment: &dyn Fn(&str) -> Option<String>,
        file: &Path,
    ) -> Self {
        let mut resolved = Self { keys, ..Self::default() };
        let written = resolved.read(file, tables);
        for key in keys {
            let value = flags
                .get(key.name)
                .map(|text| Value { text: text.clone(), origin: Origin::Flag })
                .or_else(|| from_environment(key, environment))
                .or_else(|| {
                    let text = written.get(key.name)?.clone();
                    Some(Value { text, origin: Origin::File(file.to_owned()) })
                })
                .or_else(|| Some(Value { text: key.default?.to_owned(), origin: Origin::Default }));
            if let Some(value) = value {
                resolved.values.insert(key.name, value);
            }
        }
        resolved
    }

    /// The file's settings as text; what does not belong there is a problem.
    fn read(&mut self, file: &Path, tables: &[&'static str]) -> BTreeMap<String, String> {
        let mut written = BTreeMap::new();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return written,
            Err(error) => {
                self.problems.push(format!(
                    "{}: cannot be read: {error}; make it readable, or point --home (ATTACHE_HOME) elsewhere",
                    file.display()
                ));
                return written;
            }
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                self.problems.push(format!("{}: is not TOML: {}", file.display(), error.message()));
                return written;
            }
        };
        for (name, value) in table {
            if let Some(known) = tables.iter().find(|known| **known == name) {
                let several = value.as_array().and_then(|array| {
                    array.iter().map(|one| one.as_table().cloned()).collect::<Option<Vec<_>>>()
                });
                match several {
                    Some(several) => drop(self.tables.insert(known, several)),
                    None => self.problems.push(format!(
                        "{}: {name} is a {}; write [[{name}]] before the settings of each",
                        file.display(),
                        value.type_str()
                    )),
                }
                continue;
            }
            let Some(key) = self.keys.iter().find(|key| key.name == name) else {
                let known: Vec<&str> =
                    self.keys.iter().filter(|key| !key.secret).map(|key| key.name).collect();
                self.problems.push(format!(
                    "{}: there is no setting {name:?}; there are {}",
                    file.display(),
                    known.join(", ")
                ));
                continue;
            };
            if key.secret {
                self.problems.push(format!(
                    "{}: {name} is a secret and is not read from a file; set {} instead",
                    file.display(),
                    key.variables[0]
                ));
                continue;
            }
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                other => {
                    self.problems.push(format!(
                        "{}: {name} is a {}, and must be a text or a number",
                        file.display(),
                        other.type_str()
                    ));
                    continue;
                }
            };
            written.insert(name, text);
        }
        written
    }
}

fn from_environment(key: &Key, environment: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
    key.variables.iter().find_map(|name| {
        let text = environment(name).filter(|text| !text.is_empty())?;
        Some(Value { text, origin: Origin::Variable(name) })
    })
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let file = file("agent_name = \"file\"\nagent_alias = \"file\"\nprefix = \"file\"\n");
        let flags = BTreeMap::from([("agent_name", "flag".to_owned())]);
        let environment = |name: &str| match name {
            "ATTACHE_AGENT_NAME" | "ATTACHE_AGENT_ALIAS" => Some("environment".to_owned()),
            _ => None,
        };
        let values = Values::resolve(KEYS, &flags, &environment, file.path());
        let text = |name| values.get(name).map(|value| value.text.as_str());
        assert_eq!(text("agent_name"), Some("flag"));
        assert_eq!(text("agent_alias"), Some("environment"));
        assert_eq!(text("prefix"), Some("file"));
        assert_eq!(text("usage_location"), Some("US"));
        assert_eq!(text("tenant"), None);
        assert!(values.problems.is_empty());
    }

    #[test]
    fn the_older_programs_variables_are_read_after_our_own() {
        let environment = |name: &str| match name {
            "MICROSOFT_GRAPH_TENANT_ID" => Some("old".to_owned()),
            _ => None,
        };
        let values = Values::resolve(KEYS, &BTreeMap::new(), &environment, Path::new("/nonexistent"));
        let value = values.get("tenant").unwrap();
        assert_eq!(
            (value.text.as_str(), &value.origin),
            ("old", &Origin::Variable("MICROSOFT_GRAPH_TENANT_ID"))
        );
    }

    #[test]
    fn unknown_settings_and_secrets_in_the_file_are_both_named() {
        let file = file("tennant = \"x\"\npassphrase = \"hunter2\"\npoll = true\n");
        let values = Values::resolve(KEYS, &BTreeMap::new(), &|_| None, file.path());
        let all = values.problems.join("\n");
        assert_eq!(values.problems.len(), 3, "{all}");
        assert!(all.contains("tennant") && all.contains("ATTACHE_PASSPHRASE") && all.contains("poll"));
        assert!(!all.contains("hunter2"), "a secret is not repeated");
    }
}
