//! Which application permissions a token carries, beside those that mail needs (Graph reference §4.3, §13).
//! Clients need not understand Graph's tokens; a doctor may look at one.

use std::collections::BTreeSet;

use attache_terms::{Check, Remedy};

/// What the application is used for, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Use {
    /// Whether mail that comes in is read too.
    pub receives: bool,
    /// Whether Exchange grants sending by RBAC for Applications, in place of `Mail.Send`.
    pub sends_by_exchange: bool,
}

/// What reads more than mail needs and yet helps: credentials' expiry, the secret policy, licences.
const HELPFUL: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "LicenseAssignment.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
];

/// Whoever holds one of these can make itself whatever it likes.
const OWNS_THE_TENANT: &[&str] = &[
    "AppRoleAssignment.ReadWrite.All",
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "UserAuthenticationMethod.ReadWrite.All",
];

const REACH: &str = "in Exchange Online PowerShell: New-ServicePrincipal, New-ManagementScope for the agent's mailboxes, \
                     New-ManagementRoleAssignment -Role \"Application Mail.Send\" -App … -CustomResourceScope …; then remove \
                     Mail.Send in Entra, since both add up (RBAC for Applications)";

/// Judges the permissions of a token.
pub fn permissions(granted: &BTreeSet<String>, used: Use) -> Vec<Check> {
    let has = |any: &[&'static str]| any.iter().find(|role| granted.contains(**role)).copied();
    let mut found = Vec::new();
    match has(&["Mail.Send"]) {
        Some(role) => {
            found.push(Check::ok("send_permission", format!("{role} is granted")));
            found.push(
                Check::warn(
                    "send_reach",
                    "Mail.Send lets the application send as every mailbox of the tenant",
                    Remedy::operator(REACH),
                )
                .meaning("whoever gets hold of the secret can write as anybody in the organisation"),
            );
        }
        None if used.sends_by_exchange => found.push(Check::skipped(
            "send_permission",
            "Exchange is said to grant it by RBAC for Applications, which no token shows \
             (Test-ServicePrincipalAuthorization does)",
        )),
        None => found.push(
            missing("send_permission", "Mail.Send", "no mail can be sent through Graph").meaning(
                "Graph answers sendMail with 403, unless Exchange grants it by RBAC for Applications, which no token shows; \
                 if it does, say so with --sends-by-exchange",
            ),
        ),
    }
    let directory = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
    found.push(match has(&directory) {
        Some(role) => Check::ok("directory_permission", format!("{role} is granted")),
        None => {
            missing("directory_permission", "User.Read.All", "users, licences and aliases cannot be verified")
        }
    });
    let reading = ["Mail.Read", "Mail.ReadWrite"];
    if used.receives {
        found.push(match has(&reading) {
            Some(role) => Check::ok("read_permission", format!("{role} is granted")),
            None => {
                missing("read_permission", "Mail.Read", "mail that comes in cannot be read or subscribed to")
            }
        });
    }
    found.push(excess(granted, used));
    found
}

fn missing(name: &'static str, role: &str, means: &'static str) -> Check {
    let remedy = format!(
        "Entra admin centre > App registrations > the application > API permissions: add {role} (Microsoft Graph, \
         application), then Grant admin consent; it is in tokens issued from then on"
    );
    Check::fail(name, format!("{role} is missing"), Remedy::operator(remedy)).meaning(means)
}

fn excess(granted: &BTreeSet<String>, used: Use) -> Check {
    let mut needed = vec!["Mail.Send", "User.Read.All"];
    if used.receives {
        needed.push("Mail.Read");
    }
    let more: Vec<&str> = granted
        .iter()
        .map(String::as_str)
        .filter(|role| !needed.contains(role) && !HELPFUL.contains(role))
        .collect();
    if more.is_empty() {
        return Check::ok("excess_permissions", "nothing is granted beyond what mail needs");
    }
    let worst: Vec<&str> = more.iter().copied().filter(|role| OWNS_THE_TENANT.contains(role)).collect();
    let means = if worst.is_empty() {
        "a stolen secret reaches further than mail".to_owned()
    } else {
        format!("with {} a stolen secret owns the tenant", worst.join(", "))
    };
    let remedy = "remove them under API permissions, or give other work an application of its own";
    Check::warn(
        "excess_permissions",
        format!("granted beyond what mail needs: {}", more.join(", ")),
        Remedy::operator(remedy),
    )
    .meaning(means)
}

#[cfg(test)]
mod tests {
    use attache_terms::Verdict;

    use super::*;

    const SENDING: Use = Use { receives: false, sends_by_exchange: false };
    const BOTH: Use = Use { receives: true, ..SENDING };

    fn verdicts(granted: &[&str], used: Use) -> Vec<(&'static str, Verdict)> {
        let granted = granted.iter().map(|role| (*role).to_owned()).collect();
        permissions(&granted, used).into_iter().map(|check| (check.name, check.verdict)).collect()
    }

    #[test]
    fn what_is_missing_for_receiving_is_no_fault_of_a_sender() {
        let granted = ["Mail.Send", "User.Read.All"];
        let sends = verdicts(&granted, SENDING);
        assert!(sends.iter().all(|(_, verdict)| *verdict != Verdict::Fail), "{sends:?}");
        assert!(!sends.iter().any(|(name, _)| *name == "read_permission"));
        let receives = verdicts(&granted, BOTH);
        assert!(receives.contains(&("read_permission", Verdict::Fail)), "{receives:?}");
    }

    #[test]
    fn what_exchange_grants_is_not_missed() {
        let by_exchange = Use { sends_by_exchange: true, ..SENDING };
        let of = |granted: &[&str], used| verdicts(granted, used)[0];
        assert_eq!(of(&["User.Read.All"], SENDING), ("send_permission", Verdict::Fail));
        assert_eq!(of(&["User.Read.All"], by_exchange), ("send_permission", Verdict::Skipped));
        let both = verdicts(&["Mail.Send", "User.Read.All"], by_exchange);
        assert!(both.contains(&("send_reach", Verdict::Warn)), "both add up: {both:?}");
    }

    #[test]
    fn excess_is_named_with_what_it_reaches() {
        let granted =
            ["Mail.Send", "User.Read.All", "Mail.Read", "Directory.ReadWrite.All", "Policy.Read.All"];
        let granted = granted.map(str::to_owned).into();
        let check = permissions(&granted, SENDING).pop().unwrap();
        assert_eq!((check.name, check.verdict), ("excess_permissions", Verdict::Warn));
        assert!(check.seen.contains("Mail.Read") && !check.seen.contains("Policy"), "{check:?}");
        assert!(check.means.unwrap().contains("owns the tenant"));
        let check = permissions(&granted, BOTH).pop().unwrap();
        assert!(!check.seen.contains("Mail.Read"), "{check:?}");
    }
}
