//! Collections whose copies cost next to nothing: a copy shares everything with the original until one of the
//! two changes, and then only what changed is its own. So a tenant of many objects can be looked at, kept as a
//! snapshot and put back while others write; and what changed since an earlier copy is found by what both no
//! longer share.

mod chunks;
mod held;
mod key;
mod list;
mod map;
mod part;

pub(crate) use held::Held;
pub(crate) use list::SnapshotList;
pub(crate) use map::{MapChange, SnapshotMap, SnapshotSet};
pub(crate) use part::{Part, parts, whole, whole_since};
