//! What end-to-end and interoperability tests share: a sandbox tenant in this process, the real `attache`
//! binary with a home of its own, a stand-in for the browser, and programs that speak one JSON object a line.
//! Nothing here knows how the product works inside; it goes through the front door.

mod binary;
mod browser;
mod cable;
mod form;
mod gateway;
mod home;
mod lines;
mod mcp;
mod parts;
mod person;
mod port;
#[cfg(unix)]
mod postgres;
mod script;
mod sponsor;
mod tenant;

pub use binary::attache;
pub use browser::{Browser, Visit};
pub use cable::Cable;
pub use gateway::Gateway;
pub use home::Home;
pub use lines::{DEADLINE, Lines};
pub use mcp::Mcp;
pub use parts::{chromium, inspector, interop_python, msgraph_python, python, with_node_modules};
pub use person::{Person, user_token};
pub use port::own_port;
#[cfg(unix)]
pub use postgres::Cluster;
pub use script::Script;
pub use sponsor::sign_in;
pub use tenant::Tenant;
