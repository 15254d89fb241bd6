//! A test message, sent as the identity through Graph: its signature says why it came and leads to its entry.

use std::sync::Arc;

use attache_graph::Mailbox;
use attache_ledger::{
    Act, ActName, Actor, Code, Correlation, EntryId, Mode as As, Outcome as Verdict, Target,
};
use attache_mail::{Address, Draft, GraphMail, Message, Outcome, Sent, Signature, Transport as _};
use attache_store::{Unit, Versioned};
use attache_terms::Explain as _;
use http::StatusCode;
use uuid::Uuid;

use super::provisioning::Provisioning;
use super::{Identity, Mode, shared, suspend};
use crate::Gateway;
use crate::access::{Caller, Grant};
use crate::audit::new_link;
use crate::cells::{self, Cell};
use crate::jobs::correlated;
use crate::record::{on, thing};
use crate::sending;
use crate::server::{Answer, Problem};

const SENT: ActName = ActName::new("mail.test_send");

/// What came of it.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    /// The address that it came from.
    pub(super) from: String,
    /// Its `Message-ID`.
    pub(super) message_id: String,
    /// Where its entry can be seen.
    pub(super) audit: String,
}

/// Sends a test message to this address.
pub(super) async fn test(
    gateway: &Arc<Gateway>,
    grant: &Grant,
    identity: &Versioned<Identity>,
    to: &str,
) -> Answer<Delivered> {
    grant.organisation.goes_on()?;
    if let Some(suspension) = &identity.suspended {
        return Err(suspend::refused(suspension));
    }
    let to: Address = to.trim().parse().map_err(|error: attache_mail::Unfit| {
        Problem::invalid("to", error, "give one address, such as ada@example.com")
    })?;
    // Whoever suspends one of them meanwhile comes first: nothing leaves after that.
    let mut unit = Unit::new();
    unit.expect(&grant.organisation);
    let transport = transport(gateway, grant, identity, &mut unit).await?;
    let from = match identity.mode {
        Mode::Shared => shared::address(gateway)?.to_owned(),
        Mode::Hosted | Mode::OwnTenant => identity.address.clone().unwrap_or_default(),
    };
    if identity.address.as_ref() == Some(&from) {
        unit.expect(identity);
    } else {
        // The shared sender has another address by now.
        unit.update(identity, &Identity { address: Some(from.clone()), ..identity.record.clone() });
    }
    let sender = from.parse::<Address>().and_then(|address| address.named(&identity.display_name));
    let sender =
        sender.map_err(|error| Problem::invalid("address", error, "have the identity provisioned again"))?;
    let request = gateway.rng.uuid();
    let actor = Actor {
        tenant: identity.tenant,
        agent: identity.agent.map(|agent| attache_terms::ObjectId::new(agent.uuid())),
        user: identity.user,
        mode: Some(if identity.agent.is_some() { As::AgentUser } else { As::Application }),
        ..grant.caller.actor()
    };
    let about = Target { subject: Some(to.to_string()), ..on([thing("identity", identity.id)]) };
    let correlation = Correlation { client_request_id: Some(request), ..grant.caller.correlation() };
    let act = Act::new(SENT, actor).on(about).correlated(correlation);
    let entry = gateway.open(&mut unit, grant.scope, act);
    let (_, audit) = new_link(gateway, grant.scope, entry, &mut unit);
    let message = Draft {
        from: sender,
        to: vec![to],
        reply_to: None,
        subject: format!("A test message from {}", identity.display_name),
        text: format!(
            "Hello,\n\nthis is {}, the assistant of {}. If you can read this, {}.",
            identity.display_name,
            grant.organisation.name,
            match identity.mode {
                Mode::Shared => "my mail arrives; nobody reads what is answered to this address",
                Mode::Hosted | Mode::OwnTenant => "my mailbox works",
            }
        ),
        signature: Signature {
            why: "somebody of the organisation asked for a test message".to_owned(),
            request_id: grant.caller.visit.request.to_string(),
            audit: audit.expose().parse().map_err(|_| Problem::not_found("public address"))?,
        },
        headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
        key: request,
        date: gateway.clock.now(),
    }
    .finish()
    .map_err(|error| Problem::explained(StatusCode::UNPROCESSABLE_ENTITY, &error))?;
    if identity.mode != Mode::OwnTenant {
        sending::count(gateway, grant.scope, 1).await?;
    }
    let delivery = Delivery { gateway: Arc::clone(gateway), caller: grant.caller.clone(), entry, request };
    // On its own, so that who asked may leave: what was meant gets its outcome all the same.
    let sent = gateway.spawn(delivery.make(unit, transport, message)).await;
    let sent = sent.map_err(|_| {
        let said = "nobody knows whether the message was sent";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", said, "see its entry in the audit log")
    })??;
    Ok(Delivered { from, message_id: sent.message_id, audit: audit.expose().to_owned() })
}

