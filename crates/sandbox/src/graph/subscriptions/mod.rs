//! Subscriptions to change notifications: made, listed, renewed, authorised again and removed (Graph
//! reference §6). [`crate::notifications`] delivers.

mod create;
mod quota;
mod rules;
mod state;
mod update;
mod watchable;
mod wire;

use http::{Method, StatusCode};

use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::route::{Needs, Route};
use crate::authorize::CallerKind;
use crate::changes::Change;

pub(crate) use rules::certificate;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use rules::withstand_certificate;
pub(crate) use state::{Subscription, Subscriptions};
pub(crate) use watchable::{Workload, covers};
pub(crate) use wire::name as change_name;

/// The permission is the resource's: who may read it may subscribe to it.
const NEEDS: Needs = Needs::anyone();

const TYPE: &str = "#microsoft.graph.subscription";

const SURFACE: Surface = Surface {
    service: Service::Directory,
    type_name: "subscription",
    options: &["skiptoken"],
    properties: &[],
    expandable: &[],
    page: 100,
    largest_page: 100,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/subscriptions", NEEDS, create::create),
        Route::new(Method::GET, "/subscriptions", NEEDS, list),
        Route::new(Method::GET, "/subscriptions/{id}", NEEDS, get),
        Route::new(Method::PATCH, "/subscriptions/{id}", NEEDS, update::update),
        Route::new(Method::DELETE, "/subscriptions/{id}", NEEDS, delete),
        Route::new(Method::POST, "/subscriptions/{id}/reauthorize", NEEDS, reauthorize),
    ]
}

impl Call<'_> {
    /// The caller's own subscription of the path's id: an app has its own, a user those of the app that were
    /// made in their name.
    fn subscription(&self) -> Result<&Subscription, GraphError> {
        self.tenant
            .workloads
            .subscriptions
            .get(self.params.get("id"), self.now)
            .filter(|one| self.owns(one))
            .ok_or_else(no_subscription)
    }

    fn subscription_mut(&mut self) -> Result<&mut Subscription, GraphError> {
        self.subscription()?;
        let (id, now) = (self.params.get("id"), self.now);
        self.tenant.workloads.subscriptions.get_mut(id, now).ok_or_else(no_subscription)
    }

    fn owns(&self, one: &Subscription) -> bool {
        let is_same_app = one.caller.app_id == self.caller.app_id;
        let is_same_subject = match self.caller.kind {
            CallerKind::App { .. } => matches!(one.caller.kind, CallerKind::App { .. }),
            CallerKind::User { .. } => one.caller.object_id == self.caller.object_id,
        };
        is_same_app && is_same_subject
    }

    fn subscription_changed(&mut self, id: &str, change: fn(String, &'static str) -> Change) {
        self.tenant.changed(change(format!("subscriptions/{id}"), TYPE));
    }
}

fn no_subscription() -> GraphError {
    GraphError::new(StatusCode::NOT_FOUND, "ResourceNotFound", "The object was not found.")
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&SURFACE)?;
    let own = call.tenant.workloads.subscriptions.live(call.now).filter(|one| call.owns(one));
    let shown = own.map(|one| wire::subscription(one, call.caller)).collect();
    Ok(call.list(&query, "subscriptions", shown, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let shown = wire::subscription(call.subscription()?, call.caller);
    Ok(call.ok(&call.with_context("subscriptions", shown)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.subscription()?.id.clone();
    call.tenant.workloads.subscriptions.remove(&id);
    call.subscription_changed(&id, Change::deleted);
    Ok(call.no_content())
}

/// The answer to `reauthorizationRequired`: from now on the new token counts.
fn reauthorize(call: &mut Call<'_>) -> Answer {
    let caller = call.caller.clone();
    create::check_permission(call, &call.subscription()?.resource)?;
    let one = call.subscription_mut()?;
    one.caller = caller;
    let id = one.id.clone();
    call.subscription_changed(&id, Change::updated);
    Ok(call.no_content())
}
