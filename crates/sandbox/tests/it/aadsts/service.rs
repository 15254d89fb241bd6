//! What the service itself is short of: a disk that takes what it writes, and time for one application more.

use attache_sandbox::Throttling;

use super::Seen;
use crate::support::{GRAPH, Tenant, config};

pub(super) async fn cause(seen: &mut Seen) {
    transient(seen).await;
    busy(seen).await;
}

/// What cannot be written down is not answered; once it can be, it is.
async fn transient(seen: &mut Seen) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data = Some(folder.path().to_owned());
    let tenant = Tenant::start_with(config).await;
    let ready = tenant.sandbox.ready().clone();
    // A folder stands where the tenant's log is to be made.
    let in_the_way = folder.path().join(format!("tenant-{}.1.log", ready.tenant_id));
    std::fs::create_dir(&in_the_way).unwrap();
    let form = [("client_id", ready.apps.client.client_id.as_str()), ("scope", "User.Read")];
    let ask = async || {
        let request = tenant.http.post(tenant.login("/oauth2/v2.0/devicecode")).form(&form);
        tenant.send(request).await
    };
    seen.answer(&ask().await);
    std::fs::remove_dir(&in_the_way).unwrap();
    ask().await.expect(200);
}

/// `throttling` says when, and for how long.
async fn busy(seen: &mut Seen) {
    let tenant = Tenant::start().await;
    tenant.sandbox.control().set_throttling(Throttling { scale: 0.001, ..Throttling::documented() });
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    tenant.token(&form).await.expect(200);
    seen.answer(&tenant.token(&form).await);
}
