//! The unit that both engines are measured with: an identity with its address, and an entry in the log of its
//! organisation.

use attache_ledger::{Act, ActName, Actor, By, ByKind, Composer, Draft, Name, Target, Thing, Verdict};
use attache_store::{Lookup, NewEntry, Numberer, OrgId, OrgScope, Record, Unit};
use attache_terms::{Rng, SystemClock, SystemRng};
use serde::{Deserialize, Serialize};

/// What a unit creates.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) id: String,
    display_name: String,
    pub(crate) address: String,
}

impl Record for Identity {
    const KIND: &'static str = "bench_identity";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique_everywhere("address", &self.address)]
    }
}

/// An organisation of its own.
pub(crate) fn organisation() -> OrgScope {
    OrgScope::granted(OrgId::make(&SystemClock, &SystemRng))
}

fn identity() -> Identity {
    let id = SystemRng.uuid().to_string();
    let address = format!("assistant@{id}.agents.example");
    Identity { id, display_name: "Contoso's assistant".into(), address }
}

fn entry(composer: &Composer, identity: &Identity) -> anyhow::Result<Draft> {
    let actor = Actor { by: Some(By::new(ByKind::Person, "ada@contoso.example")), ..Actor::default() };
    let thing = Thing::new(Name::new("identity"), identity.id.parse()?);
    let act = Act::new(ActName::new("identity.create"), actor);
    let target = Target { things: vec![thing], ..Target::default() };
    Ok(composer.change(act.on(target), Verdict::Done, None))
}

/// A unit for the store.
pub(crate) fn unit(org: OrgScope, composer: &Composer) -> anyhow::Result<Unit> {
    let (identity, mut unit) = (identity(), Unit::new());
    unit.create(org, &identity).record(org, entry(composer, &identity)?);
    Ok(unit)
}

/// The rows that the store makes of such a unit, numbered and hashed beforehand.
pub(crate) struct Rows {
    pub(crate) identity: Identity,
    pub(crate) body: String,
    pub(crate) entry: NewEntry,
    /// How many entries the log has with this one.
    pub(crate) size: u64,
    pub(crate) frontier: Vec<u8>,
}

impl Rows {
    /// The next in this log.
    pub(crate) fn next(log: &mut Numberer, composer: &Composer) -> anyhow::Result<Self> {
        let identity = identity();
        let entry = log.number(entry(composer, &identity)?);
        let body = serde_json::to_string(&identity)?;
        let frontier = log.frontier();
        Ok(Self { identity, body, entry, size: frontier.size(), frontier: frontier.to_bytes() })
    }
}
