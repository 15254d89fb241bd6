//! What the features serve to people, and the list of where: no page is served that is not in it, so that whoever
//! tries them all forgets none.

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;

use crate::Gateway;

/// Pages, built as a [`Router`] is.
#[derive(Default)]
pub(crate) struct Pages {
    router: Router<Arc<Gateway>>,
    paths: Vec<String>,
}

impl Pages {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub(crate) fn route(mut self, path: &str, methods: MethodRouter<Arc<Gateway>>) -> Self {
        self.paths.push(path.to_owned());
        Self { router: self.router.route(path, methods), paths: self.paths }
    }

    /// These and those.
    pub(crate) fn merge(mut self, others: Self) -> Self {
        self.paths.extend(others.paths);
        Self { router: self.router.merge(others.router), paths: self.paths }
    }

    /// What serves them.
    pub(super) fn into_router(self) -> Router<Arc<Gateway>> {
        self.router
    }

    /// Where they are found, with their parameters in braces.
    pub(super) fn into_paths(self) -> Vec<String> {
        self.paths
    }
}
