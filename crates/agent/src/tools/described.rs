//! Names and topics are chosen by people, so they are text from outside: a list of them reaches the model
//! as one sealed text, beside the ids that the platform gave.

use std::fmt::Write as _;

use attache_terms::{ChatId, Envelope, Source, Untrusted};

use crate::Agent;

/// Collects what people chose to call things.
#[derive(Default)]
pub(super) struct Described {
    lines: String,
}

impl Described {
    /// Adds what `id` is called; nothing when it is not called anything.
    pub(super) fn add(&mut self, id: &str, names: &[Option<&Untrusted>]) {
        let names: Vec<_> =
            names.iter().flatten().map(|name| name.judge().trim()).filter(|name| !name.is_empty()).collect();
        if !names.is_empty() {
            // Line breaks in a name would make it look like two.
            let names = names.join(", ").replace(['\n', '\r'], " ");
            let _ = writeln!(self.lines, "{id}: {names}");
        }
    }

    /// Everything in one envelope; none when nothing has a name.
    pub(super) fn seal(self, agent: &Agent, place: Option<&ChatId>) -> Option<String> {
        if self.lines.is_empty() {
            return None;
        }
        let source = Source {
            channel: "teams",
            place: place.map_or("", ChatId::as_str),
            message: "",
            sender_id: "several",
            sender_name: "",
            sponsor: false,
            sent: &agent.clock().now().to_string(),
        };
        let text = Untrusted::new(self.lines.trim_end());
        Some(Envelope::seal(&source, &text, &**agent.rng()).to_string())
    }
}
