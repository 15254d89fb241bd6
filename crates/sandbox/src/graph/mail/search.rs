//! `$search`: the part of Exchange's keyword query language that clients use: words, phrases, prefixes and
//! `property:value` (Graph reference §4.3).

use jiff::Timestamp;

use super::refusals::bad;
use super::state::Message;
use crate::graph::error::GraphError;
use crate::mail::{Address, to_text};

/// A parsed search: one of these groups holds, all of its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search(Vec<Vec<Term>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    is_negated: bool,
    property: Option<String>,
    /// In lower case.
    value: String,
}

/// What stands before the colon.
const PROPERTIES: &[&str] = &[
    "attachment",
    "bcc",
    "body",
    "cc",
    "from",
    "hasattachment",
    "hasattachments",
    "importance",
    "kind",
    "participants",
    "received",
    "recipients",
    "sent",
    "size",
    "subject",
    "to",
];

impl Search {
    /// Reads the value of `$search`, with the quotes around it if it has any.
    pub(super) fn parse(text: &str) -> Result<Self, GraphError> {
        let text = text.trim();
        let is_quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
        let inside = if is_quoted { text[1..text.len() - 1].replace("\\\"", "\"") } else { text.to_owned() };
        if !is_quoted && let Some(at) = inside.find([':', '@']) {
            let character = &inside[at..=at];
            return Err(bad(
                "BadRequest",
                format!("Syntax error: character '{character}' is not valid at position {at} in '{inside}'."),
            ));
        }
        let mut groups = vec![Vec::new()];
        let mut is_negated = false;
        for word in words(&inside) {
            match word.as_str() {
                "OR" => groups.push(Vec::new()),
                "AND" => {}
                "NOT" => is_negated = true,
                _ => {
                    let mut term = term(&word);
                    term.is_negated = std::mem::take(&mut is_negated) || term.is_negated;
                    if let (Some(group), false) = (groups.last_mut(), term.value.is_empty()) {
                        group.push(term);
                    }
                }
            }
        }
        groups.retain(|group| !group.is_empty());
        if groups.is_empty() {
            return Err(bad("BadRequest", "The value of $search is empty."));
        }
        Ok(Self(groups))
    }

    /// Whether a message is found.
    pub(super) fn finds(&self, message: &Message) -> bool {
        self.0.iter().any(|group| group.iter().all(|term| term.holds(message) != term.is_negated))
    }
}

