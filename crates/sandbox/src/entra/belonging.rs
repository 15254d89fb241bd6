//! Which tenant a code, a token or a browser's session is of, for requests at `common` that do not say so.

use serde_json::Value;

use crate::exchange::Request;
use crate::tenant::Tenant;

use super::authorize::sealed_session;
use super::sealed::{Kind, open};

/// Whether one of the fields is something that this tenant has handed out.
pub(crate) fn has_issued<'f>(tenant: &Tenant, field: &dyn Fn(&str) -> Option<&'f str>) -> bool {
    let opens = |name: &str, kind| {
        field(name).is_some_and(|sealed| open::<Value>(&tenant.entra.secret, kind, sealed).is_some())
    };
    let devices = &tenant.entra.devices;
    opens("code", Kind::Code)
        || opens("refresh_token", Kind::RefreshToken)
        || opens("consent", Kind::Consent)
        || field("device_code").is_some_and(|code| devices.contains_key(code))
        || ["user_code", "otc", "code"]
            .iter()
            .filter_map(|name| field(name))
            .any(|code| devices.values().any(|device| device.user_code.eq_ignore_ascii_case(code)))
}

/// Whether the browser is signed in to this tenant.
pub(crate) fn has_session(tenant: &Tenant, request: &Request) -> bool {
    sealed_session(request)
        .is_some_and(|sealed| open::<Value>(&tenant.entra.secret, Kind::Session, sealed).is_some())
}
