//! To whom a record belongs, and the proof that one may ask for it.

use crate::OrgId;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// It belongs to an organisation.
    Org(OrgId),
    /// It belongs to the gateway itself.
    Gateway,
}

impl Place {
    /// The organisation, if it is one's.
    pub fn org(self) -> Option<OrgId> {
        match self {
            Self::Org(org) => Some(org),
            Self::Gateway => None,
        }
    }
}

/// Which rows a query looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Those of one place.
    Place(Place),
    /// All of them; for workers only.
    Anywhere,
}

/// The right to one organisation's data. Whoever makes one has checked that the caller belongs to the
/// organisation; a test of the house lists the modules that do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrgScope(OrgId);

impl OrgScope {
    /// Grants it, after the check.
    pub const fn granted(org: OrgId) -> Self {
        Self(org)
    }

    /// The organisation.
    pub const fn org(self) -> OrgId {
        self.0
    }
}

/// The right to the gateway's own data: workers, sign-in, operators' commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayScope(());

impl GatewayScope {
    /// Grants it.
    pub const fn granted() -> Self {
        Self(())
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::OrgScope {}
    impl Sealed for super::GatewayScope {}
}

/// One of the two scopes: what a record's type says it belongs to.
pub trait Scope: sealed::Sealed + Copy {
    /// Where the scope's rows stand.
    fn place(self) -> Place;
}

impl Scope for OrgScope {
    fn place(self) -> Place {
        Place::Org(self.0)
    }
}

impl Scope for GatewayScope {
    fn place(self) -> Place {
        Place::Gateway
    }
}
