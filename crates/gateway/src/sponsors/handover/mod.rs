//! From one sponsor to the next: an owner names a successor, the successor accepts (nobody can for them), and a job
//! makes them the sponsor in Entra on both objects, ends the pause, and tries that the identity acts again.

mod change;
mod service;

pub(crate) use change::HAND_OVER;
pub(super) use service::{accept, asked, check, decline, name, withdraw};
