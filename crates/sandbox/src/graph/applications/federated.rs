//! `federatedIdentityCredentials` of applications and blueprints (Entra reference §2.5).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::directory::{Application, FederatedCredential, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::BLUEPRINT;

const READ: Needs = Needs::split(
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.Read.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const READ_BLUEPRINT: Needs = Needs::either(&[
    "AgentIdentityBlueprint.Read.All",
    "AgentIdentityBlueprint.AddRemoveCreds.All",
    "AgentIdentityBlueprint.ReadWrite.All",
]);
const WRITE: Needs = Needs::split(
    &[
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "AgentIdentityBlueprint.ReadWrite.All",
    ],
);
const WRITE_BLUEPRINT: Needs =
    Needs::either(&["AgentIdentityBlueprint.AddRemoveCreds.All", "AgentIdentityBlueprint.ReadWrite.All"]);

/// More of them an application cannot have.
const MOST: usize = 20;

/// The longest `issuer`, `subject`, `description` and audience.
const LONGEST: usize = 600;

const PROPERTIES: &[&str] = &["id", "name", "issuer", "subject", "description", "audiences"];
const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "federatedIdentityCredential",
    options: &["filter", "select", "top", "skiptoken", "count"],
    properties: PROPERTIES,
    expandable: &[],
    page: 100,
    largest_page: 999,
};
const OBJECT: Surface = Surface::object(Service::Directory, "federatedIdentityCredential", PROPERTIES);

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/applications/{id}/federatedIdentityCredentials";
    const ONE: &str = "/applications/{id}/federatedIdentityCredentials/{credential}";
    let both = |method: Method, path, needs, of_blueprints, handler| {
        [
            Route::new(method.clone(), path, needs, handler),
            Route::new(method, path, of_blueprints, handler).cast(BLUEPRINT),
        ]
    };
    [
        both(Method::GET, ALL, READ, READ_BLUEPRINT, list),
        both(Method::POST, ALL, WRITE, WRITE_BLUEPRINT, create),
        both(Method::GET, ONE, READ, READ_BLUEPRINT, get),
        both(Method::PATCH, ONE, WRITE, WRITE_BLUEPRINT, update),
        both(Method::DELETE, ONE, WRITE, WRITE_BLUEPRINT, delete),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// As JSON shows it.
pub(super) fn shown(credential: &FederatedCredential) -> Value {
    json!({
        "id": credential.id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "description": credential.description,
        "audiences": credential.audiences,
    })
}

fn context(app: &Application) -> String {
    format!("applications('{}')/federatedIdentityCredentials", app.id)
}

/// By id, or by name: `federatedIdentityCredentials(name='…')`.
fn position(call: &Call<'_>) -> Result<usize, GraphError> {
    let asked = call.params.get("credential");
    let (id, name) = match call.params.key("credential") {
        crate::graph::path::Key::By(key, value) if key.eq_ignore_ascii_case("name") => (None, Some(value)),
        crate::graph::path::Key::By(..) => (None, None),
        crate::graph::path::Key::Id(id) => (Some(id), Some(id)),
    };
    call.application()?
        .federated
        .iter()
        .position(|one| {
            id.is_some_and(|id| one.id.eq_ignore_ascii_case(id)) || name == Some(one.name.as_str())
        })
        .ok_or_else(|| GraphError::no_object(asked))
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let app = call.application()?;
    let items = app.federated.iter().map(shown).collect();
    Ok(call.list(&query, &context(app), items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let at = position(call)?;
    let app = call.application()?;
    Ok(call.entity(&query, &context(app), shown(&app.federated[at]), None))
}

fn create(call: &mut Call<'_>) -> Answer {
    check(call)?;
    let mut payload = Payload::read(call, "FederatedIdentityCredential")?;
    payload.take_type();
    let name = payload.required_text("name", 120)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().count() < 3 || !name.chars().all(is_plain) {
        return Err(payload.invalid("name"));
    }
    let credential = FederatedCredential {
        id: new_id(),
        name,
        issuer: issuer(&mut payload)?.ok_or_else(|| missing("issuer"))?,
        subject: payload.required_text("subject", LONGEST)?,
        description: payload.text("description")?,
        audiences: audiences(&mut payload)?.ok_or_else(|| missing("audiences"))?,
        effective: call.due(Cause::FederatedCredential),
    };
    payload.rest(&[])?;

    let app = call.application()?;
    check_unique(app, &credential)?;
    if app.federated.len() >= MOST {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "Request_BadRequest",
            format!("The number of federated identity credentials on an application cannot exceed {MOST}."),
        ));
    }
    let body = call.with_context(&context(app), shown(&credential));
    let location = format!("/applications/{}/federatedIdentityCredentials/{}", app.id, credential.id);
    call.application_mut()?.federated.push(credential);
    Ok(call.created(&location, &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    check(call)?;
    let at = position(call)?;
    let mut credential = call.application()?.federated[at].clone();
    let mut payload = Payload::read(call, "FederatedIdentityCredential")?;
    payload.take_type();
    if payload.text("name")?.is_some_and(|name| name != credential.name) {
        return Err(GraphError::bad_request("Property 'name' is read-only and cannot be set."));
    }
    if let Some(issuer) = issuer(&mut payload)? {
        credential.issuer = issuer;
    }
    if let Some(subject) = payload.text("subject")? {
        if subject.is_empty() || subject.chars().count() > LONGEST {
            return Err(payload.invalid("subject"));
        }
        credential.subject = subject;
    }
    if let Some(description) = payload.take("description") {
        credential.description = description.as_str().map(str::to_owned);
    }
    if let Some(audiences) = audiences(&mut payload)? {
        credential.audiences = audiences;
    }
    payload.rest(&[])?;
    check_unique(call.application()?, &credential)?;
    credential.effective = call.due(Cause::FederatedCredential);
    call.application_mut()?.federated[at] = credential;
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    check(call)?;
    let at = position(call)?;
    call.application_mut()?.federated.remove(at);
    Ok(call.no_content())
}

fn check(call: &Call<'_>) -> Result<(), GraphError> {
    call.check_reach(
        call.application()?,
        &["Application.ReadWrite.All"],
        &["AgentIdentityBlueprint.AddRemoveCreds.All", "AgentIdentityBlueprint.ReadWrite.All"],
    )
}

/// An absolute HTTPS URL; it is compared as it stands.
fn issuer(payload: &mut Payload) -> Result<Option<String>, GraphError> {
    let Some(issuer) = payload.text("issuer")? else { return Ok(None) };
    // An issuer on loopback may speak plain HTTP, so that one can be run beside the sandbox.
    let is_url = url::Url::parse(&issuer).is_ok_and(|url| {
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
    });
    if is_url && issuer.chars().count() <= LONGEST {
        Ok(Some(issuer))
    } else {
        Err(payload.invalid("issuer"))
    }
}

fn audiences(payload: &mut Payload) -> Result<Option<Vec<String>>, GraphError> {
    match payload.texts("audiences")? {
        None => Ok(None),
        Some(list) if list.len() == 1 && !list[0].is_empty() && list[0].chars().count() <= LONGEST => {
            Ok(Some(list))
        }
        Some(_) => Err(payload.invalid("audiences")),
    }
}

/// The name, and issuer with subject, are taken once in an application.
fn check_unique(app: &Application, credential: &FederatedCredential) -> Result<(), GraphError> {
    for other in app.federated.iter().filter(|other| other.id != credential.id) {
        if other.name == credential.name {
            return Err(GraphError::conflict(
                &format!("FederatedIdentityCredential with name {} already exists.", credential.name),
                "name",
            ));
        }
        if other.issuer == credential.issuer && other.subject == credential.subject {
            return Err(GraphError::conflict(
                "FederatedIdentityCredential with the same issuer and subject already exists.",
                "subject",
            ));
        }
    }
    Ok(())
}

fn missing(name: &str) -> GraphError {
    GraphError::bad_request(format!(
        "A value is required for property '{name}' of resource 'FederatedIdentityCredential'."
    ))
}
