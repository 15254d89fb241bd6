//! An identity whose user an operator made (*verify*), or that is active already (*adopt*): we find the user, record
//! its id, and wait for what is still to come. Nothing is written to the tenant.

use std::time::Duration;

use attache_graph::{Graph, LicenceDetails, User};
use attache_ledger::ActName;
use attache_store::{JobEnd, OrgScope, Unit, Versioned};
use jiff::Timestamp;

use super::condition::mailbox_plans;
use super::{Identity, Method, State, Trouble, Waiting, setback, watch};
use crate::Gateway;
use crate::jobs::{Ending, JobError};
use crate::record::{on, thing};
use crate::sponsors;
use crate::tenants::Home;

const PROVISIONED: ActName = ActName::new("identity.provisioned");

/// How long an operator may take to make the user, and Microsoft to show it.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// How long to wait between looks: at first, and at most.
const SOON: Duration = Duration::from_secs(5);
const LATER: Duration = Duration::from_secs(300);

/// What was seen of the user.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) user: Option<User>,
    pub(super) licences: Vec<LicenceDetails>,
}

/// What follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Active,
    Wait(State, &'static str),
    Failed(Trouble),
}

/// Decides.
pub(super) fn judge(method: Method, seen: &Seen, since: Timestamp, now: Timestamp, scale: f64) -> Next {
    let over = now.duration_since(since).unsigned_abs() > PATIENCE.mul_f64(scale);
    let Some(user) = &seen.user else {
        if method == Method::Adopt || over {
            return Next::Failed(trouble(
                "user_not_found",
                "the tenant has no user with that name or object id",
                "make the user in the Microsoft 365 admin centre (or correct its id), then provision again",
            ));
        }
        return Next::Wait(State::WaitingForDirectory, "the directory does not show the user yet");
    };
    if user.account_enabled == Some(false) {
        return Next::Failed(trouble(
            "user_disabled",
            "the user exists, but may not sign in",
            "let the user sign in (Microsoft 365 admin centre > Users > Unblock sign-in), then provision again",
        ));
    }
    if user.assigned_licences.is_empty() {
        if over {
            return Next::Failed(trouble(
                "licence_missing",
                "the user has no licence",
                "assign one with Exchange Online (Microsoft 365 admin centre > Users > Licences), then provision again",
            ));
        }
        return Next::Wait(State::WaitingForLicence, "the user has no licence yet");
    }
    match mailbox_plans(&seen.licences).next() {
        Some(plan) if plan.provisioning_status.as_deref() == Some("Success") => Next::Active,
        Some(_) if !over => Next::Wait(State::WaitingForMailbox, "Exchange is making the mailbox"),
        _ => Next::Failed(trouble(
            "mailbox_missing",
            "the user's licence has no mailbox",
            "assign a licence with Exchange Online, then provision again",
        )),
    }
}

fn trouble(code: &str, message: &str, remedy: &str) -> Trouble {
    Trouble { code: code.to_owned(), message: message.to_owned(), remedy: remedy.to_owned() }
}

/// One look.
pub(super) async fn look(
    gateway: &Gateway,
    scope: OrgScope,
    identity: Versioned<Identity>,
    home: &Home,
) -> Result<Ending, JobError> {
    let seen = seen(&gateway.provisioner(home), &identity).await?;
    let now = gateway.clock.now();
    let before = identity.record.clone();
    let scale = gateway.config.provision_scale;
    // Who fell back, or is tried again, has waited for something else until then.
    let fell_back = before.fell_back.as_ref().map(|fell_back| fell_back.since);
    let begun = fell_back.max(before.retried).unwrap_or(before.created);
    let next = match &seen.user {
        Some(user) if is_anothers(gateway, &identity, user).await? => Next::Failed(trouble(
            "user_taken",
            "another identity of this gateway has that user",
            "name another user, or deprovision the identity that has this one, then provision again",
        )),
        _ => judge(identity.method, &seen, begun, now, scale),
    };
    // What is another's does not become this one's by a failure.
    let ours = seen.user.as_ref().filter(|_| !matches!(next, Next::Failed(_)));
    let user = ours.map(|user| user.id).or(before.user);
    let address = ours.map(|user| user.user_principal_name.clone()).or(before.address.clone());
    let sponsor = Some(before.sponsor.unwrap_or(home.sponsor));
    let licences = seen.licences.iter().map(|licence| licence.sku_id).collect();
    let base = Identity {
        user,
        address,
        sponsor,
        licences,
        waiting: None,
        trouble: None,
        changed: now,
        ..before.clone()
    };
    let mut unit = Unit::new();
    let end = match next {
        Next::Active => {
            unit.update(&identity, &Identity { state: State::Active, ..base });
            let about = on([thing("identity", identity.id)]);
            unit.record(scope, gateway.changed_by_itself(PROVISIONED, about));
            unit.enqueue(sponsors::watching(gateway, &before));
            unit.enqueue(watch::watching(gateway, &before));
            JobEnd::Done
        }
        Next::Failed(trouble) => {
            setback::stop(gateway, scope, &mut unit, &identity, base, trouble);
            JobEnd::Done
        }
        Next::Wait(state, reason) => {
            let same =
                before.waiting.clone().filter(|waiting| before.state == state && waiting.reason == reason);
            let since = same.map_or(now, |waiting| waiting.since);
            let age = now.duration_since(since).unsigned_abs();
            let pause = (age / 4).clamp(SOON.mul_f64(scale), LATER.mul_f64(scale));
            let due = now.saturating_add(pause).unwrap_or(now);
            let waiting = Waiting {
                reason: reason.to_owned(),
                since,
                deadline: begun.saturating_add(PATIENCE.mul_f64(scale)).ok(),
                next_attempt: due,
            };
            unit.update(&identity, &Identity { state, waiting: Some(waiting), ..base });
            JobEnd::Wait { due, reason: reason.to_owned() }
        }
    };
    Ok(Ending { end, unit })
}

