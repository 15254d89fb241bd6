//! Why a sandbox does not start, and what to do about it.

use std::net::SocketAddr;

use crate::files::FileError;

/// Why a sandbox does not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "{0} is taken: another program, perhaps another sandbox, listens there. End it, or choose another \
         address with --listen (port 0 takes a free one)."
    )]
    PortTaken(SocketAddr),
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {0}: {1}. Choose an address of this machine with --listen.")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The documented constants would be reachable from other machines.
    #[error(
        "{0} is not a loopback address, and this tenant's secrets and passwords are printed in the manual. \
         Use --seed random, or listen on 127.0.0.1, or say --expose if everybody may use it."
    )]
    WouldExposeConstants(SocketAddr),
    /// The built-in signing keys would sign for other machines.
    #[error(
        "{0} is not a loopback address, and this sandbox's signing keys are public: everybody could make tokens for \
         it. Use --fresh-keys, or listen on 127.0.0.1."
    )]
    WouldExposeKeys(SocketAddr),
    /// What the tenant is to hold cannot be made: every problem, a line each.
    #[error("{0}")]
    Document(String),
    /// A further name is none that the sandbox may have.
    #[error(
        "--san {0:?} is no host name or address that a sandbox may have: give the whole name of a machine, and \
         none of Microsoft's."
    )]
    Name(String),
    /// `lag_scale` is no number that a delay can be multiplied by.
    #[error("the lag scale {0} is not a number from 0 to 1000000")]
    LagScale(f64),
    /// `throttling.scale` is no number that a limit can be multiplied by.
    #[error("the scale of throttling {0} is not a number from 0 to 1000000")]
    ThrottlingScale(f64),
    /// A file in the data folder cannot be read or written.
    #[error("the sandbox's data: {0}. Check the folder given with --data.")]
    File(#[from] FileError),
    /// Another sandbox has the data folder.
    #[error(
        "{0} is in use by another sandbox, and two would destroy each other's tenant. End that one first, or give this \
         one a folder of its own (--data; for a gateway or a story, another --home)."
    )]
    FolderInUse(std::path::PathBuf),
    /// What stands in the data folder is not what a sandbox wrote.
    #[error(
        "{0} was not written by this version of the sandbox ({1}). Remove it to start with a new tenant."
    )]
    Unreadable(std::path::PathBuf, String),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}. Check the names given with --san.")]
    Certificate(String),
}

impl From<rcgen::Error> for StartError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}