/// A message on its way, between its intent and its outcome.
struct Delivery {
    gateway: Arc<Gateway>,
    caller: Caller,
    /// The intent's entry.
    entry: EntryId,
    request: Uuid,
}

impl Delivery {
    /// Commits the intent, sends the message, and commits what came of it.
    async fn make(self, intent: Unit, transport: GraphMail, message: Message) -> Answer<Sent> {
        self.gateway.commit(&self.caller, intent).await?;
        let sent = transport.send(&message, self.request).await;
        let (outcome, result) = match sent {
            Ok(sent) => (Verdict::done().correlated(correlated(&sent.correlation)), Ok(sent)),
            Err(error) => {
                let code = Code::new(error.code());
                let outcome = match error.outcome() {
                    Outcome::NotSent => Verdict::failed(code),
                    Outcome::Unknown => Verdict { code: Some(code), ..Verdict::unknown() },
                };
                let problem = Problem::explained(StatusCode::BAD_GATEWAY, &error);
                (outcome.correlated(correlated(error.correlation())), Err(problem))
            }
        };
        let mut unit = Unit::new();
        self.gateway.close(&mut unit, self.entry, outcome).await?;
        self.gateway.store.commit(unit).await?;
        result
    }
}

/// The mailbox of the identity, as the agent user itself; what must hold for that joins the unit.
async fn transport(
    gateway: &Arc<Gateway>,
    grant: &Grant,
    identity: &Identity,
    unit: &mut Unit,
) -> Answer<GraphMail> {
    let not_ready = || {
        Problem::new(
            StatusCode::CONFLICT,
            "not_active",
            format!("the identity is {}, not active", identity.state.as_str()),
            "wait until it is active, or see what it waits for",
        )
    };
    if !identity.state.acts() {
        return Err(not_ready());
    }
    if identity.mode == Mode::Shared {
        return shared::transport(gateway).await;
    }
    let home = gateway.home(grant.scope, identity).await?;
    if let (None, Some(user), Some(home)) = (identity.agent, identity.user, home) {
        // An ordinary user, whose mailbox the application may send from.
        return Ok(GraphMail::new(gateway.provisioner(&home), Mailbox::Of(user)));
    }
    let provisioning = gateway.store.org(grant.scope).get::<Provisioning>(identity.id).await?;
    let blueprint = provisioning.and_then(|provisioning| provisioning.steps.objects().blueprint);
    let (Some(blueprint), Some(agent), Some(user), Some(cell)) =
        (blueprint, identity.agent, identity.user, identity.cell)
    else {
        return Err(not_ready());
    };
    let cell: Versioned<Cell> = gateway.system().get(cell).await?.ok_or_else(not_ready)?;
    if let Some(suspension) = &cell.suspended {
        return Err(suspension.refused());
    }
    unit.expect(&cell);
    let (credential, _) = cells::credential(gateway, &cell).await?;
    let graph = gateway.as_agent_user(cell.tenant, credential, blueprint, agent, user);
    Ok(GraphMail::new(graph, Mailbox::Mine))
}
