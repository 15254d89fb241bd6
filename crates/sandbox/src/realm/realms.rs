//! Every realm of a sandbox, by the names that a request may use for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use super::Realm;
use crate::directory::VerifiedDomains;

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
            self.domains.forget(&realm.id);
        }
        removed
    }
}

/// Which tenant a domain belongs to.
#[derive(Debug, Default)]
pub(crate) struct Domains(RwLock<Claims>);

#[derive(Debug, Default)]
struct Claims {
    /// The ids of the tenants that have a domain among theirs. It is the first one's, as long as that has it.
    by_domain: HashMap<String, Vec<String>>,
    /// The domains of each tenant when it last told.
    told: HashMap<String, VerifiedDomains>,
}

impl Domains {
    /// These are the tenant's domains now. Only what changed is looked at: this is asked after every write.
    pub(crate) fn set(&self, tenant_id: &str, domains: &VerifiedDomains) {
        let is_known = {
            let Claims { told, .. } = &*self.0.read().unwrap_or_else(PoisonError::into_inner);
            told.get(tenant_id).is_some_and(|told| domains.changes(told).is_empty())
        };
        if !is_known {
            self.0.write().unwrap_or_else(PoisonError::into_inner).take(tenant_id, domains);
        }
    }

    /// The tenant has none any more.
    pub(crate) fn forget(&self, tenant_id: &str) {
        let mut claims = self.0.write().unwrap_or_else(PoisonError::into_inner);
        claims.take(tenant_id, &VerifiedDomains::default());
        claims.told.remove(tenant_id);
    }

    /// The tenant's id.
    pub(crate) fn owner(&self, domain: &str) -> Option<String> {
        let Claims { by_domain, .. } = &*self.0.read().unwrap_or_else(PoisonError::into_inner);
        by_domain.get(domain)?.first().cloned()
    }
}

impl Claims {
    fn take(&mut self, tenant_id: &str, domains: &VerifiedDomains) {
        let told = self.told.insert(tenant_id.to_owned(), domains.clone()).unwrap_or_default();
        let changes = domains.changes(&told);
        for domain in changes.went {
            if let Some(tenants) = self.by_domain.get_mut(domain) {
                tenants.retain(|tenant| tenant != tenant_id);
                if tenants.is_empty() {
                    self.by_domain.remove(domain);
                }
            }
        }
        for domain in changes.came {
            self.by_domain.entry(domain.to_owned()).or_default().push(tenant_id.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_had_a_domain_first_has_it_until_giving_it_up() {
        let domains = Domains::default();
        let mut first: VerifiedDomains = ["one.example", "both.example"].iter().collect();
        let second = ["two.example", "both.example"].iter().collect();
        domains.set("first", &first);
        domains.set("second", &second);
        let owner = |domain| domains.owner(domain);
        assert_eq!(owner("one.example").as_deref(), Some("first"));
        assert_eq!(owner("both.example").as_deref(), Some("first"));
        let snapshot = first.clone();
        first.remove("both.example");
        domains.set("first", &first);
        assert_eq!(owner("both.example").as_deref(), Some("second"));
        domains.set("first", &snapshot);
        assert_eq!(owner("both.example").as_deref(), Some("second"));
        domains.forget("second");
        assert_eq!(owner("two.example"), None);
        assert_eq!(owner("both.example").as_deref(), Some("first"));
    }
}
