//! From where a request came, and its id: all that is known of whoever has proved nothing.

use std::net::IpAddr;
use std::sync::Arc;

use attache_ledger::{Actor, By, Correlation};
use axum::extract::FromRequestParts;
use http::request::Parts;
use uuid::Uuid;

use crate::Gateway;
use crate::limits::Policy;
use crate::server::Problem;

/// A request, as an audit entry speaks of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    /// From which address, a trusted proxy's word for it included.
    pub(crate) from: IpAddr,
    /// The request's id, given by us: it stands in its answer, its log lines and its audit entries.
    pub(crate) request: Uuid,
}

impl Visit {
    /// That of a request, as its frame noted it.
    pub(crate) fn of(parts: &Parts) -> Self {
        let nowhere = Self { from: IpAddr::from([0, 0, 0, 0]), request: Uuid::nil() };
        parts.extensions.get().copied().unwrap_or(nowhere)
    }

    /// Whoever it is, from there.
    pub(crate) fn actor(&self, by: Option<By>) -> Actor {
        Actor { by, from: Some(self.from), ..Actor::default() }
    }

    /// What its address is counted by. In IPv6 whoever has one has 2^64 of them.
    pub(crate) fn whose(&self) -> Uuid {
        Uuid::from_u128(match self.from {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits() >> 64 << 64,
        })
    }

    /// What finds the request again.
    pub(crate) fn correlation(&self) -> Correlation {
        Correlation { request: Some(self.request), ..Correlation::default() }
    }
}

/// The visit of somebody who need not prove anything: one address may make only so many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor(pub(crate) Visit);

impl FromRequestParts<Arc<Gateway>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let visit = Visit::of(parts);
        gateway.meter.count(&parts.extensions, Policy::Address, visit.whose(), gateway.clock.boot())?;
        Ok(Self(visit))
    }
}
