//! `attache doctor` as whoever runs a service starts it: the real binary, a file of variables, and a tenant that
//! is well or is not. It must find what is wrong, say how to mend it, write nothing, and never show a secret.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_sandbox::Config;
use attache_tests::{DEADLINE, Home, Tenant};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// A service's application in a tenant, and the file of variables that the service is started with.
struct Service {
    tenant: Tenant,
    home: Home,
    client: Client,
    app_id: String,
    principal: String,
    secret: String,
    variables: Vec<(&'static str, String)>,
}

impl Service {
    /// An application with these permissions and a secret that ends after so many days.
    async fn with(permissions: &[&str], days: u64) -> Result<Self> {
        let tenant = Tenant::with(Config { allow_http_webhooks: true, ..Config::default() }).await?;
        let roles = serde_json::to_string(permissions)?;
        let plan = format!("[[apps]]\nname = \"Curate-Me Agent Identity\"\nroles = {roles}\n");
        tenant.control().plant(&plan).map_err(anyhow::Error::msg)?;
        let authorities = reqwest::Certificate::from_pem_bundle(&std::fs::read(tenant.ca())?)?;
        let client = Client::builder().tls_certs_merge(authorities).build()?;
        let home = Home::new()?;
        let (app_id, principal, secret) = Default::default();
        let mut service = Self { tenant, home, client, app_id, principal, secret, variables: Vec::new() };

        service.let_the_provisioner("Application.ReadWrite.All").await?;
        let all = service.graph(Method::GET, "/servicePrincipals", None).await?;
        let mut all = all["value"].as_array().context("principals")?.iter();
        let own = all.find(|one| one["displayName"] == "Curate-Me Agent Identity").context("its own")?;
        service.principal = text(own, "id")?;
        service.app_id = text(own, "appId")?;
        service.secret = service.add_secret("graph-secret-2026-06", days).await?;
        service.variables = vec![
            ("MICROSOFT_GRAPH_TENANT_ID", service.tenant.id().to_owned()),
            ("MICROSOFT_GRAPH_CLIENT_ID", service.app_id.clone()),
            ("MICROSOFT_GRAPH_CLIENT_SECRET", service.secret.clone()),
            ("M365_AGENT_USER_ID", service.user("ada")?),
            ("M365_DEFAULT_LICENSE_SKU_ID", "05e9a617-0261-4cee-bb44-138d3ef5d965".to_owned()),
        ];
        Ok(service)
    }

    /// What the runbook asks for, and nothing more.
    async fn good() -> Result<Self> {
        Self::with(&["Mail.Send", "User.Read.All", "Application.Read.All"], 200).await
    }

    fn user(&self, name: &str) -> Result<String> {
        let users = self.tenant.ready()["users"].as_array().context("users")?;
        let found = users.iter().find(|user| user["upn"].as_str().is_some_and(|upn| upn.starts_with(name)));
        text(found.with_context(|| format!("no {name}"))?, "id")
    }

    async fn token(&self, client_id: &str, secret: &str) -> Result<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", self.tenant.url(), self.tenant.id());
        text(&sent(self.client.post(url).form(&form)).await?, "access_token")
    }

    /// Graph as the tenant's provisioner.
    async fn graph(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let app = &self.tenant.ready()["apps"]["provisioner"];
        let token = self.token(&text(app, "client_id")?, &text(app, "client_secret")?).await?;
        self.call(&token, method, path, body).await
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let request =
            self.client.request(method, format!("{}/v1.0{path}", self.tenant.url())).bearer_auth(token);
        sent(if let Some(body) = &body { request.json(body) } else { request }).await
    }

    async fn let_the_provisioner(&self, permission: &str) -> Result<()> {
        let app = text(&self.tenant.ready()["apps"]["provisioner"], "client_id")?;
        let own = self.graph(Method::GET, &format!("/servicePrincipals(appId='{app}')"), None).await?;
        self.grant(&text(&own, "id")?, permission).await
    }

    async fn grant(&self, principal: &str, permission: &str) -> Result<()> {
        let graph = self
            .graph(Method::GET, "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", None)
            .await?;
        let role =
            graph["appRoles"].as_array().context("roles")?.iter().find(|role| role["value"] == permission);
        let body = json!({
            "principalId": principal, "resourceId": graph["id"], "appRoleId": role.context("the role")?["id"],
        });
        self.graph(Method::POST, &format!("/servicePrincipals/{principal}/appRoleAssignments"), Some(body))
            .await?;
        Ok(())
    }

