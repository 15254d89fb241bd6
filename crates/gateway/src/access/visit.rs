//! From where a request came, and its id: all that is known of whoever has proved nothing.

use std::convert::Infallible;
use std::net::IpAddr;

use attache_ledger::{Actor, By, Correlation};
use axum::extract::FromRequestParts;
use http::request::Parts;
use uuid::Uuid;

use crate::server::{From, RequestId};

/// A request, as an audit entry speaks of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    /// From which address.
    pub(crate) from: IpAddr,
    /// The request's id.
    pub(crate) request: Uuid,
}

impl Visit {
    /// That of a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        let from = parts.extensions.get::<From>().map_or(IpAddr::from([0, 0, 0, 0]), |from| from.0);
        let request = parts.extensions.get::<RequestId>().map_or_else(Uuid::nil, |id| id.0);
        Self { from, request }
    }

    /// Whoever it is, from there.
    pub(crate) fn actor(&self, by: Option<By>) -> Actor {
        Actor { by, from: Some(self.from), ..Actor::default() }
    }

    /// What finds the request again.
    pub(crate) fn correlation(&self) -> Correlation {
        Correlation { request: Some(self.request), ..Correlation::default() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}
