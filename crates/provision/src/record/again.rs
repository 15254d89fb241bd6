//! Another wish for a record that exists. What has not been made yet is made as it is wished now; what has
//! been made stays as it is, and the difference is told. A certificate is no property of an object: a new one
//! is appended to the blueprint's list whenever it differs, and the identity proved with it again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Record;
use crate::waits::Waits;
use crate::{CertificateWish, LicenceWish, Step, Wish};

/// A wish that comes too late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// What it concerns.
    pub what: String,
    /// What it is, and stays.
    pub stays: String,
    /// What was wished.
    pub wished: String,
    /// What to do for the wish to come true.
    pub remedy: String,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, stays, wished, remedy } = self;
        write!(f, "{what} stays {stays:?}, although {wished:?} is wished now: {remedy}")
    }
}

const ELSEWHERE: &str = "change it in the Entra admin centre";
const ANEW: &str = "run attache deprovision, then attache provision";
const LICENCE: &str = "change it in the Microsoft 365 admin centre";

impl Record {
    /// Takes in another certificate. It is appended; what the blueprint's list holds stays.
    pub fn set_certificate(&mut self, certificate: CertificateWish) {
        if self.wish.certificate != certificate {
            self.wish.certificate = certificate;
            self.done.retain(|step| !matches!(step, Step::Certificate | Step::Hops));
            self.waits = Waits::default();
        }
    }

    /// Takes in another wish for the same tenant, and tells what of it comes too late.
    pub fn set_wish(&mut self, wish: Wish) -> Vec<Ignored> {
        let before = self.wish.clone();
        let mut late = Late(Vec::new());
        self.set_certificate(wish.certificate.clone());
        (self.wish.patience, self.wish.strip) = (wish.patience, wish.strip);
        // The sponsor stands in the tags, by which everything is found again.
        if self.begun(Step::Blueprint) {
            late.note("the sponsor", before.sponsor, wish.sponsor, ANEW);
            let names = (&before.blueprint.display_name, &wish.blueprint.display_name);
            late.note("the blueprint's name", names.0, names.1, ELSEWHERE);
        } else {
            (self.wish.sponsor, self.wish.blueprint) = (wish.sponsor, wish.blueprint);
            self.wish.agent.tag = wish.agent.tag;
        }
        if self.begun(Step::Agent) {
            let names = (&before.agent.display_name, &wish.agent.display_name);
            late.note("the agent identity's name", names.0, names.1, ELSEWHERE);
        } else {
            self.wish.agent.display_name = wish.agent.display_name;
        }
        let country = wish.user.usage_location.clone();
        if self.begun(Step::User) {
            let (is, wished) = (&before.user, &wish.user);
            late.note("the agent user's name", &is.display_name, &wished.display_name, ELSEWHERE);
            let names = (&is.user_principal_name, &wished.user_principal_name);
            late.note("the agent user's sign-in name", names.0, names.1, ANEW);
        } else {
            self.wish.user = wish.user;
        }
        if country != self.wish.user.usage_location {
            self.wish.user.usage_location = country;
            self.done.remove(&Step::UsageLocation);
        }
        if !self.begun(Step::Consent) {
            self.wish.scopes = wish.scopes;
        }
        match (wish.licence, self.objects.licence) {
            (LicenceWish::Sku(wished), Some(is)) if self.begun(Step::Licence) && wished != is => {
                late.note("the licence", is, wished, LICENCE);
            }
            (wished, _) if before.licence != wished => {
                self.wish.licence = wished;
                if !self.begun(Step::Licence) {
                    self.objects.licence = None;
                }
            }
            _ => {}
        }
        if self.wish != before {
            // Whether the new wish can come true is looked at before the next write.
            self.done.remove(&Step::Survey);
        }
        late.0
    }

    /// Whether the step has been done, or may have been.
    fn begun(&self, step: Step) -> bool {
        self.done.contains(&step)
            || self.doing.is_some_and(|doing| doing.step == step)
            || self.open(step).is_some()
    }
}

/// The wishes that come too late.
struct Late(Vec<Ignored>);

impl Late {
    fn note(
        &mut self,
        what: &str,
        stays: impl fmt::Display,
        wished: impl fmt::Display,
        remedy: &str,
    ) {
        let (stays, wished) = (stays.to_string(), wished.to_string());
        if stays != wished {
            self.0.push(Ignored { what: what.to_owned(), stays, wished, remedy: remedy.to_owned() });
        }
    }
}