/// Whether another identity has this user, or the user's address for one of its own.
async fn is_anothers(gateway: &Gateway, own: &Identity, user: &User) -> Result<bool, JobError> {
    let store = gateway.system();
    let address = user.user_principal_name.to_ascii_lowercase();
    let mut holders = vec![store.find::<Identity>(Identity::BY_ADDRESS, &address).await?];
    if let Some(tenant) = own.tenant {
        let key = format!("{tenant}/{}", user.id);
        holders.push(store.find::<Identity>(Identity::BY_USER, &key).await?);
    }
    Ok(holders.into_iter().flatten().any(|holder| holder.id != own.id))
}

async fn seen(graph: &Graph, identity: &Identity) -> Result<Seen, JobError> {
    let user = match (identity.user, &identity.address) {
        (Some(id), _) => match graph.user(id).await {
            Ok(user) => Some(user.value),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        },
        (None, Some(address)) => graph.user_by_name(address).await?.value,
        (None, None) => None,
    };
    let licences = match &user {
        Some(user) if !user.assigned_licences.is_empty() => graph.licence_details(user.id).await?.value,
        _ => Vec::new(),
    };
    Ok(Seen { user, licences })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(user: bool, licence: bool, status: &str) -> Seen {
        let sku = "3b555118-da6a-4418-894f-7df1e2096870";
        let licences = if licence { json!([{ "skuId": sku }]) } else { json!([]) };
        let user = user.then(|| {
            serde_json::from_value(json!({
                "id": "82fe7758-5bb3-4f0d-a43f-e555fd399c6f", "displayName": "A", "userPrincipalName": "a@b.example",
                "accountEnabled": true, "assignedLicenses": licences,
            }))
            .unwrap()
        });
        let details = json!([{ "skuId": sku, "servicePlans": [
            { "servicePlanId": "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "servicePlanName": "EXCHANGE_S_STANDARD",
              "provisioningStatus": status },
        ]}]);
        let licences = if licence { serde_json::from_value(details).unwrap() } else { Vec::new() };
        Seen { user, licences }
    }

    fn judged(method: Method, seen: &Seen, hours: i64) -> Next {
        let since = Timestamp::UNIX_EPOCH;
        let now = Timestamp::from_second(hours * 3600).unwrap();
        judge(method, seen, since, now, 1.0)
    }

    #[test]
    fn a_user_who_is_not_there_yet_is_waited_for_and_never_an_error_before_the_deadline() {
        let waits = judged(Method::Verify, &seen(false, false, ""), 23);
        assert!(matches!(waits, Next::Wait(State::WaitingForDirectory, _)));
        let failed = judged(Method::Verify, &seen(false, false, ""), 25);
        assert!(matches!(failed, Next::Failed(Trouble { code, .. }) if code == "user_not_found"));
    }

    #[test]
    fn what_is_to_be_adopted_must_be_there() {
        assert!(matches!(judged(Method::Adopt, &seen(false, false, ""), 0), Next::Failed(_)));
    }

    #[test]
    fn licence_and_mailbox_are_waited_for_in_turn() {
        let licence = judged(Method::Verify, &seen(true, false, ""), 0);
        assert!(matches!(licence, Next::Wait(State::WaitingForLicence, _)));
        let mailbox = judged(Method::Verify, &seen(true, true, "PendingProvisioning"), 0);
        assert!(matches!(mailbox, Next::Wait(State::WaitingForMailbox, _)));
        assert_eq!(judged(Method::Verify, &seen(true, true, "Success"), 0), Next::Active);
    }
}
