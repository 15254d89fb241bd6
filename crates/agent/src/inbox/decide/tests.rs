use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::state::{Owner, State};

const SPONSOR: &str = "82fe7758-5bb3-4f0d-a43f-e555fd399c6f";
const AGENT: &str = "8c0a1a67-50ce-4114-bb6c-da9c5dbcf6ca";
const STRANGER: &str = "1b671a64-40d5-491e-99b0-da01ff1f3341";

/// Some time in 2026, as message ids have it.
const START: i64 = 1_795_310_000_000;

fn message(at: i64, from: &str, html: &str) -> Message {
    let time = Timestamp::from_millisecond(at).unwrap();
    serde_json::from_value(json!({
        "id": at.to_string(),
        "messageType": "message",
        "createdDateTime": time,
        "lastModifiedDateTime": time,
        "deletedDateTime": null,
        "from": { "user": { "id": from, "displayName": "Somebody", "userIdentityType": "aadUser" } },
        "body": { "contentType": "html", "content": html },
    }))
    .unwrap()
}

fn as_sponsor() -> Ear<'static> {
    let sponsor = SPONSOR.parse().unwrap();
    Ear { mode: IdentityMode::Sponsor, me: sponsor, sponsor, prefix: Some("[Attaché] ") }
}

fn as_agent() -> Ear<'static> {
    Ear {
        mode: IdentityMode::AgentUser,
        me: AGENT.parse().unwrap(),
        sponsor: SPONSOR.parse().unwrap(),
        prefix: None,
    }
}

fn chat() -> ChatId {
    "19:x@thread.v2".parse().unwrap()
}

fn taken(ear: &Ear<'_>, sent: &[i64], messages: &[Message]) -> Vec<i64> {
    let sent = sent.iter().map(|id| id.to_string().parse().unwrap()).collect();
    let from = Cursor(START - 1);
    let reading = read(ear, &chat(), &sent, from, from, messages);
    reading.arrivals.iter().map(|arrival| arrival.sent.as_millisecond()).collect()
}

#[test]
fn under_the_sponsors_token_only_what_the_sponsor_wrote_themselves_is_for_the_agent() {
    let messages = [
        message(START, SPONSOR, "<p>do this</p>"),
        message(START + 1, SPONSOR, "<p>[Attaché] done</p>"),
        message(START + 2, SPONSOR, "posted by us before its text was marked"),
        message(START + 3, STRANGER, "<p>do that</p>"),
        message(START + 4, SPONSOR, "[attaché] in lower case"),
    ];
    assert_eq!(taken(&as_sponsor(), &[START + 2], &messages), [START, START + 4]);
}

#[test]
fn under_its_own_name_everybody_elses_words_are_for_the_agent() {
    let messages = [
        message(START, SPONSOR, "hello"),
        message(START + 1, AGENT, "hello yourself"),
        message(START + 2, STRANGER, "and me?"),
    ];
    let from = Cursor(START - 1);
    let reading = read(&as_agent(), &chat(), &HashSet::new(), from, from, &messages);
    let sponsors: Vec<bool> = reading.arrivals.iter().map(|arrival| arrival.sponsor).collect();
    assert_eq!(sponsors, [true, false]);
    assert_eq!(reading.cursor, Cursor(START + 2));
}

#[test]
fn events_and_deleted_messages_say_nothing() {
    let mut event = message(START, SPONSOR, "<systemEventMessage/>");
    event.message_type = MessageType::Other;
    let mut deleted = message(START + 1, SPONSOR, "");
    deleted.deleted = Some(Timestamp::from_millisecond(START + 9).unwrap());
    let mut nobody = message(START + 2, SPONSOR, "?");
    nobody.from = None;
    assert!(taken(&as_agent(), &[], &[event, deleted, nobody]).is_empty());
}

#[test]
fn an_old_message_that_was_edited_is_not_a_new_one() {
    let edited = message(START - OVERLAP - 1, SPONSOR, "edited just now");
    let reading = read(&as_agent(), &chat(), &HashSet::new(), Cursor(0), Cursor(START), &[edited]);
    assert_eq!(reading, Reading { arrivals: Vec::new(), cursor: Cursor(START) });
}

#[test]
fn what_the_sponsor_noted_before_the_agent_spoke_is_none_of_its_business() {
    let spoke: HashSet<MessageId> = HashSet::from([START.to_string().parse().unwrap()]);
    assert_eq!(first_cursor(IdentityMode::Sponsor, Cursor(START + 500), &spoke), Cursor(START));
    assert_eq!(first_cursor(IdentityMode::Sponsor, Cursor(START), &HashSet::new()), Cursor(START));
}

#[test]
fn what_was_written_to_a_new_agent_user_before_it_listened_is_for_it() {
    let first = first_cursor(IdentityMode::AgentUser, Cursor(START), &HashSet::new());
    let reading =
        read(&as_agent(), &chat(), &HashSet::new(), first, first, &[message(START - 5_000, SPONSOR, "hi")]);
    assert_eq!(reading.arrivals.len(), 1);
}

#[test]
fn only_chats_with_something_new_are_read() {
    let chat = |id: &str, newest: Option<i64>| -> Chat {
        let preview = newest.map(|at| {
            json!({ "id": at.to_string(), "createdDateTime": Timestamp::from_millisecond(at).unwrap(),
                    "body": { "contentType": "text", "content": "…" }, "from": null })
        });
        serde_json::from_value(json!({ "id": id, "chatType": "group", "lastMessagePreview": preview }))
            .unwrap()
    };
    let chats = [
        chat("19:read@thread.v2", Some(START)),
        chat("19:changed@thread.v2", Some(START + 1)),
        chat("19:new@thread.v2", Some(START)),
        chat("19:old@thread.v2", Some(START - 100)),
        chat("19:empty@thread.v2", None),
    ];
    let cursors = HashMap::from([
        ("19:read@thread.v2".parse().unwrap(), Cursor(START)),
        ("19:changed@thread.v2".parse().unwrap(), Cursor(START)),
    ]);
    let found = changed(&chats, &cursors, Cursor(START - 50));
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["19:changed@thread.v2", "19:new@thread.v2"]);
}

