//! The pages on which a person looks at the tenant and acts in it.

use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, COOKIE, LOCATION, ORIGIN, SET_COOKIE};

use crate::support::{Reply, Tenant};

/// A browser that keeps the pages' cookie.
struct Visitor<'t> {
    tenant: &'t Tenant,
    cookie: String,
    base: String,
}

impl<'t> Visitor<'t> {
    async fn enter(tenant: &'t Tenant) -> Self {
        let token = tenant.sandbox.ready().control_token.clone();
        let entered = tenant.send(tenant.http.get(tenant.url(&format!("/?token={token}")))).await.expect(303);
        let cookie = entered.header(SET_COOKIE.as_str()).to_owned();
        for part in ["__Host-sandbox=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains(&token), "the cookie tells the token");
        assert!(!entered.header(LOCATION.as_str()).contains(&token), "the address keeps the token");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let base = format!("/_sandbox/pages/{}", tenant.sandbox.ready().tenant_id);
        Self { tenant, cookie, base }
    }

    async fn see(&self, page: &str) -> Reply {
        let url = self.tenant.url(&format!("{}/{page}", self.base));
        self.tenant.send(self.tenant.http.get(url).header(COOKIE, &self.cookie)).await
    }

    async fn submit(&self, page: &str, fields: &[(&str, &str)]) -> Reply {
        let url = self.tenant.url(&format!("{}/{page}", self.base));
        let form = self.tenant.http.post(url).header(COOKIE, &self.cookie).form(fields);
        self.tenant.send(form.header(ORIGIN, &self.tenant.sandbox.ready().url)).await
    }
}

#[tokio::test]
async fn pages_open_only_to_who_knows_the_token() {
    let tenant = Tenant::start().await;
    let first = tenant.send(tenant.http.get(tenant.url("/"))).await.expect(200);
    assert!(first.text.contains("Control token"));
    let people = tenant.sandbox.ready().users.clone();
    assert!(people.iter().all(|user| !first.text.contains(&user.password)), "a password shows");
    for page in ["overview", "log", "steer", "chats", "mail"] {
        let url = tenant.url(&format!("/_sandbox/pages/{}/{page}", tenant.sandbox.ready().tenant_id));
        let shown = tenant.send(tenant.http.get(url)).await.expect(200);
        assert!(shown.text.contains("Control token"), "{page}");
    }
    tenant.send(tenant.http.get(tenant.url("/?token=wrong"))).await.expect(403);

    let visitor = Visitor::enter(&tenant).await;
    let overview = visitor.see("overview").await.expect(200);
    assert!(people.iter().all(|user| overview.text.contains(&user.upn)));
    let policy = overview.header(CONTENT_SECURITY_POLICY.as_str());
    assert!(policy.contains("script-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let tenant = Tenant::start().await;
    let visitor = Visitor::enter(&tenant).await;
    let url = tenant.url(&format!("{}/steer/reset", visitor.base));
    let form =
        tenant.http.post(url).header(COOKIE, &visitor.cookie).header(ORIGIN, "https://elsewhere.example");
    assert_eq!(tenant.send(form).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_one_says_the_other_reads_and_markup_is_only_shown() {
    let tenant = Tenant::start().await;
    let visitor = Visitor::enter(&tenant).await;
    let [one, other] = [0, 1].map(|n| tenant.sandbox.ready().users[n].clone());
    let begun = visitor.submit("chats", &[("as", &one.id), ("with", &other.id)]).await.expect(303);
    let chat = begun.header(LOCATION.as_str()).rsplit_once('/').unwrap().1.to_owned();
    let chat = chat.split('?').next().unwrap();
    let said = "<b>bold</b> & <script>alert(1)</script>";
    visitor.submit(&format!("chats/{chat}"), &[("as", &one.id), ("content", said)]).await.expect(303);
    let read = visitor.see(&format!("chats/{chat}?as={}", other.id)).await.expect(200);
    assert!(
        read.text.contains("&lt;b&gt;bold&lt;/b&gt;") || read.text.contains("&#60;b&#62;bold"),
        "{}",
        read.text
    );
    assert!(!read.text.contains("<script>alert"));
    let list = visitor.see(&format!("chats?as={}", other.id)).await.expect(200);
    assert!(list.text.contains(&one.display_name));
}

#[tokio::test]
async fn the_controls_steer_the_tenant() {
    let tenant = Tenant::start().await;
    let visitor = Visitor::enter(&tenant).await;
    let control = tenant.sandbox.control();
    visitor.submit("steer/clock", &[("pace", "0")]).await.expect(303);
    let before = control.clock().now();
    visitor.submit("steer/clock", &[("advance", "3600")]).await.expect(303);
    assert_eq!(control.clock().now().duration_since(before).as_secs(), 3600);
    let fault = [
        ("path", "/v1.0/users/*"),
        ("effect", "answer"),
        ("status", "503"),
        ("count", "1"),
        ("method", "GET"),
    ];
    visitor.submit("steer/fault", &fault).await.expect(303);
    assert_eq!(control.faults().len(), 1);
    let wrong = visitor.submit("steer/fault", &[("path", ""), ("effect", "cut")]).await.expect(400);
    assert!(wrong.text.contains("Say which path"), "{}", wrong.text);
    visitor.submit("steer/lag", &[("profile", "worst"), ("scale", "0.5")]).await.expect(303);
    assert!((control.lag().scale - 0.5).abs() < f64::EPSILON);
    visitor.submit("steer/snapshot", &[("name", "before")]).await.expect(303);
    assert!(visitor.see("steer").await.expect(200).text.contains("before"));
    visitor.submit("steer/restore", &[("id", "999")]).await.expect(400);
}

#[tokio::test]
async fn the_log_says_why_and_follows() {
    let tenant = Tenant::start().await;
    let visitor = Visitor::enter(&tenant).await;
    tenant.send(tenant.http.get(tenant.url("/v1.0/users"))).await.expect(401);
    let page = visitor.see("log").await.expect(200);
    assert!(
        page.text.contains("InvalidAuthenticationToken") && page.text.contains("/v1.0/users"),
        "{}",
        page.text
    );
    let waiting = visitor.see("log/rows?after=1");
    let asking = tenant.send(tenant.http.get(tenant.url("/v1.0/me")));
    let (rows, _) = tokio::join!(waiting, asking);
    let rows = rows.expect(200);
    assert!(rows.text.contains("/v1.0/me") && rows.header("x-last") == "2", "{}", rows.text);
}
