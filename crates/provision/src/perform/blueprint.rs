//! The blueprint (Entra reference §2.1). Nothing keeps a second one out, so it is looked for first.

use attache_graph::NewBlueprint;

use super::stop::{As, Stop};
use super::{Did, Scene, only, still_looking};
use crate::Step;
use crate::permissions::{CREATE_BLUEPRINT, READ_BLUEPRINTS};

pub(super) async fn create(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.bootstrap();
    let naming = &scene.wish.blueprint;
    let found = graph
        .blueprints_tagged(naming.tag.as_str())
        .await
        .map_err(|error| Stop::of(Step::Blueprint, As::Provisioner(READ_BLUEPRINTS), &error))?;
    let correlation = found.correlation.clone();
    let what = format!("the blueprint with the tag {}", naming.tag);
    if let Some(blueprint) =
        only(Step::Blueprint, what, found.value.clone(), |blueprint| blueprint.app_id.to_string())?
    {
        return Ok(Did::found(&found).learning(|objects| objects.blueprint = Some(blueprint.app_id)));
    }
    if scene.looks_only {
        return Err(still_looking(&correlation));
    }
    let made = graph
        .create_blueprint(NewBlueprint {
            display_name: &naming.display_name,
            description: "Accredits agents of Attaché",
            sponsor: scene.wish.sponsor,
            tag: naming.tag.as_str(),
        })
        .await
        .map_err(|error| Stop::of(Step::Blueprint, As::Provisioner(CREATE_BLUEPRINT), &error))?;
    Ok(Did::made(&made).learning(|objects| objects.blueprint = Some(made.value.app_id)))
}
