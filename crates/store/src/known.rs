//! Records that were read before, for as long as it is certain that they still are as they were: an engine that knows
//! of every change says by a number which state of the records is the present one ([`crate::Engine::generation`]).

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Place, Record, Versioned, Within};

/// How many bytes of records, as an engine keeps them, are remembered at most.
const MOST: usize = 4 << 20;

/// What one record is asked for by.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) kind: &'static str,
    pub(crate) by: By,
    pub(crate) value: String,
}

/// What its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum By {
    /// The key of a record of this place.
    Key(Place),
    /// The value of the lookup of this name.
    Lookup(&'static str, Within),
}

/// What is known of one generation of the records; of the one before it nothing is.
#[derive(Default)]
pub(crate) struct Known(Mutex<Of>);

#[derive(Default)]
struct Of {
    generation: u64,
    records: HashMap<Asked, Arc<dyn Any + Send + Sync>>,
    bytes: usize,
}

impl Known {
    /// The record, if it was read in this generation.
    pub(crate) fn get<R: Record>(&self, generation: u64, asked: &Asked) -> Option<Arc<Versioned<R>>> {
        let of = self.of();
        let record = of.records.get(asked).filter(|_| of.generation == generation).cloned();
        drop(of);
        record?.downcast().ok()
    }

    /// Remembers a record that was read when this was the generation already.
    pub(crate) fn put<R: Record>(
        &self,
        generation: u64,
        asked: Asked,
        record: Arc<Versioned<R>>,
        bytes: usize,
    ) {
        let mut of = self.of();
        if generation < of.generation || bytes > MOST {
            return;
        }
        if generation > of.generation || of.bytes + bytes > MOST {
            *of = Of { generation, ..Of::default() };
        }
        of.bytes += bytes;
        of.records.insert(asked, record);
    }

    fn of(&self) -> MutexGuard<'_, Of> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{GatewayScope, OrgId};

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    struct Thing(String);

    impl Record for Thing {
        const KIND: &'static str = "thing";
        type Scope = GatewayScope;

        fn key(&self) -> String {
            self.0.clone()
        }
    }

    fn asked(by: By) -> Asked {
        Asked { kind: Thing::KIND, by, value: "one".into() }
    }

    fn thing(version: u64) -> Arc<Versioned<Thing>> {
        Arc::new(Versioned { place: Place::Gateway, version, record: Thing("one".into()) })
    }

    #[test]
    fn what_was_read_is_known_in_its_generation_alone() {
        let (known, ours) = (Known::default(), || asked(By::Key(Place::Gateway)));
        known.put(2, ours(), thing(1), 10);
        assert_eq!(known.get(2, &ours()), Some(thing(1)));
        assert_eq!(known.get::<Thing>(4, &ours()), None, "it may have changed");
        known.put(4, ours(), thing(2), 10);
        assert_eq!(known.get::<Thing>(2, &ours()), None);
        known.put(2, ours(), thing(1), 10);
        assert_eq!(
            known.get(4, &ours()),
            Some(thing(2)),
            "whoever took long to read brings nothing old back"
        );
    }

    #[test]
    fn what_one_asks_for_is_not_what_another_asks_for() {
        let known = Known::default();
        let place = |number| Place::Org(OrgId::new(uuid::Uuid::from_u128(number)));
        let own = By::Lookup("name", Within::Place(place(1)));
        known.put(0, asked(own), thing(1), 10);
        let others = [By::Lookup("name", Within::Place(place(2))), By::Lookup("name", Within::Anywhere)];
        for other in others.into_iter().chain([By::Key(place(1))]) {
            assert_eq!(known.get::<Thing>(0, &asked(other)), None, "{other:?}");
        }
        assert_eq!(known.get(0, &asked(own)), Some(thing(1)));
    }

    #[test]
    fn no_more_is_remembered_than_is_allowed() {
        let known = Known::default();
        for number in 0..100 {
            let asked = Asked { value: number.to_string(), ..asked(By::Key(Place::Gateway)) };
            known.put(0, asked, thing(1), MOST / 10);
        }
        assert!(known.of().records.len() <= 10 && known.of().bytes <= MOST);
        known.put(0, asked(By::Key(Place::Gateway)), thing(1), MOST + 1);
        assert_eq!(known.get::<Thing>(0, &asked(By::Key(Place::Gateway))), None);
    }
}
