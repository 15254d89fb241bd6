//! How long the application can prove itself: each of its credentials, and what the tenant allows of new ones.

use attache_terms::{AppId, Check, Remedy, Secret, when};
use jiff::Timestamp;

use super::unseen;
use crate::credentials::{ApplicationCredentials, CertificateCredential, SecretCredential};
use crate::policies::AppManagementPolicy;
use crate::{Cause, Graph};

const NAME: &str = "credential";
const POLICY: &str = "secret_policy";
/// Below this, somebody should already be making the next one.
const SOON_DAYS: i64 = 30;

const ROTATE: &str = "add a client secret beside it (Entra admin centre > App registrations > the application > Certificates & \
                      secrets), put its Value into MICROSOFT_GRAPH_CLIENT_SECRET, restart what reads it, run this again, and \
                      only then delete the old one";

/// Looks at every credential of the application, one check each. `secret` is the one in use.
pub async fn credentials(graph: &Graph, app: AppId, secret: &Secret, now: Timestamp) -> Vec<Check> {
    match graph.application_credentials(app).await {
        Ok(answer) => judge(&answer.value, secret.expose(), now),
        Err(error) if error.is_not_found() => vec![
            Check::skipped(
                NAME,
                "the application is registered in another tenant, which alone sees its credentials",
            )
            .with_remedy(Remedy::operator("ask the application's owner when its secret ends")),
        ],
        Err(error) => {
            vec![
                unseen(NAME, "when its credentials end", &error, "Application.Read.All")
                    .meaning("nobody is warned before the secret expires and mail stops"),
            ]
        }
    }
}

fn judge(application: &ApplicationCredentials, secret: &str, now: Timestamp) -> Vec<Check> {
    let candidates = in_use(&application.secrets, secret, now);
    let mut found = Vec::new();
    if candidates.is_empty() && !application.secrets.is_empty() {
        found.push(
            Check::warn(
                NAME,
                "none of the application's secrets begins like the one in use",
                Remedy::operator(ROTATE),
            )
            .meaning(
                "Entra took it a moment ago, so it was deleted very recently, or the list is behind: do not rely on it",
            ),
        );
    }
    for (at, one) in application.secrets.iter().enumerate() {
        let used = match (candidates.contains(&at), candidates.len()) {
            (true, 1) => Used::Yes,
            (true, _) => Used::Perhaps,
            (false, _) => Used::No,
        };
        found.push(judge_secret(one, used, now));
    }
    found.extend(application.certificates.iter().map(|one| judge_certificate(one, now)));
    if found.is_empty() {
        let seen = "the application has no secret and no certificate of its own";
        found.push(Check::skipped(NAME, seen).meaning("it proves itself by a federated credential"));
    }
    found
}

