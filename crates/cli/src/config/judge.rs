//! Judges the values of settings, and collects everything that is wrong with them.

use std::fmt;
use std::path::{Path, PathBuf};

use super::resolve::{Value, Values};
use crate::logs;

/// Parses values and collects what is wrong.
pub(crate) struct Judge<'a> {
    values: &'a Values,
    /// What is wrong, each as one sentence.
    pub(crate) problems: Vec<String>,
}

impl<'a> Judge<'a> {
    /// Begins with what is wrong with the file.
    pub(crate) fn new(values: &'a Values) -> Self {
        Self { values, problems: values.problems.clone() }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The text, if there is one.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.text.clone())
    }

    /// The value, if there is one.
    pub(crate) fn optional<T: std::str::FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.value(name)?;
        match value.text.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let problem = format!("{name} ({}): {error}", value.origin);
                self.problems.push(problem);
                None
            }
        }
    }

    /// The value, which must be there.
    pub(crate) fn required<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        name: &str,
        what: &str,
    ) -> Option<T> {
        if self.value(name).is_none() {
            let how = self.values.how(name);
            self.problems.push(format!("{name} is missing: {what} ({how})"));
        }
        self.optional(name)
    }

    /// One of these words.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.value(name)?;
        let found = choices.iter().find(|(word, _)| *word == value.text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let problem =
                format!("{name} ({}): {:?} is none of {}", value.origin, value.text, words.join(", "));
            self.problems.push(problem);
        }
        found
    }

    /// A text of this form.
    pub(crate) fn matching(&mut self, name: &str, what: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let value = self.value(name)?;
        if fits(&value.text) {
            return Some(value.text.clone());
        }
        let problem = format!("{name} ({}): {:?} is not {what}", value.origin, value.text);
        self.problems.push(problem);
        None
    }

    /// A number in this range.
    pub(crate) fn number(&mut self, name: &str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let value = self.value(name)?;
        if let Some(number) = value.text.parse().ok().filter(|number| range.contains(number)) {
            return Some(number);
        }
        let problem = format!(
            "{name} ({}): {:?} is not a number from {} to {}",
            value.origin,
            value.text,
            range.start(),
            range.end()
        );
        self.problems.push(problem);
        None
    }

    /// The path of a bundle of authorities.
    pub(crate) fn bundle(&mut self, name: &str) -> Option<PathBuf> {
        let path = self.text(name).map(PathBuf::from)?;
        if let Some(problem) = no_bundle(&path) {
            self.problems.push(format!("{name}: {problem}"));
        }
        Some(path)
    }

    /// A filter of the log.
    pub(crate) fn filter(&mut self, name: &str) {
        if let Some(value) = self.value(name)
            && let Err(problem) = logs::filter(&value.text)
        {
            let problem = format!("{name} ({}): {problem}", value.origin);
            self.problems.push(problem);
        }
    }
}

/// Why a file cannot be a bundle of authorities, if it cannot.
fn no_bundle(path: &Path) -> Option<String> {
    match std::fs::read(path) {
        Err(error) => Some(format!("{} cannot be read: {error}", path.display())),
        Ok(bytes) if !contains(&bytes, b"-----BEGIN CERTIFICATE-----") => {
            Some(format!("{} holds no certificate in PEM", path.display()))
        }
        Ok(_) => None,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
