//! What happens to members: invited, let in, given another role, removed. An organisation keeps an owner.

use std::time::Duration;

use attache_ledger::{ActName, Target};
use attache_store::{OrgScope, Page, Unit, Versioned};
use attache_terms::{Secret, UserId};
use http::StatusCode;

use super::http::created;
use super::invitation::{Invitation, InvitationId};
use super::{Member, MemberId};
use crate::Gateway;
use crate::access::{Caller, Grant, Principal, Role, Session, Token, right};
use crate::line::is_line;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

/// How long an invitation is good.
const GOOD: Duration = Duration::from_secs(7 * 24 * 3600);

const INVITED: ActName = ActName::new("member.invited");
const WITHDRAWN: ActName = ActName::new("member.invitation_withdrawn");
const JOINED: ActName = ActName::new("member.joined");
const CHANGED: ActName = ActName::new("member.role_changed");
const REMOVED: ActName = ActName::new("member.removed");

/// Invites somebody: the link's secret is in no other answer.
pub(super) async fn invite(
    gateway: &Gateway,
    grant: &Grant,
    label: String,
    role: Role,
    user: Option<UserId>,
) -> Answer<(Invitation, Secret)> {
    let label = label.trim().to_owned();
    if !is_line(&label, 100) {
        return Err(Problem::invalid("label", "not a name", "write 1 to 100 characters on one line"));
    }
    may_make(grant, role)?;
    may_give(grant, role)?;
    let token = Token::new("", &*gateway.rng);
    let now = gateway.clock.now();
    let invitation = Invitation {
        id: InvitationId::make(&*gateway.clock, &*gateway.rng),
        org: grant.scope.org(),
        digest: token.digest,
        role,
        label,
        user,
        created: now,
        ends: now.saturating_add(GOOD).unwrap_or(now),
    };
    let mut unit = Unit::new();
    unit.create(grant.scope, &invitation);
    let about =
        Target { subject: Some(invitation.label.clone()), ..on([thing("invitation", invitation.id)]) };
    unit.record(grant.scope, gateway.changed(&grant.caller, INVITED, about));
    let link = gateway.config.url(&format!("/invitations/{}", token.secret.expose()));
    let made = (invitation, Secret::new(link));
    gateway.commit_answered(&grant.caller, unit, || created(&made)).await?;
    Ok(made)
}

/// Takes an invitation back.
pub(super) async fn withdraw(
    gateway: &Gateway,
    grant: &Grant,
    invitation: &Versioned<Invitation>,
) -> Answer<()> {
    let mut unit = Unit::new();
    unit.delete(invitation);
    let about = on([thing("invitation", invitation.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, WITHDRAWN, about));
    gateway.commit(&grant.caller, unit).await?;
    Ok(())
}

/// The invitation of a link, while it is good.
pub(super) async fn invitation(gateway: &Gateway, secret: &str) -> Answer<Versioned<Invitation>> {
    let digest = crate::access::Digest::of(secret);
    let found = gateway.system().find::<Invitation>(Invitation::BY_DIGEST, digest.as_str()).await?;
    found.filter(|invitation| invitation.ends > gateway.clock.now()).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "invitation_used",
            "this invitation was used already, withdrawn, or is too old",
            "ask whoever invited you for another one",
        )
    })
}

/// Makes whoever is signed in a member.
pub(super) async fn join(
    gateway: &Gateway,
    caller: &Caller,
    session: &Session,
    invitation: &Versioned<Invitation>,
) -> Answer<Member> {
    if invitation.user.is_some_and(|user| user != session.user) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "invitation_of_another",
            "this invitation is for another account than the one you signed in with",
            "sign out, and in again with the account that was invited",
        ));
    }
    let scope = OrgScope::granted(invitation.org);
    let member = Member {
        id: MemberId::make(&*gateway.clock, &*gateway.rng),
        org: invitation.org,
        tenant: session.tenant,
        user: session.user,
        name: session.name.clone(),
        upn: session.upn.clone(),
        role: invitation.role,
        since: gateway.clock.now(),
    };
    let mut unit = Unit::new();
    unit.delete(invitation);
    unit.create(scope, &member);
    unit.record(scope, gateway.changed(caller, JOINED, about(&member)));
    gateway.commit(caller, unit).await?;
    Ok(member)
}

/// Gives a member another role.
pub(super) async fn change_role(
    gateway: &Gateway,
    grant: &Grant,
    member: &Versioned<Member>,
    role: Role,
) -> Answer<Member> {
    may_make(grant, role)?;
    may_make(grant, member.role)?;
    may_give(grant, role)?;
    let mut unit = Unit::new();
    if member.role == Role::Owner && role != Role::Owner {
        another_owner(gateway, grant, member, &mut unit).await?;
    }
    let changed = Member { role, ..member.record.clone() };
    unit.update(member, &changed);
    unit.record(grant.scope, gateway.changed(&grant.caller, CHANGED, about(&changed)));
    gateway.commit(&grant.caller, unit).await?;
    Ok(changed)
}

/// Removes a member.
pub(super) async fn remove(gateway: &Gateway, grant: &Grant, member: &Versioned<Member>) -> Answer<()> {
    may_make(grant, member.role)?;
    let mut unit = Unit::new();
    if member.role == Role::Owner {
        another_owner(gateway, grant, member, &mut unit).await?;
    }
    unit.delete(member);
    unit.record(grant.scope, gateway.changed(&grant.caller, REMOVED, about(member)));
    gateway.commit(&grant.caller, unit).await?;
    Ok(())
}

/// Only owners make and unmake owners; operators may, so that an organisation can get its first one.
fn may_make(grant: &Grant, role: Role) -> Answer<()> {
    if role != Role::Owner || grant.role == Some(Role::Owner) || grant.is_operators() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "owners_only",
        "only an owner makes, changes or removes an owner",
        "ask an owner to do it",
    ))
}

/// A key gives no role that may what it may not itself.
fn may_give(grant: &Grant, role: Role) -> Answer<()> {
    let Principal::Key(key) = &grant.caller.principal else { return Ok(()) };
    match right::EVERY.iter().find(|(_, needs)| role.allows(*needs) && !key.scopes.allow(*needs)) {
        None => Ok(()),
        Some((_, needs)) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "scope_exceeded",
            format!("whoever is {} may what the API key lacks the scope {} for", role.as_str(), needs.scope),
            "give a role with fewer rights, or have a person do it",
        )),
    }
}

/// Sees to it that another owner stays one while this one goes: two who go at once do not both go.
async fn another_owner(gateway: &Gateway, grant: &Grant, member: &Member, unit: &mut Unit) -> Answer<()> {
    let store = gateway.store.org(grant.scope);
    let owners: Vec<Versioned<Member>> =
        store.list_by(Member::BY_ROLE, Role::Owner.as_str(), Page::first(2)).await?;
    match owners.iter().find(|owner| owner.id != member.id) {
        Some(other) => {
            unit.expect(other);
            Ok(())
        }
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "last_owner",
            "an organisation keeps at least one owner",
            "make somebody else an owner first",
        )),
    }
}

fn about(member: &Member) -> Target {
    Target { user: Some(member.user), ..on([thing("member", member.id)]) }
}
