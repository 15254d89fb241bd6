//! Variables as services get them: from the environment, or from the file that a container is started with. The
//! readers of such files differ; what some of them would take otherwise is noted. No value is ever repeated, and
//! of a line that cannot be read only its number: it may be the rest of a secret.

use std::collections::BTreeMap;

use attache_terms::Secret;

/// What stands under each name, and what is odd about it.
pub(super) struct Variables {
    values: BTreeMap<String, Value>,
    notes: Vec<String>,
}

struct Value {
    text: Secret,
    line: usize,
    /// White space stood around it.
    padded: bool,
}

impl Variables {
    /// Those of this process.
    pub(super) fn of_environment() -> Self {
        let mut read = Self { values: BTreeMap::new(), notes: Vec::new() };
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string())
                && is_ours(&name)
            {
                read.take(name, &value, 0);
            }
        }
        read
    }

    /// Those of a file's text.
    pub(super) fn of_text(text: &str) -> Self {
        let mut read = Self { values: BTreeMap::new(), notes: Vec::new() };
        let plain = text.strip_prefix('\u{feff}');
        if plain.is_some() {
            read.notes.push(
                "it begins with a byte order mark, which some readers add to the first name".to_owned(),
            );
        }
        let plain = plain.unwrap_or(text);
        if plain.contains("\r\n") {
            read.notes.push(
                "its lines end in CR LF, and some readers, docker's --env-file among them, make the CR part of each value"
                    .to_owned(),
            );
        }
        for (at, line) in plain.lines().enumerate() {
            read.line(at + 1, line);
        }
        read
    }

    /// The value under this name, without the white space around it; `None` where it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.text.expose()).filter(|text| !text.is_empty())
    }

    /// Whether white space stood around the value.
    pub(super) fn is_padded(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| value.padded)
    }

    /// What is odd, each as a clause.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn line(&mut self, number: usize, line: &str) {
        let line = line.trim_end_matches('\r');
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            return;
        }
        let start = start.strip_prefix("export ").unwrap_or(start);
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match start.split_once('=').map(|(name, value)| (name.trim(), value)) {
            Some((name, value)) if is_name(name) => {
                if is_ours(name) {
                    self.take(name.to_owned(), value, number);
                }
            }
            _ => self.notes.push(format!("line {number} is no NAME=value")),
        }
    }

    fn take(&mut self, name: String, raw: &str, line: usize) {
        // In the environment nobody quotes or comments.
        let text = if line == 0 { raw.to_owned() } else { self.unquoted(&name, raw) };
        let trimmed = text.trim();
        let value =
            Value { padded: trimmed.len() != text.len(), text: Secret::new(trimmed.to_owned()), line };
        if let Some(before) = self.values.insert(name.clone(), value) {
            self.notes
                .push(format!("{name} stands on lines {} and {line}; the last one counts", before.line));
        }
        if name.starts_with("MICROSOFT_GRAPH_") && !super::configured::NAMES.contains(&&*name) {
            self.notes.push(format!("{name} is a name that nothing reads"));
        }
    }

    /// A value without its quotes, or without the comment behind it.
    fn unquoted(&mut self, name: &str, raw: &str) -> String {
        let trimmed = raw.trim();
        for quote in ['"', '\''] {
            if let Some(rest) = trimmed.strip_prefix(quote) {
                return match rest.rfind(quote) {
                    Some(end) if quote == '"' => unescaped(&rest[..end]),
                    Some(end) => rest[..end].to_owned(),
                    None => {
                        self.notes
                            .push(format!("the quotation mark before the value of {name} is never closed"));
                        rest.to_owned()
                    }
                };
            }
        }
        raw.split(" #").next().unwrap_or_default().to_owned()
    }
}

/// The names that the runbooks use.
fn is_ours(name: &str) -> bool {
    name.starts_with("MICROSOFT_GRAPH_") || name.starts_with("M365_")
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "MICROSOFT_GRAPH_CLIENT_ID";

    fn one(line: &str) -> Option<String> {
        Variables::of_text(&format!("{ID}={line}\n")).get(ID).map(str::to_owned)
    }

    #[test]
    fn a_value_is_the_same_however_it_is_written() {
        for line in
            ["abc", "\"abc\"", "'abc'", " abc ", "abc # a comment", "abc\r", "\"abc\" # x", "\"abc\\n\""]
        {
            assert_eq!(one(line).as_deref(), Some("abc"), "{line:?}");
        }
        assert_eq!(one("a#b").as_deref(), Some("a#b"));
        assert_eq!(one("").as_deref(), None);
        let exported = Variables::of_text(&format!("# x\n\n  export {ID}=abc"));
        assert_eq!((exported.get(ID), exported.notes().len()), (Some("abc"), 0));
    }

    #[test]
    fn what_readers_take_differently_is_noted_without_any_value() {
        let text = "\u{feff}MICROSOFT_GRAPH_CLIENT_ID=one\r\nMICROSOFT_GRAPH_CLIENT_ID=two\r\nc3cr3t-rest\r\n\
                    MICROSOFT_GRAPH_SECERT=c3cr3t\r\nM365_AGENT_USER_ID=\"c3cr3t\r\nOTHER=c3cr3t";
        let read = Variables::of_text(text);
        assert_eq!(read.get(ID), Some("two"));
        let notes = read.notes().join("\n");
        for part in
            ["byte order mark", "CR LF", "lines 1 and 2", "line 3", "MICROSOFT_GRAPH_SECERT", "never closed"]
        {
            assert!(notes.contains(part), "{part} is missing from:\n{notes}");
        }
        assert!(!notes.contains("c3cr3t") && !notes.contains("OTHER"), "{notes}");
    }

    #[test]
    fn white_space_around_a_value_is_taken_off_and_remembered() {
        for line in ["abc ", " abc", "\"abc\\n\"", "'abc '"] {
            assert!(Variables::of_text(&format!("{ID}={line}")).is_padded(ID), "{line:?}");
        }
        assert!(!Variables::of_text(&format!("{ID}=abc\r\n")).is_padded(ID));
    }
}
