//! `attache sandbox` and its subcommands, as people and programs use them: one process serves, others find it.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Home, Lines, Person, Tenant, attache};
use serde_json::{Value, json};
use tokio::time::timeout;

/// A sandbox in a process of its own.
struct Served {
    home: Home,
    lines: Lines,
    ready: Value,
}

impl Served {
    async fn start() -> Result<Self> {
        let home = Home::new()?;
        let command = home.attache(["sandbox", "--json", "--listen", "127.0.0.1:0"])?;
        let mut lines = Lines::start(command, &home.path().join("sandbox-stderr.log"))?;
        let ready = lines.hear().await?;
        Ok(Self { home, lines, ready })
    }

    async fn output(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.home.attache(["sandbox"])?;
        let output = command.args(arguments).kill_on_drop(true).output();
        timeout(DEADLINE, output).await.context("it did not end")?.context("starting attache")
    }

    /// What a subcommand prints, when it ends well.
    async fn text(&self, arguments: &[&str]) -> Result<String> {
        let output = self.output(arguments).await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?} ended with {}: {errors}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The objects that a subcommand prints with `--json`.
    async fn objects(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let text = self.text(&[arguments, &["--json"]].concat()).await?;
        text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    async fn object(&self, arguments: &[&str]) -> Result<Value> {
        self.objects(arguments).await?.into_iter().next().context("it printed nothing")
    }

    /// What a subcommand prints with `--json` when it fails, and its exit status.
    async fn failure(&self, arguments: &[&str]) -> Result<(String, i32)> {
        let output = self.output(&[arguments, &["--json"]].concat()).await?;
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let code = said["error"]["code"].as_str().with_context(|| said.to_string())?;
        ensure!(said["error"]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{said}");
        Ok((code.to_owned(), output.status.code().context("it was killed")?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_finds_a_sandbox_that_starts_meanwhile_and_tells_when_none_does() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.attache(["sandbox", "wait", "--timeout", "300ms", "--json"])?;
    let none = command.output().await?;
    assert_eq!(none.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&none.stdout)?;
    assert_eq!(said["error"]["code"], "sandbox_not_ready", "{said}");

    let mut waiting = home.attache(["sandbox", "wait", "--timeout", "30s", "--json"])?;
    let waiting = waiting.kill_on_drop(true).output();
    let serve = home.attache(["sandbox", "--json", "--listen", "127.0.0.1:0"])?;
    let mut lines = Lines::start(serve, &home.path().join("stderr.log"))?;
    let ready = lines.hear().await?;
    let waited = timeout(DEADLINE, waiting).await.context("it did not end")??;
    assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stderr));
    let said: Value = serde_json::from_slice(&waited.stdout)?;
    assert_eq!((&said["ok"], &said["url"]), (&json!(true), &ready["url"]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_file_lasts_as_long_as_its_sandbox() -> Result<()> {
    let served = Served::start().await?;
    let folder = served.home.attache_home().join("run");
    assert_eq!(std::fs::read_dir(&folder)?.count(), 1);
    ensure!(served.lines.terminate().await?.success(), "it did not end well");
    assert_eq!(std::fs::read_dir(&folder)?.count(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sandboxes_are_not_mistaken_for_each_other() -> Result<()> {
    let one = Served::start().await?;
    let command = one.home.attache(["sandbox", "--json", "--listen", "127.0.0.1:0"])?;
    let mut other = Lines::start(command, &one.home.path().join("other-stderr.log"))?;
    let ready = other.hear().await?;
    assert_eq!(one.failure(&["time"]).await?, ("several_sandboxes".to_owned(), 2));
    let url = ready["url"].as_str().context("its url")?;
    one.text(&["time", "--url", url]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn env_and_exec_give_programs_what_they_need() -> Result<()> {
    let served = Served::start().await?;
    let variables = served.object(&["env"]).await?;
    assert_eq!(variables["AZURE_AUTHORITY_HOST"], served.ready["url"]);
    assert_eq!(variables["AZURE_TENANT_ID"], served.ready["tenant_id"]);
    assert_eq!(variables["NODE_EXTRA_CA_CERTS"], served.ready["ca"]);
    assert_eq!(variables["AZURE_CLIENT_CERTIFICATE_PATH"], Value::Null);
    let bundle = std::fs::read_to_string(variables["SSL_CERT_FILE"].as_str().context("a bundle")?)?;
    let own = std::fs::read_to_string(served.ready["ca"].as_str().context("the authorities")?)?;
    assert!(bundle.ends_with(&own), "ours stand after the system's");

    // A shell that evaluates what is printed, and a program that is run, see the same.
    let script = r#"eval "$("$0" sandbox env --shell sh)"; printf %s "$SSL_CERT_FILE $AZURE_CLIENT_SECRET""#;
    let evaluated = served.home.program("sh").arg("-c").arg(script).arg(attache()?).output().await?;
    let print = r#"printf %s "$SSL_CERT_FILE $AZURE_CLIENT_SECRET""#;
    let run = served.text(&["exec", "--", "sh", "-c", print]).await?;
    assert_eq!(String::from_utf8_lossy(&evaluated.stdout), run);
    assert!(run.ends_with(served.ready["apps"]["provisioner"]["client_secret"].as_str().unwrap_or("?")));

    let curl = r#"curl --silent --fail "$ATTACHE_SANDBOX_URL/$AZURE_TENANT_ID/v2.0/.well-known/openid-configuration""#;
    let discovered: Value = serde_json::from_str(&served.text(&["exec", "sh", "-c", curl]).await?)?;
    assert!(discovered["issuer"].as_str().is_some_and(|issuer| issuer.ends_with("/v2.0")));
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn exec_ends_as_its_program_does_and_passes_signals_on() -> Result<()> {
    let served = Served::start().await?;
    assert_eq!(served.output(&["exec", "sh", "-c", "exit 7"]).await?.status.code(), Some(7));
    assert_eq!(served.output(&["exec", "--fresh", "sh", "-c", "exit 7"]).await?.status.code(), Some(7));
    let killed = served.output(&["exec", "--fresh", "sh", "-c", "kill -KILL $$"]).await?;
    assert_eq!(killed.status.code(), Some(137));
    assert_eq!(served.output(&["exec", "no-such-program"]).await?.status.code(), Some(127));

    for own in [&["--fresh"][..], &[]] {
        let script =
            r#"trap 'echo "{\"heard\":1}"; exit 3' TERM; echo "{\"pid\":$$}"; while :; do read x || :; done"#;
        let mut command = served.home.attache(["sandbox", "exec"])?;
        command.args(own).args(["--", "sh", "-c", script]);
        let mut lines = Lines::start(command, &served.home.path().join("exec-stderr.log"))?;
        lines.hear().await?;
        lines.ask_to_end().await?;
        assert_eq!(lines.hear().await?, json!({ "heard": 1 }), "{own:?}");
        assert_eq!(lines.end().await?.0.code(), Some(3), "{own:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_tenant_is_gone_when_its_program_has_ended() -> Result<()> {
    let served = Served::start().await?;
    let fresh = served.text(&["exec", "--fresh", "sh", "-c", "printf %s $AZURE_TENANT_ID"]).await?;
    assert_ne!(fresh, served.ready["tenant_id"].as_str().unwrap_or_default());
    let left = served.objects(&["tenants", "list"]).await?;
    assert_eq!(left.len(), 1, "{left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_clock_lag_and_faults_are_steered() -> Result<()> {
    let served = Served::start().await?;
    let tenant = served.object(&["tenants", "add", "--seed", "4"]).await?;
    let id = tenant["tenant_id"].as_str().context("its id")?;
    served.text(&["time", "set", "2030-01-01T00:00:00Z", "--tenant", id]).await?;
    let moved = served.object(&["time", "advance", "1d", "--tenant", id]).await?;
    assert!(moved["now"].as_str().is_some_and(|now| now.starts_with("2030-01-02T00:00:")), "{moved}");
    let other = served.object(&["time"]).await?;
    assert!(!other["now"].as_str().is_some_and(|now| now.starts_with("2030")), "{other}");

    served.text(&["lag", "typical", "--scale", "0.5"]).await?;
    let lag = served.object(&["lag"]).await?;
    assert_eq!((&lag["profile"], &lag["scale"]), (&json!("typical"), &json!(0.5)));

    served.text(&["throttling", "documented", "--scale", "2", "--retry-after", "always"]).await?;
    let throttling = served.object(&["throttling"]).await?;
    assert_eq!(throttling, json!({ "limits": "documented", "scale": 2.0, "retry_after": "always" }));
    served.text(&["throttling", "off"]).await?;

    let rule = ["fault", "add", "/v1.0/**", "--status", "503", "--retry-after", "7", "--count", "1"];
    let added = served.object(&rule).await?;
    let fail = r#"curl -si "$ATTACHE_SANDBOX_URL/v1.0/users""#;
    let failed = served.text(&["exec", "sh", "-c", fail]).await?;
    assert!(failed.contains(" 503") && failed.to_ascii_lowercase().contains("retry-after: 7"), "{failed}");
    let listed = served.object(&["fault", "list"]).await?;
    assert_eq!((&listed["id"], &listed["applied"]), (&added["id"], &json!(1)));
    served.text(&["fault", "remove", &added["id"].to_string()]).await?;
    assert_eq!(served.failure(&["fault", "remove", "1"]).await?, ("not_found".to_owned(), 1));
    assert_eq!(served.failure(&["time", "--token", "wrong"]).await?, ("control_token".to_owned(), 1));
    served.text(&["tenants", "remove", id]).await?;
    Ok(())
}

/// Asks Graph with curl as the provisioner, and prints the status.
const GRAPH: &str = r#"
token=$(curl -s "$ATTACHE_SANDBOX_URL/$AZURE_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
  -d client_id="$AZURE_CLIENT_ID" --data-urlencode client_secret="$AZURE_CLIENT_SECRET" \
  --data-urlencode scope=https://graph.microsoft.com/.default | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$ATTACHE_SANDBOX_URL/v1.0$1"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_came_in_and_why_it_was_refused() -> Result<()> {
    let served = Served::start().await?;
    let refused = served.text(&["exec", "sh", "-c", GRAPH, "sh", "/users/ada@contoso.example/chats"]).await?;
    assert_eq!(refused, "403");
    let request = served.object(&["log", "--path", "/v1.0/**", "--status", "4xx", "--wait", "5s"]).await?;
    let missing = request["decision"]["missing"].as_array().context("what it needs")?;
    assert!(missing.contains(&json!("Chat.Read.All")), "{request}");
    assert_eq!(served.objects(&["log", "--last", "1"]).await?.len(), 1);
    served.text(&["log", "--clear"]).await?;
    assert_eq!(served.failure(&["log", "--wait", "100ms"]).await?, ("nothing_came".to_owned(), 1));

    let mut command = served.home.attache(["sandbox", "log", "--follow", "--json"])?;
    command.kill_on_drop(true);
    let mut follow = Lines::start(command, &served.home.path().join("follow-stderr.log"))?;
    served.text(&["exec", "sh", "-c", GRAPH, "sh", "/users"]).await?;
    let [token, users] = [follow.hear().await?, follow.hear().await?];
    assert_eq!((&token["grant_type"], &users["path"]), (&json!("client_credentials"), &json!("/v1.0/users")));
    ensure!(follow.terminate().await?.success(), "it did not end well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_put_back_to_a_snapshot_and_to_its_beginning() -> Result<()> {
    let served = Served::start().await?;
    let kept = served.object(&["snapshot", "create", "before"]).await?;
    assert_eq!(served.object(&["snapshot", "list"]).await?, kept);
    served.text(&["snapshot", "restore", "before"]).await?;
    let id = kept["id"].to_string();
    served.text(&["snapshot", "delete", &id]).await?;
    assert_eq!(served.failure(&["snapshot", "restore", &id]).await?, ("not_found".to_owned(), 1));

    served.text(&["fault", "add", "/v1.0/**", "--status", "503", "--every", "2"]).await?;
    served.text(&["lag", "worst", "--set", "mailbox=5m"]).await?;
    assert_eq!(served.object(&["reset"]).await?["tenant_id"], served.ready["tenant_id"]);
    assert!(served.objects(&["fault", "list"]).await?.is_empty());
    assert_eq!(served.object(&["lag"]).await?["profile"], "none");

    served.text(&["time", "stand"]).await?;
    let [one, other] = [served.object(&["time"]).await?, served.object(&["time"]).await?];
    assert_eq!((&one["now"], &one["pace"]), (&other["now"], &json!(0.0)));
    assert!(served.objects(&["chat", "list"]).await?.is_empty());
    assert_eq!(served.failure(&["chat", "wait", "--timeout", "100ms"]).await?.0, "nothing_came");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_authority_for_loopback_names_may_be_trusted() -> Result<()> {
    let served = Served::start().await?;
    let bundle = served.ready["ca"].as_str().context("the authorities")?;
    let both = std::fs::read_to_string(bundle)?;
    let second = both.rfind("-----BEGIN").map(|at| &both[at..]).context("two authorities")?;
    let microsoft = served.home.path().join("microsoft.pem");
    std::fs::write(&microsoft, second)?;
    let microsoft = microsoft.display().to_string();
    for refused in [bundle, &microsoft] {
        let (code, status) = served.failure(&["trust", "--plan", "--ca", refused]).await?;
        assert_eq!((code.as_str(), status), ("authority_refused", 2));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_says_something_in_a_chat() -> Result<()> {
    let tenant = Tenant::start().await?;
    let ada = Person::sign_in(&tenant, 0).await?;
    let member = |user: usize| {
        let user = &tenant.ready()["users"][user];
        json!({
            "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
            "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{}')", user["id"].as_str().unwrap_or_default()),
        })
    };
    let body = json!({ "chatType": "oneOnOne", "members": [member(0), member(1)] });
    let chat = ada.post("/chats", &body).await?;
    let chat = chat["id"].as_str().context("the chat's id")?;

    let home = Home::new()?;
    let (url, ca) = (tenant.url().to_owned(), tenant.ca().display().to_string());
    let token = tenant.ready()["control_token"].as_str().context("the control token")?.to_owned();
    let grace = tenant.ready()["users"][1]["upn"].as_str().context("a second user")?;
    let run = async |arguments: &[&str]| -> Result<(Option<i32>, Value)> {
        let mut command = home.attache(["sandbox", "chat"])?;
        command.args(arguments).args(["--url", &url, "--token", &token, "--ca", &ca, "--json"]);
        let output =
            timeout(DEADLINE, command.kill_on_drop(true).output()).await.context("it did not end")??;
        let said = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok((output.status.code(), said))
    };
    let (status, made) = run(&["post", chat, "<b>Ready?</b>", "--html", "--from", grace]).await?;
    assert_eq!((status, &made["from"]["user"]["id"]), (Some(0), &tenant.ready()["users"][1]["id"]), "{made}");
    let read = ada.get(&format!("/chats/{chat}/messages")).await?;
    assert_eq!(
        (&read["value"][0]["id"], &read["value"][0]["body"]["contentType"]),
        (&made["id"], &json!("html"))
    );
    let (status, found) = run(&["wait", "--from", grace, "--contains", "Ready?", "--timeout", "5s"]).await?;
    assert_eq!((status, &found["id"]), (Some(0), &made["id"]), "{found}");
    let (status, said) = run(&["post", chat, "Hello?", "--from", "nobody@contoso.example"]).await?;
    assert_eq!((status, &said["error"]["code"]), (Some(1), &json!("not_found")), "{said}");
    Ok(())
}

/// Gives the provisioner `Mail.Send` of Graph and sends mail with it.
const SEND: &str = r#"
set -e
token() {
  curl -sf "$ATTACHE_SANDBOX_URL/$AZURE_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
    -d client_id="$AZURE_CLIENT_ID" --data-urlencode client_secret="$AZURE_CLIENT_SECRET" \
    --data-urlencode scope=https://graph.microsoft.com/.default | sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}
graph() {
  curl -sf -H "Authorization: Bearer $(token)" -H 'Content-Type: application/json' "$ATTACHE_SANDBOX_URL/v1.0$@"
}
id() { graph "/servicePrincipals(appId='$1')?\$select=id" | sed 's/.*[{,]"id":"\([0-9a-f-]*\)".*/\1/'; }
own=$(id "$AZURE_CLIENT_ID")
resource=$(id 00000003-0000-0000-c000-000000000000)
graph "/servicePrincipals/$own/appRoleAssignments" -o /dev/null -d "{ \"principalId\": \"$own\",
  \"resourceId\": \"$resource\", \"appRoleId\": \"b633e1c5-b582-4048-a93e-9f11b44c7e96\" }"
graph "/users/$1/sendMail" -d "{ \"message\": { \"subject\": \"An offer\",
  \"body\": { \"contentType\": \"Text\", \"content\": \"Eighty.\" },
  \"toRecipients\": [{ \"emailAddress\": { \"address\": \"$2\" } }] } }"
"#;

const LETTER: &str = "From: Buyer <buyer@outside.example>\r\nTo: somebody@contoso.example\r\n\
    Subject: A question\r\nMessage-ID: <1@outside.example>\r\n\r\nHow much is it?\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_listed_awaited_and_injected() -> Result<()> {
    let served = Served::start().await?;
    let ada = served.ready["users"][0]["upn"].as_str().context("a user")?;
    assert!(served.objects(&["mail", "list"]).await?.is_empty());
    let awaiting = ["mail", "list", "--to", ada, "--subject", "question", "--wait", "100ms"];
    assert_eq!(served.failure(&awaiting).await?, ("nothing_came".to_owned(), 1));

    let letter = served.home.path().join("letter.eml");
    std::fs::write(&letter, LETTER)?;
    let letter = letter.display().to_string();
    let results = "spf=fail smtp.mailfrom=outside.example; dkim=none";
    let inject = [
        "mail",
        "inject",
        &letter,
        "--to",
        ada,
        "--from",
        "bounce@outside.example",
        "--authentication-results",
        results,
    ];
    let wait = ["mail", "wait", "--to", ada, "--subject", "question", "--timeout", "20s"];
    let (found, injected) = tokio::join!(served.object(&wait), served.object(&inject),);
    let (found, injected) = (found?, injected?);
    assert_eq!(injected["delivered"][0]["user"], served.ready["users"][0]["id"], "{injected}");
    assert_eq!(found["message"], injected["delivered"][0]["message"], "{found}");
    assert_eq!((&found["from"], &found["subject"]), (&json!("buyer@outside.example"), &json!("A question")));
    let headers = found["headers"].as_array().context("headers")?;
    let is_it = |one: &&Value| one["name"].as_str() == Some("Authentication-Results");
    let said = headers.iter().find(is_it).and_then(|one| one["value"].as_str()).unwrap_or_default();
    assert!(said.contains("spf=fail"), "{found}");
    assert!(served.text(&["mail", "list"]).await?.contains("  in   buyer@outside.example -> "));

    served.text(&["exec", "sh", "-c", SEND, "sh", ada, "buyer@outside.example"]).await?;
    let left = served.object(&["mail", "list", "--to", "buyer@outside.example", "--wait", "20s"]).await?;
    assert_eq!((&left["subject"], &left["from"]), (&json!("An offer"), &json!(ada)), "{left}");
    let lines = served.text(&["mail", "wait", "--subject", "offer", "--timeout", "20s"]).await?;
    assert!(lines.contains("  out  "), "{lines}");

    assert_eq!(served.object(&["mail", "settings"]).await?["send_from_alias"], false);
    let changed = served.text(&["mail", "settings", "--send-from-alias", "true"]).await?;
    assert_eq!(changed, "Mail may leave with an alias as its author.\n");
    let to_nobody = ["mail", "inject", &letter];
    assert_eq!(served.failure(&to_nobody).await?, ("sandbox_refused".to_owned(), 1));
    assert_eq!(served.failure(&["mail", "inject", "/nowhere.eml"]).await?, ("mail_file".to_owned(), 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_sandbox_fails_when_something_it_lacks_was_asked_for() -> Result<()> {
    let home = Home::new()?;
    let strict = || home.attache(["sandbox", "--json", "--strict", "--listen", "127.0.0.1:0"]);
    let mut lines = Lines::start(strict()?, &home.path().join("content.log"))?;
    lines.hear().await?;
    ensure!(lines.terminate().await?.success(), "nothing was asked for");

    let mut lines = Lines::start(strict()?, &home.path().join("strict.log"))?;
    let ready = lines.hear().await?;
    let url = format!("{}/v1.0/me/planner/tasks", ready["url"].as_str().context("no url")?);
    let mut command = home.attache(["sandbox", "exec", "--", "curl", "--silent"])?;
    let answer = timeout(DEADLINE, command.arg(url).output()).await??;
    let answer: Value = serde_json::from_slice(&answer.stdout)?;
    ensure!(answer["error"]["code"] == "sandboxNotEmulated", "{answer}");
    ensure!(lines.terminate().await?.code() == Some(1), "it ended well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_added_to_a_sandbox_that_runs() -> Result<()> {
    let served = Served::start().await?;
    let file = served.home.path().join("seed.toml");
    let path = file.display().to_string();
    std::fs::write(&file, "[[users]]\nupn = \"mary\"\n[[apps]]\nname = \"Reader\"\n")?;
    let made = served.object(&["seed", &path]).await?;
    let made = made["made"].as_array().context("what was made")?;
    let of = |kind: &str| made.iter().find(|one| one["kind"] == kind).with_context(|| format!("no {kind}"));
    assert_eq!(of("user")?["name"], "mary@contoso.example");
    let app_id = of("application")?["app_id"].as_str().context("its app id")?;
    assert_eq!(of("service_principal")?["app_id"], app_id);

    std::fs::write(&file, "{ \"users\": [{ \"upn\": \"mary\" }] }")?;
    assert_eq!(served.failure(&["seed", &path]).await?, ("sandbox_refused".to_owned(), 1));
    assert_eq!(served.failure(&["seed", "/nowhere.toml"]).await?, ("seed_file".to_owned(), 2));
    std::fs::write(&file, "[[users]]\nupn = \"emmy\"\n")?;
    assert!(served.text(&["seed", &path]).await?.contains("emmy@contoso.example"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rolled_and_what_is_not_emulated_is_told() -> Result<()> {
    let served = Served::start().await?;
    let rolled = served.object(&["keys", "roll"]).await?;
    let again = served.text(&["keys", "roll"]).await?;
    let kid = rolled["kid"].as_str().context("the key's id")?;
    ensure!(again.contains("signed with the key") && !again.contains(kid), "{again}");

    assert!(served.text(&["not-emulated"]).await?.starts_with("Nothing was asked for"));
    let url = format!("{}/v1.0/me/planner/tasks", served.ready["url"].as_str().context("no url")?);
    served.text(&["exec", "curl", "--silent", &url]).await?;
    assert_eq!(served.object(&["not-emulated"]).await?["count"], 1);
    assert!(served.text(&["not-emulated"]).await?.contains("     1  GET /v1.0/me/planner/tasks"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_file_is_there_from_the_start_or_is_refused() -> Result<()> {
    let home = Home::new()?;
    let file = home.path().join("seed.toml");
    let serve = || -> Result<_> {
        let mut command = home.attache(["sandbox", "--json", "--listen", "127.0.0.1:0", "--seed-file"])?;
        command.arg(&file);
        Ok(command)
    };
    std::fs::write(&file, "[[user]]\nname = 1\n")?;
    let refused = timeout(DEADLINE, serve()?.output()).await??;
    let said: Value = serde_json::from_slice(&refused.stdout)?;
    ensure!(said["error"]["code"] == "seed_file" && refused.status.code() == Some(2), "{said}");
    Ok(())
}
