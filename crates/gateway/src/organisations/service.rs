//! What happens to organisations.

use attache_ledger::ActName;
use attache_store::{CommitError, OrgId, OrgScope, Unit};

use super::Organisation;
use super::http::created;
use crate::Gateway;
use crate::access::{Caller, Role};
use crate::hosting;
use crate::line::is_line;
use crate::members::{Member, MemberId};
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

/// What an organisation is made from.
#[derive(Debug)]
pub(crate) struct NewOrganisation {
    /// Its short name in addresses.
    pub(crate) slug: String,
    /// The name that people see.
    pub(crate) name: String,
    /// Its region.
    pub(crate) region: Option<String>,
}

const CREATED: ActName = ActName::new("organisation.created");

/// Makes an organisation. The operator who makes it is its first owner, until another one is named.
pub(crate) async fn create(
    gateway: &Gateway,
    caller: &Caller,
    wanted: NewOrganisation,
) -> Answer<Organisation> {
    let slug = wanted.slug.trim().to_ascii_lowercase();
    if !is_slug(&slug) {
        return Err(Problem::invalid(
            "slug",
            "not a short name",
            "take 2 to 40 letters a to z, digits and inner hyphens, such as `acme`",
        ));
    }
    let name = wanted.name.trim();
    if !is_line(name, 100) {
        return Err(Problem::invalid("name", "not a name", "write 1 to 100 characters on one line"));
    }
    let organisation = Organisation {
        id: OrgId::make(&*gateway.clock, &*gateway.rng),
        slug,
        name: name.to_owned(),
        region: region(gateway.config.region.as_deref(), wanted.region)?,
        audit_days: None,
        suspended: None,
        created: gateway.clock.now(),
    };
    let scope = OrgScope::granted(organisation.id);
    let mut unit = Unit::new();
    unit.create(scope, &organisation);
    hosting::claim_name(&mut unit, scope, &organisation.slug, organisation.created);
    unit.record(scope, gateway.changed(caller, CREATED, on([thing("organisation", organisation.id)])));
    if let Some(session) = caller.session() {
        let owner = Member {
            id: MemberId::make(&*gateway.clock, &*gateway.rng),
            org: organisation.id,
            tenant: session.tenant,
            user: session.user,
            name: session.name.clone(),
            upn: session.upn.clone(),
            role: Role::Owner,
            since: organisation.created,
        };
        unit.create(scope, &owner);
    }
    match gateway.commit_answered(caller, unit, || created(&organisation)).await {
        Ok(_) => Ok(organisation),
        Err(CommitError::Taken { kind: hosting::CLAIM, .. }) => Err(Problem::new(
            http::StatusCode::CONFLICT,
            "taken",
            "another organisation has that name, or has it as its subdomain",
            "choose another slug",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The region of a new organisation: the gateway's, where it serves just one.
fn region(served: Option<&str>, wanted: Option<String>) -> Answer<Option<String>> {
    match (served, wanted) {
        (_, Some(wanted)) if !is_slug(&wanted) => {
            Err(Problem::invalid("region", "not a short name", "take a name such as `eu` or `us-east-1`"))
        }
        (Some(served), Some(wanted)) if served != wanted => Err(Problem::invalid(
            "region",
            format!("this gateway serves {served} alone"),
            "leave it out, or create the organisation on the gateway of its region",
        )),
        (served, wanted) => Ok(wanted.or_else(|| served.map(str::to_owned))),
    }
}

/// Whether a text can be one label of a host name and of a path.
pub(crate) fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (2..=40).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_of_one_region_takes_no_organisation_of_another() {
        let wanted = |text: &str| Some(text.to_owned());
        assert_eq!(region(Some("eu"), None).unwrap(), wanted("eu"));
        assert_eq!(region(Some("eu"), wanted("eu")).unwrap(), wanted("eu"));
        assert!(region(Some("eu"), wanted("us")).is_err());
        assert_eq!(region(None, wanted("us")).unwrap(), wanted("us"));
        assert_eq!(region(None, None).unwrap(), None);
        assert!(region(None, wanted("a b")).is_err());
    }

    #[test]
    fn a_slug_is_one_label() {
        for good in ["acme", "a1", "new-york-2"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "a", "-a", "a-", "a--b", "Ä", "a.b", "a/b", &"a".repeat(41)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
