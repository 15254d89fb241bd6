//! From nothing to ready: whatever the lag, the faults and the deaths, nothing is missing and nothing is there
//! twice.

use std::time::Duration;

use attache_provision::{Record, Step, plan};
use proptest::prelude::*;
use serde_json::json;

use crate::model::{Directory, FOREIGN_KEY, Run, SKU, Weather, World, once, run, wish};

/// Holds what must be true of a tenant in which the identity is ready.
pub(crate) fn assert_complete(world: &World) {
    world.state(|state| {
        let directory: &Directory = &state.directory;
        let one = |kind: &str, what: &dyn Fn(&crate::model::Directory) -> usize| {
            assert_eq!(what(directory), 1, "exactly one {kind}");
        };
        let tagged = |kind: &'static str, tag: &'static str| {
            move |directory: &Directory| {
                directory.live(kind).iter().filter(|one| one.field("tags")[0] == json!(tag)).count()
            }
        };
        one("blueprint", &tagged("blueprint", "attache:default/blueprint"));
        one("agent identity", &tagged("agent", "attache:default/agent"));
        one("principal", &|directory| directory.live("principal").len() - 1);
        one("consent", &|directory| directory.live("grant").len());
        one("agent user", &|directory| directory.live("user").len() - 1);
        let manages = Directory::role("AgentIdUser.ReadWrite.IdentityParentedBy");
        one("role", &|directory| {
            directory.live("role").iter().filter(|one| *one.field("appRoleId") == manages).count()
        });
        for broad in ["DelegatedPermissionGrant.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"] {
            let role = Directory::role(broad);
            let left = directory.live("role").iter().filter(|one| *one.field("appRoleId") == role).count();
            assert_eq!(left, 0, "{broad} is removed from the provisioner");
        }
        let blueprints = directory.live("blueprint");
        let ours = blueprints.iter().find(|one| one.field("tags")[0] == "attache:default/blueprint").unwrap();
        let keys = ours.field("keyCredentials").as_array().unwrap();
        assert!(keys.iter().any(|key| key["key"] == FOREIGN_KEY), "the other certificate is still there");
        assert_eq!(keys.len(), 2, "ours is there once");
        assert_eq!(ours.field("inheritable").as_array().unwrap().len(), wish().scopes.len());
        let users = directory.live("user");
        let user = users.iter().find(|one| !one.field("identityParentId").is_null()).unwrap();
        assert_eq!(*user.field("usageLocation"), json!("DE"));
        assert_eq!(*user.field("assignedLicenses"), json!([{ "skuId": SKU }]));
        // Nothing was made and deleted on the way either.
        assert_eq!(directory.objects.iter().filter(|one| one.kind == "blueprint").count(), 2);
        assert_eq!(directory.objects.iter().filter(|one| one.kind == "agent").count(), 1);
    });
}

fn ready(world: &World, record: Record) -> Run {
    let run = run(world, record);
    assert_eq!(run.failure, None);
    run
}

fn weather() -> impl Strategy<Value = Weather> {
    (any::<u64>(), 0u64..60, 0.0..0.25f64, 0u32..30).prop_map(|(seed, lag, faults, deaths)| Weather {
        seed,
        lag: Duration::from_secs(lag),
        faults,
        deaths,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn it_ends_ready_with_nothing_missing_and_nothing_twice(weather in weather()) {
        let world = World::new(weather);
        ready(&world, Record::new(wish()));
        assert_complete(&world);
    }

    #[test]
    fn an_old_record_or_none_finds_what_exists(weather in weather(), pick in any::<prop::sample::Index>()) {
        let world = World::new(weather);
        let first = ready(&world, Record::new(wish()));
        world.advance(Duration::from_secs(120));
        let old = Record::parse(&first.history[pick.index(first.history.len())]).unwrap();
        ready(&world, old);
        assert_complete(&world);
    }
}

#[test]
fn in_fair_weather_it_takes_few_requests() {
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    world.state(|state| {
        state.directory.mailbox_after = Duration::ZERO;
        state.directory.teams_after = Duration::ZERO;
    });
    let run = ready(&world, Record::new(wish()));
    assert_eq!(run.record.progress(), (Step::ALL.len(), Step::ALL.len()));
    let requests = world.state(|state| state.requests);
    assert!(requests <= 42, "{requests} requests");
}

#[test]
fn every_change_is_announced_as_an_act_and_no_read_is() {
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    let mut record = Record::new(wish());
    for step in Step::ALL {
        let id = world.uuid();
        record.begin(step, id, world.now_is());
        let act = record.act();
        assert_eq!(act.as_ref().map(|act| act.name.as_str()), step.act());
        assert!(act.is_none_or(|act| act.client_request_id == id));
    }
}

#[test]
fn the_plan_says_what_will_be_made_and_what_is_there() {
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    let before = once(plan(&world, &wish())).unwrap().unwrap();
    assert!(before.objects.iter().all(|object| !object.exists), "{before}");
    assert_eq!(before.licence.as_ref().map(|licence| licence.free_seats), Some(1));
    assert_eq!(before.removes_from_provisioner.len(), 2);
    assert!(before.problems.is_empty(), "{before}");
    assert!(world.state(|state| state.directory.live("agent").is_empty()), "nothing is written");
    ready(&world, Record::new(wish()));
    world.restart();
    let after = once(plan(&world, &wish())).unwrap().unwrap();
    assert!(after.objects.iter().all(|object| object.exists), "{after}");
    assert!(after.problems.is_empty(), "{after}");
}
