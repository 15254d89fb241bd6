//! Who asked for an entry, as an engine finds it again: by a digest, so that its index names nobody. The digest needs no
//! key, for what it is made of is withheld beside it; both are destroyed together, by erasure and by retention.

use attache_ledger::{By, ByKind, Hash, leaf_hash};

/// The digest of somebody's id.
pub fn actor_digest(id: &str) -> Hash {
    leaf_hash(id.as_bytes())
}

/// That of whoever asked. The gateway by itself has no id: `system` finds it.
pub(crate) fn digest_of(by: &By) -> Option<Hash> {
    let id = by.id.as_deref().or((by.kind == ByKind::System).then_some(ByKind::System.as_str()));
    id.map(actor_digest)
}
