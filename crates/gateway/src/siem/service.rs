//! Where an organisation's entries are sent: said by one of its owners, who alone may let its log leave.

use attache_ledger::ActName;
use attache_store::{CommitError, JobId, NewJob, Record as _, Unit, Versioned};

use super::{DELIVER, Destination, ONLY, Progress, Transport, send};
use crate::Gateway;
use crate::access::Grant;
use crate::outbound::may_reach;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const SET: ActName = ActName::new("audit.destination_set");
const REMOVED: ActName = ActName::new("audit.destination_removed");

/// What owners alone do.
const SAYS: &str = "says where the audit log is sent";

/// The longest bundle of authorities.
const LONGEST_CA: usize = 64 * 1024;

/// What a destination is made from.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) transport: Transport,
    pub(super) ca: Option<String>,
    /// The number of the first entry to be sent, if it is not to go on where it was.
    pub(super) from: Option<u64>,
}

/// Sets it; entries begin to be sent.
pub(super) async fn set(gateway: &Gateway, grant: &Grant, wanted: Wanted) -> Answer<()> {
    grant.owner_in_person(SAYS)?;
    let host = checked(gateway, &wanted)?;
    let Wanted { port, transport, ca, from, .. } = wanted;
    let destination =
        Destination { org: grant.scope.org(), host, port, transport, ca, since: gateway.clock.now() };
    beside_delivery(gateway, grant, |before, progress| {
        let mut unit = Unit::new();
        match &before {
            Some(before) => unit.update(before, &destination),
            None => unit.create(grant.scope, &destination),
        };
        match &progress {
            Some(progress) => {
                let next = from.unwrap_or(progress.next);
                unit.update(progress, &Progress { next, trouble: None, ..progress.record.clone() })
            }
            None => {
                let next = from.unwrap_or_default();
                unit.create(grant.scope, &Progress { next, arrived: None, trouble: None })
            }
        };
        unit.record(grant.scope, gateway.changed(&grant.caller, SET, on([thing("siem", ONLY)])));
        let id = JobId::make(&*gateway.clock, &*gateway.rng);
        unit.enqueue(NewJob::new(id, DELIVER.name, Some(grant.scope.org()), &()).only(ONLY));
        Ok(unit)
    })
    .await
}

/// Stops it.
pub(super) async fn remove(gateway: &Gateway, grant: &Grant) -> Answer<()> {
    grant.owner_in_person(SAYS)?;
    beside_delivery(gateway, grant, |destination, progress| {
        let destination = destination.ok_or_else(|| Problem::not_found("destination"))?;
        let mut unit = Unit::new();
        unit.delete(&destination);
        if let Some(progress) = &progress {
            unit.delete(progress);
        }
        unit.record(grant.scope, gateway.changed(&grant.caller, REMOVED, on([thing("siem", ONLY)])));
        Ok(unit)
    })
    .await
}

/// Commits a change of what is there, made anew if the delivery meanwhile noted how far it is: that is no reason to
/// refuse an owner.
async fn beside_delivery(
    gateway: &Gateway,
    grant: &Grant,
    change: impl Fn(Option<Versioned<Destination>>, Option<Versioned<Progress>>) -> Answer<Unit>,
) -> Answer<()> {
    let store = gateway.store.org(grant.scope);
    loop {
        let unit = change(store.get(ONLY).await?, store.get(ONLY).await?)?;
        match gateway.commit(&grant.caller, unit).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict { kind: Progress::KIND, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn checked(gateway: &Gateway, wanted: &Wanted) -> Answer<String> {
    let host = url::Host::parse(wanted.host.trim()).map_err(|error| {
        Problem::invalid("host", error, "give a host name or an IP address, without a port")
    })?;
    let address = match &host {
        url::Host::Domain(_) => None,
        url::Host::Ipv4(address) => Some((*address).into()),
        url::Host::Ipv6(address) => Some((*address).into()),
    };
    if address.is_some_and(|address| !may_reach(address, &gateway.config.outbound_allowed)) {
        let remedy =
            "name a host with a public address, or have the operator allow this one (outbound_allowed)";
        return Err(Problem::invalid("host", "not a public address", remedy));
    }
    if wanted.port == 0 {
        return Err(Problem::invalid("port", "none", "give a port from 1 to 65535; 6514 is usual for TLS"));
    }
    if let Some(ca) = &wanted.ca {
        let long = (ca.len() > LONGEST_CA).then(|| "too long".to_owned());
        let unfit = long.or_else(|| send::config(Some(ca)).err().map(|error| error.to_string()));
        if let Some(why) = unfit {
            return Err(Problem::invalid("ca", why, "give the authorities' certificates, in PEM"));
        }
    }
    Ok(host.to_string())
}
