//! Commands of an operator's beside gateways that run: an import, and a new master key.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::fleet::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_imported_and_the_master_key_is_replaced_while_gateways_run() -> Result<()> {
    let fleet = Fleet::start(1).await?;
    let session = fleet.sign_in().await?;
    fleet.organisation(&session, "before").await?;
    fleet.provision(0, &session, "before", "default").await?;
    fleet.until(&active(1)).await?;

    let person = fleet.person(1);
    let known = json!({
        "_id": { "$oid": "665f1c2e9b1e8a0012345601" }, "org_id": "org_42", "template_id": null, "subdomain": "acme",
        "m365_user_id": person["id"], "status": "ACTIVE", "email": person["upn"],
    });
    let unknown =
        json!({ "_id": { "$oid": "665f1c2e9b1e8a0012345602" }, "org_id": "org_42", "status": "ASLEEP" });
    let file = fleet.write("identities.json", &format!("{known}\n{unknown}\n"))?;
    let import = ["gateway", "import", "--json", "--from", "mongoexport", &file];
    let (status, said) = fleet.run(&[&import[..], &["--plan"]].concat()).await?;
    ensure!(status == 1 && said["plan"] == true && said["documents"][0]["what"] == "imported", "{said}");
    let refused = &said["documents"][1];
    ensure!(
        refused["what"] == "refused" && refused["reason"].as_str().is_some_and(|why| why.contains("ASLEEP"))
    );
    ensure!(refused["document"] == "line 2, _id 665f1c2e9b1e8a0012345602", "{refused}");
    let organisations = "SELECT count(*) FROM records WHERE kind = 'organisation'";
    ensure!(fleet.sql(organisations)? == "1", "the plan changed something");

    let (status, said) = fleet.run(&import).await?;
    ensure!(status == 1 && said["documents"][0]["what"] == "imported", "{said}");
    fleet.until(&active(2)).await?;
    let (_, said) = fleet.run(&import).await?;
    ensure!(said["documents"][0]["what"] == "there", "{said}");

    // Two calls, as on several machines. The gateway opens what it sealed before, and seals by the new one.
    for (arguments, finished) in [(&["--prepare"][..], false), (&[], true)] {
        let (status, said) = fleet.run(&[&["gateway", "rotate-key", "--json"], arguments].concat()).await?;
        ensure!(status == 0 && said["finished"] == finished, "{said}");
        ensure!(said["data_keys"] == u32::from(finished), "{said}");
    }
    fleet.provision(0, &session, "before", "cfo").await?;
    fleet.until(&active(3)).await?;
    let report = fleet.verified(&session, "before").await?;
    ensure!(report["ok"] == true, "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_not_ready_while_its_database_is_gone() -> Result<()> {
    let fleet = Fleet::start(1).await?;
    let (status, said) = fleet.ready(0).await?;
    ensure!(status == 200, "{said}");
    fleet.stop_database()?;
    let (status, said) = fleet.ready(0).await?;
    ensure!(status == 503 && said["code"] == "store_unavailable", "{status} {said}");
    fleet.start_database()?;
    let again = async {
        while fleet.ready(0).await?.0 != 200 {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(attache_tests::DEADLINE, again).await.context("it does not come back")?
}

/// That so many identities are active.
fn active(count: u32) -> String {
    let of = "FROM records WHERE kind = 'identity' AND body::json ->> 'state' = 'active'";
    format!("(SELECT count(*) {of}) = {count}")
}
