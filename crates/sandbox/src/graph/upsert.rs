//! `PATCH` of what an alternate key names, with `Prefer: create-if-missing`: it is made if it is not there (Graph
//! documentation, "Upsert application", "Upsert group", "Upsert servicePrincipal").

use serde_json::Value;

use super::call::Call;
use super::error::GraphError;
use super::path::Key;

impl Call<'_> {
    /// The value of that alternate key, if the path names the object by it and the client wants it made.
    pub(crate) fn to_be_made(&self, key: &str) -> Option<String> {
        let wants = self.request.header("prefer").is_some_and(|prefer| {
            prefer.split([',', ';']).any(|one| one.trim().eq_ignore_ascii_case("create-if-missing"))
        });
        match self.params.key("id") {
            Key::By(name, value) if wants && name.eq_ignore_ascii_case(key) => Some(value.to_owned()),
            _ => None,
        }
    }
}

/// `uniqueName` is nobody else's, and stays as it was once given.
pub(super) fn check_unique_name<'a>(
    own: Option<&Value>,
    asked: &Value,
    mut others: impl Iterator<Item = &'a Value>,
) -> Result<(), GraphError> {
    let own = own.filter(|own| !own.is_null());
    if own.is_some_and(|own| own != asked) {
        return Err(GraphError::bad_request("Property 'uniqueName' is read-only and cannot be changed."));
    }
    if own.is_none() && !asked.is_null() && others.any(|other| other == asked) {
        return Err(GraphError::conflict(
            "Another object with the same value for property uniqueName already exists.",
            "uniqueName",
        ));
    }
    Ok(())
}
