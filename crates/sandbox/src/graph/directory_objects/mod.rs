//! `/directoryObjects`: any object by its id, and several at once; of which groups and roles an object is a
//! member, and what it owns.

mod membership;
mod ownership;

use http::Method;
use serde_json::Value;

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::route::{Needs, Route};

const READ: Needs = Needs::either(&["Directory.Read.All"]);

const OBJECT: Surface = Surface::object(Service::Directory, "directoryObject", &[]);

/// Ids that one `getByIds` may ask for.
const MOST_IDS: usize = 1000;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/directoryObjects/{id}", READ, get),
        Route::new(Method::POST, "/directoryObjects/getByIds", READ, by_ids),
    ];
    routes.extend(membership::routes());
    routes.extend(ownership::routes());
    routes
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let id = call.params.get("id");
    let object = call.directory_object(id).ok_or_else(|| GraphError::no_object(id))?;
    Ok(call.entity(&query, "directoryObjects", object, None))
}

fn by_ids(call: &mut Call<'_>) -> Answer {
    let body = call.body()?;
    let texts = |name: &str| -> Option<Vec<String>> {
        body.get(name)?.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let ids = texts("ids").ok_or_else(|| invalid("ids"))?;
    if ids.len() > MOST_IDS {
        return Err(GraphError::bad_request(format!("Too many ids: at most {MOST_IDS} can be asked for.")));
    }
    let types = match body.get("types") {
        None | Some(Value::Null) => None,
        Some(_) => Some(texts("types").ok_or_else(|| invalid("types"))?),
    };
    let is_asked = |object: &Value| {
        types.as_ref().is_none_or(|types| {
            types.is_empty()
                || types.iter().any(|one| one.eq_ignore_ascii_case("directoryObject") || is_a(object, one))
        })
    };
    let items = ids.iter().filter_map(|id| call.directory_object(id)).filter(is_asked).collect();
    Ok(call.whole("directoryObjects", items))
}

/// Whether an object is of a type, or of one below it.
pub(crate) fn is_a(object: &Value, name: &str) -> bool {
    let own = object["@odata.type"].as_str().unwrap_or_default().trim_start_matches("#microsoft.graph.");
    let base = match own {
        "agentUser" => "user",
        "agentIdentityBlueprint" => "application",
        "agentIdentity" | "agentIdentityBlueprintPrincipal" => "servicePrincipal",
        own => own,
    };
    own.eq_ignore_ascii_case(name) || base.eq_ignore_ascii_case(name)
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for parameter '{name}'."))
}
