//! A tenant for a test in the same process: started with one call, gone when it is dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;

use crate::config::Config;
use crate::sandbox::Sandbox;
use crate::start_error::StartError;

/// A sandbox of its own on a free port of loopback, with the documented constants and no lag. Hundreds stand side
/// by side.
#[derive(Debug)]
pub struct Tenant(Sandbox);

impl Tenant {
    /// Starts one; when this returns, it answers.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way and what to do.
    pub async fn start() -> Result<Self, StartError> {
        Self::with(Config::default()).await
    }

    /// Starts one as configured, but on a free port of loopback.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way and what to do.
    pub async fn with(config: Config) -> Result<Self, StartError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Sandbox::start(Config { listen, ..config }).await.map(Self)
    }
}

impl Deref for Tenant {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}
