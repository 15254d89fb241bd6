//! The edge: mail from outside by the control API and by SMTP, mail to the outside, and other tenants.

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cast::{sign_in, tenant};
use crate::mail_support::{SCOPES, consent, folder, header, inject, letter, mail_tenant, send, spool};
use crate::support::{Tenant, config, standing};

async fn smtp_tenant(relay: Option<String>) -> Tenant {
    let mut config = config();
    config.clock = standing();
    config.smtp_listen = Some("127.0.0.1:0".parse().unwrap());
    config.smtp_relay = relay;
    let tenant = Tenant::start_with(config).await;
    consent(&tenant, SCOPES).await;
    tenant
}

/// Says everything at once and reads until the other side hangs up.
async fn talk(tenant: &Tenant, text: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(tenant.sandbox.smtp_address().unwrap()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    all.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn mail_from_outside_is_injected_with_what_the_edge_found() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let raw = "From: Zoë <zoe@fabrikam.example>\r\nTo: ada+orders@contoso.example\r\nSubject: Order\r\n\
        Message-ID: <7@fabrikam.example>\r\nAuthentication-Results: forged; spf=pass\r\n\
        X-MS-Exchange-Organization-AuthAs: Internal\r\n\r\nplease\r\n";
    let results = "spf=fail smtp.mailfrom=fabrikam.example; dmarc=fail";
    let letter = json!({ "from": "bounce@fabrikam.example", "to": ["ada+orders@contoso.example"], "raw": raw, "authentication_results": results });
    inject(&tenant, letter).await.expect(201);
    let got = &folder(&tenant, &ada, "inbox").await[0];
    assert_eq!(got["internetMessageId"], "<7@fabrikam.example>");
    assert_eq!(got["from"]["emailAddress"], json!({ "name": "Zoë", "address": "zoe@fabrikam.example" }));
    assert_eq!(got["toRecipients"][0]["emailAddress"]["address"], "ada+orders@contoso.example");
    assert_eq!(header(got, "Authentication-Results"), Some(results));
    assert_eq!(header(got, "X-MS-Exchange-Organization-AuthAs"), Some("Anonymous"));
    assert_eq!(header(got, "Return-Path"), Some("bounce@fabrikam.example"));
    let all = got["internetMessageHeaders"].as_array().unwrap();
    assert_eq!(
        all.iter().filter(|one| one["name"] == "Authentication-Results").count(),
        1,
        "the forged one is gone"
    );

    let request = tenant.http.post(tenant.url("/_sandbox/mail?from=&to=ada@contoso.example&junk=true"));
    let request =
        request.bearer_auth(&tenant.sandbox.ready().control_token).header("content-type", "message/rfc822");
    tenant.send(request.body("Subject: bulk\r\n\r\nx")).await.expect(201);
    assert_eq!(folder(&tenant, &ada, "junkemail").await[0]["subject"], "bulk");
    let nobody = json!({ "from": "a@b.example", "to": "nobody@contoso.example", "text": "x" });
    inject(&tenant, nobody).await.expect(422);
}

#[tokio::test]
async fn a_test_waits_until_mail_arrives() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let waiting = tenant.control(Method::GET, "mail?to=grace@contoso.example&subject=ready&wait=10s", None);
    let sending = async {
        send(&tenant, &ada, letter("Unready", &["alan@contoso.example"])).await.expect(202);
        send(&tenant, &ada, letter("Ready", &["grace@contoso.example"])).await.expect(202);
    };
    let (found, ()) = tokio::join!(waiting, sending);
    let found = found.expect(200);
    assert_eq!((found.text("/value/0/subject"), found.text("/value/0/text")), ("Ready", "hello"));
    let none =
        tenant.control(Method::GET, "mail?to=nobody@contoso.example&wait=10ms", None).await.expect(200);
    assert_eq!(none.json["value"], json!([]));
    tenant.control(Method::GET, "mail?wait=soon", None).await.expect(400);
}

#[tokio::test]
async fn mail_to_the_outside_lies_in_the_spool() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    send(&tenant, &ada, letter("Out", &["zoe@fabrikam.example", "grace@contoso.example"])).await.expect(202);
    let out = &spool(&tenant).await[0];
    assert_eq!((&out["from"], &out["to"]), (&json!("ada@contoso.example"), &json!(["zoe@fabrikam.example"])));
    assert_eq!((&out["subject"], &out["text"]), (&json!("Out"), &json!("hello")));
    let mime = tenant.control(Method::GET, &format!("mail/outgoing/{}", out["id"]), None).await.expect(200);
    assert!(mime.text("/mime").contains("To: <zoe@fabrikam.example>, \"Grace Hopper\""), "{}", mime.text);
    tenant.control(Method::DELETE, "mail/outgoing", None).await.expect(204);
    assert!(spool(&tenant).await.is_empty());
}

