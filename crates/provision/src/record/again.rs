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
        // The sponsor may stand in the tags, by which everything is found again.
        let tags = (&before.blueprint.tag, &before.agent.tag) != (&wish.blueprint.tag, &wish.agent.tag);
        if self.begun(if tags { Step::Blueprint } else { Step::Agent }) {
            late.note("the sponsor", before.sponsor, wish.sponsor, ANEW);
        } else {
            self.wish.sponsor = wish.sponsor;
        }
        if self.begun(Step::Blueprint) {
            let names = (&before.blueprint.display_name, &wish.blueprint.display_name);
            late.note("the blueprint's name", names.0, names.1, ELSEWHERE);
        } else {
            self.wish.blueprint = wish.blueprint;
            self.wish.given = wish.given;
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

    /// Whether the step has been done, or may have been: what it makes is not made otherwise any more.
    pub fn begun(&self, step: Step) -> bool {
        self.done.contains(&step)
            || self.doing.is_some_and(|doing| doing.step == step)
            || self.open(step).is_some()
    }
}

/// The wishes that come too late.
struct Late(Vec<Ignored>);

impl Late {
    fn note(&mut self, what: &str, stays: impl fmt::Display, wished: impl fmt::Display, remedy: &str) {
        let (stays, wished) = (stays.to_string(), wished.to_string());
        if stays != wished {
            self.0.push(Ignored { what: what.to_owned(), stays, wished, remedy: remedy.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use attache_terms::{AppId, SkuId, TenantId, UserId};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{AgentUserWish, Ended, Naming, Objects, Outcome, Patience, Tag};

    fn wish() -> Wish {
        let naming =
            |name: &str| Naming { display_name: name.to_owned(), tag: Tag::new("ada/agent").unwrap() };
        Wish {
            tenant: TenantId::new(Uuid::from_u128(1)),
            blueprint: naming("Agent (blueprint)"),
            given: None,
            shares_blueprint: false,
            agent: naming("Agent"),
            user: AgentUserWish {
                display_name: "Agent".to_owned(),
                user_principal_name: "agent@contoso.example".to_owned(),
                mail_nickname: "agent".to_owned(),
                job_title: None,
                department: None,
                usage_location: "CH".to_owned(),
            },
            sponsor: UserId::new(Uuid::from_u128(2)),
            licence: LicenceWish::Any,
            scopes: Wish::least_scopes(),
            certificate: CertificateWish::new(b"one", [1; 20], "one"),
            strip: Some(AppId::new(Uuid::from_u128(8))),
            patience: Patience::default(),
        }
    }

    fn other() -> Wish {
        let mut other = wish();
        other.blueprint = Naming { display_name: "B".to_owned(), tag: Tag::new("bob/butler").unwrap() };
        other.agent = Naming { display_name: "Butler".to_owned(), tag: Tag::new("bob/butler").unwrap() };
        other.user = AgentUserWish {
            display_name: "Butler".to_owned(),
            user_principal_name: "butler@contoso.example".to_owned(),
            mail_nickname: "butler".to_owned(),
            job_title: None,
            department: None,
            usage_location: "DE".to_owned(),
        };
        other.sponsor = UserId::new(Uuid::from_u128(3));
        other.licence = LicenceWish::Sku(SkuId::new(Uuid::from_u128(4)));
        other
    }

    /// A record in which every step before this one is done.
    fn before(step: Option<Step>) -> Record {
        let mut record = Record::new(wish());
        while record.current() != step {
            let step = record.current().unwrap();
            record.begin(step, Uuid::from_u128(9), Timestamp::UNIX_EPOCH);
            let learnt = Objects { licence: Some(SkuId::new(Uuid::from_u128(5))), ..Objects::default() };
            let ended = Ended::Done { found: false };
            let outcome =
                Outcome { step, ended, correlation: None, learnt, seen: Vec::new(), resolves: None };
            record.apply(&outcome, Timestamp::UNIX_EPOCH, 0.0);
        }
        record
    }

    #[test]
    fn before_anything_is_made_every_wish_comes_true() {
        let mut record = before(Some(Step::Blueprint));
        assert_eq!(record.set_wish(other()), []);
        assert_eq!(*record.wish(), other());
        assert_eq!(record.current(), Some(Step::Survey), "whether it can come true is looked at again");
        assert_eq!(record.objects().licence, None, "the licence is chosen anew");
    }

    #[test]
    fn what_may_have_been_made_stays_and_is_told() {
        let mut record = before(Some(Step::Blueprint));
        record.begin(Step::Blueprint, Uuid::from_u128(9), Timestamp::UNIX_EPOCH);
        let told: Vec<String> = record.set_wish(other()).into_iter().map(|ignored| ignored.what).collect();
        assert_eq!(told, ["the sponsor", "the blueprint's name"]);
        assert_eq!(record.wish().blueprint, wish().blueprint);
        assert_eq!(record.wish().agent.tag, wish().agent.tag, "it is found by the tag that it has");
        assert_eq!(record.wish().user, other().user);
    }

    #[test]
    fn of_one_more_agent_of_a_blueprint_the_sponsor_is_open_until_it_is_made() {
        let same_tags = || Wish { sponsor: other().sponsor, ..wish() };
        let mut record = before(Some(Step::Agent));
        assert_eq!(record.set_wish(same_tags()), []);
        assert_eq!(record.wish().sponsor, other().sponsor);
        let mut record = before(Some(Step::User));
        let told: Vec<String> =
            record.set_wish(same_tags()).into_iter().map(|ignored| ignored.what).collect();
        assert_eq!(told, ["the sponsor"]);
    }

    #[test]
    fn of_a_complete_identity_only_the_country_and_the_certificate_change() {
        let mut record = before(None);
        assert_eq!(record.set_wish(wish()), []);
        assert_eq!(record.current(), None, "the same wish changes nothing");
        assert_eq!(record.set_wish(other()).len(), 6);
        let again: BTreeSet<Step> =
            Step::ALL.into_iter().filter(|step| !record.done.contains(step)).collect();
        assert_eq!(again, [Step::Survey, Step::UsageLocation].into());

        let mut record = before(None);
        record.set_certificate(CertificateWish::new(b"two", [2; 20], "two"));
        assert_eq!(record.current(), Some(Step::Certificate));
        assert!(!record.done.contains(&Step::Hops), "the identity is proved with it");
        assert_eq!(record.done.len(), Step::ALL.len() - 2);
    }
}