/// Which secrets may be the one in use: those that work now and begin like it. Graph's hint is the first three
/// characters; one without a hint may be any.
fn in_use(secrets: &[SecretCredential], secret: &str, now: Timestamp) -> Vec<usize> {
    let begins = |one: &SecretCredential| {
        one.hint.as_deref().filter(|hint| !hint.is_empty()).is_none_or(|hint| secret.starts_with(hint))
    };
    let works = |one: &SecretCredential| {
        one.end_date_time.is_none_or(|end| end > now) && one.start_date_time.is_none_or(|start| start <= now)
    };
    (0..secrets.len()).filter(|at| secrets.get(*at).is_some_and(|one| begins(one) && works(one))).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Used {
    Yes,
    Perhaps,
    No,
}

fn judge_secret(one: &SecretCredential, used: Used, now: Timestamp) -> Check {
    let who = named("secret", one.display_name.as_deref(), one.key_id.as_deref());
    let role = match used {
        Used::Yes => "in use",
        Used::Perhaps => "perhaps the one in use: several begin alike",
        Used::No => "not in use here",
    };
    let Some(end) = one.end_date_time else {
        return Check::ok(NAME, format!("{who}, {role}, never ends"));
    };
    let left = days(end, now);
    let seen = |verb: &str| format!("{who}, {role}, {verb} {}", when(end, now));
    if end <= now {
        let remedy = Remedy::operator("delete it under Certificates & secrets; it opens nothing any more");
        return Check::warn(NAME, seen("expired"), remedy);
    }
    let check = match used {
        Used::No => Check::ok(NAME, seen("expires"))
            .meaning("it works: whoever has it can act as the application. Delete it if nothing uses it"),
        Used::Yes | Used::Perhaps if left <= SOON_DAYS => {
            Check::warn(NAME, seen("expires"), Remedy::operator(ROTATE))
                .meaning("with it, sending, reading and the renewal of subscriptions all stop")
        }
        Used::Yes | Used::Perhaps => Check::ok(NAME, seen("expires")),
    };
    if used == Used::No { check } else { check.ending(end) }
}

fn judge_certificate(one: &CertificateCredential, now: Timestamp) -> Check {
    let who = named("certificate", one.display_name.as_deref(), one.key_id.as_deref());
    match one.end_date_time {
        Some(end) if end <= now => Check::warn(
            NAME,
            format!("{who}, not in use here, expired {}", when(end, now)),
            Remedy::operator("remove it under Certificates & secrets; it opens nothing any more"),
        ),
        Some(end) => Check::ok(NAME, format!("{who}, not in use here, expires {}", when(end, now))),
        None => Check::ok(NAME, format!("{who}, not in use here, never ends")),
    }
}

fn named(kind: &str, name: Option<&str>, key_id: Option<&str>) -> String {
    // A person chose the name: one line, not long.
    let name: String =
        name.unwrap_or("without a name").chars().filter(|c| !c.is_control()).take(60).collect();
    format!("{kind} \"{name}\" (key id {})", key_id.unwrap_or("unknown"))
}

fn days(end: Timestamp, now: Timestamp) -> i64 {
    end.duration_since(now).as_hours() / 24
}

/// Looks at what the tenant allows of new secrets.
pub async fn secret_policy(graph: &Graph) -> Check {
    match graph.default_app_management_policy().await {
        Ok(answer) => judge_policy(&answer.value),
        Err(error) if matches!(error.cause(), Cause::NotFound { .. }) => {
            Check::ok(POLICY, "the tenant has no policy about secrets")
        }
        Err(error) => unseen(POLICY, "the tenant's app management policy", &error, "Policy.Read.All"),
    }
}

fn judge_policy(policy: &AppManagementPolicy) -> Check {
    let rules = policy.application_restrictions.clone().unwrap_or_default().password_credentials;
    let rules: Vec<_> = rules.iter().filter(|rule| policy.is_enabled && rule.is_on()).collect();
    let since = |rule: &crate::policies::Restriction| match rule.restrict_for_apps_created_after_date_time {
        Some(since) => format!(" for applications made after {}", since.strftime("%Y-%m-%d")),
        None => String::new(),
    };
    if let Some(rule) = rules.iter().find(|rule| rule.restriction_type == "passwordAddition") {
        return Check::warn(
            POLICY,
            format!("the tenant forbids new secrets{}", since(rule)),
            Remedy::operator("move to a certificate or a federated credential before the secret in use ends"),
        )
        .meaning("the secret in use cannot be replaced by another one");
    }
    match rules.iter().find(|rule| rule.restriction_type == "passwordLifetime") {
        Some(rule) => {
            let longest = rule.max_lifetime.map_or_else(String::new, |span| format!(" {span}"));
            Check::ok(POLICY, format!("new secrets live{longest} at most{}", since(rule)))
        }
        None => Check::ok(POLICY, "the tenant sets no limit to secrets"),
    }
}

#[cfg(test)]
mod tests {
    use attache_terms::Verdict;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "abc8Q~the-secret-that-is-in-use-0123456789";

    fn now() -> Timestamp {
        "2026-11-28T10:00:00Z".parse().unwrap()
    }

    fn application(secrets: &[(&str, &str, &str)]) -> ApplicationCredentials {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(name, hint, end)| json!({ "displayName": name, "keyId": name, "hint": hint, "endDateTime": end }))
            .collect();
        let id = "a77ac4e0-0000-4000-8000-000000000001";
        serde_json::from_value(json!({ "id": id, "passwordCredentials": secrets })).unwrap()
    }

    fn worst(checks: &[Check]) -> Verdict {
        checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
    }

    #[test]
    fn the_secret_in_use_is_told_by_its_hint_and_ends_mail() {
        let found = judge(
            &application(&[
                ("old", "abc", "2026-01-01T00:00:00Z"),
                ("june", "abc", "2027-06-01T00:00:00Z"),
                ("other", "xyz", "2026-12-01T00:00:00Z"),
            ]),
            SECRET,
            now(),
        );
        assert_eq!(found[0].verdict, Verdict::Warn, "an expired one is litter: {:?}", found[0]);
        assert!(found[1].seen.contains("in use") && found[1].seen.contains("2027-06-01"), "{:?}", found[1]);
        assert_eq!(
            found.iter().filter_map(|check| check.ends).collect::<Vec<_>>(),
            ["2027-06-01T00:00:00Z".parse().unwrap()]
        );
        assert!(found[2].seen.contains("not in use here"), "{:?}", found[2]);
        assert!(found.iter().all(|check| !check.seen.contains("abc")), "the hint is not shown");
    }

    #[test]
    fn a_secret_that_ends_soon_is_a_warning_with_the_way_out() {
        let found = judge(&application(&[("june", "abc", "2026-12-05T00:00:00Z")]), SECRET, now());
        assert_eq!(worst(&found), Verdict::Warn);
        assert!(found[0].seen.contains("in 6 days"), "{:?}", found[0]);
        assert!(found[0].remedy.as_ref().unwrap().what.contains("MICROSOFT_GRAPH_CLIENT_SECRET"));
    }

    #[test]
    fn secrets_that_begin_alike_both_count() {
        let alike = [("a", "abc", "2027-06-01T00:00:00Z"), ("b", "abc", "2028-06-01T00:00:00Z")];
        let found = judge(&application(&alike), SECRET, now());
        assert_eq!(found.iter().filter(|check| check.ends.is_some()).count(), 2);
        assert!(found[0].seen.contains("perhaps"), "{:?}", found[0]);
        assert_eq!(
            worst(&judge(&application(&[("a", "zzz", "2027-06-01T00:00:00Z")]), SECRET, now())),
            Verdict::Warn
        );
    }

    #[test]
    fn a_tenant_that_forbids_new_secrets_is_warned_of() {
        let policy = |kind: &str, enabled: bool| {
            let rule = json!({ "restrictionType": kind, "maxLifetime": (kind == "passwordLifetime").then_some("P90D"), "state": "enabled" });
            let restrictions = json!({ "passwordCredentials": [rule] });
            let policy = json!({ "isEnabled": enabled, "applicationRestrictions": restrictions });
            judge_policy(&serde_json::from_value(policy).unwrap())
        };
        assert_eq!(policy("passwordAddition", true).verdict, Verdict::Warn);
        assert_eq!(policy("passwordAddition", false).verdict, Verdict::Ok);
        assert!(policy("passwordLifetime", true).seen.contains("P90D"));
    }
}