#[tokio::test]
async fn smtp_takes_mail_for_its_own_users() {
    let tenant = smtp_tenant(None).await;
    let said = talk(
        &tenant,
        "EHLO client\r\nMAIL FROM:<zoe@fabrikam.example> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<nobody@contoso.example>\r\n\
         RCPT TO:<zoe@elsewhere.example>\r\nRCPT TO:<ada+x@contoso.example>\r\nDATA\r\nSubject: By SMTP\r\n\
         From: zoe@fabrikam.example\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
    )
    .await;
    let codes: Vec<&str> = said.iter().map(|line| &line[..3]).collect();
    assert_eq!(
        codes,
        ["220", "250", "250", "250", "250", "250", "250", "250", "550", "550", "250", "354", "250", "221"]
    );
    assert!(said.iter().any(|line| line == "250-SIZE 36700160"), "{said:?}");
    assert!(said[8].starts_with("550 5.1.10"), "{said:?}");
    let ada = sign_in(&tenant, "ada").await;
    let got = &folder(&tenant, &ada, "inbox").await[0];
    assert_eq!((&got["subject"], &got["bodyPreview"]), (&json!("By SMTP"), &json!(".dot")));
    assert_eq!(header(got, "X-MS-Exchange-Organization-AuthAs"), Some("Anonymous"));

    let long = format!("{}\r\n", "x".repeat(5_000));
    assert!(talk(&tenant, &long).await[1].starts_with("500"));
}

#[tokio::test]
async fn mail_goes_on_to_the_named_host() {
    // Another sandbox with other domains' users is the host; it knows Ada, and nobody at outside.example.
    let host = smtp_tenant(None).await;
    let relay = host.sandbox.smtp_address().unwrap().to_string();
    let tenant = smtp_tenant(Some(relay)).await;
    let ada = sign_in(&tenant, "ada").await;
    send(&tenant, &ada, letter("On", &["zoe@outside.example"])).await.expect(202);
    let waited = tenant
        .control(Method::GET, "mail?to=ada@contoso.example&subject=Undeliverable&wait=20s", None)
        .await
        .expect(200);
    assert!(waited.text("/value/0/text").contains("5.7.54"), "{}", waited.text);
    assert_eq!(spool(&tenant).await[0]["carried"], true);
}

#[tokio::test]
async fn tenants_of_one_sandbox_write_to_each_other() {
    let tenant = tenant().await;
    consent(&tenant, SCOPES).await;
    let made = tenant.control(Method::POST, "tenants", Some(json!({ "seed": 7 }))).await.expect(201);
    let domain = made.text("/domain").to_owned();
    let other = made.text("/tenant_id").to_owned();
    let ada = sign_in(&tenant, "ada").await;
    let address = made.json["users"][0]["upn"].as_str().unwrap().to_owned();
    assert!(address.ends_with(&domain));
    send(&tenant, &ada, letter("Across", &[&address, &format!("nobody@{domain}")])).await.expect(202);
    let path = format!("tenants/{other}/mail?to={address}&wait=20s");
    let got = tenant.control(Method::GET, &path, None).await.expect(200);
    assert_eq!((got.text("/value/0/subject"), got.text("/value/0/from")), ("Across", "ada@contoso.example"));
    let back = tenant
        .control(Method::GET, "mail?to=ada@contoso.example&subject=Undeliverable&wait=20s", None)
        .await
        .expect(200);
    assert!(back.text("/value/0/text").contains(&format!("nobody@{domain}")), "{}", back.text);
}

#[tokio::test]
async fn what_the_edge_finds_of_mail_by_smtp_is_chosen() {
    let tenant = smtp_tenant(None).await;
    let grace = sign_in(&tenant, "grace").await;
    let results = async |subject: &str| {
        let letter = format!(
            "EHLO a\r\nMAIL FROM:<x@fabrikam.example>\r\nRCPT TO:<grace@contoso.example>\r\nDATA\r\n\
             From: x@fabrikam.example\r\nSubject: {subject}\r\nAuthentication-Results: spf=pass\r\n\r\n\
             Hello\r\n.\r\nQUIT\r\n"
        );
        talk(&tenant, &letter).await;
        let inbox = folder(&tenant, &grace, "inbox").await;
        let got = inbox.iter().find(|one| one["subject"] == subject).unwrap();
        header(got, "Authentication-Results").unwrap().to_owned()
    };
    assert!(results("First").await.starts_with("spf=none"));
    for chosen in ["spf=fail smtp.mailfrom=fabrikam.example; dmarc=fail", "spf=pass; dmarc=pass"] {
        let body = json!({ "authentication_results": chosen });
        let set = tenant.control(Method::PATCH, "mail/settings", Some(body)).await.expect(200);
        assert_eq!(
            (set.text("/authentication_results"), &set.json["send_from_alias"]),
            (chosen, &json!(false))
        );
        assert_eq!(results(chosen).await, chosen);
    }
    let none = json!({ "authentication_results": "" });
    tenant.control(Method::PATCH, "mail/settings", Some(none)).await.expect(200);
    assert!(results("Last").await.starts_with("spf=none"));
}
