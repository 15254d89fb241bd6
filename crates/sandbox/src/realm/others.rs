//! A look from one realm at another, and errands there.
//!
//! A handler holds its own tenant; if it waited for a second one, two handlers could wait for each other for
//! ever. So it asks for a copy: if that is not at hand, it ends with [`Absent`], its realm is left, the copy is
//! taken, and it is called again. A handler therefore looks before it changes anything. What it wants to happen
//! elsewhere it leaves as an errand, done once its own changes stand.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::lag::Lag;
use crate::tenant::Tenant;

use super::{Realm, Realms};

/// The copy is not at hand: the handler is called again when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another tenant has to be looked at first")]
pub(crate) struct Absent;

/// Something to do in another tenant: with it, at its time, under its lag.
type Errand = Box<dyn FnOnce(&mut Tenant, Timestamp, Lag) + Send>;

/// The other realms, as a handler may see them.
pub(crate) struct Others<'r> {
    realms: &'r Realms,
    /// The handler's own realm.
    own: &'r str,
    at_hand: RefCell<BTreeMap<String, Arc<Tenant>>>,
    wanted: RefCell<BTreeSet<String>>,
    errands: RefCell<Vec<(Arc<Realm>, Errand)>>,
}

impl std::fmt::Debug for Others<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Others").field("own", &self.own).finish_non_exhaustive()
    }
}

impl<'r> Others<'r> {
    /// Of one call in the realm `own`.
    pub(crate) fn new(realms: &'r Realms, own: &'r str) -> Self {
        Self {
            realms,
            own,
            at_hand: RefCell::default(),
            wanted: RefCell::default(),
            errands: RefCell::default(),
        }
    }

    /// Another tenant as it was a moment ago, by id or verified domain; `None` if there is none, or it is the
    /// caller's own. Ask before you change anything.
    ///
    /// # Errors
    /// [`Absent`] the first time: hand it up.
    pub(crate) fn tenant(&self, name: &str) -> Result<Option<Arc<Tenant>>, Absent> {
        let Some(realm) = self.realms.named(name).filter(|realm| realm.id != self.own) else {
            return Ok(None);
        };
        self.at_hand(&realm.id).map(Some)
    }

    /// The first of the other tenants that has what is looked for. Ask before you change anything.
    ///
    /// # Errors
    /// [`Absent`] the first time: hand it up.
    pub(crate) fn find(&self, fits: impl Fn(&Tenant) -> bool) -> Result<Option<Arc<Tenant>>, Absent> {
        let mut is_absent = false;
        for realm in self.realms.all().iter().filter(|realm| realm.id != self.own) {
            match self.at_hand(&realm.id) {
                Ok(tenant) if fits(&tenant) => return Ok(Some(tenant)),
                Ok(_) => {}
                Err(Absent) => is_absent = true,
            }
        }
        if is_absent { Err(Absent) } else { Ok(None) }
    }

    /// Leaves something to do in another tenant once this call's own changes stand; whether there is one of
    /// that id or domain.
    pub(crate) fn errand(
        &self,
        name: &str,
        errand: impl FnOnce(&mut Tenant, Timestamp, Lag) + Send + 'static,
    ) -> bool {
        let realm = self.realms.named(name).filter(|realm| realm.id != self.own);
        realm.is_some_and(|realm| {
            self.errands.borrow_mut().push((realm, Box::new(errand)));
            true
        })
    }

    fn at_hand(&self, id: &str) -> Result<Arc<Tenant>, Absent> {
        let found = self.at_hand.borrow().get(id).cloned();
        found.ok_or_else(|| {
            self.wanted.borrow_mut().insert(id.to_owned());
            Absent
        })
    }

    /// Fetches what was asked for, while the caller holds no realm; whether the call has to be made again.
    pub(crate) fn fetch(&self) -> bool {
        let wanted = std::mem::take(&mut *self.wanted.borrow_mut());
        if wanted.is_empty() {
            return false;
        }
        self.errands.borrow_mut().clear();
        for id in wanted {
            if let Some(realm) = self.realms.named(&id) {
                self.at_hand.borrow_mut().insert(id, realm.look());
            }
        }
        true
    }

    /// Does the errands, while the caller holds no realm.
    pub(crate) fn run_errands(&self) {
        for (realm, errand) in self.errands.take() {
            let mut tenant = realm.enter();
            errand(&mut tenant, realm.clock.now(), realm.lag());
            if let Err(error) = realm.settle(&mut tenant) {
                tracing::warn!(%error, tenant = %realm.id, "what another tenant brought does not persist");
            }
        }
    }
}
