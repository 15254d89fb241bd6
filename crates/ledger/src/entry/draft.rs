//! An entry before it has its number. All of it but the number is encoded by whoever asks for it, so that
//! little is left to do while others wait for the file.

use std::sync::Arc;

use attache_terms::{Clock, Rng};

use super::commitment::{Field, Opening, Openings};
use super::leaf::{self, Leaf};
use super::{Act, ActName, Actor, Code, Correlation, EntryId, Event, Outcome, Repair, Target, WriterId};

/// An entry without its number.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: EntryId,
    pub(crate) event: Event,
    /// The leaf after its number.
    rest: String,
    column: String,
}

impl Draft {
    /// The leaf with its number, and the column beside it.
    pub(crate) fn number(self, sequence: u64) -> (String, String) {
        (leaf::number(sequence, &self.rest), self.column)
    }
}

/// Makes the entries of one writer.
pub(crate) struct Drafter {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    writer: WriterId,
}

impl Drafter {
    pub(crate) fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let writer = WriterId::make(rng.as_ref());
        Self { clock, rng, writer }
    }

    /// The running program that writes these entries.
    pub(crate) fn writer(&self) -> WriterId {
        self.writer
    }

    pub(crate) fn intent(&self, act: Act) -> Draft {
        let event = Event::Intent { act: act.name };
        self.draft(event, act.actor, act.target, act.correlation)
    }

    pub(crate) fn refusal(&self, act: Act, code: Code) -> Draft {
        let event = Event::Refusal { act: act.name, code };
        self.draft(event, act.actor, act.target, act.correlation)
    }

    pub(crate) fn outcome(&self, intent: EntryId, act: ActName, outcome: Outcome) -> Draft {
        let Outcome { verdict, code, target, correlation } = outcome;
        let event = Event::Outcome { act, intent, verdict, code };
        self.draft(event, Actor::default(), target, correlation)
    }

    pub(crate) fn repair(&self, repair: Repair) -> Draft {
        self.house(Event::Repair(repair))
    }

    pub(crate) fn erasure(&self, entries: u64) -> Draft {
        self.house(Event::Erasure { entries })
    }

    /// What the ledger itself does, for nobody and to nothing outside.
    fn house(&self, event: Event) -> Draft {
        self.draft(event, Actor::default(), Target::default(), Correlation::default())
    }

    fn draft(&self, event: Event, actor: Actor, target: Target, correlation: Correlation) -> Draft {
        let (time, rng) = (self.clock.now(), self.rng.as_ref());
        let withheld = [
            (Field::User, actor.user.map(|user| user.to_string())),
            (Field::Chat, target.chat.map(String::from)),
            (Field::Message, target.message.map(String::from)),
            (Field::TargetUser, target.user.map(|user| user.to_string())),
        ];
        let openings: Openings = withheld
            .into_iter()
            .filter_map(|(field, value)| Some((field, Opening::new(value?, rng))))
            .collect();
        let id = EntryId::make(time, rng);
        let leaf = Leaf {
            v: super::ENTRY_VERSION,
            seq: 0,
            id,
            time,
            writer: self.writer,
            event,
            tenant: actor.tenant,
            agent: actor.agent,
            mode: actor.mode,
            object: target.object,
            client_request_id: correlation.client_request_id,
            request_id: correlation.request_id,
            token_request_id: correlation.token_request_id,
            withheld: openings.iter().map(|(field, opening)| (*field, opening.commitment())).collect(),
        };
        Draft { id, rest: leaf.encode_rest(), column: leaf::column(&openings), event: leaf.event }
    }
}