/// What may happen between a message's being written and its being handed over.
#[derive(Debug, Clone)]
enum Event {
    /// People write so many messages, each this many milliseconds after the one before.
    Write(Vec<i64>),
    /// A process reads the chat; it may be killed before it takes in what it read.
    Look { process: usize, killed: bool },
    /// A process leases messages, and hands over so many of them before it is killed or asks again.
    HandOver { process: usize, most: u32, reached: usize },
    /// A process starts anew.
    Restart { process: usize },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let process = 0..2usize;
    let event = prop_oneof![
        prop::collection::vec(1..50_000i64, 1..6).prop_map(Event::Write),
        (process.clone(), any::<bool>()).prop_map(|(process, killed)| Event::Look { process, killed }),
        (process.clone(), 1..4u32, 0..4usize).prop_map(|(process, most, reached)| Event::HandOver {
            process,
            most,
            reached
        }),
        process.prop_map(|process| Event::Restart { process }),
    ];
    prop::collection::vec(event, 1..20)
}

/// The platform, the file, and two processes of one profile.
struct World {
    folder: tempfile::TempDir,
    processes: [(State, Owner); 2],
    owners: u128,
    written: Vec<Message>,
    newest: i64,
    now: i64,
    handed: Vec<i64>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process =
            |owner| (State::at(folder.path().join("state.sqlite")), Owner(uuid::Uuid::from_u128(owner)));
        Self {
            processes: [process(0), process(1)],
            folder,
            owners: 2,
            written: Vec::new(),
            newest: START,
            now: START,
            handed: Vec::new(),
        }
    }

    fn now(&mut self) -> Timestamp {
        // Longer than a lease, so that what a killed process held is free again.
        self.now += 61_000;
        Timestamp::from_millisecond(self.now).unwrap()
    }

    fn restart(&mut self, process: usize) {
        self.owners += 1;
        let state = State::at(self.folder.path().join("state.sqlite"));
        self.processes[process] = (state, Owner(uuid::Uuid::from_u128(self.owners)));
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Write(gaps) => {
                for gap in gaps {
                    self.newest += gap;
                    self.written.push(message(self.newest, SPONSOR, "hello"));
                }
            }
            Event::Look { process, killed } => self.look(process, killed).await,
            Event::HandOver { process, most, reached } => self.hand_over(process, most, reached).await,
            Event::Restart { process } => self.restart(process),
        }
    }

    async fn look(&mut self, process: usize, killed: bool) {
        let now = self.now();
        let (state, _) = &self.processes[process];
        let ear = as_agent();
        let first = Cursor(START);
        let cursor = state.cursor(ear.me, &chat()).await.unwrap().unwrap_or(first);
        // The newest first, as the platform gives them, and some of them twice, as two pages may.
        let mut page: Vec<Message> = self
            .written
            .iter()
            .filter(|found| Cursor::at(found.created) > cursor.back(OVERLAP))
            .cloned()
            .collect();
        page.reverse();
        page.extend(page.clone().into_iter().step_by(2));
        let reading = read(&ear, &chat(), &HashSet::new(), first, cursor, &page);
        if killed {
            self.restart(process);
            return;
        }
        state.take_in(ear.me, &chat(), reading.arrivals, reading.cursor, now).await.unwrap();
    }

    async fn hand_over(&mut self, process: usize, most: u32, reached: usize) {
        let now = self.now();
        let until = Timestamp::from_millisecond(self.now + 60_000).unwrap();
        let (state, owner) = &self.processes[process];
        let leased = state.lease(*owner, now, until, most).await.unwrap();
        for waiting in leased.iter().take(reached) {
            self.handed.push(waiting.arrival.sent.as_millisecond());
            state.pushed(vec![waiting.seq], now).await.unwrap();
        }
        if reached < leased.len() {
            self.restart(process);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_message_is_handed_over_once_and_in_order(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (written, handed) = runtime.block_on(async {
            let mut world = World::new();
            for event in events {
                world.happen(event).await;
            }
            // In the end somebody looks, and somebody listens.
            world.happen(Event::Look { process: 0, killed: false }).await;
            world.happen(Event::HandOver { process: 1, most: 1_000, reached: 1_000 }).await;
            (world.written, world.handed)
        });
        let written: Vec<i64> = written.iter().map(|message| message.created.as_millisecond()).collect();
        prop_assert_eq!(handed, written);
    }

    #[test]
    fn a_reading_is_in_order_without_duplicates_and_never_goes_back(
        times in prop::collection::vec(-200_000..200_000i64, 0..30),
        cursor in -200_000..200_000i64,
    ) {
        let messages: Vec<Message> = times.iter().map(|at| message(START + at, STRANGER, "x")).collect();
        let cursor = Cursor(START + cursor);
        let reading = read(&as_agent(), &chat(), &HashSet::new(), Cursor(0), cursor, &messages);
        let found: Vec<i64> = reading.arrivals.iter().map(|arrival| arrival.sent.as_millisecond()).collect();
        let expected: BTreeSet<i64> =
            times.iter().map(|at| START + at).filter(|at| Cursor(*at) > cursor.back(OVERLAP)).collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        prop_assert!(reading.cursor >= cursor);
    }
}
