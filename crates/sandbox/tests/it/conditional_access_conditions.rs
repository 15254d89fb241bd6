//! Conditional access by group, location and platform (Entra reference §13).

use http::Method;
use serde_json::{Value, json};

use crate::browser::administrator;
use crate::cast::{self, get, person, post};
use crate::certificates::with_assertion;
use crate::conditional_access::{remove, require};
use crate::support::{GRAPH, Reply, Tenant};

const LOCATIONS: &str = "/v1.0/identity/conditionalAccess/namedLocations";
const ADMIN: &str = "Policy.ReadWrite.ConditionalAccess Policy.Read.All";

/// Grace by password, with headers.
async fn sign_in(tenant: &Tenant, headers: &[(&str, &str)]) -> Reply {
    let grace = tenant.sandbox.ready().users.iter().find(|user| user.upn.starts_with("grace")).unwrap();
    let form = [
        ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
        ("grant_type", "password"),
        ("scope", "User.Read"),
        ("username", &grace.upn),
        ("password", &grace.password),
    ];
    let mut request = tenant.http.post(tenant.login("/oauth2/v2.0/token")).form(&form);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    tenant.send(request).await
}

async fn location(tenant: &Tenant, body: Value) -> String {
    let admin = administrator(tenant, ADMIN).await;
    post(tenant, LOCATIONS, &admin, body).await.expect(201).text("/id").to_owned()
}

fn office() -> Value {
    json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": true,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24" }],
    })
}

/// Conditions for Grace and all she uses, with one more.
fn conditions(name: &str, value: Value) -> Value {
    json!({ "conditions": {
        "clientAppTypes": ["all"],
        "applications": { "includeApplications": ["All"] },
        "users": { "includeUsers": ["grace"] },
        name: value,
    } })
}

fn of_grace(tenant: &Tenant, name: &str, value: Value) -> Value {
    let mut changes = conditions(name, value);
    if name != "users" {
        changes["conditions"]["users"]["includeUsers"] = json!([person(tenant, "grace")]);
    }
    changes
}

#[tokio::test]
async fn a_policy_holds_for_the_members_of_a_group_and_of_the_groups_in_it() {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, "Group.ReadWrite.All").await;
    let group = async |name: &str, member: &str| {
        let body = json!({
            "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true,
            "members@odata.bind": [format!("https://graph.microsoft.com/v1.0/directoryObjects/{member}")],
        });
        post(&tenant, "/v1.0/groups", &admin, body).await.expect(201).text("/id").to_owned()
    };
    let inner = group("inner", &person(&tenant, "grace")).await;
    let outer = group("outer", &inner).await;
    let other = group("other", &person(&tenant, "alan")).await;
    for (users, status) in [
        (json!({ "includeGroups": [inner] }), 400),
        (json!({ "includeGroups": [outer] }), 400),
        (json!({ "includeGroups": [other] }), 200),
        (json!({ "includeUsers": [person(&tenant, "grace")], "excludeGroups": [outer] }), 200),
    ] {
        let policy = require(&tenant, "block", of_grace(&tenant, "users", users.clone())).await;
        let reply = sign_in(&tenant, &[]).await;
        assert_eq!(reply.status.as_u16(), status, "{users} {}", reply.text);
        if status == 400 {
            assert_eq!(reply.error().1, 53_003);
        }
        remove(&tenant, &policy).await;
    }
}

