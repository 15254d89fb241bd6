//! Who asks for a token: the client and the proof of it (Entra reference §1.4, §1.8, §1.10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::directory::{Application, ServicePrincipal, ServicePrincipalKind};
use crate::scope::shows;
use crate::tenant::Tenant;

use super::assertion;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;

/// An authenticated client, or a public one that said who it is.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) app_id: String,
    pub(crate) name: String,
    pub(crate) principal: ServicePrincipal,
    pub(crate) is_blueprint: bool,
    /// `appidacr`: "0" public, "1" secret, "2" assertion.
    pub(crate) acr: &'static str,
}

impl Client {
    /// Whether it is an agent identity.
    pub(crate) fn is_agent_identity(&self) -> bool {
        matches!(self.principal.kind, ServicePrincipalKind::AgentIdentity { .. })
    }

    /// Whether it is one of the agent entities, to which interactive flows are closed.
    pub(crate) fn is_agentic(&self) -> bool {
        self.is_blueprint || self.is_agent_identity()
    }
}

/// What a token request proves its client with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Credential {
    Nothing,
    Secret(String),
    Assertion(String),
}

/// The client of a token request. `is_public` says whether this grant was made on a public platform of the
/// application; such a client must present nothing, any other one must.
pub(crate) fn authenticate(
    context: &Context<'_>,
    tenant: &Tenant,
    form: &Form,
    is_public: impl FnOnce(&Application) -> bool,
) -> Result<Client, EntraError> {
    let (client_id, credential) = presented(context, form)?;
    let now = context.now;
    let mut client = find(context, tenant, &client_id)?;
    let app = tenant.application_by_app_id(&client.app_id, now);
    if app.is_some_and(is_public) {
        if credential != Credential::Nothing {
            return Err(EntraError::public_client_with_credential(&client.app_id));
        }
        return Ok(client);
    }
    client.acr = match credential {
        Credential::Nothing => {
            return Err(EntraError::no_credential(form.get("grant_type").unwrap_or_default()));
        }
        Credential::Secret(secret) => {
            context.attempt.credential("clientSecret");
            check_secret(app, &client, &secret, now)?;
            "1"
        }
        Credential::Assertion(jwt) => {
            context.attempt.credential("clientAssertion");
            assertion::check(context, tenant, &client, app, &jwt)?;
            "2"
        }
    };
    Ok(client)
}

/// The client of that id, if the tenant knows and admits it.
pub(crate) fn find(context: &Context<'_>, tenant: &Tenant, client_id: &str) -> Result<Client, EntraError> {
    let now = context.now;
    let principal = tenant.service_principal_by_app_id(client_id, now);
    let app = tenant.application_by_app_id(client_id, now);
    let is_agent = principal.is_some_and(|principal| principal.blueprint_id().is_some());
    if app.is_none() && !is_agent {
        return Err(EntraError::unknown_client(client_id, &tenant.display_name));
    }
    let Some(principal) = principal else {
        return Err(EntraError::no_principal(client_id, &tenant.id));
    };
    let client = Client {
        app_id: principal.app_id.clone(),
        name: principal.display_name.clone(),
        principal: principal.clone(),
        is_blueprint: app.is_some_and(Application::is_blueprint),
        acr: "0",
    };
    context.attempt.client(&client);
    if !principal.account_enabled || app.is_some_and(|app| app.is_disabled) {
        return Err(EntraError::disabled_client(client_id));
    }
    Ok(client)
}

fn presented(context: &Context<'_>, form: &Form) -> Result<(String, Credential), EntraError> {
    let basic = basic(context);
    let client_id = match (form.get("client_id"), &basic) {
        (Some(id), _) => id.to_owned(),
        (None, Some((id, _))) => id.clone(),
        (None, None) => return Err(EntraError::missing("client_id")),
    };
    let secret = form.get("client_secret").map(str::to_owned).or(basic.map(|(_, secret)| secret));
    match (secret, form.get("client_assertion")) {
        (Some(_), Some(_)) => Err(EntraError::two_credentials()),
        (Some(secret), None) => Ok((client_id, Credential::Secret(secret))),
        (None, None) => Ok((client_id, Credential::Nothing)),
        (None, Some(assertion)) => match form.require("client_assertion_type")? {
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" => {
                Ok((client_id, Credential::Assertion(assertion.to_owned())))
            }
            other => {
                Err(EntraError::malformed(&format!("The client_assertion_type '{other}' is not supported.")))
            }
        },
    }
}

/// `Authorization: Basic base64(urlencoded(id):urlencoded(secret))`.
fn basic(context: &Context<'_>) -> Option<(String, String)> {
    let header = context.request.header("authorization")?;
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).ok()
    };
    Some((decode(id)?, decode(secret)?)).filter(|(id, _)| !id.is_empty())
}

fn check_secret(
    app: Option<&Application>,
    client: &Client,
    secret: &str,
    now: Timestamp,
) -> Result<(), EntraError> {
    let of_app = app.into_iter().flat_map(|app| &app.passwords);
    let found = of_app.chain(&client.principal.passwords).find(|password| {
        password.secret == secret && shows(password.start, password.effective, now) && password.start <= now
    });
    match found {
        None => Err(EntraError::wrong_secret(&client.app_id)),
        Some(password) if password.end <= now => Err(EntraError::expired_secret(&client.app_id)),
        Some(_) => Ok(()),
    }
}
