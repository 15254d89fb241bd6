//! Whether the agents of a suspended blueprint are really stopped: hop 1 and hop 2 are tried, and must be refused (Entra
//! reference §1.10).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_entra::{AccessToken, Resource, T1Source, TokenError, TokenFault};
use attache_ledger::Code;
use attache_terms::{AppId, TenantId, Who};

use super::suspend::residents;
use super::{Cell, CellSuspension, credential};
use crate::Gateway;
use crate::jobs::JobError;

/// How long an assertion of hop 1 lives (Entra reference §1.11: app tokens, 3900 s).
pub(super) const ASSERTION: Duration = Duration::from_secs(3900);
/// How long a user's token lives at most where nothing revokes it (ibid.).
pub(super) const TOKEN: Duration = Duration::from_secs(90 * 60);

/// What is tried with one of a blueprint's agents, before its principal is disabled and after.
pub(super) struct Trial {
    tenant: TenantId,
    agent: AppId,
    first: Arc<dyn T1Source>,
    /// An assertion from before, for hop 2: whoever has stolen one has such a one. Whether it still buys tokens is
    /// known only to who has one, too.
    before: Option<AccessToken>,
}

/// What came of it.
pub(super) struct Tried {
    /// How hop 1 was refused.
    pub(super) hop_1: TokenFault,
    hop_2: Second,
}

/// What came of hop 2 with the assertion from before.
enum Second {
    /// There was none to try with.
    NotTried,
    /// It buys a token.
    Buys,
    /// It was refused.
    Refused(TokenFault),
}

impl Trial {
    /// Gets an assertion while Entra still gives it; there is nothing to try with where the blueprint has no agent.
    pub(super) async fn begin(
        gateway: &Arc<Gateway>,
        cell: &Cell,
        blueprint: AppId,
    ) -> Result<Option<Self>, JobError> {
        let residents = residents(gateway, cell.id).await?;
        // One that is stopped itself would prove nothing of the blueprint.
        let (acting, stopped): (Vec<_>, Vec<_>) =
            residents.iter().partition(|one| one.suspended.is_none() && one.state.acts());
        let Some(agent) = acting.into_iter().chain(stopped).find_map(|one| one.agent) else {
            return Ok(None);
        };
        let (credential, _) = credential(gateway, cell).await?;
        let first: Arc<dyn T1Source> = gateway.entra.own_assertion(cell.tenant, blueprint, credential);
        let before = first.t1(agent).await.ok();
        Ok(Some(Self { tenant: cell.tenant, agent, first, before }))
    }

    /// Tries hop 1 with nothing remembered, and hop 2 with the assertion from before.
    pub(super) async fn end(self, gateway: &Arc<Gateway>) -> Result<Tried, JobError> {
        let Self { tenant, agent, first, before } = self;
        if let Some(before) = &before {
            first.refused(agent, before);
        }
        let hop_1 = match first.t1(agent).await {
            Ok(_) => {
                return Err(JobError::Failed("the blueprint still gets assertions; trying again".into()));
            }
            Err(fault) if refuses(&fault) => fault,
            Err(fault) => return Err(JobError::Failed(fault.to_string())),
        };
        let Some(before) = before else { return Ok(Tried { hop_1, hop_2: Second::NotTried }) };
        let resource = Resource::graph(gateway.entra.cloud());
        let second = gateway.entra.agent_identity(tenant, Arc::new(Before(before)), agent, resource);
        if let Ok(remembered) = second.token(None).await {
            second.refused(&remembered);
        }
        match second.token(None).await {
            Ok(_) => Ok(Tried { hop_1, hop_2: Second::Buys }),
            Err(fault) if refuses(&fault) => Ok(Tried { hop_1, hop_2: Second::Refused(fault) }),
            Err(fault) => Err(JobError::Failed(fault.to_string())),
        }
    }
}

impl Tried {
    /// The suspension that this proves.
    pub(super) fn shown(self, enforced: CellSuspension) -> CellSuspension {
        let proved = CellSuspension { hop_1: Some(self.hop_1.to_string()), ..enforced };
        match self.hop_2 {
            Second::NotTried => proved,
            Second::Buys => {
                let hop_2 = "an assertion from before still buys a token, until it ends".to_owned();
                CellSuspension { hop_2: Some(hop_2), ..proved }
            }
            Second::Refused(fault) => CellSuspension {
                hop_2: Some(fault.to_string()),
                tokens_end: proved.since.saturating_add(TOKEN).ok(),
                ..proved
            },
        }
    }

    /// What came of hop 2, as the log keeps it.
    pub(super) fn second(&self) -> Option<String> {
        match &self.hop_2 {
            Second::NotTried => None,
            Second::Buys => Some("not_refused".to_owned()),
            Second::Refused(fault) => Some(code_of(fault).to_string()),
        }
    }
}

/// An assertion from before, and no other.
struct Before(AccessToken);

#[async_trait]
impl T1Source for Before {
    async fn t1(&self, _: AppId) -> Result<AccessToken, TokenFault> {
        Ok(self.0.clone())
    }

    fn refused(&self, _: AppId, _: &AccessToken) {}
}

/// Whether Entra refused, rather than failed to answer: a network that fails proves nothing.
pub(crate) fn refuses(fault: &TokenFault) -> bool {
    fault.code() != "authority_unreachable" && !matches!(fault.remedy().who, Who::Platform { .. })
}

/// The code of a refusal, as the log keeps it: Entra's own number, `AADSTS7000112`, where it gave one.
pub(crate) fn code_of(fault: &TokenFault) -> Code {
    let number = TokenError::of(fault).and_then(|error| error.codes().first());
    number
        .and_then(|number| format!("AADSTS{number}").parse().ok())
        .unwrap_or_else(|| Code::new(fault.code()))
}
