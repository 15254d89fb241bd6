//! Whose request it is: Graph's by the token's `tid`, sign-in's and pre-authenticated URLs' by the tenant that
//! the path begins with. Where that is `common`, the user who signs in decides, or what the tenant handed out,
//! or the client's registration (Entra reference §1.1).

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::directory::Application;
use crate::entra::{self, tenant_of_token};
use crate::exchange::Request;
use crate::graph::Path;
use crate::tenant::Tenant;

use super::{Realm, Realms};

/// The realm of a request; home if it names none.
pub(crate) fn realm_of(realms: &Realms, request: &Request, path: Option<&Path>) -> Arc<Realm> {
    let realm = match path {
        _ if realms.is_alone() => None,
        Some(_) => request.bearer().and_then(tenant_of_token).and_then(|id| realms.named(&id)),
        None => by_path(realms, &request.path)
            .or_else(|| by_content(realms, request))
            .or_else(|| request.bearer().and_then(tenant_of_token).and_then(|id| realms.named(&id))),
    };
    realm.unwrap_or_else(|| Arc::clone(realms.home()))
}

fn by_path(realms: &Realms, path: &str) -> Option<Arc<Realm>> {
    let first = path.split('/').find(|segment| !segment.is_empty())?;
    realms.named(&percent_decode_str(first).decode_utf8_lossy())
}

/// By the user, by the code or token that only one tenant can have issued, by the client.
fn by_content(realms: &Realms, request: &Request) -> Option<Arc<Realm>> {
    let mut fields = request.form();
    fields.extend(request.query.iter().cloned());
    // The sign-in page sends the first request back as one field.
    if let Some((_, text)) = fields.iter().find(|(name, _)| name == "request") {
        let within: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        fields.extend(within);
    }
    let field = |wanted: &str| {
        fields
            .iter()
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    let find = |fits: &dyn Fn(&Tenant) -> bool| realms.all().into_iter().find(|realm| fits(&realm.look()));
    let by_user = ["username", "login_hint", "domain_hint"].iter().find_map(|name| {
        let user = field(name)?;
        realms.named(user.rsplit_once('@').map_or(user, |(_, domain)| domain))
    });
    find(&|tenant| entra::has_issued(tenant, &field))
        .or(by_user)
        .or_else(|| find(&|tenant| entra::has_session(tenant, request)))
        .or_else(|| {
            let client = field("client_id")?;
            let is_it = |app: &&Application| app.app_id.eq_ignore_ascii_case(client);
            find(&|tenant| tenant.applications.named(client).iter().any(is_it))
        })
}
