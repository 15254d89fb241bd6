//! An entry before it has its number. All of it but the number is encoded by whoever asks for it, so that
//! little is left to do while others wait for the file, or for the transaction.

use std::sync::Arc;

use attache_terms::{Clock, Rng};
use jiff::Timestamp;

use super::commitment::{Field, Opening, Openings};
use super::leaf::{self, Leaf};
use super::{
    Act, ActName, Actor, ByKind, Code, Correlation, EntryId, Event, Outcome, Repair, Retention, Target,
    Thing, Verdict, WriterId,
};
use crate::tree::{Hash, leaf_hash};

/// The longest withheld text that an entry keeps whole, in bytes: no address is longer.
const LONGEST_TEXT: usize = 320;

/// How many things an entry names at most, so that its line stays short.
const MOST_THINGS: usize = 32;

/// An entry without its number.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(crate) id: EntryId,
    pub(crate) event: Event,
    time: Timestamp,
    actor: Actor,
    target: Target,
    correlation: Correlation,
    version: u32,
    /// The leaf after its number.
    rest: String,
    column: String,
}

/// An entry with its number, as it is stored: nothing of it changes any more, but that the column may be
/// emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The leaf, which the tree covers.
    pub leaf: String,
    /// The withheld fields beside it.
    pub column: String,
    /// The leaf's hash.
    pub hash: Hash,
}

impl Draft {
    /// The entry's id.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// When it was made.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What happened.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The act that this is about, if any.
    pub fn act(&self) -> Option<&ActName> {
        self.event.act()
    }

    /// Who did it, what is withheld included.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What asked for it.
    pub fn actor_kind(&self) -> Option<ByKind> {
        self.actor.by.as_ref().map(|by| by.kind)
    }

    /// What it touched, what is withheld included.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What of ours it touched.
    pub fn things(&self) -> &[Thing] {
        &self.target.things
    }

    /// What finds it again.
    pub fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    /// The entry with its number: how many entries the log has before it.
    pub fn number(self, sequence: u64) -> Numbered {
        let leaf = leaf::number(self.version, sequence, &self.rest);
        Numbered { hash: leaf_hash(leaf.as_bytes()), leaf, column: self.column }
    }
}

/// Makes the entries of one running program.
pub struct Composer {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    writer: WriterId,
}

impl Composer {
    /// For a program that starts: it is a writer of its own.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let writer = WriterId::make(rng.as_ref());
        Self { clock, rng, writer }
    }

    /// The running program that writes these entries.
    pub fn writer(&self) -> WriterId {
        self.writer
    }

    /// A change that is made in the same transaction as this entry, or the refusal of one.
    pub fn change(&self, act: Act, verdict: Verdict, code: Option<Code>) -> Draft {
        let event = Event::Change { act: act.name, verdict, code };
        self.draft(event, act.actor, act.target, act.correlation)
    }

    /// An act that is about to be done outside.
    pub fn intent(&self, act: Act) -> Draft {
        let event = Event::Intent { act: act.name };
        self.draft(event, act.actor, act.target, act.correlation)
    }

    /// An act that was refused before anything was sent.
    pub fn refusal(&self, act: Act, code: Code) -> Draft {
        let event = Event::Refusal { act: act.name, code };
        self.draft(event, act.actor, act.target, act.correlation)
    }

    /// How an act ended that an intent announced.
    pub fn outcome(&self, intent: EntryId, act: ActName, outcome: Outcome) -> Draft {
        let Outcome { verdict, code, target, correlation } = outcome;
        let event = Event::Outcome { act, intent, verdict, code };
        self.draft(event, Actor::default(), target, correlation)
    }

    /// That withheld fields of so many entries are destroyed, by whom, and for what.
    pub fn erasure(&self, entries: u64, actor: Actor, target: Target, correlation: Correlation) -> Draft {
        self.draft(Event::Erasure { entries }, actor, target, correlation)
    }

    /// That entries are removed, and by whom.
    pub fn retention(&self, removed: Retention, actor: Actor, correlation: Correlation) -> Draft {
        self.draft(Event::Retention(removed), actor, Target::default(), correlation)
    }

    /// That the torn end of a file is removed.
    pub(crate) fn repair(&self, repair: Repair) -> Draft {
        self.draft(Event::Repair(repair), Actor::default(), Target::default(), Correlation::default())
    }

    fn draft(&self, event: Event, actor: Actor, mut target: Target, correlation: Correlation) -> Draft {
        let (time, rng) = (self.clock.now(), self.rng.as_ref());
        target.things.truncate(MOST_THINGS);
        let withheld = [
            (Field::User, actor.user.map(|user| user.to_string())),
            (Field::Chat, target.chat.clone().map(String::from)),
            (Field::Message, target.message.clone().map(String::from)),
            (Field::TargetUser, target.user.map(|user| user.to_string())),
            (Field::By, actor.by.as_ref().and_then(|by| by.id.as_deref()).map(line)),
            (Field::From, actor.from.map(|address| address.to_string())),
            (Field::Subject, target.subject.as_deref().map(line)),
        ];
        let openings: Openings = withheld
            .into_iter()
            .filter_map(|(field, value)| Some((field, Opening::new(value?, rng))))
            .collect();
        let id = EntryId::make(time, rng);
        let leaf = Leaf {
            v: version(&event, &actor, &target, &correlation),
            seq: 0,
            id,
            time,
            writer: self.writer,
            event,
            tenant: actor.tenant,
            agent: actor.agent,
            mode: actor.mode,
            by: actor.by.as_ref().map(|by| by.kind),
            object: target.object,
            things: std::mem::take(&mut target.things),
            client_request_id: correlation.client_request_id,
            request_id: correlation.request_id.clone(),
            token_request_id: correlation.token_request_id.clone(),
            request: correlation.request,
            withheld: openings.iter().map(|(field, opening)| (*field, opening.commitment())).collect(),
        };
        let (version, rest, column) = (leaf.v, leaf.encode_rest(), leaf::column(&openings));
        target.things = leaf.things;
        Draft { id, event: leaf.event, time, actor, target, correlation, version, rest, column }
    }
}

/// The lowest version that can say all of it.
fn version(event: &Event, actor: &Actor, target: &Target, correlation: &Correlation) -> u32 {
    let Actor { tenant: _, agent: _, user: _, mode: _, by, from } = actor;
    let Target { chat: _, message: _, user: _, object: _, things, subject } = target;
    let is_of_a_gateway = matches!(event, Event::Change { .. } | Event::Retention(_))
        || by.is_some()
        || from.is_some()
        || !things.is_empty()
        || subject.is_some()
        || correlation.request.is_some();
    if is_of_a_gateway { 2 } else { 1 }
}

/// A text as it is recorded: on one line, without what moves a terminal's cursor, and not too long.
fn line(text: &str) -> String {
    let mut kept: String =
        text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    kept.truncate(kept.floor_char_boundary(LONGEST_TEXT));
    kept
}
