//! Which properties the directory's main types can be filtered and sorted by, and which of them only as an advanced
//! query: Microsoft's "Advanced query capabilities on Microsoft Entra ID objects", and the resources' pages where
//! these say more. What is not listed there is not indexed, and a filter on it is refused.

use super::filter::{Filter, Literal, Op, Path, TextTest};
use super::{QueryError, Surface};
use crate::graph::model;

/// The properties of a type, by what can be asked of them.
struct Indexes {
    /// `eq`, `in`, the orderings and `startswith`, by default.
    text: &'static [&'static str],
    /// `eq`, `in` and the orderings.
    ordered: &'static [&'static str],
    /// `eq` and `in`.
    equal: &'static [&'static str],
    /// All of them, as an advanced query.
    advanced: &'static [&'static str],
    /// `$orderby`, by default.
    sorted: &'static [&'static str],
    /// `$orderby`, as an advanced query.
    sorted_advanced: &'static [&'static str],
}

/// The only properties that `endswith` looks at.
const ENDS: [&str; 4] = ["mail", "otherMails", "proxyAddresses", "userPrincipalName"];

const USER: Indexes = Indexes {
    text: &[
        "businessPhones",
        "city",
        "country",
        "department",
        "displayName",
        "employeeId",
        "givenName",
        "imAddresses",
        "infoCatalogs",
        "jobTitle",
        "mail",
        "mailNickname",
        "onPremisesUserPrincipalName",
        "otherMails",
        "proxyAddresses",
        "securityIdentifier",
        "state",
        "surname",
        "usageLocation",
        "userPrincipalName",
    ],
    ordered: &[
        "createdDateTime",
        "deletedDateTime",
        "externalUserStateChangeDateTime",
        "onPremisesImmutableId",
        "onPremisesProvisioningErrors",
        "provisionedPlans",
        "signInActivity",
    ],
    equal: &[
        "accountEnabled",
        "ageGroup",
        "assignedLicenses",
        "assignedPlans",
        "consentProvidedForMinor",
        "creationType",
        "externalUserState",
        "id",
        "identities",
        "identityParentId",
        "isResourceAccount",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "serviceProvisioningErrors",
        "userType",
    ],
    advanced: &[
        "authorizationInfo",
        "companyName",
        "customSecurityAttributes",
        "employeeHireDate",
        "employeeLeaveDateTime",
        "employeeOrgData",
        "employeeType",
        "faxNumber",
        "isManagementRestricted",
        "mobilePhone",
        "officeLocation",
        "onPremisesExtensionAttributes",
        "onPremisesLastSyncDateTime",
        "onPremisesSamAccountName",
        "passwordPolicies",
        "passwordProfile",
        "postalCode",
        "preferredLanguage",
        "showInAddressList",
        "streetAddress",
    ],
    sorted: &["displayName", "userPrincipalName"],
    sorted_advanced: &["createdDateTime", "deletedDateTime"],
};

const GROUP: Indexes = Indexes {
    text: &[
        "classification",
        "description",
        "displayName",
        "mail",
        "mailNickname",
        "membershipRule",
        "onPremisesSamAccountName",
        "preferredLanguage",
        "proxyAddresses",
        "securityIdentifier",
        "uniqueName",
    ],
    ordered: &[
        "createdDateTime",
        "deletedDateTime",
        "expirationDateTime",
        "onPremisesLastSyncDateTime",
        "renewedDateTime",
    ],
    equal: &[
        "assignedLabels",
        "assignedLicenses",
        "groupTypes",
        "hasMembersWithLicenseErrors",
        "id",
        "isAssignableToRole",
        "mailEnabled",
        "membershipRuleProcessingState",
        "onPremisesProvisioningErrors",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "resourceBehaviorOptions",
        "resourceProvisioningOptions",
        "securityEnabled",
        "serviceProvisioningErrors",
    ],
    advanced: &["infoCatalogs", "isManagementRestricted", "onPremisesExtensionAttributes"],
    sorted: &["displayName"],
    sorted_advanced: &["createdDateTime", "deletedDateTime"],
};

