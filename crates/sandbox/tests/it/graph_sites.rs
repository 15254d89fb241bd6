//! SharePoint's root site (Microsoft: "Get a site resource").

use serde_json::json;

use crate::browser::administrator;
use crate::cast::{get, permitted, sign_in, tenant};

#[tokio::test]
async fn the_root_site_goes_by_root_its_host_and_its_id() {
    let tenant = tenant().await;
    let ada = administrator(&tenant, "Sites.Read.All").await;
    let app = permitted(&tenant, &["Sites.Read.All"]).await;
    let root = get(&tenant, "/v1.0/sites/root", &ada).await.expect(200);
    let host = root.text("/siteCollection/hostname").to_owned();
    assert_eq!(root.text("/webUrl"), format!("https://{host}"));
    assert_eq!(root.text("/@odata.context"), tenant.url("/v1.0/$metadata#sites/$entity"));
    assert_eq!(root.json["root"], json!({}));
    let [own, collection, site] = root.text("/id").split(',').collect::<Vec<_>>()[..] else {
        panic!("{}", root.text);
    };
    assert_eq!(own, host);
    assert!([collection, site].iter().all(|id| uuid::Uuid::parse_str(id).is_ok()) && collection != site);
    for name in [host.as_str(), root.text("/id"), "root"] {
        let same = get(&tenant, &format!("/v1.0/sites/{name}"), &app).await.expect(200);
        assert_eq!(same.json, root.json, "{name}");
    }
    let selected = get(&tenant, "/v1.0/sites/root?$select=id,displayName", &app).await.expect(200);
    assert_eq!((selected.text("/id"), selected.json.get("webUrl")), (root.text("/id"), None));

    let refused = get(&tenant, "/v1.0/sites/fabrikam.sharepoint.com", &app).await.expect(400);
    assert_eq!(refused.text("/error/message"), "Invalid hostname for this tenancy");
    let refused = get(&tenant, &format!("/v1.0/sites/{host},1,2"), &app).await.expect(404);
    assert_eq!(refused.text("/error/code"), "itemNotFound");
    let by_path = format!("/{host}:/sites/none");
    for lacking in ["", "/root/lists", "/root/drive", "/getAllSites", &by_path] {
        get(&tenant, &format!("/v1.0/sites{lacking}"), &app).await.expect(501);
    }
    let reader = sign_in(&tenant, "grace").await;
    assert_eq!(
        get(&tenant, "/v1.0/sites/root", &reader).await.expect(403).text("/error/code"),
        "accessDenied"
    );
}
