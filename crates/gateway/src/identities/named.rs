//! What people do with an identity by its id or template, whatever version of it there is. While jobs write to it they
//! are not sent away: it is looked at again.

use super::http::find;
use super::{Identity, removal};
use crate::Gateway;
use crate::access::Grant;
use crate::server::{Answer, Problem};

/// How often a request is tried again while jobs write to the identity, of which it names no version.
pub(crate) struct Again(usize);

impl Default for Again {
    fn default() -> Self {
        Self(8)
    }
}

impl Again {
    /// Whether a refusal is one that another look at the identity may do away with.
    pub(crate) fn helps(&mut self, refusal: &Problem) -> bool {
        let helps = refusal.code == "conflict" && self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        helps
    }
}

/// Suspends the identity of this id or template.
pub(crate) async fn suspend(gateway: &Gateway, grant: &Grant, named: &str, reason: &str) -> Answer<Identity> {
    let mut again = Again::default();
    loop {
        let identity = find(gateway, grant.scope, named).await?;
        match super::suspend::suspend(gateway, grant, &identity, reason).await {
            Err(problem) if again.helps(&problem) => {}
            answer => return answer,
        }
    }
}

/// Resumes the identity of this id or template.
pub(crate) async fn resume(gateway: &Gateway, grant: &Grant, named: &str) -> Answer<Identity> {
    let mut again = Again::default();
    loop {
        let identity = find(gateway, grant.scope, named).await?;
        match super::suspend::resume(gateway, grant, &identity).await {
            Err(problem) if again.helps(&problem) => {}
            answer => return answer,
        }
    }
}

/// Takes the identity of this id or template back.
pub(super) async fn deprovision(gateway: &Gateway, grant: &Grant, named: &str) -> Answer<Identity> {
    let mut again = Again::default();
    loop {
        let identity = find(gateway, grant.scope, named).await?;
        match removal::ask(gateway, grant, &identity).await {
            Err(problem) if again.helps(&problem) => {}
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn only_what_a_job_came_before_is_tried_again_and_not_for_ever() {
        let refusal = |code| Problem::new(StatusCode::CONFLICT, code, "", "");
        let mut again = Again::default();
        assert!(!again.helps(&refusal("suspended")));
        let mut again = Again::default();
        let helped = (0..20).filter(|_| again.helps(&refusal("conflict"))).count();
        assert_eq!(helped, 8);
    }
}