    /// One more secret of the application, which ends a minute before so many days are over.
    async fn add_secret(&self, name: &str, days: u64) -> Result<String> {
        let ends = self.tenant.control().clock().now() + Duration::from_secs(days * 86_400 - 60);
        let body = json!({ "passwordCredential": { "displayName": name, "endDateTime": ends.to_string() } });
        let path = format!("/applications(appId='{}')/addPassword", self.app_id);
        text(&self.graph(Method::POST, &path, Some(body)).await?, "secretText")
    }

    /// The same service with another value of a variable; none, if it is empty.
    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(kept, _)| *kept != name);
        if !value.is_empty() {
            self.variables.push((name, value.to_owned()));
        }
    }

    fn file(&self) -> String {
        self.variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
    }

    /// Runs doctor on a file with this text, and holds against it what holds always.
    async fn run(&self, file: &str, arguments: &[&str]) -> Result<Output> {
        let path = self.home.path().join(".env.production");
        std::fs::write(&path, file)?;
        let mut command = self.home.attache(["doctor", "--env-file"])?;
        command.arg(&path).args([
            "--authority",
            self.tenant.url(),
            "--graph",
            self.tenant.url(),
            "--log",
            "trace",
        ]);
        command.arg("--ca").arg(self.tenant.ca()).args(arguments);
        let before = self.tenant.control().requests().len();
        let output =
            timeout(DEADLINE, command.kill_on_drop(true).output()).await.context("it did not end")??;
        for said in [&output.stdout, &output.stderr] {
            let said = String::from_utf8_lossy(said);
            for canary in [&self.secret[..], &self.secret[4..20]] {
                ensure!(!said.contains(canary), "the secret is on the screen:\n{said}");
            }
        }
        ensure!(!self.home.attache_home().exists(), "it wrote something");
        let requests = self.tenant.control().requests();
        let writes = requests.iter().skip(before).filter(|one| one.method != "GET");
        let writes: Vec<_> = writes.filter(|one| !one.path.ends_with("/oauth2/v2.0/token")).collect();
        ensure!(writes.is_empty(), "it did not only read: {writes:?}");
        Ok(output)
    }

    /// The objects that `--json` prints, the summary apart, and the exit status.
    async fn examined(&self) -> Result<Examined> {
        self.examined_of(&self.file()).await
    }

    async fn examined_of(&self, file: &str) -> Result<Examined> {
        let output = self.run(file, &["--json"]).await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let objects = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
        let mut checks =
            objects.with_context(|| format!("{said}{}", String::from_utf8_lossy(&output.stderr)))?;
        let summary = checks.pop().context("it said nothing")?;
        let status = output.status.code().context("it was killed")?;
        Ok(Examined { checks, summary, status })
    }

    /// A subscription of the application to mail of a mailbox, for so many hours.
    async fn subscribe(&self, user: &str, hours: u64) -> Result<()> {
        let token = self.token(&self.app_id, &self.secret).await?;
        let ends = self.tenant.control().clock().now() + Duration::from_secs(hours * 3_600);
        let hook = endpoint().await?;
        let body = json!({
            "changeType": "created", "resource": format!("/users/{user}/messages"), "notificationUrl": hook,
            "lifecycleNotificationUrl": hook, "clientState": "0123456789abcdef0123456789abcdef",
            "expirationDateTime": ends.to_string(),
        });
        self.call(&token, Method::POST, "/subscriptions", Some(body)).await?;
        Ok(())
    }

    /// Mail comes in too, to Ada.
    async fn receiving() -> Result<Self> {
        let permissions = ["Mail.Send", "User.Read.All", "Mail.Read", "Application.Read.All"];
        let mut service = Self::with(&permissions, 200).await?;
        service.set("M365_WEBHOOK_CLIENT_STATE", "0123456789abcdef0123456789abcdef");
        Ok(service)
    }
}

/// What doctor found.
struct Examined {
    checks: Vec<Value>,
    summary: Value,
    status: i32,
}

impl Examined {
    fn all(&self, name: &str) -> Vec<&Value> {
        self.checks.iter().filter(|check| check["check"] == name).collect()
    }

