//! `POST /subscriptions`: everything is checked, then the endpoints are asked, then it stands (Graph
//! reference §6.1).

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::rules::{certificate, endpoint, expiry, invalid, short_text, text, unreadable};
use super::state::Subscription;
use super::watchable::{self, Watchable, Workload};
use super::{quota, wire};
use crate::authorize::CallerKind;
use crate::changes::{Change, ChangeKind};
use crate::graph::GraphError;
use crate::graph::call::{Awaited, Call};
use crate::graph::error::Answer;
use crate::graph::odata::Filter;
use crate::graph::path::{Params, Path};

/// What a subscription's JSON may have.
const PROPERTIES: [&str; 17] = [
    "id",
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "includeResourceData",
    "encryptionCertificate",
    "encryptionCertificateId",
    "notificationQueryOptions",
    "notificationUrlAppId",
    "notificationContentType",
    "applicationId",
    "creatorId",
    "@odata.type",
];

/// Beyond this, Teams demands a lifecycle URL.
const WITHOUT_LIFECYCLE: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let body = call.body().map_err(|_| unreadable())?;
    if body.keys().any(|name| !PROPERTIES.contains(&name.as_str())) {
        return Err(unreadable());
    }
    let (changes, wanted) = (changes(&body)?, required(&body, "resource")?);
    let resource = permitted(call, &wanted)?;
    let mut subscription = read(call, &body, &resource, changes, wanted)?;
    quota::check(&call.tenant.workloads.subscriptions, &subscription, resource.form.quota, call.now)?;

    let endpoints = [Some(&subscription.notification_url), subscription.lifecycle_url.as_ref()];
    let found = call.awaited(Awaited {
        endpoints: endpoints.into_iter().flatten().cloned().collect(),
        reads: resource.form.reads(&resource.params),
    })?;
    // A folder's changes come under its id, also if the client knows it by a well-known name.
    if let (Some(id), true) = (found.read["id"].as_str(), !resource.params.get("folder").is_empty()) {
        let mut params = resource.params.clone();
        params.set("folder", id);
        subscription.watches = resource.form.watches(&params);
    }
    let shown = wire::subscription(&subscription, call.caller);
    let (id, now) = (subscription.id.clone(), call.now);
    call.tenant.workloads.subscriptions.add(subscription, now);
    call.subscription_changed(&id, Change::created);
    Ok(call.created(&format!("/subscriptions/{id}"), &call.with_context("subscriptions", shown)))
}

/// The resource, if the caller may subscribe to it.
fn permitted(call: &Call<'_>, text: &str) -> Result<Resource, GraphError> {
    let resource = Resource::parse(call, text)?;
    crate::authorize::require(call.caller, resource.form.needs, resource.form.area())?;
    resource.check_owner(call)?;
    Ok(resource)
}

/// Whether the caller may still do so.
pub(super) fn check_permission(call: &Call<'_>, text: &str) -> Result<(), GraphError> {
    permitted(call, text).map(drop)
}

fn read(
    call: &Call<'_>,
    body: &Map<String, Value>,
    resource: &Resource,
    changes: Vec<ChangeKind>,
    wanted: String,
) -> Result<Subscription, GraphError> {
    let form = resource.form;
    let is_rich = match body.get("includeResourceData") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_rich)) => *is_rich,
        Some(_) => return Err(unreadable()),
    };
    let longest = form.longest(is_rich).ok_or_else(|| {
        invalid("Subscriptions with resource data are not supported for the resource that was requested.")
    })?;
    let expires = expiry(&required(body, "expirationDateTime")?, longest, call.now)?;
    let notification_url = required(body, "notificationUrl")?;
    endpoint(&notification_url, "notificationUrl")?;
    let lifecycle_url = text(body, "lifecycleNotificationUrl")?;
    match &lifecycle_url {
        Some(url) => endpoint(url, "lifecycleNotificationUrl")?,
        None if form.demands_lifecycle() && expires.duration_since(call.now) > WITHOUT_LIFECYCLE => {
            return Err(invalid(
                "'lifecycleNotificationUrl' is a required property for subscription creation on this resource when the 'expirationDateTime' value is set to greater than 1 hour.",
            ));
        }
        None => {}
    }
    let (certificate, certificate_id) = encryption(body, is_rich)?;
    let select = resource.option("$select");
    if is_rich && form.workload == Workload::Outlook && select.is_none() {
        return Err(invalid(
            "Subscriptions with resource data of Outlook resources need a $select of the properties in the resource.",
        ));
    }
    if text(body, "notificationQueryOptions")?.is_some() {
        return Err(GraphError::not_emulated("notificationQueryOptions of a subscription"));
    }
    Ok(Subscription {
        id: crate::directory::new_id(),
        resource: wanted,
        watches: form.watches(&resource.params),
        filter: resource.filter(form)?,
        select,
        workload: form.workload,
        changes,
        notification_url,
        lifecycle_url,
        client_state: short_text(body, "clientState")?,
        tls: tls(body)?,
        is_rich,
        certificate,
        certificate_id,
        url_app_id: text(body, "notificationUrlAppId")?,
        caller: call.caller.clone(),
        created: call.now,
        expires,
    })
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String, GraphError> {
    text(body, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| invalid(format!("{name} is a required property for subscription creation")))
}

