//! The messages of one chat or channel. Messages share their memory between copies of a tenant, and every
//! question that a request asks is answered by an index: a thread may hold hundreds of thousands of them.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::message::Message;
use crate::sharing::{MapChange, Part, SnapshotMap, whole};

/// Messages in the order in which they were sent. None is ever taken out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Thread {
    /// By their ids, which grow.
    messages: SnapshotMap<i64, Message>,
    /// Their ids by revision.
    by_change: SnapshotMap<u64, i64>,
    /// The largest etag so far.
    latest: i64,
}

whole!(Message);

/// Where a message stands in the time of its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds since 1970.
    pub(crate) number: i64,
    pub(crate) time: Timestamp,
    /// The tenant's count of changes.
    pub(crate) revision: u64,
}

impl Thread {
    /// The time, moved on to the next free millisecond of this thread: ids are times, and they grow.
    pub(crate) fn next_moment(&self, now: Timestamp, revision: u64) -> Moment {
        let number = now.as_millisecond().max(self.latest + 1);
        Moment { number, time: Timestamp::from_millisecond(number).unwrap_or(now), revision }
    }

    /// Adds a message of the next moment.
    pub(crate) fn push(&mut self, message: Message) {
        self.latest = self.latest.max(message.etag);
        self.by_change.insert(message.revision, message.id);
        self.messages.insert(message.id, message);
    }

    /// The message of that id.
    pub(crate) fn get(&self, id: &str) -> Option<&Message> {
        self.messages.get(&number(id)?)
    }

    /// Changes a message; its time of modification and its etag move on.
    pub(crate) fn change(&mut self, id: &str, moment: Moment, set: impl FnOnce(&mut Message)) -> bool {
        let Some(message) = number(id).and_then(|id| self.messages.get_mut(&id)) else { return false };
        self.by_change.remove(&message.revision);
        set(message);
        message.modified = moment.time;
        message.etag = moment.number;
        message.revision = moment.revision;
        self.latest = self.latest.max(moment.number);
        self.by_change.insert(moment.revision, message.id);
        true
    }

    /// The newest message.
    pub(crate) fn last(&self) -> Option<&Message> {
        self.messages.last().map(|(_, message)| message)
    }

    /// Newest first, from below that id on.
    pub(crate) fn by_creation(&self, below: Option<i64>) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter_below(&below.unwrap_or(i64::MAX)).rev().map(|(_, message)| message)
    }

    /// Last changed first, from below that revision on.
    pub(crate) fn by_change(&self, below: Option<u64>) -> impl DoubleEndedIterator<Item = &Message> {
        let changed = self.by_change.iter_below(&below.unwrap_or(u64::MAX)).rev();
        changed.filter_map(|(_, id)| self.messages.get(id))
    }

    /// First changed first, from after that revision on.
    pub(crate) fn by_change_after(&self, revision: u64) -> impl Iterator<Item = &Message> {
        let changed = self.by_change.iter_from(&revision.saturating_add(1));
        changed.filter_map(|(_, id)| self.messages.get(id))
    }
}

fn number(id: &str) -> Option<i64> {
    id.parse().ok().filter(|number: &i64| number.to_string() == id)
}

impl Part for Thread {
    fn since(&self, earlier: &Self) -> Option<Value> {
        self.messages.since(&earlier.messages)
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        let MapChange { set, changed, gone } = MapChange::<i64>::read(change)?;
        let read = |(_, message)| serde_json::from_value(message);
        let new: Vec<Message> = set.into_iter().chain(changed).map(read).collect::<Result<_, _>>()?;
        for id in new.iter().map(|message| message.id).chain(gone) {
            if let Some(earlier) = self.messages.remove(&id) {
                self.by_change.remove(&earlier.revision);
            }
        }
        self.latest = self.messages.values().map(|message| message.etag).max().unwrap_or_default();
        new.into_iter().for_each(|message| self.push(message));
        Ok(())
    }
}

impl Serialize for Thread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.messages.values())
    }
}

impl<'de> Deserialize<'de> for Thread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut thread = Self::default();
        for message in Vec::<Message>::deserialize(deserializer)? {
            thread.push(message);
        }
        Ok(thread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::chat_messages::message::{Said, Sender};
    use proptest::prelude::*;

    fn said(moment: Moment) -> Message {
        Message::new(moment, Some(Sender::user("ada")), Said::default())
    }

    /// What happens to a thread, with the milliseconds that pass before it; clocks may go back.
    #[derive(Debug, Clone)]
    enum Step {
        Say(i64),
        Change(i64, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (-5_i64..5).prop_map(Step::Say),
            (-5_i64..5, any::<usize>()).prop_map(|(wait, which)| Step::Change(wait, which)),
        ]
    }

    proptest! {
        #[test]
        fn ids_and_etags_grow_and_every_index_finds_everything(steps in prop::collection::vec(step(), 0..60)) {
            let mut thread = Thread::default();
            let mut now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
            let mut largest = 0;
            let mut ids = Vec::new();
            for (revision, step) in (1_u64..).zip(steps) {
                let (Step::Say(wait) | Step::Change(wait, _)) = step;
                now += jiff::SignedDuration::from_millis(wait);
                let moment = thread.next_moment(now, revision);
                prop_assert!(moment.number > largest);
                match step {
                    Step::Say(_) => {
                        thread.push(said(moment));
                        ids.push(moment.number);
                    }
                    Step::Change(_, which) => {
                        let Some(id) = ids.get(which % ids.len().max(1)) else { continue };
                        prop_assert!(thread.change(&id.to_string(), moment, |message| message.edited = Some(now)));
                        prop_assert_eq!(thread.get(&id.to_string()).unwrap().etag, moment.number);
                    }
                }
                largest = moment.number;
            }
            let again: Thread = serde_json::from_str(&serde_json::to_string(&thread).unwrap()).unwrap();
            for thread in [&thread, &again] {
                let by_creation: Vec<i64> = thread.by_creation(None).map(|message| message.id).collect();
                prop_assert!(by_creation.iter().rev().eq(&ids));
                let changed: Vec<_> = thread.by_change(None).map(|one| (one.revision, one.modified)).collect();
                prop_assert_eq!(changed.len(), ids.len());
                prop_assert!(changed.windows(2).all(|pair| pair[0].0 > pair[1].0 && pair[0].1 > pair[1].1));
            }
        }
    }

    #[test]
    fn only_the_id_as_it_was_given_finds_a_message() {
        let mut thread = Thread::default();
        let moment = thread.next_moment("2026-03-01T12:00:00Z".parse().unwrap(), 1);
        thread.push(said(moment));
        assert!(thread.get(&moment.number.to_string()).is_some());
        for other in
            [String::new(), "x".to_owned(), format!("+{}", moment.number), format!("0{}", moment.number)]
        {
            assert!(thread.get(&other).is_none(), "{other}");
        }
    }
}
