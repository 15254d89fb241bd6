//! `identityGovernance/termsOfUse/agreements`: what people accept before a policy of conditional access lets them in
//! (Microsoft: "agreement resource type", "agreementAcceptance resource type").

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::{User, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Surface;
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};
use crate::tenant::Tenant;

const READ: Needs = Needs::delegated(&["Agreement.Read.All"]);
const WRITE: Needs = Needs::delegated(&["Agreement.ReadWrite.All"]);
const READ_ACCEPTANCES: Needs =
    Needs::delegated(&["AgreementAcceptance.Read", "AgreementAcceptance.Read.All"]);

const CONTEXT: &str = "identityGovernance/termsOfUse/agreements";
const COLLECTION: Surface = Surface::directory(
    "agreement",
    &[
        "id",
        "displayName",
        "isPerDeviceAcceptanceRequired",
        "isViewingBeforeAcceptanceRequired",
        "termsExpiration",
        "userReacceptRequiredFrequency",
    ],
);
const ACCEPTANCES: Surface = Surface::directory(
    "agreementAcceptance",
    &[
        "id",
        "agreementId",
        "agreementFileId",
        "recordedDateTime",
        "state",
        "userId",
        "userDisplayName",
        "userEmail",
        "userPrincipalName",
    ],
);

/// Terms that people are asked to accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreement {
    pub(crate) id: String,
    pub(crate) display_name: String,
    is_viewed: bool,
    files: Vec<AgreementFile>,
    /// The newest answer of each person.
    answers: Vec<Answered>,
}

/// A text of an agreement, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AgreementFile {
    id: String,
    name: String,
    language: String,
    is_default: bool,
}

/// What somebody said to an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    id: String,
    user: String,
    at: Timestamp,
    accepts: bool,
}

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/identityGovernance/termsOfUse/agreements";
    const ONE: &str = "/identityGovernance/termsOfUse/agreements/{id}";
    vec![
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, WRITE, delete),
        Route::new(
            Method::GET,
            "/identityGovernance/termsOfUse/agreements/{id}/acceptances",
            READ_ACCEPTANCES,
            acceptances,
        ),
    ]
}

impl Tenant {
    /// The agreement of that id.
    pub(crate) fn agreement(&self, id: &str) -> Option<&Agreement> {
        self.workloads.policies.agreements.iter().find(|one| one.id.eq_ignore_ascii_case(id))
    }

    /// Notes what somebody said to an agreement.
    pub(crate) fn answer_agreement(&mut self, id: &str, user: &User, accepts: bool, now: Timestamp) {
        let agreements = &mut self.workloads.policies.agreements;
        if let Some(agreement) = agreements.iter_mut().find(|one| one.id.eq_ignore_ascii_case(id)) {
            agreement.answers.retain(|one| one.user != user.id);
            agreement.answers.push(Answered { id: new_id(), user: user.id.clone(), at: now, accepts });
        }
    }
}

