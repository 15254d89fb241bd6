//! `$search`: Exchange's keyword query language as clients use it (Graph reference §4.3; MS-KQL §2): words and
//! phrases, `property:value`, ranges of dates and numbers, AND, OR, NOT and parentheses.

mod parse;
mod range;
mod restriction;
mod words;

use restriction::Restriction;

use super::refusals::bad;
use super::state::Message;
use crate::graph::error::GraphError;

/// A parsed search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search(Expression);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    One(Restriction),
}

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
        if inside.trim().is_empty() {
            return Err(bad("BadRequest", "The value of $search is empty."));
        }
        parse::parse(&inside).map(Self)
    }

    /// Whether a message is found.
    pub(super) fn finds(&self, message: &Message) -> bool {
        self.0.holds(message)
    }
}

impl Expression {
    fn holds(&self, message: &Message) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(message)),
            Self::Any(any) => any.iter().any(|one| one.holds(message)),
            Self::Not(not) => !not.holds(message),
            Self::One(restriction) => restriction.holds(message),
        }
    }
}

/// What arbitrary text of a search must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_search(text: &str) {
    let mut mailbox = super::state::Mailbox::new("a77ac4e0-0000-4000-8000-000000000101");
    let item = crate::mail::Item { subject: "Quarterly plans".to_owned(), ..crate::mail::Item::default() };
    let uid =
        mailbox.add(super::folders::INBOX, crate::sharing::Held::new(item), jiff::Timestamp::UNIX_EPOCH);
    if let (Ok(search), Some(message)) = (Search::parse(text), mailbox.messages.get(&uid)) {
        search.finds(message);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mail::{Address, Attached, Attachment, Blob, Body, Item};

    fn found(search: &str) -> bool {
        let mut mailbox = super::super::state::Mailbox::new("a77ac4e0-0000-4000-8000-000000000101");
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let item = Item {
            subject: "Quarterly plans, O365-mail".to_owned(),
            from: Some(Address::new("Grace Hopper", "grace@contoso.example")),
            to: vec![Address::new("Ada", "ada@contoso.example")],
            body: Body { is_html: true, content: "<p>the <b>pizza</b> arrives</p>".to_owned() },
            attachments: vec![Attachment {
                number: 1,
                name: "api-catalog.md".to_owned(),
                content_type: None,
                is_inline: true,
                content_id: None,
                content_location: None,
                modified: now,
                content: Attached::File(Blob::default()),
            }],
            ..Item::default()
        };
        let uid = mailbox.add(super::super::folders::INBOX, crate::sharing::Held::new(item), now);
        mailbox.edit(uid, now, |message| message.categories.push("Blue category".to_owned()));
        Search::parse(&format!("\"{search}\"")).unwrap().finds(mailbox.messages.get(&uid).unwrap())
    }

    fn all_find(searches: &[&str]) {
        for search in searches {
            assert!(found(search), "{search}");
        }
    }

    fn none_finds(searches: &[&str]) {
        for search in searches {
            assert!(!found(search), "{search}");
        }
    }

    #[test]
    fn words_and_phrases_find_whatever_stands_between_them() {
        all_find(&["pizza", "piz", "piz*", "'O365'", "subject:'O365'", "O365,", "O365-mail", "plans - O365"]);
        all_find(&[
            "\\\"quarterly plans\\\"",
            "subject:\\\"quarterly plans\\\"",
            "subject:\\\"Plans O365\\\"",
        ]);
        all_find(&[
            "from:grace",
            "from:grace@contoso.example",
            "grace@contoso.example",
            "from:'Grace Hopper'",
        ]);
        none_finds(&[
            "izza",
            "\\\"plans quarterly\\\"",
            "from:ada",
            "subject:pizza",
            "pizza beer",
            "-",
            ":)",
        ]);
    }

    #[test]
    fn a_bare_word_is_looked_for_in_from_subject_and_body() {
        none_finds(&["ada", "catalog"]);
        all_find(&["to:ada", "recipients:ada", "participants:ada", "attachment:api-catalog.md"]);
    }

    #[test]
    fn flags_kinds_and_categories_find() {
        all_find(&[
            "hasAttachments:false",
            "isread:false",
            "category:Blue",
            "kind:email",
            "importance:medium",
        ]);
        none_finds(&[
            "hasAttachment:true",
            "isread:true",
            "category:Red",
            "kind:voicemail",
            "importance:high",
        ]);
    }

    #[test]
    fn dates_and_sizes_are_compared_as_such() {
        all_find(&[
            "received:03/01/2026",
            "received:3/1/2026",
            "sent:2026-03-01",
            "size:1..500000",
            "size<500000",
        ]);
        all_find(&["received>=12/31/2025", "received:02/01/2026..03/01/2026", "received:>=2026-03-01"]);
        all_find(&["received>2026-03-01T11:59:00Z", "received<>02/28/2026", "received<=2026-03-01"]);
        none_finds(&[
            "received:07/23/2018",
            "received>03/01/2026",
            "received<2026-03-01",
            "size:0..1",
            "size>=500000",
        ]);
        none_finds(&["received<2026-03-01T12:00:00", "received<>03/01/2026", "sent:2026-02-01..2026-02-28"]);
        for refused in ["received:13/01/2026", "sent:soon", "received>=2026", "size:large"] {
            let error = Search::parse(&format!("\"{refused}\"")).unwrap_err();
            assert_eq!((error.status.as_u16(), error.code), (400, "BadRequest"), "{refused}");
        }
    }

    #[test]
    fn operators_and_parentheses_group() {
        all_find(&[
            "subject:plans AND from:grace",
            "nothing OR pizza",
            "NOT beer",
            "-beer pizza",
            "-(beer OR wine)",
        ]);
        all_find(&[
            "from:(nobody OR grace)",
            "(nobody OR grace) AND (subject:plans OR subject:big)",
            "NOT NOT pizza",
        ]);
        all_find(&[
            "beer wine OR pizza",
            "subject:(quarterly AND NOT beer) from:grace",
            "pizza)",
            "((pizza",
            "pizza AND",
        ]);
        none_finds(&[
            "from:nobody AND (subject:plans OR subject:big)",
            "-pizza",
            "NOT (pizza OR beer)",
            "(beer OR wine",
        ]);
        none_finds(&["subject:(pizza)", "pizza AND (beer OR wine)", "from:(nobody OR ada)"]);
    }

    #[test]
    fn what_cannot_be_searched_is_said() {
        let refusal = |text: &str| {
            let error = Search::parse(text).unwrap_err();
            (error.status.as_u16(), error.code)
        };
        assert_eq!(refusal("from:grace"), (400, "BadRequest"));
        assert_eq!(refusal("\"\""), (400, "BadRequest"));
        assert_eq!(refusal(&format!("\"{}\"", "(".repeat(100_000))), (400, "BadRequest"));
        for foreign in ["\"itemclass:IPM.Note\"", "\"pizza NEAR(3) beer\"", "\"received:today\""] {
            assert_eq!(refusal(foreign), (501, "sandboxNotEmulated"), "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,60}") {
            withstand_search(&text);
        }

        #[test]
        fn no_row_of_tokens_breaks_it(tokens in prop::collection::vec(
            prop::sample::select(vec!["(", ")", "-", "\\\"", "AND ", "OR ", "NOT ", "subject:", "size:1..2 ", "x ", "received>"]), 0..40,
        )) {
            withstand_search(&format!("\"{}\"", tokens.concat()));
        }
    }
}
