//! Notes what happened to users and groups, as Graph tells it: what is soft-deleted or restored was updated, and
//! only what is gone for good was deleted.

use crate::changes::{Change, ChangeKind};
use crate::tenant::Tenant;

impl Tenant {
    pub(crate) fn user_changed(&mut self, kind: ChangeKind, id: &str) {
        self.changed(Change::new(kind, format!("users/{id}"), "#microsoft.graph.user"));
    }

    pub(crate) fn group_changed(&mut self, kind: ChangeKind, id: &str) {
        self.changed(Change::new(kind, format!("groups/{id}"), "#microsoft.graph.group"));
    }
}
