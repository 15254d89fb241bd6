//! Our certificate in the blueprint's list (Entra reference §8). The list is only written as a whole, so it
//! is read, ours is appended, and everything else goes back as it came.

use attache_graph::KeyCredential;

use super::stop::{As, Stop};
use super::{Did, Scene};
use crate::Step;
use crate::permissions::{APPEND_CERTIFICATE, READ_BLUEPRINTS};

pub(super) async fn append(scene: &Scene<'_>) -> Result<Did, Stop> {
    let graph = scene.bootstrap();
    let blueprint = scene.blueprint()?;
    let ours = &scene.wish.certificate;
    let mut list = graph
        .key_credentials(blueprint)
        .await
        .map_err(|error| Stop::of(Step::Certificate, As::Provisioner(READ_BLUEPRINTS), &error))?;
    let der = ours.der();
    if list.value.iter().any(|credential| credential.is(&der, ours.sha1())) {
        return Ok(Did::found(&list));
    }
    list.value.push(KeyCredential::certificate(&der, ours.name()));
    let set = graph
        .set_key_credentials(blueprint, &list.value)
        .await
        .map_err(|error| Stop::of(Step::Certificate, As::Provisioner(APPEND_CERTIFICATE), &error))?;
    Ok(Did::made(&set))
}
