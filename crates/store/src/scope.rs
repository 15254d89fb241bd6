//! To whom a record belongs, and the proof that one may ask for it.

use uuid::Uuid;

use crate::OrgId;

/// Where a row stands. The gateway's own place comes before the organisations'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// It belongs to the gateway itself.
    Gateway,
    /// It belongs to an organisation.
    Org(OrgId),
}

impl Place {
    /// The organisation, if it is one's.
    pub fn org(self) -> Option<OrgId> {
        match self {
            Self::Org(org) => Some(org),
            Self::Gateway => None,
        }
    }

    /// As engines write it, so that it sorts as it should: the organisation's id, or zeros.
    pub fn uuid(self) -> Uuid {
        self.org().map_or(Uuid::nil(), OrgId::uuid)
    }

    /// Reads what [`Self::uuid`] wrote.
    pub fn from_uuid(uuid: Uuid) -> Self {
        if uuid.is_nil() { Self::Gateway } else { Self::Org(OrgId::new(uuid)) }
    }
}

impl From<Option<OrgId>> for Place {
    fn from(org: Option<OrgId>) -> Self {
        org.map_or(Self::Gateway, Self::Org)
    }
}

/// Which rows a query looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Within {
    /// Those of one place.
    Place(Place),
    /// All of them; for workers only.
    Anywhere,
}

/// The right to one organisation's data. Whoever makes one has checked that the caller belongs to the
/// organisation; a test of the house lists the modules that do.
///
/// Whoever has no scope cannot ask:
///
/// ```
/// # use attache_store::*;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Template { id: String }
/// # impl Record for Template {
/// #     const KIND: &'static str = "template"; type Scope = OrgScope;
/// #     fn key(&self) -> String { self.id.clone() }
/// # }
/// async fn read(store: &Store, scope: OrgScope) -> Result<Option<Versioned<Template>>, StoreError> {
///     store.org(scope).get::<Template>("default").await
/// }
/// ```
///
/// The same without it does not compile, nor with an id that nobody has checked, nor through the gateway's
/// own door, nor with a scope that was made up:
///
/// ```compile_fail
/// # use attache_store::*;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Template { id: String }
/// # impl Record for Template {
/// #     const KIND: &'static str = "template"; type Scope = OrgScope;
/// #     fn key(&self) -> String { self.id.clone() }
/// # }
/// async fn read(store: &Store, scope: OrgScope) -> Result<Option<Versioned<Template>>, StoreError> {
///     store.get::<Template>("default").await
/// }
/// ```
///
/// ```compile_fail
/// # use attache_store::*;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Template { id: String }
/// # impl Record for Template {
/// #     const KIND: &'static str = "template"; type Scope = OrgScope;
/// #     fn key(&self) -> String { self.id.clone() }
/// # }
/// async fn read(store: &Store, org: OrgId) -> Result<Option<Versioned<Template>>, StoreError> {
///     store.org(org).get::<Template>("default").await
/// }
/// ```
///
/// ```compile_fail
/// # use attache_store::*;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Template { id: String }
/// # impl Record for Template {
/// #     const KIND: &'static str = "template"; type Scope = OrgScope;
/// #     fn key(&self) -> String { self.id.clone() }
/// # }
/// async fn read(store: &Store, scope: GatewayScope) -> Result<Option<Versioned<Template>>, StoreError> {
///     store.system(scope).get::<Template>("default").await
/// }
/// ```
///
/// ```compile_fail
/// # use attache_store::*;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Template { id: String }
/// # impl Record for Template {
/// #     const KIND: &'static str = "template"; type Scope = OrgScope;
/// #     fn key(&self) -> String { self.id.clone() }
/// # }
/// fn add(unit: &mut Unit, scope: GatewayScope, template: &Template) {
///     unit.create(scope, template);
/// }
/// ```
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
