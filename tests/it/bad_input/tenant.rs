//! What an administrator took away: a certificate, a consent, a permission, a secret.

use anyhow::{Context, Result, ensure};
use attache_tests::{Home, Mcp, Person, Tenant};
use serde_json::{Value, json};

use super::{cannot_send, newest_is, nothing_was_sent, own_name, run, says_all, signed_in, upgraded, writes};

/// What was asked of Entra since the log was cleared.
fn grants(tenant: &Tenant) -> Vec<String> {
    tenant.control().requests().into_iter().filter_map(|request| request.grant_type).collect()
}

async fn blueprint(home: &Home) -> Result<String> {
    let whoami = run(home, &["whoami"]).await?;
    whoami.succeeded()?;
    let id = whoami.said[0]["agent"]["blueprint_id"].as_str();
    Ok(id.with_context(|| format!("no blueprint: {:?}", whoami.said))?.to_owned())
}

/// The agent has its own name still, and nobody spoke under the sponsor's instead.
async fn keeps_its_name(tenant: &Tenant, home: &Home) -> Result<()> {
    nothing_was_sent(tenant)?;
    ensure!(!grants(tenant).iter().any(|grant| grant == "refresh_token"), "it asked for the sponsor's token");
    let whoami = run(home, &["whoami"]).await?;
    ensure!(whoami.said[0]["mode"] == "agent_user", "{:?}", whoami.said);
    Ok(())
}

/// It sends as the agent user; the tenant says so.
async fn sends_again(tenant: &Tenant, home: &Home) -> Result<()> {
    let mut mcp = Mcp::start(home)?;
    mcp.initialize().await?;
    own_name(&mut mcp).await?;
    let sent = mcp.call("send_teams_message", json!({ "text": "Back." })).await?;
    let said = &sent["structuredContent"];
    ensure!(said["identity"] == "agent_user", "{sent}");
    ensure!(mcp.end().await?.success(), "it did not end well");
    let sponsor = Person::sign_in(tenant, 1).await?;
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    let read = sponsor.get(&format!("/chats/{}/messages/{}", text("chat_id"), text("message_id"))).await?;
    ensure!(read["from"]["user"]["id"] != *sponsor.id, "{read}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_blueprint_does_not_have_stops_the_agent_and_nobody_speaks_for_it()
-> Result<()> {
    let (tenant, administrator, home) = upgraded().await?;
    let blueprint = blueprint(&home).await?;
    administrator.patch(&format!("/applications/{blueprint}"), &json!({ "keyCredentials": [] })).await?;
    tenant.control().clear_requests();

    let error = cannot_send(&home).await?;
    says_all(&error, "certificate_unknown", &["hop 1", "AADSTS700027", "certificate", "attache provision"])?;
    newest_is(&home, "send_teams_message", "certificate_unknown").await?;
    keeps_its_name(&tenant, &home).await
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_was_withdrawn_from_the_blueprint_stops_the_agent_and_nobody_speaks_for_it() -> Result<()>
{
    let (tenant, administrator, home) = upgraded().await?;
    administrator.withdraw_consent(&blueprint(&home).await?).await?;
    tenant.control().clear_requests();

    let error = cannot_send(&home).await?;
    says_all(&error, "consent_required", &["hop 3", "AADSTS65001", "administrator"])?;
    newest_is(&home, "send_teams_message", "consent_required").await?;
    keeps_its_name(&tenant, &home).await
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_was_withdrawn_from_the_client_stops_the_sponsors_token() -> Result<()> {
    let (tenant, administrator, home) = signed_in().await?;
    let client = tenant.ready()["apps"]["client"]["client_id"].as_str().context("the client")?.to_owned();
    administrator.withdraw_consent(&client).await?;
    tenant.control().clear_requests();

    let error = cannot_send(&home).await?;
    says_all(&error, "consent_required", &["AADSTS65001", "administrator", "sign in again"])?;
    newest_is(&home, "send_teams_message", "consent_required").await?;
    nothing_was_sent(&tenant)
}

/// The remedy of both: an administrator gives the provisioner its roles back, and `attache provision` is run.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_away_is_given_back_as_the_remedy_says() -> Result<()> {
    let (tenant, administrator, home) = upgraded().await?;
    let blueprint = blueprint(&home).await?;
    administrator.patch(&format!("/applications/{blueprint}"), &json!({ "keyCredentials": [] })).await?;
    administrator.withdraw_consent(&blueprint).await?;
    // Provisioning gave these up; whoever is to consent again needs both, and gives them up again.
    administrator.grant(&tenant, "DelegatedPermissionGrant.ReadWrite.All").await?;
    let ended = run(&home, &["provision"]).await?;
    ended.failed("provisioner_permission_missing", &["AppRoleAssignment.ReadWrite.All", "admin consent"])?;
    administrator.grant(&tenant, "AppRoleAssignment.ReadWrite.All").await?;
    run(&home, &["provision"]).await?.succeeded()?;
    sends_again(&tenant, &home).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_provisioner_secret_is_named_before_anything_is_written() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    let home = home.with("ATTACHE_PROVISIONER_CLIENT_SECRET", "wrong-secret-8Q~");
    tenant.control().clear_requests();
    for arguments in [&["provision", "--plan"][..], &["provision"]] {
        let ended = run(&home, arguments).await?;
        ended.failed("secret_wrong", &["AADSTS7000215", "client secret"])?;
        let all = format!("{:?}{}", ended.said, ended.complaint);
        ensure!(!all.contains("wrong-secret"), "the secret is repeated: {all}");
    }
    newest_is(&home, "provision", "secret_wrong").await?;
    nothing_was_sent(&tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_the_provisioner_lacks_is_named_before_the_first_write() -> Result<()> {
    let (tenant, administrator, home) = signed_in().await?;
    let lacks = "DelegatedPermissionGrant.ReadWrite.All";
    administrator.take_away(&tenant, lacks).await?;
    tenant.control().clear_requests();

    let plan = run(&home, &["provision", "--plan"]).await?;
    ensure!(plan.said[0]["problems"].to_string().contains(lacks), "{:?}", plan.said);
    let ended = run(&home, &["provision"]).await?;
    ended.failed("provisioner_permission_missing", &[lacks, "admin consent", "attache provision"])?;
    newest_is(&home, "provision", "provisioner_permission_missing").await?;
    nothing_was_sent(&tenant)?;

    administrator.grant(&tenant, lacks).await?;
    run(&home, &["provision"]).await?.succeeded()
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioning_without_a_sponsor_or_a_provisioner_says_what_to_do_first() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?;
    tenant.control().clear_requests();
    run(&home, &["provision"])
        .await?
        .failed("provisioner_missing", &["ATTACHE_PROVISIONER_CLIENT_SECRET"])?;
    let home = home.provisioning(&tenant)?;
    run(&home, &["provision"]).await?.failed("sign_in_required", &["attache sign-in"])?;
    newest_is(&home, "provision", "sign_in_required").await?;
    let error = cannot_send(&home).await?;
    says_all(&error, "sign_in_required", &["attache sign-in"])?;
    newest_is(&home, "send_teams_message", "sign_in_required").await?;
    let asked: Vec<Value> = writes(&tenant).iter().map(|request| json!(request)).collect();
    ensure!(asked.is_empty(), "{asked:?}");
    Ok(())
}