#[tokio::test]
async fn a_policy_holds_outside_the_office_only() {
    let tenant = cast::tenant().await;
    let office = location(&tenant, office()).await;
    let (inside, outside) =
        ([("x-forwarded-for", "203.0.113.7, 10.0.0.1")], [("x-forwarded-for", "198.51.100.7")]);
    for exclude in [office.as_str(), "AllTrusted"] {
        let elsewhere = json!({ "includeLocations": ["All"], "excludeLocations": [exclude] });
        let policy = require(&tenant, "block", of_grace(&tenant, "locations", elsewhere)).await;
        sign_in(&tenant, &inside).await.expect(200);
        assert_eq!(sign_in(&tenant, &outside).await.expect(400).error().1, 53_003);
        assert_eq!(sign_in(&tenant, &[]).await.expect(400).error().1, 53_003, "loopback is not the office");
        remove(&tenant, &policy).await;
    }
    let here = json!({ "includeLocations": [office] });
    require(&tenant, "block", of_grace(&tenant, "locations", here)).await;
    assert_eq!(sign_in(&tenant, &inside).await.expect(400).error().1, 53_003);
    sign_in(&tenant, &outside).await.expect(200);

    let admin = administrator(&tenant, "AuditLog.Read.All Directory.Read.All").await;
    let rows = get(
        &tenant,
        "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t:t eq 'nonInteractiveUser')",
        &admin,
    )
    .await
    .expect(200);
    let addresses = rows.json["value"].as_array().unwrap().iter().filter_map(|row| row["ipAddress"].as_str());
    let addresses: Vec<&str> = addresses.filter(|address| *address != "127.0.0.1").collect();
    assert!(addresses.starts_with(&["198.51.100.7", "203.0.113.7"]), "{addresses:?}");
}

#[tokio::test]
async fn a_policy_holds_in_countries_and_where_the_country_is_unknown() {
    let tenant = cast::tenant().await;
    let countries = json!({
        "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Neighbours",
        "countriesAndRegions": ["FR", "CH"], "includeUnknownCountriesAndRegions": true,
    });
    let countries = location(&tenant, countries).await;
    let there = json!({ "includeLocations": [countries] });
    require(&tenant, "block", of_grace(&tenant, "locations", there)).await;
    for (country, status) in [("FR", 400), ("ch", 400), ("DE", 200), ("??", 400)] {
        sign_in(&tenant, &[("x-sandbox-country", country)]).await.expect(status);
    }
}

#[tokio::test]
async fn a_policy_holds_on_platforms_that_the_client_names() {
    let tenant = cast::tenant().await;
    let phones = json!({ "includePlatforms": ["android", "iOS"] });
    let policy = require(&tenant, "block", of_grace(&tenant, "platforms", phones)).await;
    let (windows, android) = (
        [("user-agent", "Mozilla/5.0 (Windows NT 10.0)")],
        [("user-agent", "Mozilla/5.0 (Linux; Android 14)")],
    );
    sign_in(&tenant, &windows).await.expect(200);
    sign_in(&tenant, &[]).await.expect(200);
    assert_eq!(sign_in(&tenant, &android).await.expect(400).error().1, 53_003);
    remove(&tenant, &policy).await;

    let all_but = json!({ "includePlatforms": ["all"], "excludePlatforms": ["windows"] });
    require(&tenant, "block", of_grace(&tenant, "platforms", all_but)).await;
    sign_in(&tenant, &windows).await.expect(200);
    sign_in(&tenant, &[("x-client-os", "win32")]).await.expect(200);
    sign_in(&tenant, &[]).await.expect(400);
    sign_in(&tenant, &android).await.expect(400);
}

#[tokio::test]
async fn an_agent_identity_is_blocked_outside_the_office() {
    let tenant = cast::tenant().await;
    let blueprint = cast::blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let office = location(&tenant, office()).await;
    let conditions = json!({ "conditions": {
        "applications": { "includeApplications": ["All"] },
        "clientApplications": { "includeAgentIdServicePrincipals": ["All"] },
        "locations": { "includeLocations": ["All"], "excludeLocations": [office] },
    } });
    require(&tenant, "block", conditions).await;
    let t1 = crate::aadsts::t1(&tenant, &blueprint, &identity).await;
    assert_eq!(with_assertion(&tenant, &identity, &t1, GRAPH).await.expect(400).error().1, 53_003);
}

