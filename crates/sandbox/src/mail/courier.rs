//! Carries mail between the calls: what is due by a tenant's clock happens without anybody asking, mail for
//! another tenant of the sandbox goes there, and mail for the outside goes on to the named host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::smtp::{Refused, hand_over};
use crate::graph::mail::{self, Accepted, Incoming, Outgoing};
use crate::realm::Realm;
use crate::sandbox::Shared;

/// How often it looks.
const ROUND: Duration = Duration::from_millis(50);
/// How long it leaves a host alone that could not take mail.
const REST: Duration = Duration::from_secs(5);

/// Works until `stop`. `relay` is the host for mail to the outside, if there is one.
pub(crate) async fn run(shared: Arc<Shared>, relay: Option<String>, stop: CancellationToken) {
    let mut rests: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        for realm in shared.realms.all() {
            if let Err(error) = mail::catch_up(&realm, &mut realm.enter()) {
                tracing::warn!(%error, "mail that was due does not persist");
            }
            if rests.get(&realm.id).is_some_and(|until| Instant::now() < *until) {
                continue;
            }
            rests.remove(&realm.id);
            while let Some(outgoing) = next(&shared, &realm, relay.is_some()) {
                if let Err(error) = carry(&shared, &realm, outgoing, relay.as_deref()).await {
                    tracing::warn!(%error, "mail waits for the host that takes it on");
                    rests.insert(realm.id.clone(), Instant::now() + REST);
                    break;
                }
            }
        }
    }
}

fn next(shared: &Shared, realm: &Realm, has_host: bool) -> Option<Outgoing> {
    mail::to_carry(&mut realm.enter(), has_host, |domain| {
        shared.realms.named(domain).is_some_and(|other| other.id != realm.id)
    })
}

async fn carry(
    shared: &Shared,
    realm: &Realm,
    outgoing: Outgoing,
    relay: Option<&str>,
) -> Result<(), Refused> {
    let (mut others, mut outside) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for recipient in &outgoing.to {
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        match shared.realms.named(domain).filter(|other| other.id != realm.id) {
            Some(other) => others.entry(other.id.clone()).or_default().push(recipient.clone()),
            None => outside.push(recipient.clone()),
        }
    }
    let mut refused = Vec::new();
    if let Some(host) = relay.filter(|_| !outside.is_empty()) {
        match hand_over(host, &outgoing.from, &outside, &outgoing.mime.0).await {
            Ok(some) => refused.extend(some),
            Err(Refused::ForGood(words)) => {
                refused.extend(outside.into_iter().map(|one| (one, words.clone())));
            }
            Err(for_now) => return Err(for_now),
        }
    }
    for (id, to) in others {
        refused.extend(bring(shared, &id, to, &outgoing));
    }
    let mut tenant = realm.enter();
    mail::carried(&mut tenant, outgoing.id, &refused, (realm.clock.now(), realm.lag()));
    settle(realm, &mut tenant);
    Ok(())
}

/// To another tenant; the answer is whom nobody knows there.
fn bring(shared: &Shared, id: &str, to: Vec<String>, outgoing: &Outgoing) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    if let Some(other) = shared.realms.named(id) {
        let now = other.clock.now();
        let (lag, mut tenant) = (other.lag(), other.enter());
        for recipient in &to {
            let words = match mail::resolve(&tenant, recipient, None, now) {
                mail::Destination::Mailboxes(_) => continue,
                mail::Destination::Closed(closed) => format!("550 {} {}", closed.status, closed.text),
                mail::Destination::Nobody | mail::Destination::Outside => format!(
                    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found by SMTP address lookup"
                ),
            };
            refused.push((recipient.clone(), words));
        }
        let incoming = Incoming {
            from: outgoing.from.clone(),
            to,
            bytes: outgoing.mime.0.to_vec(),
            authentication_results: Some(passed(&outgoing.from)),
            is_junk: false,
        };
        if let Accepted::Full(why) = mail::receive(&mut tenant, &incoming, now, lag) {
            refused.extend(incoming.to.iter().map(|one| (one.clone(), format!("550 {why}"))));
        }
        settle(&other, &mut tenant);
    }
    refused
}

fn settle(realm: &Realm, tenant: &mut crate::realm::Inside<'_>) {
    if let Err(error) = realm.settle(tenant) {
        tracing::warn!(%error, tenant = %realm.id, "mail that arrived does not persist");
    }
}

/// What the edge finds out about mail from another tenant of the service.
fn passed(from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
    format!(
        "spf=pass (sender IP is 127.0.0.1) smtp.mailfrom={domain}; dkim=pass (signature was verified) header.d={domain};dmarc=pass action=none header.from={domain};compauth=pass reason=100"
    )
}
