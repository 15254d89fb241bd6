//! The powers that tests have over a tenant, in this process.

use std::sync::Arc;

use serde_json::Value;

use crate::clock::Clock;
use crate::faults::{Fault, FaultRule, HeldRequest, Release};
use crate::lag::Lag;
use crate::realm::Realm;
use crate::requests::LoggedRequest;
use crate::sandbox::Shared;
use crate::seed::{Document, Made, plant};
use crate::throttling::Throttling;

/// A handle to a tenant of a running sandbox. Clones steer the same one.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
    realm: Arc<Realm>,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>, realm: Arc<Realm>) -> Self {
        Self { shared, realm }
    }

    /// The tenant's clock.
    pub fn clock(&self) -> &Clock {
        &self.realm.clock
    }

    /// The lag in force.
    pub fn lag(&self) -> Lag {
        self.realm.lag()
    }

    /// Changes the lag for what is written from now on.
    pub fn set_lag(&self, lag: Lag) {
        self.realm.set_lag(lag);
    }

    /// How strictly the tenant throttles.
    pub fn throttling(&self) -> Throttling {
        self.realm.manners().throttling
    }

    /// Changes how strictly the tenant throttles; what was counted is forgotten.
    pub fn set_throttling(&self, throttling: Throttling) {
        self.realm.throttle(throttling);
    }

    /// Adds a fault; the answer is its id.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.realm.faults.add(fault)
    }

    /// Removes a fault; whether it was there.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.realm.faults.remove(id)
    }

    /// Removes every fault. Held requests stay held.
    pub fn clear_faults(&self) {
        self.realm.faults.clear();
    }

    /// The faults, spent ones included.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.realm.faults.rules()
    }

    /// The next token-signing key signs from now on; the old one stays published. The answer is the id (`kid`) of
    /// the new one.
    ///
    /// # Errors
    /// The keys could not be written to the data folder.
    pub fn roll_keys(&self) -> Result<String, std::io::Error> {
        self.shared.roll_keys().map_err(std::io::Error::other)
    }

    /// The requests that are held.
    pub fn held(&self) -> Vec<HeldRequest> {
        self.realm.faults.held()
    }

    /// Waits until a request is held. Waits for ever if none ever is: give it a timeout.
    pub async fn wait_held(&self) -> Vec<HeldRequest> {
        self.realm.faults.wait_held().await
    }

    /// Lets a held request go on; whether it was there.
    pub fn release(&self, id: u64) -> bool {
        self.realm.faults.release(id, Release::GoOn)
    }

    /// Cuts the connection of a held request; whether it was there.
    pub fn cut(&self, id: u64) -> bool {
        self.realm.faults.release(id, Release::Cut)
    }

    /// The newest requests, oldest first, those of the control API left out.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.realm.requests.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.realm.requests.clear();
    }

    /// How many requests were made, in all tenants, that the sandbox does not emulate.
    pub fn not_emulated(&self) -> u64 {
        let realms = self.shared.realms.all();
        realms.iter().flat_map(|realm| realm.requests.not_emulated().into_values()).sum()
    }

    /// Adds what a document describes, in TOML or JSON, all of it or nothing, and tells what was made.
    /// [`Config::seed`] stays what ids and secrets come from.
    ///
    /// # Errors
    /// Every problem, a line each.
    ///
    /// [`Config::seed`]: crate::Config::seed
    pub fn plant(&self, text: &str) -> Result<Vec<Made>, String> {
        let document: Document = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            toml::from_str(text).map_err(|error| error.to_string())?
        };
        let made = plant(&self.shared, &self.realm, &document).map_err(|problems| problems.join("\n"))?;
        self.realm.begin_here();
        Ok(made)
    }

    /// Everything that the tenants hold, as JSON. The shape is for looking and comparing; it may change.
    pub fn state(&self) -> Value {
        super::state::everything(&self.shared)
    }
}