#[tokio::test]
async fn named_locations_are_made_read_changed_and_deleted() {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, ADMIN).await;
    let made = post(&tenant, LOCATIONS, &admin, office()).await.expect(201);
    let one = format!("{LOCATIONS}/{}", made.text("/id"));
    assert!(made.header("location").ends_with(&one));
    let trusted = cast::delete(&tenant, &one, &admin).await.expect(400);
    assert!(trusted.text("/error/message").contains("isTrusted"));
    let change = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false });
    cast::patch(&tenant, &one, &admin, change).await.expect(204);
    let read = get(&tenant, &one, &admin).await.expect(200);
    assert_eq!((read.text("/displayName"), &read.json["isTrusted"]), ("Office", &json!(false)));
    let listed = get(&tenant, LOCATIONS, &admin).await.expect(200);
    assert_eq!(listed.json["value"][0]["ipRanges"][0]["cidrAddress"], "203.0.113.0/24");

    let there = json!({ "includeLocations": [read.text("/id")] });
    let policy = require(&tenant, "block", of_grace(&tenant, "locations", there)).await;
    cast::delete(&tenant, &one, &admin).await.expect(400);
    remove(&tenant, &policy).await;
    cast::delete(&tenant, &one, &admin).await.expect(204);
    get(&tenant, &one, &admin).await.expect(404);

    for (name, value) in [
        ("displayName", json!("")),
        ("ipRanges", json!([])),
        (
            "ipRanges",
            json!([{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0" }]),
        ),
        ("@odata.type", json!("#microsoft.graph.countryNamedLocation")),
    ] {
        let mut body = office();
        body[name] = value;
        post(&tenant, LOCATIONS, &admin, body.clone()).await.expect(400);
    }
    for (name, value) in [
        ("locations", json!({ "includeLocations": ["no-such-place"] })),
        ("locations", json!({ "includeLocations": [] })),
        ("platforms", json!({ "includePlatforms": ["amiga"] })),
    ] {
        let mut body = of_grace(&tenant, name, value);
        body["displayName"] = json!("Wrong");
        body["state"] = json!("enabled");
        body["grantControls"] = json!({ "operator": "OR", "builtInControls": ["block"] });
        let path = "/v1.0/identity/conditionalAccess/policies";
        tenant.graph(Method::POST, path, &admin, Some(body)).await.expect(400);
    }
}

/// A device says what it is by `X-Sandbox-Device`; a sign-in without one has none of its properties (Microsoft:
/// "Conditional Access: Filter for devices").
#[tokio::test]
async fn a_policy_looks_at_the_device_that_a_sign_in_comes_from() {
    let tenant = cast::tenant().await;
    let surface = [("x-sandbox-device", "deviceId=1&model=Surface+Pro&isCompliant=True&trustType=AzureAD")];
    let other = [("x-sandbox-device", "deviceId=2&model=Think&isCompliant=False&trustType=ServerAD")];
    for (mode, rule, blocked) in [
        ("include", r#"device.model -startsWith "Surface""#, [false, true, false]),
        ("exclude", r#"device.model -startsWith "Surface""#, [true, false, true]),
        ("include", r#"device.model -notStartsWith "Surface""#, [true, false, true]),
        (
            "include",
            r#"device.isCompliant -ne True -and device.trustType -eq "ServerAD""#,
            [false, false, true],
        ),
    ] {
        let filter = json!({ "deviceFilter": { "mode": mode, "rule": rule } });
        let policy = require(&tenant, "block", of_grace(&tenant, "devices", filter)).await;
        for (headers, is_blocked) in [&[][..], &surface, &other].into_iter().zip(blocked) {
            let reply = sign_in(&tenant, headers).await;
            assert_eq!(
                reply.status.as_u16(),
                if is_blocked { 400 } else { 200 },
                "{mode} {rule} {headers:?}"
            );
            if is_blocked {
                assert_eq!(reply.error().1, 53_003);
            }
        }
        remove(&tenant, &policy).await;
    }
    // What a policy may want of a device, a compliant or a joined one has.
    for (control, code, good, bad) in
        [("compliantDevice", 53_000, &surface, &other), ("domainJoinedDevice", 53_001, &other, &surface)]
    {
        let everywhere = of_grace(&tenant, "clientAppTypes", json!(["all"]));
        let policy = require(&tenant, control, everywhere).await;
        sign_in(&tenant, good).await.expect(200);
        for headers in [&[][..], bad] {
            let refused = sign_in(&tenant, headers).await.expect(400);
            assert_eq!(refused.error().1, code, "{control} {headers:?}");
            assert!(refused.text("/claims").contains(&policy));
        }
        remove(&tenant, &policy).await;
    }
}
