//! The driver: resumable, one at a time, everything in the ledger.

use std::sync::Arc;

use attache_agent::{IdentityMode, Phase};
use attache_terms::Explain;
use tokio::sync::Notify;

use crate::world::{World, ends, open};

#[tokio::test]
async fn it_brings_the_identity_to_ready_with_every_act_in_the_ledger() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let mut phases = Vec::new();
    let ids = agent.provision_now(|progress| phases.push(progress.state)).await.unwrap();
    assert_eq!(phases.last(), Some(&Phase::Ready));
    assert!(ids.agent_user.upn.starts_with("ada-agent@"));
    assert_eq!(agent.mode().unwrap(), IdentityMode::Sponsor, "provisioning alone changes no mode");
    // What is there is not made again, by whichever process.
    assert_eq!(world.agent("ada").provision_now(|_| {}).await.unwrap(), ids);
    let ends = ends(&world.ledger(&agent).await);
    for act in ["blueprint.create", "agent_identity.create", "agent_user.create", "agent_user.licence.assign"]
    {
        let done = ends.iter().filter(|end| **end == format!("{act} done")).count();
        assert_eq!(done, 1, "{act}: {ends:?}");
    }
}

#[tokio::test]
async fn dropped_anywhere_and_begun_again_it_makes_nothing_twice() {
    let world = World::start().await;
    world.sign_in(&world.agent("ada"), 0).await.unwrap();
    let mut done = None;
    let mut processes = 0;
    // Each process is dropped after a few reports, in the middle of whatever it does then.
    for reports in (1..=7).cycle().take(500) {
        processes += 1;
        let mut settings = world.settings("ada");
        // A creation whose outcome is unknown is looked for during 0.6 s.
        settings.provision_scale = 0.001;
        let agent = open(settings);
        let enough = Arc::new(Notify::new());
        let (mut seen, told) = (0, enough.clone());
        let provisioning = agent.provision_now(move |_| {
            seen += 1;
            if seen == reports {
                told.notify_one();
            }
        });
        tokio::select! {
            ended = provisioning => {
                done = Some(ended.unwrap());
                break;
            }
            () = enough.notified() => {}
        }
    }
    let ids = done.expect("it comes to an end");
    assert!(processes > 5, "{processes} processes are too few to prove anything");
    let sponsor = &world.sandbox.ready().users[0].id;
    let tag = format!("attache:device/{sponsor}/ada-agent");
    let administrator = world.administrator();
    let blueprints = administrator.blueprints_tagged(&tag).await.unwrap().value;
    assert_eq!(blueprints.len(), 1);
    let agents = administrator.agent_identities_of(ids.blueprint).await.unwrap().value;
    assert_eq!(agents.len(), 1);
    assert_eq!(administrator.agent_users_of(ids.agent_identity).await.unwrap().value.len(), 1);
    let agent = world.agent("ada");
    assert_eq!(agent.provision_now(|_| {}).await.unwrap(), ids);
}

#[tokio::test]
async fn two_processes_take_turns_and_agree() {
    let world = World::start().await;
    world.sign_in(&world.agent("ada"), 0).await.unwrap();
    let (one, two) = (world.agent("ada"), world.agent("ada"));
    let (first, second) = tokio::join!(one.provision_now(|_| {}), two.provision_now(|_| {}));
    assert_eq!(first.unwrap(), second.unwrap());
    let ends = ends(&world.ledger(&one).await);
    assert_eq!(ends.iter().filter(|end| *end == "blueprint.create done").count(), 1, "{ends:?}");
}

#[tokio::test]
async fn a_licence_that_the_tenant_does_not_have_is_named() {
    let world = World::start().await;
    let mut settings = world.settings("ada");
    settings.agent.licences = vec!["NO_SUCH_LICENCE".to_owned()];
    let agent = open(settings);
    world.sign_in(&agent, 0).await.unwrap();
    let error = agent.provision_now(|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "licence_unknown");
    assert!(error.to_string().contains("NO_SUCH_LICENCE"));
    assert_eq!(agent.provisioning().borrow().state, Phase::Failed);
}

#[tokio::test]
async fn without_a_provisioner_or_a_sponsor_nothing_begins() {
    let world = World::start().await;
    let mut settings = world.settings("ada");
    assert_eq!(open(settings.clone()).provision_now(|_| {}).await.unwrap_err().code(), "sign_in_required");
    settings.provisioner = None;
    assert_eq!(open(settings).provision_now(|_| {}).await.unwrap_err().code(), "provisioner_missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_the_background_it_provisions_and_goes_over_by_itself() {
    let world = World::start().await;
    let mut settings = world.settings("ada");
    settings.provision_in_background = true;
    let agent = open(settings);
    agent.start();
    // Signed in by another process, as `attache sign-in` does beside a host.
    world.sign_in(&world.agent("ada"), 0).await.unwrap();
    let mut progress = agent.provisioning();
    progress.wait_for(|progress| progress.state == Phase::Ready).await.unwrap();
    while agent.mode().unwrap() != IdentityMode::AgentUser {
        tokio::task::yield_now().await;
    }
    agent.stop().await;
}

#[tokio::test]
async fn what_was_provisioned_is_removed_and_the_agent_signs_out() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let ids = agent.provision_now(|_| {}).await.unwrap();
    agent.upgrade_now().await.unwrap();
    let plan = agent.plan_removal().await.unwrap();
    assert!(plan.to_string().contains(&ids.agent_user.id.to_string()), "{plan}");
    let left = agent.deprovision(|_| {}).await.unwrap();
    assert!(left.iter().all(|left| left.why.starts_with("deleted")), "{left:?}");
    assert_eq!(agent.mode().unwrap(), IdentityMode::SignedOut);
    let administrator = world.administrator();
    assert!(administrator.blueprint(ids.blueprint).await.unwrap().value.is_none());
    assert!(administrator.agent_identity(ids.agent_identity).await.unwrap().value.is_none());
    let ends = ends(&world.ledger(&agent).await);
    for act in ["agent_user.delete", "agent_identity.delete", "blueprint.delete"] {
        assert!(ends.contains(&format!("{act} done")), "{act}: {ends:?}");
    }
    // Removed once, there is nothing to remove.
    let Err(error) = agent.deprovision(|_| {}).await else { panic!("nobody has signed in") };
    assert_eq!(error.code(), "sign_in_required");
}

#[tokio::test]
async fn the_plan_names_everything_and_makes_nothing() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let plan = agent.plan().await.unwrap().to_string();
    assert!(plan.contains("ada-agent@"), "{plan}");
    world.sandbox.control().clear_requests();
    agent.plan().await.unwrap();
    let writes = world.sandbox.control().requests();
    let writes: Vec<_> = writes
        .iter()
        .filter(|request| request.method != "GET" && !request.path.ends_with("/token"))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(ends(&world.ledger(&agent).await).iter().all(|end| end.starts_with("sign_in")));
}
