//! Licences that are used up, unknown, or taken away while provisioning runs.

use anyhow::{Context, Result, ensure};
use attache_sandbox::{Effect, Fault};
use attache_tests::{DEADLINE, Home, Tenant};
use serde_json::json;
use tokio::time::timeout;

use super::administrator::{Administrator, text};
use super::{made, newest_is, nothing_was_sent, run, signed_in};

/// The licence with ten seats, three of which the tenant's people have.
const LICENCE: &str = "SPE_E3";
const SKU: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const FREE: usize = 7;

/// A home that wants [`LICENCE`], and an administrator who may hire people.
async fn wanting() -> Result<(Tenant, Administrator, Home)> {
    let (tenant, mut administrator, home) = signed_in().await?;
    administrator.grant(&tenant, "User.ReadWrite.All").await?;
    administrator.renew(&tenant).await?;
    Ok((tenant, administrator, home.with("ATTACHE_LICENCE", LICENCE)))
}

/// Hires somebody, whose seat is then taken; their id.
async fn hire(administrator: &Administrator, number: usize) -> Result<String> {
    let person = administrator
        .post(
            "/users",
            &json!({
                "accountEnabled": true,
                "displayName": format!("Colleague {number}"),
                "mailNickname": format!("colleague{number}"),
                "userPrincipalName": format!("colleague{number}@contoso.example"),
                "usageLocation": "GB",
                "passwordProfile": { "password": "A-long-one-7x2Q", "forceChangePasswordNextSignIn": false },
            }),
        )
        .await?;
    let id = text(&person["id"])?;
    let seat = json!({ "addLicenses": [{ "skuId": SKU, "disabledPlans": [] }], "removeLicenses": [] });
    administrator.post(&format!("/users/{id}/assignLicense"), &seat).await?;
    Ok(id)
}

async fn free(administrator: &Administrator, id: &str) -> Result<()> {
    let seat = json!({ "addLicenses": [], "removeLicenses": [SKU] });
    administrator.post(&format!("/users/{id}/assignLicense"), &seat).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_is_used_up_stops_provisioning_before_the_first_write() -> Result<()> {
    let (tenant, administrator, home) = wanting().await?;
    let mut people = Vec::new();
    for number in 0..FREE {
        people.push(hire(&administrator, number).await?);
    }
    tenant.control().clear_requests();

    let plan = run(&home, &["provision", "--plan"]).await?;
    let problems = plan.said[0]["problems"].as_array().context("problems")?;
    ensure!(problems.iter().any(|problem| problem["cause"] == "licence_used_up"), "{problems:?}");
    let ended = run(&home, &["provision"]).await?;
    ended.failed("licence_used_up", &[LICENCE, "buy a seat", "attache provision"])?;
    newest_is(&home, "provision", "licence_used_up").await?;
    nothing_was_sent(&tenant)?;
    assert_eq!(made(&tenant), (0, 0), "something is half-made");

    free(&administrator, &people[0]).await?;
    run(&home, &["provision"]).await?.succeeded()?;
    assert_eq!(made(&tenant), (1, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_seat_that_is_taken_meanwhile_stops_provisioning_and_it_goes_on_when_one_is_free()
-> Result<()> {
    let (tenant, administrator, home) = wanting().await?;
    for number in 1..FREE {
        hire(&administrator, number).await?;
    }
    let control = tenant.control();
    control.add_fault(Fault::once("POST", "/v1.0/users/*/assignLicense", Effect::HoldBeforeCommit));
    let (ended, taken) = tokio::join!(run(&home, &["provision"]), async {
        let held = timeout(DEADLINE, control.wait_held()).await.context("no licence was asked for")?;
        let taken = hire(&administrator, 0).await?;
        for request in held {
            control.release(request.id);
        }
        anyhow::Ok(taken)
    });
    let (ended, taken) = (ended?, taken?);
    ended.failed("licence_used_up", &[LICENCE, "attache provision"])?;
    newest_is(&home, "provision", "licence_used_up").await?;

    free(&administrator, &taken).await?;
    run(&home, &["provision"]).await?.succeeded()?;
    assert_eq!(made(&tenant), (1, 1), "made twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_the_tenant_does_not_have_is_named() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    let home = home.with("ATTACHE_LICENCE", "SPE_E99");
    tenant.control().clear_requests();
    let ended = run(&home, &["provision"]).await?;
    ended.failed("licence_unknown", &["SPE_E99", "attache provision --plan"])?;
    newest_is(&home, "provision", "licence_unknown").await?;
    nothing_was_sent(&tenant)?;
    let plan = run(&home, &["provision", "--plan"]).await?;
    ensure!(format!("{:?}", plan.said).contains("SPE_E99"), "{:?}", plan.said);
    Ok(())
}
