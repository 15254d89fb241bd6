//! What the program says to people and to programs. Standard output is data: the answer, or one JSON object
//! a line with `--json`. Everything else goes to standard error.

use std::io::Write;

use attache_terms::Explain;
use serde_json::{Value, json};

use crate::config::Problems;

/// Where answers go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON object a line, for programs.
    pub(crate) json: bool,
}

impl Output {
    /// One line of an answer for people.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        write(&mut std::io::stdout().lock(), text.as_ref());
    }

    /// One object for programs.
    pub(crate) fn object(self, object: &Value) {
        write(&mut std::io::stdout().lock(), &object.to_string());
    }

    /// A line beside the answer.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        write(&mut std::io::stderr().lock(), text.as_ref());
    }

    /// What went wrong, and what to do about it.
    pub(crate) fn failure(self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        if self.json {
            self.object(&json!({
                "ok": false,
                "error": { "code": failure.code, "message": failure.message, "remedy": failure.remedy },
            }));
            return;
        }
        self.note(format!("error: {}", failure.message));
        if let Some(remedy) = &failure.remedy {
            self.note(format!("\nwhat to do: {remedy}"));
        }
    }
}

/// A reader that is gone (`attache … | head`) is no error of ours.
fn write(to: &mut dyn Write, text: &str) {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}

/// Why a command ended without having done its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A word for programs.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
    /// The exit status: 2 when the request or the configuration is wrong, else 1.
    pub(crate) status: u8,
}

impl Failure {
    /// A failure that explains itself.
    pub(crate) fn explained(error: &(dyn Explain + '_)) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            remedy: Some(error.remedy().to_string()),
            status: 1,
        }
    }

    /// A failure with a word of its own.
    pub(crate) fn new(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), remedy: Some(remedy.into()), status: 1 }
    }

    /// A failure that was shown already.
    pub(crate) fn shown() -> Self {
        Self { code: String::new(), message: String::new(), remedy: None, status: 1 }
    }

    /// A failure of the request, whose message says what would be right.
    pub(crate) fn usage(code: &str, message: impl Into<String>) -> Self {
        let remedy = "change the command as the message says; `attache --help` shows what there is";
        Self { status: 2, ..Self::new(code, message, remedy) }
    }

    /// A failure of the configuration: everything that is wrong with it.
    pub(crate) fn configuration(problems: &Problems) -> Self {
        Self { status: 2, ..Self::new("configuration", problems.to_string(), problems.remedy()) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::explained(&error)
    }
}
