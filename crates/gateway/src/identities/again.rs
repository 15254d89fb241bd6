//! An identity that is asked for again: what stands still is set in motion, and what the request says otherwise holds
//! from now on, while nothing was made by what it corrects. What comes too late is refused, with the way that leads
//! there. What was taken from one that could act is made again.

use attache_ledger::ActName;
use attache_provision::Step;
use attache_store::{CommitError, Unit, Versioned};
use http::StatusCode;

use super::condition::Amiss;
use super::http::accepted;
use super::provisioning::Provisioning;
use super::service::{
    Refused, Wanted, address_taken, fresh, job, may_make_user, may_take_user, own_tenant, user_taken,
};
use super::{Identity, Method, Mode, State, aliases, look_now, ordinary};
use crate::Gateway;
use crate::access::Grant;
use crate::connection::Connection;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

const FALLBACK: ActName = ActName::new("identity.fallback_chosen");
const RETRIED: ActName = ActName::new("identity.retried");
const CORRECTED: ActName = ActName::new("identity.corrected");

/// What a request may say otherwise than the identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Mode,
    Subdomain,
    Method,
    User,
    Sponsor,
    Names,
    Aliases,
}

/// What there is of an identity that a correction would come too late for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    Nothing,
    /// The blueprint that it comes from, by its hand.
    Blueprint,
    Itself,
}

