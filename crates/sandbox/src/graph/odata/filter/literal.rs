//! The constants of a `$filter`, and how what an object has compares with them.

use std::cmp::Ordering;

use serde_json::Value;

use super::Op;

/// A constant, by the type that its writing gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    /// `'text'`.
    Text(String),
    /// `3b555118-da6a-4418-894f-7df1e2096870`.
    Guid(String),
    /// `2026-11-01T10:00:00Z`, or the first instant of `2026-11-01`.
    Instant(String),
    /// `12`.
    Number(i64),
    /// `true` and `false`.
    Boolean(bool),
    /// `null`.
    Null,
}

impl Literal {
    /// What was written, if it is text, quoted or not.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Guid(text) | Self::Instant(text) => Some(text),
            Self::Number(_) | Self::Boolean(_) | Self::Null => None,
        }
    }

    /// The model's name of its type; `null` is of any.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match self {
            Self::Text(_) => Some("Edm.String"),
            Self::Guid(_) => Some("Edm.Guid"),
            Self::Instant(_) => Some("Edm.DateTimeOffset"),
            Self::Number(_) => Some("Edm.Int32"),
            Self::Boolean(_) => Some("Edm.Boolean"),
            Self::Null => None,
        }
    }

    /// Whether `found` stands so to it.
    pub(super) fn holds(&self, found: &Value, op: Op) -> bool {
        let ordering = match (found, self) {
            (Value::Null, Self::Null) => Some(Ordering::Equal),
            (Value::Bool(found), Self::Boolean(wanted)) => Some(found.cmp(wanted)),
            (Value::Number(found), Self::Number(wanted)) => {
                found.as_f64().partial_cmp(&Value::from(*wanted).as_f64())
            }
            (Value::String(found), _) => self.text().map(|wanted| compare_text(found, wanted)),
            _ => None,
        };
        op.fits(ordering)
    }
}

impl Op {
    pub(super) fn fits(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Eq => ordering == Some(Ordering::Equal),
            Self::Ne => ordering != Some(Ordering::Equal),
            Self::Gt => ordering == Some(Ordering::Greater),
            Self::Ge => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
            Self::Lt => ordering == Some(Ordering::Less),
            Self::Le => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

/// Instants compare as instants, other text without regard to case.
fn compare_text(found: &str, wanted: &str) -> Ordering {
    let instants = (found.parse::<jiff::Timestamp>(), wanted.parse::<jiff::Timestamp>());
    match instants {
        (Ok(found), Ok(wanted)) => found.cmp(&wanted),
        _ => found.to_lowercase().cmp(&wanted.to_lowercase()),
    }
}
