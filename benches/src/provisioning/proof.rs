//! What a tenant holds in the end: of each organisation exactly one agent user with one agent identity of an existing
//! blueprint, below a domain that is there once, and nothing that belongs to none of them.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};

/// Checks it, for agent users of these names.
pub(super) fn prove(tenant: &Value, names: &BTreeSet<String>) -> anyhow::Result<()> {
    let of_kind = |collection: &str, kind: &'static str| {
        let all = tenant[collection].as_object().into_iter().flat_map(Map::iter);
        all.filter_map(move |(id, one)| Some((id.as_str(), one, one["kind"].get(kind)?)))
    };
    let mut agents = BTreeSet::new();
    let applications = tenant["applications"].as_object().into_iter().flat_map(Map::values);
    let blueprints: BTreeSet<&str> = applications
        .filter(|application| application["kind"] == "Blueprint")
        .filter_map(|application| application["app_id"].as_str())
        .collect();
    let mut used = BTreeSet::new();
    for (id, _, kind) in of_kind("service_principals", "AgentIdentity") {
        let blueprint = kind["blueprint_id"].as_str().context("the agent identity's blueprint")?;
        ensure!(blueprints.contains(blueprint), "the agent identity {id} is of no blueprint that is there");
        agents.insert(id);
        used.insert(blueprint);
    }
    // The next blueprint is made ahead by one of those who come from it, so that none is without.
    let unused: Vec<_> = blueprints.difference(&used).take(3).collect();
    ensure!(unused.is_empty(), "blueprints have no agent identity: {unused:?}");
    let (mut taken, mut parents) = (BTreeSet::new(), BTreeSet::new());
    for (id, user, kind) in of_kind("users", "Agent") {
        let name = user["upn"].as_str().context("the agent user's name")?;
        let parent = kind["identity_parent_id"].as_str().context("the agent user's parent")?;
        ensure!(names.contains(name), "{name} ({id}) is no organisation's");
        ensure!(taken.insert(name.to_owned()), "{name} is there twice");
        ensure!(agents.contains(parent), "the parent of {name} is not there");
        ensure!(parents.insert(parent), "two agent users have the parent {parent}");
    }
    ensure!(taken == *names, "{} of {} agent users are there", taken.len(), names.len());
    let orphans: Vec<_> = agents.difference(&parents).take(3).collect();
    ensure!(orphans.is_empty(), "agent identities have no agent user: {orphans:?}");
    let mut domains = BTreeSet::new();
    for domain in tenant["domains"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        ensure!(domains.insert(domain), "the domain {domain} is there twice");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tenant(users: &[(&str, &str)], agents: &[&str]) -> Value {
        let users = users.iter().enumerate().map(|(number, (name, parent))| {
            (
                number.to_string(),
                json!({ "upn": name, "kind": { "Agent": { "identity_parent_id": parent } } }),
            )
        });
        let agents = agents.iter().map(|id| {
            ((*id).to_owned(), json!({ "kind": { "AgentIdentity": { "blueprint_id": "blueprint" } } }))
        });
        json!({
            "users": users.collect::<Map<_, _>>(),
            "service_principals": agents.collect::<Map<_, _>>(),
            "applications": {
                "1": { "app_id": "blueprint", "kind": "Blueprint" },
                "2": { "app_id": "gateway", "kind": "Application" },
            },
            "domains": ["contoso.example"],
        })
    }

    fn names() -> BTreeSet<String> {
        ["a@x.example", "b@x.example"].map(str::to_owned).into()
    }

    #[test]
    fn one_of_each_is_right() {
        prove(&tenant(&[("a@x.example", "1"), ("b@x.example", "2")], &["1", "2"]), &names()).unwrap();
    }

    #[test]
    fn a_blueprint_that_nobody_comes_from_is_found() {
        let mut tenant = tenant(&[("a@x.example", "1"), ("b@x.example", "2")], &["1", "2"]);
        tenant["applications"]["3"] = json!({ "app_id": "another", "kind": "Blueprint" });
        assert!(prove(&tenant, &names()).is_err());
    }

    #[test]
    fn what_is_doubled_missing_or_orphaned_is_found() {
        for (users, agents) in [
            (vec![("a@x.example", "1")], vec!["1"]),
            (vec![("a@x.example", "1"), ("a@x.example", "2")], vec!["1", "2"]),
            (vec![("a@x.example", "1"), ("b@x.example", "1")], vec!["1"]),
            (vec![("a@x.example", "1"), ("b@x.example", "2")], vec!["1", "2", "3"]),
            (vec![("a@x.example", "1"), ("b@x.example", "2")], vec!["1"]),
            (vec![("a@x.example", "1"), ("b@x.example", "2"), ("c@x.example", "3")], vec!["1", "2", "3"]),
        ] {
            assert!(prove(&tenant(&users, &agents), &names()).is_err(), "{users:?} {agents:?}");
        }
    }
}