/// Sets an identity that exists in motion, corrected by what is said.
pub(super) async fn go_on(
    gateway: &Gateway,
    grant: &Grant,
    existing: Versioned<Identity>,
    wanted: &Wanted,
) -> Result<Identity, Refused> {
    if existing.state == State::Deprovisioning {
        return Ok(existing.record);
    }
    let provisioning = gateway.store.org(grant.scope).get::<Provisioning>(existing.id).await?;
    let asked = ordinary::is_asked_for(gateway, grant.scope, &existing).await?;
    let said = otherwise(&existing, wanted)?;
    let made = made(&existing, provisioning.as_deref(), asked);
    if let Some(late) = said.iter().find(|said| said.is_late(made)) {
        return Err(late.refused().into());
    }
    let fallback = wanted.fallback.unwrap_or(existing.fallback);
    if existing.state == State::Active && fallback == existing.fallback {
        return Ok(existing.record);
    }
    grant.organisation.goes_on()?;
    let mut unit = Unit::new();
    let lost = Amiss::of(existing.trouble.as_ref())
        .filter(|amiss| existing.state == State::Degraded && amiss.is_made_again());
    let mut now = existing.record.clone();
    let about = || on([thing("identity", existing.id)]);
    if !said.is_empty() {
        now = corrected(gateway, grant, &existing, wanted, &said).await?;
        if let Some(provisioning) = &provisioning {
            // Whoever makes it meanwhile, as it was, is not overlooked.
            let otherwise = now.method != existing.method;
            if otherwise {
                unit.delete(provisioning)
            } else {
                unit.expect(provisioning)
            };
        }
        unit.record(grant.scope, gateway.changed(&grant.caller, CORRECTED, about()));
    }
    may_make_user(gateway, grant, now.mode, now.method, wanted.fallback).await?;
    now.fallback = fallback;
    if let (Some(_), Some(provisioning)) = (lost, &provisioning) {
        let mut anew = provisioning.record.clone();
        anew.steps.restart();
        unit.update(provisioning, &anew);
    }
    if lost == Some(Amiss::UserGone) && now.method != Method::Adopt {
        now.user = None;
    }
    if lost.is_some() || existing.state == State::Error {
        let time = gateway.clock.now();
        now = Identity { state: State::Pending, trouble: None, retried: Some(time), changed: time, ..now };
        unit.record(grant.scope, gateway.changed(&grant.caller, RETRIED, about()));
    }
    if fallback != existing.fallback {
        unit.record(grant.scope, gateway.changed(&grant.caller, FALLBACK, about()));
    }
    match now.state {
        // What was put right shows when it is looked at.
        State::Degraded => unit.enqueue(look_now(gateway, &existing)),
        State::Active => &mut unit,
        _ => unit.enqueue(job(gateway, &existing)),
    };
    if now != existing.record {
        unit.update(&existing, &now);
    }
    match gateway.commit_answered(&grant.caller, unit, || accepted(now.clone())).await {
        Ok(_) => Ok(now),
        Err(CommitError::Conflict { .. }) => Err(Refused::Beaten),
        Err(CommitError::Taken { lookup: Identity::BY_USER, .. }) => Err(user_taken().into()),
        Err(CommitError::Taken { lookup: Identity::BY_ADDRESS, .. }) => {
            Err(aliases::taken(gateway, &now).await?.unwrap_or_else(address_taken).into())
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}

/// What is said otherwise.
fn otherwise(existing: &Identity, wanted: &Wanted) -> Answer<Vec<Said>> {
    fn differs<T: PartialEq>(wanted: Option<&T>, is: Option<&T>) -> bool {
        wanted.is_some() && wanted != is
    }
    // Who fell back was asked for otherwise, and the same request comes again.
    let method = wanted.method.filter(|method| existing.fell_back.is_none() || *method != Method::Create);
    let hosted = wanted.subdomain.as_ref().filter(|_| existing.mode == Mode::Hosted);
    let aliases = aliases::checked(&wanted.aliases)?;
    let all = [
        (Said::Mode, differs(wanted.mode.as_ref(), Some(&existing.mode))),
        (Said::Subdomain, differs(hosted, existing.subdomain.as_ref())),
        (Said::Method, differs(method.as_ref(), Some(&existing.method))),
        (Said::User, differs(wanted.user.as_ref(), existing.user.as_ref())),
        (Said::Sponsor, differs(wanted.sponsor.as_ref(), existing.sponsor.as_ref())),
        (Said::Names, wanted.names.differ_from(existing)),
        (Said::Aliases, !aliases.is_empty() && aliases != existing.aliases),
    ];
    Ok(all.into_iter().filter_map(|(said, differs)| differs.then_some(said)).collect())
}

/// What there is of it. `asked` is whether an ordinary user was asked for.
fn made(existing: &Identity, provisioning: Option<&Provisioning>, asked: bool) -> Made {
    let begun = |step| provisioning.is_some_and(|provisioning| provisioning.steps.begun(step));
    // An ordinary user is asked for by a job that leaves no trace before.
    let ordinary = existing.method == Method::OrdinaryUser
        && (asked || existing.user.is_some() || existing.state != State::Error);
    if existing.state.acts() || ordinary || begun(Step::Agent) {
        Made::Itself
    } else if begun(Step::Blueprint) {
        Made::Blueprint
    } else {
        Made::Nothing
    }
}

/// The identity as it is to be from now on. Whoever may not ask for it so may not correct it so.
async fn corrected(
    gateway: &Gateway,
    grant: &Grant,
    existing: &Identity,
    wanted: &Wanted,
    said: &[Said],
) -> Answer<Identity> {
    let method = wanted.method.filter(|_| said.contains(&Said::Method)).unwrap_or(existing.method);
    let anew = Wanted {
        template: existing.template.clone(),
        mode: Some(existing.mode),
        method: Some(method),
        subdomain: existing.subdomain.clone(),
        ..wanted.clone()
    };
    let own = match existing.mode {
        Mode::OwnTenant if takes_user(said) => Some(own_tenant(gateway, grant, &anew).await?),
        Mode::OwnTenant => Connection::of(gateway.store.org(grant.scope)).await?,
        Mode::Hosted | Mode::Shared => None,
    };
    if existing.mode == Mode::Hosted && takes_user(said) {
        may_take_user(grant, &anew)?;
    }
    let hosted = existing.tenant.and_then(|tenant| gateway.hosted(tenant));
    let fresh = fresh(gateway, &grant.organisation, &anew, hosted, own.as_deref())?;
    let mut now = Identity { changed: gateway.clock.now(), waiting: None, ..existing.clone() };
    for said in said {
        match said {
            Said::Method => {
                (now.method, now.cell) = (method, None);
                // Nothing is written to a user who is found.
                let made = matches!(method, Method::Create | Method::OrdinaryUser);
                if !made || existing.job_title.is_empty() {
                    now.job_title.clone_from(&fresh.job_title);
                }
                if !made || existing.department.is_empty() {
                    now.department.clone_from(&fresh.department);
                }
                if made {
                    // A user that was looked for may have brought its own address.
                    (now.user, now.address) = (None, fresh.address.clone());
                }
            }
            Said::User => now.user = wanted.user,
            Said::Sponsor => now.sponsor = wanted.sponsor,
            Said::Names => now = wanted.names.given_to(now),
            Said::Aliases => now.aliases.clone_from(&fresh.aliases),
            Said::Mode | Said::Subdomain => {}
        }
    }
    Ok(now)
}

/// Whether it could take a user that was not given to it.
fn takes_user(said: &[Said]) -> bool {
    said.iter().any(|said| matches!(said, Said::Method | Said::User))
}

impl Said {
    fn is_late(self, made: Made) -> bool {
        match self {
            Self::Mode | Self::Subdomain => true,
            Self::Method => made >= Made::Blueprint,
            Self::User | Self::Sponsor | Self::Names | Self::Aliases => made == Made::Itself,
        }
    }

    fn refused(self) -> Problem {
        const ANEW: &str = "deprovision the identity, then provision it as you want it";
        let (name, way) = match self {
            Self::Mode => ("mode", ANEW),
            Self::Subdomain => ("subdomain", ANEW),
            Self::Method => ("method", ANEW),
            Self::User => ("user_id", ANEW),
            Self::Sponsor => {
                ("sponsor", "name a successor of its sponsor, or deprovision it and provision it anew")
            }
            Self::Names => ("names", "change them when it is active (PATCH …/agent-identities/{identity})"),
            Self::Aliases => ("aliases", "say which it is to have at …/agent-identities/{identity}/aliases"),
        };
        Problem::new(
            StatusCode::CONFLICT,
            "identity_differs",
            format!(
                "the identity is there with other {name} than asked for, and provisioning does not change that any more"
            ),
            way,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_an_identity_made_is_not_corrected_any_more() {
        use Said::{Aliases, Method, Mode, Names, Sponsor, Subdomain, User};
        let late = |made| {
            let all = [Mode, Subdomain, Method, User, Sponsor, Names, Aliases];
            all.into_iter().filter(|said| said.is_late(made)).collect::<Vec<_>>()
        };
        assert_eq!(late(Made::Nothing), [Mode, Subdomain]);
        assert_eq!(late(Made::Blueprint), [Mode, Subdomain, Method]);
        assert_eq!(late(Made::Itself).len(), 7);
    }
}