/// Cuts at spaces outside quotes; parentheses only group, and the terms are read from left to right.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            '(' | ')' if !is_quoted => {}
            c if c.is_whitespace() && !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn term(word: &str) -> Term {
    let (is_negated, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    for mark in [':', '>', '<', '='] {
        if let Some((property, value)) = word.split_once(mark)
            && PROPERTIES.contains(&property.to_ascii_lowercase().as_str())
        {
            let mark = if mark == ':' || mark == '=' { String::new() } else { mark.to_string() };
            return Term {
                is_negated,
                property: Some(property.to_ascii_lowercase()),
                value: format!("{mark}{}", value.to_lowercase()),
            };
        }
    }
    Term { is_negated, property: None, value: word.to_lowercase() }
}

impl Term {
    fn holds(&self, message: &Message) -> bool {
        let item = &message.item;
        let any = |list: &[Address]| {
            list.iter().any(|one| contains(&one.name, &self.value) || contains(&one.address, &self.value))
        };
        let from = || any(item.from.as_slice()) || any(item.sender.as_slice());
        let body = || {
            let text =
                if item.body.is_html { to_text(&item.body.content) } else { item.body.content.clone() };
            contains(&text, &self.value)
        };
        match self.property.as_deref() {
            Some("subject") => contains(&item.subject, &self.value),
            Some("body") => body(),
            Some("from") => from(),
            Some("to") => any(&item.to),
            Some("cc") => any(&item.cc),
            Some("bcc") => any(&item.bcc),
            Some("recipients") => any(&item.to) || any(&item.cc) || any(&item.bcc),
            Some("participants") => from() || any(&item.to) || any(&item.cc) || any(&item.bcc),
            Some("attachment") => item.attachments.iter().any(|one| contains(&one.name, &self.value)),
            Some("hasattachment" | "hasattachments") => {
                let has = item.attachments.iter().any(|one| !one.is_inline);
                has == matches!(self.value.as_str(), "true" | "1" | "yes")
            }
            Some("importance") => item.importance.as_str() == self.value,
            Some("kind") => self.value == "email",
            Some("received") => in_time(&self.value, message.received),
            Some("sent") => in_time(&self.value, item.sent.unwrap_or(message.created)),
            Some("size") => in_size(&self.value, item.size()),
            _ => {
                contains(&item.subject, &self.value)
                    || from()
                    || any(&item.to)
                    || any(&item.cc)
                    || item.attachments.iter().any(|one| contains(&one.name, &self.value))
                    || body()
            }
        }
    }
}

/// Whether a word of the text begins with what is wanted: Exchange's index knows words and their beginnings.
fn contains(text: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('*');
    let text = text.to_lowercase();
    text.match_indices(wanted).any(|(at, _)| {
        text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
            || !wanted.starts_with(char::is_alphanumeric)
    })
}

fn in_size(value: &str, size: usize) -> bool {
    let (mark, number) = comparison(value);
    number.parse::<usize>().is_ok_and(|number| holds(mark, size.cmp(&number)))
}

/// `2026-03-01`, `>=2026-03-01`, `2026-03-01..2026-03-05`.
fn in_time(value: &str, time: Timestamp) -> bool {
    let day = time.strftime("%Y-%m-%d").to_string();
    if let Some((first, last)) = value.split_once("..") {
        return (first..=last).contains(&day.as_str());
    }
    let (mark, wanted) = comparison(value);
    // A time of day is not looked at.
    holds(mark, day.as_str().cmp(wanted.get(..10).unwrap_or(wanted)))
}

fn comparison(value: &str) -> (&str, &str) {
    let end = value.find(|c| !"<>=".contains(c)).unwrap_or(value.len());
    value.split_at(end)
}

fn holds(mark: &str, ordering: std::cmp::Ordering) -> bool {
    match mark {
        ">" => ordering.is_gt(),
        ">=" => ordering.is_ge(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        _ => ordering.is_eq(),
    }
}

/// What arbitrary text of a search must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_search(text: &str) {
    let mut mailbox = super::state::Mailbox::new("a77ac4e0-0000-4000-8000-000000000101");
    let item = crate::mail::Item { subject: "Quarterly plans".to_owned(), ..crate::mail::Item::default() };
    let uid = mailbox.add(super::folders::INBOX, crate::sharing::Held::new(item), Timestamp::UNIX_EPOCH);
    if let (Ok(search), Some(message)) = (Search::parse(text), mailbox.messages.get(&uid)) {
        search.finds(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Item;
    use proptest::prelude::*;

    fn found(search: &str) -> bool {
        let mut mailbox = super::super::state::Mailbox::new("a77ac4e0-0000-4000-8000-000000000101");
        let item = Item {
            subject: "Quarterly plans".to_owned(),
            from: Some(Address::new("Grace Hopper", "grace@contoso.example")),
            to: vec![Address::new("Ada", "ada@contoso.example")],
            body: crate::mail::Body { is_html: true, content: "<p>the <b>pizza</b> arrives</p>".to_owned() },
            ..Item::default()
        };
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let uid = mailbox.add(super::super::folders::INBOX, crate::sharing::Held::new(item), now);
        Search::parse(search).unwrap().finds(mailbox.messages.get(&uid).unwrap())
    }

    #[test]
    fn words_properties_and_dates_find() {
        for good in [
            "\"pizza\"",
            "pizza",
            "\"piz\"",
            "\"subject:plans\"",
            "\"from:grace\"",
            "\"from:grace@contoso.example\"",
            "\"subject:plans AND from:grace\"",
            "\"nothing OR pizza\"",
            "\"received>=2026-03-01\"",
            "\"received:2026-02-01..2026-03-02\"",
            "\"hasAttachments:false\"",
            "\"NOT beer\"",
            "\"subject:\\\"quarterly plans\\\"\"",
            "\"participants:ada\"",
        ] {
            assert!(found(good), "{good}");
        }
        for bad in [
            "\"izza\"",
            "\"subject:pizza\"",
            "\"from:ada\"",
            "\"received<2026-03-01\"",
            "\"pizza beer\"",
            "\"-pizza\"",
        ] {
            assert!(!found(bad), "{bad}");
        }
        assert_eq!(Search::parse("from:grace").unwrap_err().code, "BadRequest");
        assert!(Search::parse("\"\"").is_err());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,60}") {
            if Search::parse(&text).is_ok() {
                let _ = found(&text);
            }
        }
    }
}
