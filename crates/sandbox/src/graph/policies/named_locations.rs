//! `identity/conditionalAccess/namedLocations`: what policies may name (Entra reference §13; shapes from the CSDL).

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::directory::new_id;
use crate::entra::{IpRange, NamedLocation, Place};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Surface;
use crate::graph::route::{Needs, Route};

const READ: Needs = Needs::either(&["Policy.Read.All"]);
const WRITE: Needs = Needs::either(&["Policy.ReadWrite.ConditionalAccess"]).and(&["Policy.Read.All"]);

const CONTEXT: &str = "identity/conditionalAccess/namedLocations";
const COLLECTION: Surface = Surface::directory(
    "namedLocation",
    &[
        "id",
        "displayName",
        "createdDateTime",
        "modifiedDateTime",
        "isTrusted",
        "ipRanges",
        "countriesAndRegions",
        "countryLookupMethod",
        "includeUnknownCountriesAndRegions",
    ],
);

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/identity/conditionalAccess/namedLocations";
    const ONE: &str = "/identity/conditionalAccess/namedLocations/{id}";
    vec![
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, WRITE, delete),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = call.tenant.entra.named_locations.iter().map(shown).collect();
    Ok(call.list(&query, CONTEXT, items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..COLLECTION })?;
    let item = shown(&call.tenant.entra.named_locations[position(call)?]);
    Ok(call.entity(&query, CONTEXT, item, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let location = read(call.body()?, new_id(), call)?;
    let body = call.with_context(CONTEXT, shown(&location));
    let path = format!("/identity/conditionalAccess/namedLocations/{}", location.id);
    call.tenant.entra.named_locations.push(location);
    Ok(call.created(&path, &body))
}

/// What a change says replaces what was there; the type stays.
fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = position(call)?;
    let old = call.tenant.entra.named_locations[at].clone();
    let change = call.body()?;
    let Value::Object(mut whole) = shown(&old) else { return Err(schema()) };
    if change.get("@odata.type").is_none_or(|kind| Some(kind) != whole.get("@odata.type")) {
        return Err(schema());
    }
    whole.extend(change);
    let location = read(whole, old.id, call)?;
    call.tenant.entra.named_locations[at] =
        NamedLocation { created_date_time: old.created_date_time, ..location };
    Ok(call.no_content())
}

/// What a policy names cannot go, and what is trusted only after it is trusted no more.
fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = position(call)?;
    let location = &call.tenant.entra.named_locations[at];
    if location.is_trusted() {
        return Err(refused(
            "1060: Trusted named locations cannot be deleted: set isTrusted to false first.",
        ));
    }
    let names_it = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(&location.id));
    let is_used = call.tenant.entra.policies.iter().any(|policy| {
        let locations = policy.conditions.locations.as_ref();
        locations.is_some_and(|one| names_it(&one.include_locations) || names_it(&one.exclude_locations))
    });
    if is_used {
        return Err(refused("1053: The named location is used by a conditional access policy."));
    }
    call.tenant.entra.named_locations.remove(at);
    Ok(call.no_content())
}

fn position(call: &Call<'_>) -> Result<usize, GraphError> {
    let id = call.params.get("id");
    let at = call.tenant.entra.named_locations.iter().position(|one| one.id.eq_ignore_ascii_case(id));
    at.ok_or_else(|| GraphError::not_found(format!("1041: NamedLocation with id {id} was not found.")))
}

fn shown(location: &NamedLocation) -> Value {
    serde_json::to_value(location).unwrap_or_default()
}

/// The location that a body describes, if it covers something.
fn read(body: Map<String, Value>, id: String, call: &Call<'_>) -> Result<NamedLocation, GraphError> {
    let mut body = body;
    body.retain(|name, _| name != "@odata.context");
    body.insert("id".to_owned(), id.into());
    for name in ["createdDateTime", "modifiedDateTime"] {
        body.insert(name.to_owned(), call.now.to_string().into());
    }
    let location: NamedLocation = serde_json::from_value(Value::Object(body)).map_err(|_| schema())?;
    let is_country = |one: &String| one.len() == 2 && one.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_sound = match &location.place {
        Place::Addresses { ip_ranges, .. } => {
            !ip_ranges.is_empty() && ip_ranges.len() <= 2_000 && ip_ranges.iter().all(IpRange::is_sound)
        }
        Place::Countries { countries_and_regions, country_lookup_method, .. } => {
            !countries_and_regions.is_empty()
                && countries_and_regions.iter().all(is_country)
                && ["clientIpAddress", "authenticatorAppGps"].contains(&country_lookup_method.as_str())
        }
    };
    if !is_sound || location.display_name.trim().is_empty() || location.display_name.chars().count() > 256 {
        return Err(schema());
    }
    Ok(location)
}

fn schema() -> GraphError {
    refused(
        "1042: Incoming NamedLocation object is null or does not match the schema of NamedLocation type. For examples, please see API documentation at https://learn.microsoft.com/graph/api/conditionalaccessroot-post-namedlocations.",
    )
}

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}
