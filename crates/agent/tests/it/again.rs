//! Provisioning that was done once and is asked for again: after the key was lost, after other wishes, after
//! the way back.

use std::fs;

use attache_agent::{IdentityMode, tools};
use attache_terms::{Explain, UserId};
use serde_json::{Value, json};

use crate::world::{World, ends, open};

#[tokio::test]
async fn after_the_key_was_lost_the_blueprint_gets_one_more_certificate() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let ids = agent.provision_now(|_| {}).await.unwrap();
    agent.upgrade_now().await.unwrap();
    agent.stop().await;
    let administrator = world.administrator();
    let before = administrator.key_credentials(ids.blueprint).await.unwrap().value;
    assert_eq!(before.len(), 1);

    let settings = world.settings("ada");
    let directory = settings.profile.directory();
    for file in ["secrets.sealed", "secrets.key"] {
        fs::remove_file(directory.join(file)).unwrap();
    }
    let agent = open(settings.clone());
    let Err(error) = agent.current().await else { panic!("the key is lost") };
    assert_eq!(error.code(), "blueprint_key_lost");
    assert!(error.remedy().what.contains("attache provision"), "{}", error.remedy());

    // The ledger's key is lost with it, and nothing is done unaudited: the old ledger is put away first.
    let error = agent.provision_now(|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "ledger_key_differs");
    let ledger = settings.profile.ledger();
    fs::rename(&ledger, directory.join("ledger.old")).unwrap();
    fs::remove_file(directory.join("ledger.checkpoint")).unwrap();
    assert_eq!(world.administrator().key_credentials(ids.blueprint).await.unwrap().value.len(), 1);

    let agent = open(settings);
    assert_eq!(agent.provision_now(|_| {}).await.unwrap(), ids);
    let after = administrator.key_credentials(ids.blueprint).await.unwrap().value;
    assert_eq!(after.len(), 2, "appended, and the first one is still there");
    let current = agent.current().await.unwrap();
    assert_eq!(current.mode, IdentityMode::AgentUser);
    assert_eq!(current.graph.me().await.unwrap().value.id, ids.agent_user.id);
    // Once is enough.
    assert_eq!(world.agent("ada").provision_now(|_| {}).await.unwrap(), ids);
    assert_eq!(administrator.key_credentials(ids.blueprint).await.unwrap().value.len(), 2);
    let ends = ends(&world.ledger(&agent).await);
    assert_eq!(ends, ["blueprint.certificate.append done"]);
}

#[tokio::test]
async fn a_key_that_is_lost_on_the_way_is_made_anew() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let control = world.sandbox.control();
    control.add_fault(attache_sandbox::Fault::once(
        "POST",
        "/v1.0/users/microsoft.graph.agentUser",
        attache_sandbox::Effect::Answer {
            status: 400,
            body: Some(json!({ "error": { "code": "Request_BadRequest", "message": "no" } })),
            retry_after: None,
        },
    ));
    assert!(agent.provision_now(|_| {}).await.is_err());
    fs::remove_file(agent.settings().profile.directory().join("credential.json")).unwrap();
    let ids = world.agent("ada").provision_now(|_| {}).await.unwrap();
    let keys = world.administrator().key_credentials(ids.blueprint).await.unwrap().value;
    assert_eq!(keys.len(), 2);
}

#[tokio::test]
async fn what_is_wished_too_late_is_told_and_what_can_be_is_done() {
    let world = World::start().await;
    world.keep_the_provisioners_roles();
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let ids = agent.provision_now(|_| {}).await.unwrap();
    assert!(agent.provisioning().borrow().ignored.is_empty());

    let mut settings = world.settings("ada");
    settings.agent.display_name = "Ada's Butler".to_owned();
    settings.agent.usage_location = "DE".to_owned();
    settings.agent.licences = vec!["SPE_E3".to_owned()];
    let agent = open(settings);
    let mut told = Vec::new();
    assert_eq!(agent.provision_now(|progress| told = progress.ignored.clone()).await.unwrap(), ids);
    let told = told.join("\n");
    assert!(told.contains("the agent user's name stays \"Ada's Agent\""), "{told}");
    assert!(told.contains("the licence stays") && told.contains("admin centre"), "{told}");
    let user = world.administrator().user(ids.agent_user.id).await.unwrap().value;
    assert_eq!(user.usage_location.as_deref(), Some("DE"), "a country can be changed");
    let who = tools::call(&agent, "whoami", Value::Null).await.unwrap();
    let about: Vec<_> = who["troubles"].as_array().unwrap().iter().map(|trouble| &trouble["about"]).collect();
    assert!(about.iter().all(|about| **about == "provisioning") && !about.is_empty(), "{who}");

    // Wished as it is, there is nothing to tell.
    let mut settings = world.settings("ada");
    settings.agent.usage_location = "DE".to_owned();
    let agent = open(settings);
    agent.provision_now(|progress| assert!(progress.ignored.is_empty())).await.unwrap();
}

#[tokio::test]
async fn a_wish_that_cannot_come_true_can_be_replaced_by_one_that_can() {
    let world = World::start().await;
    let mut settings = world.settings("ada");
    settings.agent.sponsor = Some(UserId::new(uuid::Uuid::from_u128(7)));
    settings.agent.domain = Some("nobody.example".to_owned());
    let agent = open(settings);
    world.sign_in(&agent, 0).await.unwrap();
    let error = agent.provision_now(|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "sponsor_unknown", "{error}");
    let mut settings = world.settings("ada");
    settings.agent.domain = Some("nobody.example".to_owned());
    let error = open(settings).provision_now(|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "domain_not_verified", "{error}");
    let mut settings = world.settings("ada");
    settings.agent.domain = Some(world.sandbox.ready().domain.clone());
    settings.agent.display_name = "Ada's Butler".to_owned();
    let agent = open(settings);
    let ids = agent.provision_now(|_| {}).await.unwrap();
    assert_eq!(ids.agent_user.display_name, "Ada's Butler");
    assert!(agent.provisioning().borrow().ignored.is_empty());
}

#[tokio::test]
async fn after_the_way_back_it_can_be_made_again() {
    let world = World::start().await;
    world.keep_the_provisioners_roles();
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let first = agent.provision_now(|_| {}).await.unwrap();
    agent.upgrade_now().await.unwrap();
    agent.deprovision(|_| {}).await.unwrap();

    world.sign_in(&agent, 0).await.unwrap();
    let plan = agent.plan().await.unwrap();
    assert!(plan.problems.is_empty() && plan.objects.iter().all(|object| !object.exists), "{plan}");
    let second = agent.provision_now(|_| {}).await.unwrap();
    assert_ne!(second.blueprint, first.blueprint);
    assert_ne!(second.agent_user.id, first.agent_user.id);
    assert_eq!(second.agent_user.upn, first.agent_user.upn);
    let current = agent.upgrade_now().await.unwrap();
    assert_eq!(current.graph.me().await.unwrap().value.id, second.agent_user.id);

    // And back again, though the wastebasket holds the first ones too.
    agent.deprovision(|_| {}).await.unwrap();
    let administrator = world.administrator();
    assert!(administrator.blueprint(second.blueprint).await.unwrap().value.is_none());
}