fn changes(body: &Map<String, Value>) -> Result<Vec<ChangeKind>, GraphError> {
    let mut changes = Vec::new();
    for name in required(body, "changeType")?.split(',') {
        let kind = match name.trim().to_ascii_lowercase().as_str() {
            "created" => ChangeKind::Created,
            "updated" => ChangeKind::Updated,
            "deleted" => ChangeKind::Deleted,
            _ => return Err(invalid(format!("Invalid 'changeType' attribute: '{name}'."))),
        };
        if !changes.contains(&kind) {
            changes.push(kind);
        }
    }
    Ok(changes)
}

fn tls(body: &Map<String, Value>) -> Result<String, GraphError> {
    let tls = text(body, "latestSupportedTlsVersion")?.unwrap_or_else(|| "v1_2".to_owned());
    if ["v1_0", "v1_1", "v1_2", "v1_3"].contains(&tls.as_str()) {
        return Ok(tls);
    }
    Err(invalid(format!("Invalid 'latestSupportedTlsVersion': '{tls}'.")))
}

/// The certificate and its id: both with resource data, of a certificate that can be used.
fn encryption(
    body: &Map<String, Value>,
    is_rich: bool,
) -> Result<(Option<String>, Option<String>), GraphError> {
    let given = (text(body, "encryptionCertificate")?, short_text(body, "encryptionCertificateId")?);
    match &given {
        (Some(text), _) if certificate(text).is_none() => Err(invalid(
            "Certificate validation error: 'encryptionCertificate' must be a base64-encoded X.509 certificate with an RSA key of 2048 to 4096 bits.",
        )),
        (None, _) if is_rich => Err(invalid(
            "'encryptionCertificate' is a required property for subscription creation when 'includeResourceData' is set to true.",
        )),
        (_, None) if is_rich => Err(invalid(
            "'encryptionCertificateId' is a required property for subscription creation when 'includeResourceData' is set to true.",
        )),
        _ => Ok(given),
    }
}

/// A resource string, understood.
struct Resource {
    form: &'static Watchable,
    params: Params,
    options: Vec<(String, String)>,
}

impl Resource {
    fn parse(call: &Call<'_>, text: &str) -> Result<Self, GraphError> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let unknown = || invalid(format!("The resource '{text}' is not supported for subscriptions."));
        let mut path = Path::parse(&format!("/{}/{path}", call.path.version.as_str())).ok_or_else(unknown)?;
        if path.segments.first().is_some_and(|first| first.eq_ignore_ascii_case("me")) {
            let user = call.signed_in_user()?;
            path.segments.splice(..1, ["users".to_owned(), user.to_owned()]);
        }
        let Some((form, mut params)) = watchable::find(&path) else {
            return Err(match watchable::is_known_elsewhere(&path) {
                true => GraphError::not_emulated(&format!("subscriptions to {text}")),
                false => unknown(),
            });
        };
        let named = params.get("user").to_owned();
        if !named.is_empty() {
            let user = call.tenant.user(&named, call.now).ok_or_else(|| GraphError::no_object(&named))?;
            params.set("user", &user.id.clone());
        }
        let options: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match options
            .iter()
            .find(|(name, _)| !["$filter", "$select"].iter().any(|known| known.eq_ignore_ascii_case(name)))
        {
            Some((name, _)) => Err(GraphError::not_emulated(&format!("{name} in a subscription's resource"))),
            None => Ok(Self { form, params, options }),
        }
    }

    fn option(&self, name: &str) -> Option<String> {
        self.options
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }

    fn filter(&self, form: &Watchable) -> Result<Option<String>, GraphError> {
        let Some(filter) = self.option("$filter") else { return Ok(None) };
        if form.workload == Workload::Directory || form.workload == Workload::Drive {
            return Err(invalid("$filter is not supported for the resource that was requested."));
        }
        Filter::parse(&filter)
            .map_err(|error| GraphError::unreadable(format!("Invalid filter clause: {error}")))?;
        Ok(Some(filter))
    }

    /// In a user's name, only that user's own mailbox, chats and drive.
    fn check_owner(&self, call: &Call<'_>) -> Result<(), GraphError> {
        let CallerKind::User { .. } = call.caller.kind else { return Ok(()) };
        let user = self.params.get("user");
        let is_private = matches!(self.form.workload, Workload::Outlook | Workload::Teams | Workload::Drive);
        if !is_private || user.is_empty() || user == call.caller.object_id {
            return Ok(());
        }
        Err(match self.form.workload {
            Workload::Outlook => GraphError::new(
                StatusCode::FORBIDDEN,
                "ErrorAccessDenied",
                "Access is denied. Check credentials and try again.",
            ),
            _ => GraphError::forbidden("The user is not allowed to subscribe to another user's resources."),
        })
    }
}
