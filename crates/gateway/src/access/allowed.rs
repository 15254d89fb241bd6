//! The check of a right, and the only place that grants an organisation's scope to a request.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName};
use attache_store::{GatewayScope, OrgId, OrgScope, Versioned};
use axum::extract::{FromRequestParts, RawPathParams};
use http::StatusCode;
use http::request::Parts;
use utoipa::IntoParams;

use super::rights::Needs;
use super::{Caller, Principal, Right, Role, person};
use crate::Gateway;
use crate::idempotency::{Asked, Turned};
use crate::members::Member;
use crate::organisations::Organisation;
use crate::record::{on, thing};
use crate::server::Problem;

/// How fresh a sign-in must be for what is dangerous.
const FRESH: Duration = Duration::from_secs(10 * 60);

const REFUSED: ActName = ActName::new("request.refused");

/// A caller who may do what `R` says, in the organisation that the path names (`{org}`: its id or its slug).
#[derive(Debug)]
pub(crate) struct Allowed<R>(Grant, PhantomData<R>);

/// The organisation in the path of an operation, for the OpenAPI document: [`Allowed`] reads it, and no handler.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct InOrg {
    /// The organisation's id or slug.
    #[expect(dead_code, reason = "only the document knows it")]
    org: String,
}

/// What a caller was granted.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// The way to the organisation's data.
    pub(crate) scope: OrgScope,
    /// The organisation.
    pub(crate) organisation: Arc<Versioned<Organisation>>,
    /// Who asks.
    pub(crate) caller: Caller,
    /// What they are in the organisation; `None` for an API key and for an operator.
    pub(crate) role: Option<Role>,
}

impl Grant {
    /// Whether it is an operator's, who does not belong to the organisation.
    pub(crate) fn is_operators(&self) -> bool {
        self.role.is_none() && self.caller.is_operator()
    }

    /// Whether they may do this too, once their sign-in is fresh enough.
    pub(crate) fn may(&self, needs: Needs) -> bool {
        match (&self.caller.principal, self.role) {
            (_, Some(role)) => role.allows(needs),
            (Principal::Key(key), None) => key.scopes.allow(needs),
            (Principal::Person(..) | Principal::Operator(_), None) => needs.operators,
        }
    }

    /// Nothing, or that it takes an owner in person: whoever may make keys could give one any scope.
    pub(crate) fn owner_in_person(&self, does_what: &str) -> Result<(), Problem> {
        match self.role {
            Some(Role::Owner) => Ok(()),
            _ => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "owners_only",
                format!("only an owner, in person, {does_what}"),
                "ask an owner to sign in and do it",
            )),
        }
    }
}

impl<R> std::ops::Deref for Allowed<R> {
    type Target = Grant;

    fn deref(&self) -> &Grant {
        &self.0
    }
}

impl<R: Right> FromRequestParts<Arc<Gateway>> for Allowed<R> {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Turned> {
        let caller = Caller::from_request_parts(parts, gateway).await?;
        let path = RawPathParams::from_request_parts(parts, gateway).await;
        let path = path.map_err(|_| Problem::not_found("page"))?;
        let (_, named) = path.iter().find(|(name, _)| *name == "org").ok_or_else(no_organisation)?;
        let mut grant = grant(gateway, caller, named, R::NEEDS).await?;
        let org = Some(grant.scope.org());
        once(parts, gateway, org, &mut grant.caller).await?;
        Ok(Self(grant, PhantomData))
    }
}

/// Lets a request with an `Idempotency-Key` through once, now that it is known who asks and that they may.
async fn once(
    parts: &Parts,
    gateway: &Gateway,
    org: Option<OrgId>,
    caller: &mut Caller,
) -> Result<(), Turned> {
    match parts.extensions.get::<Arc<Asked>>() {
        // Boxed, since most requests carry none, and are not to carry room for it either.
        Some(asked) => Box::pin(asked.enter(gateway, org, parts.uri.path(), caller)).await,
        None => Ok(()),
    }
}

/// Grants the scope of the organisation of this name to a caller who may see it and do what is needed. A refusal of note is
/// an entry: of the organisation's log when the caller belongs there, else of the gateway's.
pub(crate) async fn grant(
    gateway: &Gateway,
    caller: Caller,
    named: &str,
    needs: Needs,
) -> Result<Grant, Problem> {
    let (org, is_own, problem) = match decide(gateway, &caller, named, needs).await {
        Ok((scope, organisation, role)) => return Ok(Grant { scope, organisation, caller, role }),
        Err(Denied::Plainly(problem)) => return Err(problem),
        Err(Denied::Member(org, problem)) => (org, true, problem),
        Err(Denied::Stranger(org, problem)) => (org, false, problem),
    };
    let about = on([thing("organisation", org), thing("right", needs.scope.replace(':', "."))]);
    let act = Act::new(REFUSED, caller.actor()).on(about).correlated(caller.correlation());
    if is_own {
        gateway.refused(caller.id(), OrgScope::granted(org), act, &problem).await;
    } else {
        gateway.refused(caller.id(), GatewayScope::granted(), act, &problem).await;
    }
    Err(problem)
}

/// Why nothing is granted.
enum Denied {
    /// Nobody tried anything: there is no such organisation, or the database does not answer.
    Plainly(Problem),
    /// Somebody of the organisation tried what is not theirs.
    Member(OrgId, Problem),
    /// Somebody else did.
    Stranger(OrgId, Problem),
}

