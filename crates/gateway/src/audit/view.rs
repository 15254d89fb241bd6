//! An entry as those who may read the log see it, and the least of it that a link shows.

use attache_ledger::{ByKind, Entry, Event, Verdict};
use attache_store::EntryRow;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::organisations::Organisation;

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct EntryView {
    /// Its number in the organisation's log, from 0.
    pub(super) sequence: u64,
    /// Its id.
    pub(super) id: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub(super) time: Timestamp,
    /// What happened; empty for what the log itself does.
    pub(super) act: String,
    /// `change`, `intent`, `outcome`, `refusal`, `erasure`, `retention` or `repair`; `removed` when retention has removed
    /// it, and `damaged` when it cannot be read.
    pub(super) kind: &'static str,
    /// `done`, `failed`, `refused` or `unknown`; absent for an intent.
    pub(super) outcome: Option<&'static str>,
    /// Why it did not happen.
    pub(super) code: Option<String>,
    /// Who did it: `person`, `key`, `agent`, `system`, `operator`.
    pub(super) by: Option<&'static str>,
    /// Which one, unless that was destroyed.
    pub(super) by_id: Option<String>,
    /// From which address, unless that was destroyed.
    pub(super) from: Option<String>,
    /// What of ours it is about, as `kind/id`.
    pub(super) about: Vec<String>,
    /// Whom it concerns, unless that was destroyed.
    pub(super) subject: Option<String>,
    /// The user whom it concerns, unless that was destroyed.
    pub(super) user: Option<String>,
    /// The id of the request to this gateway.
    pub(super) request_id: Option<String>,
    /// Our `client-request-id` at Microsoft Graph.
    pub(super) graph_client_request_id: Option<String>,
    /// Microsoft Graph's `request-id`.
    pub(super) graph_request_id: Option<String>,
    /// The hash of its leaf, in base64.
    pub(super) leaf_hash: String,
}

impl EntryView {
    /// What a row says. A row that cannot be read says so.
    pub(super) fn of(row: &EntryRow) -> Self {
        let mut view = Self {
            sequence: row.sequence,
            id: row.id.to_string(),
            time: row.time,
            act: row.act.clone(),
            kind: "removed",
            outcome: None,
            code: None,
            by: None,
            by_id: None,
            from: None,
            about: Vec::new(),
            subject: None,
            user: None,
            request_id: None,
            graph_client_request_id: None,
            graph_request_id: None,
            leaf_hash: row.hash.to_string(),
        };
        match row.entry() {
            None => {}
            Some(Err(_)) => view.kind = "damaged",
            Some(Ok(entry)) => view.take(entry),
        }
        view
    }

    fn take(&mut self, entry: Entry) {
        let (kind, verdict, code) = match entry.event {
            Event::Change { verdict, code, .. } => ("change", Some(verdict), code),
            Event::Intent { .. } => ("intent", None, None),
            Event::Outcome { verdict, code, .. } => ("outcome", Some(verdict), code),
            Event::Refusal { code, .. } => ("refusal", Some(Verdict::Refused), Some(code)),
            Event::Erasure { .. } => ("erasure", None, None),
            Event::Retention(_) => ("retention", None, None),
            Event::Repair(_) => ("repair", None, None),
        };
        self.kind = kind;
        self.outcome = verdict.map(word);
        self.code = code.map(|code| code.to_string());
        self.by = entry.actor.by.as_ref().map(|by| by.kind.as_str());
        self.by_id = entry.actor.by.and_then(|by| by.id);
        self.from = entry.actor.from.map(|from| from.to_string());
        self.about = entry.target.things.iter().map(|thing| format!("{}/{}", thing.kind, thing.id)).collect();
        self.subject = entry.target.subject;
        self.user = entry.target.user.map(|user| user.to_string());
        self.request_id = entry.correlation.request.map(|id| id.to_string());
        self.graph_client_request_id = entry.correlation.client_request_id.map(|id| id.to_string());
        self.graph_request_id = entry.correlation.request_id.map(|id| id.to_string());
    }

    /// The tone of the style sheet.
    pub(super) fn tone(&self) -> &'static str {
        match self.outcome {
            Some("done") => "good",
            Some("failed" | "refused") => "bad",
            Some(_) => "wait",
            None => "idle",
        }
    }

    /// One word for people.
    pub(super) fn word(&self) -> &'static str {
        self.outcome.unwrap_or(self.kind)
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Failed => "failed",
        Verdict::Refused => "refused",
        Verdict::Unknown => "unknown",
    }
}

/// An entry as one line of JSON, with whose it is.
#[derive(Serialize)]
struct Line<'a> {
    organisation: &'a str,
    region: Option<&'a str>,
    #[serde(flatten)]
    entry: EntryView,
}

/// An entry as one line of JSON, with its organisation's short name and region; without the line's end.
pub(crate) fn line(organisation: &Organisation, row: &EntryRow) -> String {
    let region = organisation.region.as_deref();
    let line = Line { organisation: &organisation.slug, region, entry: EntryView::of(row) };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Who did it, for people who may not know more.
pub(super) fn who(by: Option<ByKind>) -> &'static str {
    match by {
        Some(ByKind::Person) => "a person",
        Some(ByKind::Key) => "a program",
        Some(ByKind::Agent) => "an agent",
        Some(ByKind::Operator) => "an operator of the gateway",
        Some(ByKind::System) | None => "the gateway itself",
    }
}

/// How an act ended, for people: what was meant first by the entry that says what became of it.
pub(super) fn how_it_ended(entry: &EntryView, ended: Option<&EntryView>) -> String {
    let done = if entry.act.starts_with("mail.") { "sent" } else { "done" };
    match (entry.kind, ended.and_then(|ended| ended.outcome)) {
        ("intent", None) => format!("not {done} yet, as far as is known"),
        ("intent", Some("done")) => done.to_owned(),
        ("intent", Some("unknown")) => format!("nobody knows whether it was {done}"),
        ("intent", Some(_)) => format!("not {done}"),
        _ => entry.word().to_owned(),
    }
}
