//! What a test called with success, left for the book (`docs/sandbox-routes.md`): a file for each test under
//! `target/evidence`, a route a line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use attache_sandbox::{LoggedRequest, Sandbox};

/// A sandbox that leaves its evidence when it ends.
pub(crate) struct Running(Option<Sandbox>);

impl Running {
    pub(crate) fn new(sandbox: Sandbox) -> Self {
        Self(Some(sandbox))
    }

    pub(crate) async fn shutdown(mut self) {
        let sandbox = self.0.take().unwrap();
        leave(&sandbox.control().requests());
        sandbox.shutdown().await;
    }
}

impl Deref for Running {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(sandbox) = &self.0 {
            leave(&sandbox.control().requests());
        }
    }
}

/// What the tests of this process have called so far.
static CALLED: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

fn leave(requests: &[LoggedRequest]) {
    let thread = std::thread::current();
    let Some(test) = thread.name().filter(|name| name.contains("::") && !std::thread::panicking()) else {
        return;
    };
    let mut called = CALLED.lock().unwrap_or_else(PoisonError::into_inner);
    let routes = called.entry(test.to_owned()).or_default();
    for request in requests.iter().filter(|one| one.status.is_some_and(|status| status < 400)) {
        let grant = request.grant_type.as_deref().and_then(|grant| grant.rsplit(':').next());
        let grant = grant.map(|grant| format!(" {grant}")).unwrap_or_default();
        routes.extend(request.decision.route.as_ref().map(|route| format!("{route}{grant}")));
    }
    let folder = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("evidence");
    std::fs::create_dir_all(&folder).unwrap();
    let lines: String = routes.iter().map(|route| format!("{route}\n")).collect();
    std::fs::write(folder.join(test.replace("::", ".")), lines).unwrap();
}