impl Agreement {
    /// Whether somebody has accepted it.
    pub(crate) fn is_accepted_by(&self, user: &str) -> bool {
        self.answers.iter().any(|one| one.user == user && one.accepts)
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = call.tenant.workloads.policies.agreements.iter().map(shown).collect();
    Ok(call.list(&query, CONTEXT, items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..COLLECTION })?;
    let item = shown(&call.tenant.workloads.policies.agreements[position(call)?]);
    Ok(call.entity(&query, CONTEXT, item, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "Agreement")?;
    payload.take_type();
    let mut agreement = Agreement {
        id: new_id(),
        display_name: payload.required_text("displayName", 256)?,
        is_viewed: payload.boolean("isViewingBeforeAcceptanceRequired")?.unwrap_or_default(),
        files: Vec::new(),
        answers: Vec::new(),
    };
    if payload.boolean("isPerDeviceAcceptanceRequired")?.unwrap_or_default() {
        return Err(not_emulated("isPerDeviceAcceptanceRequired"));
    }
    for name in ["termsExpiration", "userReacceptRequiredFrequency"] {
        if payload.take(name).is_some_and(|value| !value.is_null()) {
            return Err(not_emulated(name));
        }
    }
    for file in payload.objects("files")?.unwrap_or_default() {
        let text = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_default = file.get("isDefault").and_then(Value::as_bool).unwrap_or_default();
        let file =
            AgreementFile { id: new_id(), name: text("fileName"), language: text("language"), is_default };
        if file.name.is_empty() || file.language.is_empty() {
            return Err(payload.invalid("files"));
        }
        agreement.files.push(file);
    }
    payload.rest(&[])?;
    if !agreement.files.iter().any(|file| file.is_default) {
        return Err(GraphError::bad_request("An agreement needs files, one of which is the default."));
    }
    let body = call.with_context(CONTEXT, shown(&agreement));
    let location = format!("/identityGovernance/termsOfUse/agreements/{}", agreement.id);
    call.tenant.workloads.policies.agreements.push(agreement);
    Ok(call.created(&location, &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = position(call)?;
    let mut payload = Payload::read(call, "Agreement")?;
    payload.take_type();
    let (name, is_viewed) =
        (payload.text("displayName")?, payload.boolean("isViewingBeforeAcceptanceRequired")?);
    payload.rest(&[])?;
    let agreement = &mut call.tenant.workloads.policies.agreements[at];
    agreement.display_name = name.unwrap_or_else(|| agreement.display_name.clone());
    agreement.is_viewed = is_viewed.unwrap_or(agreement.is_viewed);
    Ok(call.no_content())
}

/// What a policy asks for cannot go.
fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = position(call)?;
    let id = &call.tenant.workloads.policies.agreements[at].id;
    let asks = |terms: &[String]| terms.iter().any(|one| one.eq_ignore_ascii_case(id));
    let mut controls = call.tenant.entra.policies.iter().filter_map(|policy| policy.grant_controls.as_ref());
    if controls.any(|controls| asks(&controls.terms_of_use)) {
        return Err(GraphError::bad_request("The agreement is used by a conditional access policy."));
    }
    call.tenant.workloads.policies.agreements.remove(at);
    Ok(call.no_content())
}

fn acceptances(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let query = call.query(&ACCEPTANCES)?;
    let agreement = &call.tenant.workloads.policies.agreements[position(call)?];
    let file = agreement.files.iter().find(|file| file.is_default).map(|file| &file.id);
    let items = agreement
        .answers
        .iter()
        .map(|one| {
            let user = call.tenant.users.get(&one.user);
            let mail = user.and_then(|user| call.tenant.primary_address(user, call.now));
            json!({
                "id": one.id, "agreementId": agreement.id, "agreementFileId": file,
                "recordedDateTime": one.at, "state": if one.accepts { "accepted" } else { "declined" },
                "userId": one.user, "userDisplayName": user.map(|user| &user.display_name),
                "userEmail": mail, "userPrincipalName": user.map(|user| &user.upn),
            })
        })
        .collect();
    let context = format!("{CONTEXT}('{}')/acceptances", agreement.id);
    Ok(call.list(&query, &context, items, None))
}

fn position(call: &Call<'_>) -> Result<usize, GraphError> {
    let id = call.params.get("id");
    let mut agreements = call.tenant.workloads.policies.agreements.iter();
    let at = agreements.position(|one| one.id.eq_ignore_ascii_case(id));
    at.ok_or_else(|| GraphError::not_found(format!("The agreement '{id}' was not found.")))
}

fn shown(agreement: &Agreement) -> Value {
    json!({
        "id": agreement.id,
        "displayName": agreement.display_name,
        "isPerDeviceAcceptanceRequired": false,
        "isViewingBeforeAcceptanceRequired": agreement.is_viewed,
        "termsExpiration": null,
        "userReacceptRequiredFrequency": null,
    })
}

fn not_emulated(name: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "sandboxNotEmulated",
        format!("The sandbox does not evaluate '{name}' of agreements."),
    )
}
