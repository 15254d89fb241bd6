//! What cannot come true says so before the first write, and says who must act.

use std::time::Duration;

use attache_provision::{FailureCause, LicenceWish, Record, Wish};
use attache_terms::{Explain, Who};

use crate::model::{State, Weather, World, run, wish};

fn fails(prepare: impl FnOnce(&mut State), wish: Wish) -> (attache_provision::Failure, usize) {
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    world.state(prepare);
    let failure = run(&world, Record::new(wish)).failure.expect("it cannot come true");
    assert!(!failure.remedy().what.is_empty());
    assert_eq!(failure.remedy().who, Who::Operator, "{failure}");
    (failure, world.state(|state| state.directory.objects.len()))
}

fn untouched() -> usize {
    World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 })
        .state(|state| state.directory.objects.len())
}

#[test]
fn a_licence_that_is_used_up() {
    let (failure, objects) = fails(|state| state.directory.seats = 0, wish());
    assert_eq!(failure.code(), "licence_used_up");
    assert!(failure.to_string().contains("O365_BUSINESS_ESSENTIALS"), "{failure}");
    assert_eq!(objects, untouched());
}

#[test]
fn a_licence_that_the_tenant_does_not_have() {
    let other = LicenceWish::Sku("f245ecc8-75af-4f8e-b61f-27d8114de5f3".parse().unwrap());
    let (failure, objects) = fails(|_| {}, Wish { licence: other, ..wish() });
    assert_eq!(failure.code(), "licence_unknown");
    assert_eq!(objects, untouched());
}

#[test]
fn a_licence_is_found_by_its_part_number() {
    let named = |name: &str| Wish { licence: LicenceWish::OneOf(vec![name.to_owned()]), ..wish() };
    let (failure, objects) = fails(|_| {}, named("SPE_E5"));
    assert_eq!(failure.code(), "licence_unknown");
    assert!(failure.to_string().contains("SPE_E5"), "{failure}");
    assert_eq!(objects, untouched());
    let (failure, _) = fails(|state| state.directory.seats = 0, named("o365_business_essentials"));
    assert_eq!(failure.code(), "licence_used_up");
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    assert_eq!(run(&world, Record::new(named("o365_business_essentials"))).failure, None);
}

#[test]
fn a_role_that_the_provisioner_lacks() {
    for role in ["DelegatedPermissionGrant.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"] {
        let (failure, objects) = fails(|state| state.directory.drop_role(role), wish());
        assert!(
            matches!(&failure.cause, FailureCause::ProvisionerLacks { permission } if permission == role),
            "{failure}"
        );
        assert!(failure.remedy().what.contains(role));
        assert_eq!(objects, untouched() - 1, "nothing was made");
    }
}

#[test]
fn a_sponsor_or_a_domain_that_is_not_the_tenants() {
    let nobody = "82fe7758-5bb3-4f0d-a43f-e555fd399c6f".parse().unwrap();
    let (failure, _) = fails(|_| {}, Wish { sponsor: nobody, ..wish() });
    assert_eq!(failure.code(), "sponsor_unknown");
    let mut elsewhere = wish();
    elsewhere.user.user_principal_name = "scout@fabrikam.example".to_owned();
    let (failure, _) = fails(|_| {}, elsewhere);
    assert_eq!(failure.code(), "domain_not_verified");
    assert!(failure.remedy().what.contains("contoso.example"));
}

#[test]
fn a_name_that_somebody_else_has() {
    let mut taken = wish();
    taken.user.user_principal_name = "ada@contoso.example".to_owned();
    let (failure, objects) = fails(|_| {}, taken);
    assert_eq!(failure.code(), "name_taken");
    assert_eq!(objects, untouched());
}

#[test]
fn a_mailbox_that_never_comes_and_one_that_comes_after_all() {
    let world = World::new(Weather { seed: 1, lag: Duration::ZERO, faults: 0.0, deaths: 0 });
    world.state(|state| state.directory.mailbox_after = Duration::from_secs(1_000_000));
    let mut run_one = run(&world, Record::new(wish()));
    assert_eq!(run_one.failure.as_ref().map(Explain::code), Some("mailbox_missing"));
    world.state(|state| state.directory.mailbox_after = Duration::ZERO);
    run_one.record.retry();
    assert_eq!(run(&world, run_one.record).failure, None);
    crate::forward::assert_complete(&world);
}
