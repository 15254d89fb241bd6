//! The permissions that Microsoft Graph's service principal publishes here, so that a client may look them up or
//! know them (Entra reference §2.8): all that Graph's own table names, and what tenants have beside them.
//!
//! The ids are those of Microsoft's permissions reference, which Microsoft's own tools send. For the agents'
//! permissions Graph's provisioning table has others; a client that looks ids up by name does not notice. For 28
//! nobody publishes an id; theirs are UUIDs of version 5 of their names.

use std::cmp::Ordering;
use std::sync::LazyLock;

/// One permission, as a delegated scope, as an application role, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) value: &'static str,
    /// The delegated scope's id.
    pub(crate) scope_id: Option<&'static str>,
    /// The application role's id.
    pub(crate) role_id: Option<&'static str>,
    /// Whether only an administrator may consent to the delegated scope.
    pub(crate) needs_admin: bool,
    pub(crate) title: &'static str,
}

/// Lines of value, scope's id, role's id, who consents to the scope, and title; by value, whatever its case.
const TABLE: &str = include_str!("permissions.tsv");

/// Read when the first one is asked for; the texts stay where they are.
static PERMISSIONS: LazyLock<Vec<Permission>> = LazyLock::new(|| TABLE.lines().filter_map(read).collect());

/// Those that have a role, by its id.
static BY_ROLE: LazyLock<Vec<&Permission>> = LazyLock::new(|| {
    let mut by_role: Vec<&Permission> = PERMISSIONS.iter().filter(|one| one.role_id.is_some()).collect();
    by_role.sort_unstable_by_key(|one| one.role_id);
    by_role
});

fn read(line: &'static str) -> Option<Permission> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let id = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    Some(Permission {
        value: next()?,
        scope_id: id(next()?),
        role_id: id(next()?),
        needs_admin: next()? == "admin",
        title: next()?,
    })
}

/// All of them, by name.
pub(crate) fn permissions() -> &'static [Permission] {
    &PERMISSIONS
}

/// One by its name; scope names are compared without regard to case.
pub(crate) fn permission(value: &str) -> Option<&'static Permission> {
    let place = PERMISSIONS.binary_search_by(|one| by_name(one.value, value)).ok()?;
    PERMISSIONS.get(place)
}

/// One by the id of its role.
pub(crate) fn permission_of_role(id: &str) -> Option<&'static Permission> {
    let id = id.to_ascii_lowercase();
    let place = BY_ROLE.binary_search_by_key(&Some(id.as_str()), |one| one.role_id).ok()?;
    BY_ROLE.get(place).copied()
}

fn by_name(one: &str, other: &str) -> Ordering {
    let lower = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>();
    lower(one).cmp(&lower(other))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_line_is_a_permission_that_is_found_by_its_name_and_its_role() {
        assert_eq!(permissions().len(), TABLE.lines().count());
        let mut ids = BTreeSet::new();
        for one in permissions() {
            assert_eq!(permission(&one.value.to_uppercase()), Some(one), "{}", one.value);
            let (scope, role) = (one.scope_id, one.role_id);
            assert!(scope.is_some() || role.is_some(), "{}", one.value);
            for id in [scope, role].into_iter().flatten() {
                assert_eq!(uuid::Uuid::parse_str(id).unwrap().to_string(), id, "{}", one.value);
            }
            if let Some(id) = role {
                assert_eq!(permission_of_role(&id.to_uppercase()), Some(one), "{}", one.value);
            }
            assert!(scope.is_none_or(|id| ids.insert(("scope", id))), "{}", one.value);
            assert!(!one.title.is_empty(), "{}", one.value);
        }
        assert_eq!(permission("No.Such"), None);
    }
}