impl<P: Into<Problem>> From<P> for Denied {
    fn from(problem: P) -> Self {
        Self::Plainly(problem.into())
    }
}

async fn decide(
    gateway: &Gateway,
    caller: &Caller,
    named: &str,
    needs: Needs,
) -> Result<(OrgScope, Arc<Versioned<Organisation>>, Option<Role>), Denied> {
    // Found by its name it is read already; by its id it is read once it is known whose it may be.
    let (id, found) = match named.parse::<OrgId>() {
        Ok(id) => (id, None),
        Err(_) => {
            let found = gateway.system().find_shared::<Organisation>(Organisation::BY_SLUG, named).await?;
            let found = found.ok_or_else(no_organisation)?;
            (found.id, Some(found))
        }
    };
    let scope = OrgScope::granted(id);
    let role = match &caller.principal {
        Principal::Key(key) if key.org == id => {
            if !key.scopes.allow(needs) {
                return Err(Denied::Member(id, lacks_scope(needs)));
            }
            None
        }
        // What wants a fresh sign-in is for people.
        Principal::Operator(_) if needs.step_up => {
            let detail = "an operator must sign in for that; an operator's key does not do";
            return Err(Denied::Stranger(id, operators_only(detail)));
        }
        Principal::Operator(_) if needs.operators => None,
        Principal::Operator(_) => return Err(Denied::Stranger(id, not_operators(needs))),
        // Whose organisation it is is nobody else's to know.
        Principal::Key(_) => return Err(Denied::Stranger(id, no_organisation())),
        Principal::Person(session, _) => {
            let member = Member::of(gateway.store.org(scope), session.tenant, session.user).await?;
            match member {
                Some(member) if member.role.allows(needs) => Some(member.role),
                Some(member) => return Err(Denied::Member(id, lacks_role(member.role, needs))),
                None if session.operator && needs.operators => None,
                // Which organisations there are operators know.
                None if session.operator => return Err(Denied::Stranger(id, not_operators(needs))),
                None => return Err(Denied::Stranger(id, no_organisation())),
            }
        }
    };
    if let Principal::Person(session, _) = &caller.principal
        && needs.step_up
    {
        let is_fresh = |at| gateway.clock.now().duration_since(at).unsigned_abs() <= FRESH;
        if !session.authenticated.is_some_and(is_fresh) {
            return Err(if role.is_some() {
                Denied::Member(id, step_up())
            } else {
                Denied::Stranger(id, step_up())
            });
        }
    }
    let organisation = match found {
        Some(found) => found,
        None => gateway.store.org(scope).get_shared(id).await?.ok_or_else(no_organisation)?,
    };
    Ok((scope, organisation, role))
}

/// Somebody who runs this gateway.
#[derive(Debug)]
pub(crate) struct AsOperator(pub(crate) Caller);

impl FromRequestParts<Arc<Gateway>> for AsOperator {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Turned> {
        let mut caller = Caller::from_request_parts(parts, gateway).await?;
        if !caller.is_operator() {
            let problem = operators_only("only an operator of this gateway may do that");
            let act = Act::new(REFUSED, caller.actor()).correlated(caller.correlation());
            gateway.refused(caller.id(), GatewayScope::granted(), act, &problem).await;
            return Err(problem.into());
        }
        once(parts, gateway, None, &mut caller).await?;
        Ok(Self(caller))
    }
}

/// Somebody who is signed in, for what concerns them whatever organisation it is of.
#[derive(Debug)]
pub(crate) struct AsPerson(pub(crate) Caller);

impl FromRequestParts<Arc<Gateway>> for AsPerson {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Turned> {
        let mut caller = Caller::from_request_parts(parts, gateway).await?;
        person(&caller)?;
        once(parts, gateway, None, &mut caller).await?;
        Ok(Self(caller))
    }
}

/// That somebody who does not run this gateway asked for what only they may do.
pub(crate) fn operators_only(detail: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "operators_only",
        detail,
        "ask whoever runs it; operators stand in its configuration (operators)",
    )
}

/// That an operator asked for what is the organisation's own.
fn not_operators(needs: Needs) -> Problem {
    members_only(&format!(
        "{} is for members of the organisation, and operators of the gateway are none",
        needs.scope
    ))
}

/// The same, of what an operator asked for.
pub(crate) fn members_only(detail: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "members_only",
        detail,
        "ask an owner of the organisation to do it, or to invite you",
    )
}

fn no_organisation() -> Problem {
    Problem::not_found("organisation")
}

fn lacks_scope(needs: Needs) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "scope_missing",
        format!("the API key lacks the scope {}", needs.scope),
        "use a key that has it, or have an administrator make one",
    )
}

fn lacks_role(role: Role, needs: Needs) -> Problem {
    let roles: Vec<_> = needs.roles.iter().map(|role| role.as_str()).collect();
    Problem::new(
        StatusCode::FORBIDDEN,
        "role_missing",
        format!("you are {} of this organisation, and that takes {}", role.as_str(), roles.join(" or ")),
        "ask an owner to do it, or to change your role",
    )
}

fn step_up() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "step_up",
        "that is dangerous, and you proved who you are more than ten minutes ago",
        "sign in again at /sign-in?again=1 and repeat it",
    )
}
