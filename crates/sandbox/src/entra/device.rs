//! Device code: the request, the page where a person approves it, and the polling grant (Entra reference
//! §1.5).

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::directory::new_id;
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::authorize::{is_multi_tenant, sign_in_device};
use super::client::{self, authenticate};
use super::conditional_access::Flow;
use super::context::{Context, Endpoint};
use super::error::EntraError;
use super::foreign;
use super::form::Form;
use super::issue::end_of;
use super::pages;
use super::password::check_password;
use super::resource::Asked;
use super::state::{Decision, Device};
use super::user_response::{Answering, RefreshToken, identified, respond};

/// `expires_in` of a device code, in seconds.
const LIFETIME: i64 = 900;

/// `interval` of a device code, in seconds.
pub(super) const INTERVAL: i64 = 5;

/// The characters of a user code: none that look alike, no vowels.
const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) fn request(
    context: &Context<'_>,
    tenant: &mut Tenant,
    authority: &str,
    form: &Form,
) -> Result<Value, EntraError> {
    let client_id = form.require("client_id")?;
    let adopted = foreign::adopted(context, tenant, client_id);
    let known = adopted.as_ref().unwrap_or(tenant);
    let client = client::find(context, known, client_id)?;
    if authority == "common" && !is_multi_tenant(context, known, client_id) {
        return Err(EntraError::device_code_at_common());
    }
    if client.is_agentic() {
        return Err(EntraError::agentic_user_flow(&client.app_id));
    }
    let scope = form.require("scope")?;
    Asked::parse(known, context.names, scope, true, context.now)?;
    let device_code = format!("{}{}", new_id(), new_id()).replace('-', "");
    let user_code = user_code();
    tenant.entra.tidy(context.now);
    tenant.entra.devices.insert(
        device_code.clone(),
        Device {
            user_code: user_code.clone(),
            client_id: client.app_id,
            scope: scope.to_owned(),
            expires: end_of(context.now, LIFETIME),
            decision: Decision::Pending,
            asked: None,
            interval: INTERVAL,
        },
    );
    let page = format!("{}/devicelogin", context.request.origin);
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
    );
    // The first generation's name for the page, and numbers as text, as ADAL reads them.
    Ok(match context.endpoint {
        Endpoint::V1 => json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_url": page,
            "expires_in": LIFETIME.to_string(),
            "interval": INTERVAL.to_string(),
            "message": message,
        }),
        Endpoint::V2 => json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": LIFETIME,
            "interval": INTERVAL,
            "message": message,
        }),
    })
}

/// `/devicelogin`: a form with `user_code`, `username`, `password` and `decision` (`approve` or `decline`);
/// and whether the tenant has changed.
pub(super) fn page(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    if context.request.method != Method::POST {
        let code = context.request.query("user_code").or(context.request.query("otc")).unwrap_or_default();
        return (pages::device(code, None), false);
    }
    let form = match Form::parse(&context.request.body) {
        Ok(form) => form,
        Err(error) => return (pages::device("", Some(&error.message)), false),
    };
    let user_code = form.get("user_code").unwrap_or_default().trim().to_ascii_uppercase();
    decide(context, tenant, &form, &user_code)
        .unwrap_or_else(|error| (pages::device(&user_code, Some(&error.message)), false))
}

fn decide(
    context: &Context<'_>,
    tenant: &mut Tenant,
    form: &Form,
    user_code: &str,
) -> Result<(Response, bool), EntraError> {
    let field = |name| form.get(name).unwrap_or_default();
    let user_id = check_password(context, tenant, field("username"), field("password"))?.id.clone();
    let device = tenant.entra.waiting(user_code).ok_or_else(EntraError::device_unknown)?;
    if device.expires <= context.now {
        return Err(EntraError::user_code_expired());
    }
    if field("decision") == "decline" {
        tenant.entra.decide(user_code, Decision::Declined);
        return Ok((told("You declined the sign-in. You can close this window."), true));
    }
    sign_in_device(context, tenant, user_code, &user_id)
}

/// The page that ends it.
pub(super) fn signed_in() -> Response {
    told("You have signed in on your device. You can close this window.")
}

fn told(message: &str) -> Response {
    pages::message(StatusCode::OK, "Device sign-in", message)
}

/// The polling grant. MSAL sends the code as `code` too.
pub(super) fn grant(context: &Context<'_>, tenant: &mut Tenant, form: &Form) -> Result<Value, EntraError> {
    let adopted = foreign::adopted(context, tenant, form.get("client_id").unwrap_or_default());
    let client = authenticate(context, adopted.as_ref().unwrap_or(tenant), form, |app| app.is_public)?;
    let device_code =
        form.get("device_code").or(form.get("code")).ok_or_else(|| EntraError::missing("device_code"))?;
    let device = tenant
        .entra
        .devices
        .get_mut(device_code)
        .filter(|device| device.client_id.eq_ignore_ascii_case(&client.app_id))
        .ok_or_else(EntraError::device_unknown)?;
    if device.expires <= context.now {
        return Err(EntraError::device_expired());
    }
    let is_hasty = device.is_hasty(context.now);
    let device = device.clone();
    let (user_id, sign_in) = match device.decision {
        Decision::Pending if is_hasty => return Err(EntraError::device_impatient()),
        Decision::Pending => return Err(EntraError::device_pending()),
        Decision::Declined => return Err(EntraError::device_declined()),
        Decision::Approved { user_id, sign_in } => (user_id, sign_in),
    };
    let user = identified(context, tenant, &user_id, sign_in.at)?;
    let asked = Asked::parse(tenant, context.names, &device.scope, true, context.now)?;
    let grant = RefreshToken {
        client_id: client.app_id.clone(),
        user_id,
        scope: device.scope.clone(),
        sign_in,
        issued: context.now,
        is_public: client.acr == "0",
        spa_since: None,
        tells_time: false,
    };
    let answering = Answering { user, asked: &asked, nonce: None, flow: Flow::DeviceCode };
    let body = respond(context, tenant, &client, form, &answering, grant)?;
    tenant.entra.devices.remove(device_code);
    Ok(body)
}

impl Device {
    /// Notes that the device asks, and tells whether it asks too soon after the last time: then it has to wait five
    /// seconds longer from now on (RFC 8628, §3.5). A second is let pass, for the way that requests take; and by a
    /// clock that stands nobody is in haste.
    fn is_hasty(&mut self, now: Timestamp) -> bool {
        let waited = self.asked.map(|last| now.duration_since(last));
        self.asked = Some(now);
        let shortest = SignedDuration::from_secs(self.interval - 1);
        let is_hasty = waited.is_some_and(|waited| waited.is_positive() && waited < shortest);
        if is_hasty {
            self.interval += INTERVAL;
        }
        is_hasty
    }
}

fn user_code() -> String {
    let random = uuid::Uuid::new_v4();
    random
        .as_bytes()
        .iter()
        .take(9)
        .map(|byte| char::from(USER_CODE_LETTERS[usize::from(*byte) % USER_CODE_LETTERS.len()]))
        .collect()
}
