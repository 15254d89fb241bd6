//! What every page shows around its content: who is signed in, where one is, and where one can go.

use crate::Gateway;
use crate::access::right::{
    ReadAudit, SeeIdentities, SeeJobs, SeeKeys, SeeMembers, SeeOrganisation, SeeReviews,
};
use crate::access::{Caller, Grant, Needs, Principal, Right as _};

/// What every page shows.
pub(crate) struct Look {
    /// Whether everything happens in an emulated tenant.
    pub(crate) sandbox: bool,
    /// Who is signed in.
    pub(crate) person: Option<Person>,
}

/// Who is signed in.
pub(crate) struct Person {
    /// The name.
    pub(crate) name: String,
    /// What forms carry.
    pub(crate) csrf: String,
}

impl Look {
    /// For nobody in particular.
    pub(crate) fn plain(gateway: &Gateway) -> Self {
        Self { sandbox: gateway.config.sandbox, person: None }
    }

    /// For a caller.
    pub(crate) fn of(gateway: &Gateway, caller: &Caller) -> Self {
        let person = match &caller.principal {
            Principal::Person(session, csrf) => {
                Some(Person { name: session.name.clone(), csrf: csrf.as_str().to_owned() })
            }
            Principal::Key(_) | Principal::Operator(_) => None,
        };
        Self { person, ..Self::plain(gateway) }
    }

    /// What forms carry; empty when nobody is signed in.
    pub(crate) fn csrf(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.csrf)
    }
}

/// The organisation that a page is about.
pub(crate) struct PlaceOf {
    /// Its short name in addresses.
    pub(crate) slug: String,
    /// The name that people see.
    pub(crate) name: String,
    /// Where one can go.
    ways: Vec<Way>,
}

/// One entry of the navigation.
pub(crate) struct Way {
    /// The heading that begins here.
    pub(crate) group: Option<&'static str>,
    /// The name.
    pub(crate) name: &'static str,
    /// The path below the organisation's.
    pub(crate) path: &'static str,
    /// Whether one is there.
    pub(crate) current: bool,
}

/// Every page of an organisation: heading, name, path, and what it takes to see it.
const WAYS: &[(Option<&str>, &str, &str, Needs)] = &[
    (None, "Overview", "", SeeOrganisation::NEEDS),
    (None, "Identities", "/identities", SeeIdentities::NEEDS),
    (None, "Audit", "/audit", ReadAudit::NEEDS),
    (None, "Jobs", "/jobs", SeeJobs::NEEDS),
    (None, "Access reviews", "/reviews", SeeReviews::NEEDS),
    (Some("Settings"), "Agent identity", "/settings/agent-identity", SeeIdentities::NEEDS),
    (None, "Suspension", "/settings/suspension", SeeOrganisation::NEEDS),
    (None, "Licences", "/settings/licences", SeeIdentities::NEEDS),
    (None, "Members", "/settings/members", SeeMembers::NEEDS),
    (None, "API keys", "/settings/api-keys", SeeKeys::NEEDS),
    (None, "Health", "/health", SeeOrganisation::NEEDS),
];

impl PlaceOf {
    /// The organisation that a caller was let into; `current` is the page's path below it.
    pub(crate) fn new(grant: &Grant, current: &'static str) -> Self {
        let organisation = &grant.organisation;
        let open = WAYS.iter().filter(|(.., needs)| grant.may(*needs));
        let way = |&(group, name, path, _)| Way { group, name, path, current: path == current };
        let ways = open.map(way).collect();
        Self { slug: organisation.slug.clone(), name: organisation.name.clone(), ways }
    }

    /// Where one can go.
    pub(crate) fn navigation(&self) -> &[Way] {
        &self.ways
    }

    /// Whether one can go to this path below the organisation's.
    pub(crate) fn leads_to(&self, path: &str) -> bool {
        self.ways.iter().any(|way| way.path == path)
    }
}
