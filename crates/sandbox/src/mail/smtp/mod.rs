//! SMTP, as far as a tenant's edge needs it (RFC 5321): a listener for mail from outside and a client that hands
//! mail to the outside on to a named host.

mod command;
mod listener;
mod relay;
mod session;

pub(crate) use listener::run;
pub(crate) use relay::{Refused, hand_over};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use session::withstand_session;