const APPLICATION: Indexes = Indexes {
    text: &["description", "displayName", "identifierUris", "publisherDomain", "tags", "uniqueName"],
    ordered: &["createdDateTime", "deletedDateTime", "keyCredentials", "requiredResourceAccess"],
    equal: &[
        "appId",
        "applicationTemplateId",
        "createdByAppId",
        "disabledByMicrosoftStatus",
        "id",
        "isDisabled",
        "signInAudience",
        "verifiedPublisher",
    ],
    advanced: &["api", "passwordCredentials", "publicClient", "serviceManagementReference", "spa", "web"],
    sorted: &[],
    sorted_advanced: &["createdDateTime", "deletedDateTime", "displayName"],
};

const SERVICE_PRINCIPAL: Indexes = Indexes {
    text: &["alternativeNames", "description", "displayName", "homepage", "servicePrincipalNames", "tags"],
    ordered: &["createdDateTime", "deletedDateTime"],
    equal: &[
        "accountEnabled",
        "agentIdentityBlueprintId",
        "appId",
        "applicationTemplateId",
        "appOwnerOrganizationId",
        "appRoleAssignmentRequired",
        "createdByAppId",
        "disabledByMicrosoftStatus",
        "id",
        "isDisabled",
        "preferredSingleSignOnMode",
        "servicePrincipalType",
        "signInAudience",
        "verifiedPublisher",
    ],
    advanced: &[
        "appDisplayName",
        "customSecurityAttributes",
        "keyCredentials",
        "passwordCredentials",
        "replyUrls",
    ],
    sorted: &[],
    sorted_advanced: &["createdDateTime", "deletedDateTime", "displayName"],
};

/// What is known of a type; the others take what they have properties for.
fn of(type_name: &str) -> Option<&'static Indexes> {
    match type_name {
        "user" => Some(&USER),
        "group" => Some(&GROUP),
        "application" => Some(&APPLICATION),
        "servicePrincipal" => Some(&SERVICE_PRINCIPAL),
        _ => None,
    }
}

/// What a test asks of a property.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Equal,
    Ordered,
    Begins,
    Ends,
    /// Whether there is a value, or how many there are.
    Presence,
    Never,
}

/// The first property by which the filter cannot be answered, if the directory has indexes for the surface's type.
pub(super) fn check_filter(surface: &Surface, filter: &Filter, advanced: bool) -> Result<(), QueryError> {
    match of(surface.type_name) {
        Some(indexes) => Check { surface, indexes, advanced }.filter(filter, None),
        None => Ok(()),
    }
}

/// The same for `$orderby`.
pub(super) fn check_order(surface: &Surface, path: &Path, advanced: bool) -> Result<(), QueryError> {
    let Some(indexes) = of(surface.type_name) else { return Ok(()) };
    let name = path.to_string();
    if has(indexes.sorted, &name) || (advanced && has(indexes.sorted_advanced, &name)) {
        return Ok(());
    }
    if has(indexes.sorted_advanced, &name) {
        return Err(surface.needs_advanced(&format!("Sorting by '{name}'")));
    }
    Err(QueryError::unsupported(format!(
        "Unsupported sort property '{name}' for '{}'.",
        capitalised(surface.type_name)
    )))
}

struct Check<'a> {
    surface: &'a Surface,
    indexes: &'static Indexes,
    advanced: bool,
}

