//! Every realm of a sandbox, by the names that a request may use for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use super::Realm;

/// The realms. One is home: it is there from the start, it stays, and requests that name none are its.
#[derive(Debug)]
pub(crate) struct Realms {
    home: Arc<Realm>,
    by_id: RwLock<BTreeMap<String, Arc<Realm>>>,
    domains: Arc<Domains>,
}

impl Realms {
    /// The realms of a start; all share `domains`.
    pub(crate) fn new(home: Arc<Realm>, further: Vec<Arc<Realm>>, domains: Arc<Domains>) -> Self {
        let all = further.into_iter().chain([Arc::clone(&home)]);
        let by_id = all.map(|realm| (realm.id.clone(), realm)).collect();
        Self { home, by_id: RwLock::new(by_id), domains }
    }

    /// The one that is there from the start.
    pub(crate) fn home(&self) -> &Arc<Realm> {
        &self.home
    }

    /// The index that a new realm joins.
    pub(crate) fn domains(&self) -> &Arc<Domains> {
        &self.domains
    }

    /// By tenant id or verified domain, in any case.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Realm>> {
        let name = name.to_ascii_lowercase();
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id.get(&name).or_else(|| by_id.get(&self.domains.owner(&name)?)).cloned()
    }

    /// All of them, by id.
    pub(crate) fn all(&self) -> Vec<Arc<Realm>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether there is only the home realm.
    pub(crate) fn is_alone(&self) -> bool {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).len() == 1
    }

    /// Adds one; whether its id was free.
    pub(crate) fn add(&self, realm: Arc<Realm>) -> bool {
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        if by_id.contains_key(&realm.id) {
            return false;
        }
        by_id.insert(realm.id.clone(), realm);
        true
    }

    /// Takes one away; home stays.
    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Realm>> {
        if id == self.home.id {
            return None;
        }
        let removed = self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(realm) = &removed {
            self.domains.set(&realm.id, &[]);
        }
        removed
    }
}

/// Which tenant a domain belongs to.
#[derive(Debug, Default)]
pub(crate) struct Domains(RwLock<HashMap<String, String>>);

impl Domains {
    /// These are the tenant's domains now. Who had a domain first keeps it.
    pub(crate) fn set(&self, tenant_id: &str, domains: &[String]) {
        {
            let owners = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let held = owners.values().filter(|owner| *owner == tenant_id).count();
            if held == domains.len() && domains.iter().all(|domain| owners.contains_key(domain)) {
                return;
            }
        }
        let mut owners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|domain, owner| owner != tenant_id || domains.contains(domain));
        for domain in domains {
            owners.entry(domain.to_ascii_lowercase()).or_insert_with(|| tenant_id.to_owned());
        }
    }

    /// The tenant's id.
    pub(crate) fn owner(&self, domain: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(domain).cloned()
    }
}