    /// The one check of this name, if it has this verdict.
    fn is(&self, name: &str, verdict: &str) -> Result<&Value> {
        let all = self.all(name);
        let check = *all.first().with_context(|| format!("no {name} among {:#?}", self.checks))?;
        ensure!(all.len() == 1 && check["verdict"] == verdict, "{name} is not {verdict}: {all:#?}");
        let has_remedy = check["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty());
        ensure!(verdict == "ok" || verdict == "skipped" || has_remedy, "no remedy: {check}");
        Ok(check)
    }

    fn failing(&self) -> Vec<&str> {
        let failing = self.checks.iter().filter(|check| check["verdict"] == "fail");
        failing.filter_map(|check| check["check"].as_str()).collect()
    }
}

fn text(value: &Value, name: &str) -> Result<String> {
    Ok(value[name].as_str().with_context(|| format!("no {name} in {value}"))?.to_owned())
}

async fn sent(request: RequestBuilder) -> Result<Value> {
    let response = request.send().await?;
    let (status, text) = (response.status(), response.text().await?);
    ensure!(status.is_success(), "{status} {text}");
    if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
}

/// Says back the token that Graph validates an endpoint with.
async fn endpoint() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut first = String::new();
                stream.read_line(&mut first).await?;
                let mut line = String::new();
                while stream.read_line(&mut line).await? > 2 {
                    line.clear();
                }
                let target = first.split(' ').nth(1).unwrap_or_default();
                let asked = url::Url::parse(&format!("http://x{target}")).ok();
                let token = asked.and_then(|url| {
                    url.query_pairs()
                        .find(|(name, _)| name == "validationToken")
                        .map(|(_, token)| token.into_owned())
                });
                let token = token.unwrap_or_default();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n";
                let answer = format!("{head}Content-Length: {}\r\n\r\n{token}", token.len());
                stream.get_mut().write_all(answer.as_bytes()).await
            });
        }
    });
    Ok(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_well_is_told_when_it_will_not_be() -> Result<()> {
    let service = Service::good().await?;
    let found = service.examined().await?;
    assert_eq!((found.failing(), found.status), (vec![], 0), "{:#?}", found.checks);
    for name in
        ["configuration", "secret", "authority", "clock", "token", "send_permission", "excess_permissions"]
    {
        found.is(name, "ok")?;
    }
    for name in ["agent_user", "licence", "aliases", "subscription"] {
        found.is(name, "ok")?;
    }
    // Every application that may send may send as everybody.
    assert!(text(found.is("send_reach", "warn")?, "remedy")?.contains("RBAC"));
    let credential = found.is("credential", "ok")?;
    assert!(text(credential, "seen")?.contains("\"graph-secret-2026-06\""), "{credential}");
    assert!(text(credential, "seen")?.contains("in use, expires"), "{credential}");
    // What it may not look at, it says, and by which permission it could.
    assert!(text(found.is("mailbox", "skipped")?, "remedy")?.contains("Mail.ReadBasic.All"));
    assert!(text(found.is("secret_policy", "skipped")?, "remedy")?.contains("Policy.Read.All"));
    assert_eq!(found.summary["sending"]["stops"], credential["ends"], "{}", found.summary);
    assert_eq!(found.summary["receiving"], Value::Null, "no variable is about receiving");

    let said = service.run(&service.file(), &[]).await?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("✓ ok       token"), "{said}");
    assert!(said.contains("Mail stops going out on 20") && said.contains("(in 199 days)"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains("coming in"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_entra_refuses_is_told_apart_by_its_number() -> Result<()> {
    let mut service = Service::good().await?;
    let secret = service.secret.clone();
    let wrong: String = secret.chars().rev().collect();
    service.set("MICROSOFT_GRAPH_CLIENT_SECRET", &wrong);
    let found = service.examined().await?;
    let token = found.is("token", "fail")?;
    assert!(text(token, "seen")?.contains("AADSTS7000215"), "{token}");
    assert_eq!((found.status, &found.summary["sending"]["stopped"]), (1, &json!(true)));
    found.is("credential", "skipped")?;

    // A truncated paste: Entra says the same, the length says why.
    service.set("MICROSOFT_GRAPH_CLIENT_SECRET", &secret[..22]);
    let found = service.examined().await?;
    assert!(text(found.is("secret", "warn")?, "means")?.contains("cut off"));
    assert!(text(found.is("token", "fail")?, "seen")?.contains("AADSTS7000215"));

    // The Secret ID instead of the Value.
    service.set("MICROSOFT_GRAPH_CLIENT_SECRET", "323626f5-1bfe-48cd-8902-ddfdfd44e1ce");
    let found = service.examined().await?;
    assert!(text(found.is("secret", "fail")?, "means")?.contains("Secret ID"));

    // Another application, and another tenant.
    service.set("MICROSOFT_GRAPH_CLIENT_SECRET", &secret);
    service.set("MICROSOFT_GRAPH_CLIENT_ID", "323626f5-1bfe-48cd-8902-ddfdfd44e1ce");
    let found = service.examined().await?;
    let token = found.is("token", "fail")?;
    assert!(text(token, "seen")?.contains("AADSTS700016"), "{token}");
    assert!(text(token, "means")?.contains("MICROSOFT_GRAPH_TENANT_ID"), "{token}");
    service.set("MICROSOFT_GRAPH_TENANT_ID", "323626f5-1bfe-48cd-8902-ddfdfd44e1ce");
    let found = service.examined().await?;
    assert!(text(found.is("authority", "fail")?, "seen")?.contains("AADSTS90002"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_secret_is_named_and_one_that_ends_soon_is_warned_of() -> Result<()> {
    let service = Service::with(&["Mail.Send", "User.Read.All", "Application.Read.All"], 20).await?;
    service.add_secret("graph-secret-2026-12", 400).await?;
    let found = service.examined().await?;
    let all = found.all("credential");
    assert_eq!(all.len(), 2, "{all:#?}");
    let soon = all.iter().find(|check| check["verdict"] == "warn").context("the one that ends soon")?;
    assert!(text(soon, "seen")?.contains("(in 19 days)"), "{soon}");
    assert!(text(soon, "remedy")?.contains("MICROSOFT_GRAPH_CLIENT_SECRET"), "{soon}");
    assert_eq!(found.summary["sending"]["stops"], soon["ends"], "{}", found.summary);
    assert_eq!(found.status, 0, "a warning is no failure");

    service.tenant.control().clock().advance(Duration::from_secs(21 * 86_400));
    let found = service.examined().await?;
    let token = found.is("token", "fail")?;
    assert!(text(token, "seen")?.contains("AADSTS7000222"), "{token}");
    assert!(text(token, "means")?.contains("expired"), "{token}");
    assert_eq!(found.status, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_excess_permissions_are_named() -> Result<()> {
    let service = Service::with(&["User.Read.All", "Application.Read.All"], 200).await?;
    let found = service.examined().await?;
    let missing = found.is("send_permission", "fail")?;
    assert!(text(missing, "seen")?.contains("Mail.Send is missing"), "{missing}");
    assert!(text(missing, "remedy")?.contains("Grant admin consent"), "{missing}");
    assert_eq!((found.failing(), found.status), (vec!["send_permission"], 1));
    assert_eq!(found.summary["sending"]["because"], "send_permission");

    service.grant(&service.principal, "Mail.Send").await?;
    service.grant(&service.principal, "Directory.ReadWrite.All").await?;
    let found = service.examined().await?;
    let excess = found.is("excess_permissions", "warn")?;
    assert!(text(excess, "seen")?.contains("Directory.ReadWrite.All"), "{excess}");
    assert!(text(excess, "means")?.contains("owns the tenant"), "{excess}");

    // Without the right to see its own credentials, it says so and says nothing of when mail stops.
    let blind = Service::with(&["Mail.Send", "User.Read.All"], 200).await?;
    let found = blind.examined().await?;
    assert!(text(found.is("credential", "skipped")?, "remedy")?.contains("Application.Read.All"));
    assert_eq!(found.summary["sending"]["stops"], Value::Null);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_lapsed_stops_what_comes_in() -> Result<()> {
    let service = Service::receiving().await?;
    let found = service.examined().await?;
    let none = found.is("subscription", "fail")?;
    assert!(text(none, "seen")?.contains("none watches the mailbox"), "{none}");
    assert_eq!(found.summary["receiving"]["because"], "subscription");
    assert_eq!(found.summary["sending"]["stopped"], false, "mail still goes out");
    found.is("mailbox", "ok")?;
    found.is("read_permission", "ok")?;
    found.is("client_state", "ok")?;

    service.subscribe(&service.user("ada")?, 100).await?;
    let found = service.examined().await?;
    // It is on this machine, which Microsoft's could not reach.
    let lives = found.is("subscription", "warn")?;
    assert!(text(lives, "seen")?.contains("(in 4 days)"), "{lives}");
    assert!(text(lives, "seen")?.contains("renewed since"), "{lives}");
    assert!(text(lives, "means")?.contains("not https"), "{lives}");
    assert_eq!(found.status, 0, "{:#?}", found.checks);
    assert_eq!(found.summary["receiving"]["stops"], lives["ends"]);

    service.tenant.control().clock().advance(Duration::from_secs(101 * 3_600));
    let found = service.examined().await?;
    // Only the tenant's clock went on: by this machine's, the subscription would still live.
    let failing = vec!["clock", "subscription"];
    assert_eq!((found.failing(), found.status), (failing, 1), "{:#?}", found.checks);
    assert_eq!(found.summary["receiving"]["because"], "subscription");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_licence_and_one_that_is_not_there_are_told_apart() -> Result<()> {
    let mut service = Service::receiving().await?;
    service
        .tenant
        .control()
        .plant("[[users]]\nupn = \"poor\"\nlicences = []\n")
        .map_err(anyhow::Error::msg)?;
    let poor = service.graph(Method::GET, "/users/poor@contoso.example", None).await?;
    service.set("M365_AGENT_USER_ID", &text(&poor, "id")?);
    let found = service.examined().await?;
    found.is("agent_user", "ok")?;
    assert!(text(found.is("licence", "fail")?, "remedy")?.contains("Exchange Online"));
    assert!(text(found.is("mailbox", "fail")?, "seen")?.contains("MailboxNotEnabledForRESTAPI"));
    let stopped = text(&found.summary["sending"], "because")?;
    assert_eq!(stopped, "licence, mailbox");

    service.set("M365_AGENT_USER_ID", "323626f5-1bfe-48cd-8902-ddfdfd44e1ce");
    let found = service.examined().await?;
    assert!(text(found.is("agent_user", "fail")?, "seen")?.contains("there is no user"));
    assert!(found.all("licence").is_empty(), "what is not there has no licence");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_alias_and_a_wrong_shared_mailbox_come_with_what_mends_them() -> Result<()> {
    let mut service = Service::receiving().await?;
    service.set("M365_CONSUMER_INGEST_USER_ID", &service.user("grace")?);
    service.set("M365_CONSUMER_INGEST_ADDRESS", "grace+t0ken@contoso.example");
    service.subscribe(&service.user("grace")?, 100).await?;
    let found = service.examined().await?;
    found.is("ingest_user", "ok")?;
    found.is("ingest_address", "ok")?;
    assert_eq!(found.status, 0, "{:#?}", found.checks);

    service.set("M365_CONSUMER_INGEST_ADDRESS", "family@contoso.example");
    let found = service.examined().await?;
    assert!(text(found.is("ingest_address", "fail")?, "remedy")?.contains("smtp:family@contoso.example"));

    let output = service.run(&service.file(), &["--alias", "dev-team@contoso.example"]).await?;
    let said = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("add='smtp:dev-team@contoso.example'"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_as_its_writers_write_them() -> Result<()> {
    let service = Service::good().await?;
    let quoted: String =
        service.variables.iter().map(|(name, value)| format!("export {name}=\"{value}\"\r\n")).collect();
    let found = service.examined_of(&format!("\u{feff}# production\r\n\r\n{quoted}")).await?;
    found.is("token", "ok")?;
    assert!(text(found.is("env_file", "warn")?, "seen")?.contains("CR LF"));

    let padded = service.file().replace(&service.secret, &format!("{}  ", service.secret));
    let found = service.examined_of(&padded).await?;
    assert!(text(found.is("secret", "warn")?, "seen")?.contains("white space"));
    found.is("token", "ok")?;

    let twice = format!("MICROSOFT_GRAPH_CLIENT_SECRET=old\n{}", service.file());
    let found = service.examined_of(&twice).await?;
    assert!(text(found.is("env_file", "warn")?, "seen")?.contains("the last one counts"));

    let found = service.examined_of("MICROSOFT_GRAPH_TENANT_ID=<your-tenant-id>\n").await?;
    let seen = text(found.is("configuration", "fail")?, "seen")?;
    for name in ["TENANT_ID still holds its placeholder", "CLIENT_ID is missing", "CLIENT_SECRET is missing"]
    {
        assert!(seen.contains(name), "{seen}");
    }
    found.is("token", "skipped")?;
    assert_eq!(found.status, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_it_reads_its_own_environment_and_a_file_that_is_not_there_is_misuse() -> Result<()> {
    let service = Service::good().await?;
    let mut command = service.home.attache(["doctor", "--json"])?;
    command.args(["--authority", service.tenant.url(), "--graph", service.tenant.url()]);
    command.arg("--ca").arg(service.tenant.ca()).envs(service.variables.clone());
    let output = timeout(DEADLINE, command.kill_on_drop(true).output()).await.context("it did not end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(r#""summary":true"#) && !said.contains(&service.secret), "{said}");

    let mut command = service.home.attache(["doctor", "--env-file", "/nowhere/.env", "--json"])?;
    let output = command.output().await?;
    let said: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((output.status.code(), &said["error"]["code"]), (Some(2), &json!("env_file_unreadable")));
    Ok(())
}