impl Check<'_> {
    /// `item` is the collection that the `any` around the test goes through.
    fn filter(&self, filter: &Filter, item: Option<&Path>) -> Result<(), QueryError> {
        match filter {
            Filter::And(left, right) | Filter::Or(left, right) => {
                self.filter(left, item)?;
                self.filter(right, item)
            }
            Filter::Not(inner) => self.filter(inner, item),
            Filter::Compare(path, op, wanted) => {
                self.literal(path, *op, wanted, item)?;
                self.property(item.unwrap_or(path), compared(*op, wanted))
            }
            Filter::In(path, wanted) => {
                wanted.iter().try_for_each(|wanted| self.literal(path, Op::Eq, wanted, item))?;
                self.property(item.unwrap_or(path), Asked::Equal)
            }
            Filter::Text(test, path, _) => {
                let asked = match test {
                    TextTest::Starts => Asked::Begins,
                    TextTest::Ends => Asked::Ends,
                    TextTest::Contains => Asked::Never,
                };
                self.property(item.unwrap_or(path), asked)
            }
            Filter::Count(path, ..) | Filter::Any(path, None) => {
                self.property(item.unwrap_or(path), Asked::Presence)
            }
            Filter::Any(path, Some(inner)) => self.filter(inner, Some(item.unwrap_or(path))),
        }
    }

    fn property(&self, path: &Path, asked: Asked) -> Result<(), QueryError> {
        let name = path.0.first().map_or("", String::as_str);
        let Indexes { text, ordered, equal, advanced, .. } = self.indexes;
        let by_default = match asked {
            Asked::Equal => has(text, name) || has(ordered, name) || has(equal, name),
            Asked::Ordered => has(text, name) || has(ordered, name),
            Asked::Begins => has(text, name),
            Asked::Ends | Asked::Presence | Asked::Never => false,
        };
        let is_indexed = [text, ordered, equal, advanced].iter().any(|names| has(names, name));
        let as_advanced = match asked {
            Asked::Never => false,
            Asked::Ends => has(&ENDS, name),
            Asked::Presence => is_indexed,
            Asked::Equal | Asked::Ordered | Asked::Begins => has(advanced, name),
        };
        if by_default || (as_advanced && self.advanced) {
            return Ok(());
        }
        if as_advanced {
            return Err(self.surface.needs_advanced(&format!("This filter on '{name}'")));
        }
        Err(QueryError::unsupported(format!(
            "Unsupported or invalid query filter clause specified for property '{name}' of resource '{}'.",
            capitalised(self.surface.type_name)
        )))
    }

    /// Whether the constant is of the property's type, as far as it is a property of the object itself.
    fn literal(&self, path: &Path, op: Op, wanted: &Literal, item: Option<&Path>) -> Result<(), QueryError> {
        let (owner, is_item) = match item {
            Some(item) if path.0.is_empty() => (item, true),
            Some(_) => return Ok(()),
            None => (path, false),
        };
        let ([name], Some(given)) = (owner.0.as_slice(), wanted.type_name()) else { return Ok(()) };
        let Some(declared) = model::type_of(self.surface.type_name, name) else { return Ok(()) };
        let one = declared.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
        let expected = if is_item { one.unwrap_or(declared) } else { declared };
        let fits = match expected {
            "Edm.Boolean" | "Edm.DateTimeOffset" | "Edm.String" => given == expected,
            "Edm.Guid" => ["Edm.Guid", "Edm.String"].contains(&given),
            other => !other.starts_with("Collection("),
        };
        if fits {
            return Ok(());
        }
        Err(QueryError::bad(format!(
            "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types '{expected}' and '{given}' for operator kind '{}'.",
            kind(op)
        )))
    }
}

fn compared(op: Op, wanted: &Literal) -> Asked {
    match op {
        _ if *wanted == Literal::Null => Asked::Presence,
        Op::Eq | Op::Ne => Asked::Equal,
        Op::Gt | Op::Ge | Op::Lt | Op::Le => Asked::Ordered,
    }
}

fn has(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// An operator, as OData's refusals call it.
fn kind(op: Op) -> &'static str {
    match op {
        Op::Eq => "Equal",
        Op::Ne => "NotEqual",
        Op::Gt => "GreaterThan",
        Op::Ge => "GreaterThanOrEqual",
        Op::Lt => "LessThan",
        Op::Le => "LessThanOrEqual",
    }
}

/// A type's name, as the directory's refusals spell it.
fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), characters.as_str()))
}
