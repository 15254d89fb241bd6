//! Back to nothing: what was made goes, in order, and nothing else.

use std::time::Duration;

use attache_provision::{Objects, Record, Removal, Target, plan_removal};
use proptest::prelude::*;

use crate::model::{Weather, World, once, remove, run, wish};

fn target(known: Objects) -> Target {
    let wish = wish();
    Target {
        blueprint: wish.blueprint.tag,
        agent: wish.agent.tag,
        known,
        keeps_blueprint: false,
        patience: wish.patience,
    }
}

fn assert_bare(world: &World) {
    world.state(|state| {
        let directory = &state.directory;
        assert_eq!(directory.live("blueprint").len(), 1, "the foreign blueprint stays");
        assert_eq!(directory.live("principal").len(), 1, "the provisioner stays");
        assert_eq!(directory.live("user").len(), 1, "the sponsor stays");
        assert_eq!((directory.live("agent").len(), directory.live("grant").len()), (0, 0));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn removal_removes_exactly_what_was_made(
        seed in any::<u64>(), lag in 0u64..60, faults in 0.0..0.2f64, deaths in 0u32..20, remembered in any::<bool>(),
    ) {
        let world = World::new(Weather { seed, lag: Duration::from_secs(lag), faults, deaths });
        let made = run(&world, Record::new(wish()));
        prop_assert_eq!(made.failure, None);
        // Without a record only what replication shows can be found.
        let known = if remembered { made.record.objects().clone() } else { Objects::default() };
        world.advance(Duration::from_secs(if remembered { 0 } else { 120 }));
        let removal = remove(&world, Removal::new(target(known)));
        assert_bare(&world);
        prop_assert_eq!(removal.left().len(), 4);
    }
}

#[test]
fn a_removal_in_the_middle_of_provisioning_leaves_nothing() {
    for seed in 0..40 {
        let world = World::new(Weather { seed, lag: Duration::from_secs(20), faults: 0.0, deaths: 0 });
        let made = run(&world, Record::new(wish()));
        let world = World::new(Weather { seed, lag: Duration::from_secs(20), faults: 0.0, deaths: 0 });
        let half = made.history.len() * seed as usize / 40;
        crate::model::run_until(&world, Record::new(wish()), half);
        world.advance(Duration::from_secs(120));
        remove(&world, Removal::new(target(Objects::default())));
        assert_bare(&world);
    }
}

#[test]
fn the_plan_names_what_goes_and_deletes_nothing() {
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    let nothing = once(plan_removal(&world, &target(Objects::default()))).unwrap().unwrap();
    assert!(nothing.deletes.is_empty(), "{nothing}");
    run(&world, Record::new(wish()));
    let plan = once(plan_removal(&world, &target(Objects::default()))).unwrap().unwrap();
    let kinds: Vec<&str> = plan.deletes.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["agent_user", "agent_identity", "blueprint_principal", "blueprint"]);
    assert_eq!(plan.frees.len(), 1);
    assert_eq!(world.state(|state| state.directory.live("agent").len()), 1);
}
