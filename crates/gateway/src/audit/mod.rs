//! The audit log of an organisation, for those who read it: entries with their proofs, signed checkpoints, links
//! that show one entry to whoever holds them, exports that anyone can check, retention with a provable gap, and the
//! erasure of what it holds of a person.

mod clerk;
mod course;
mod erasure;
mod error;
mod export;
mod http;
mod keeping;
mod key;
mod link;
mod page;
mod retention;
mod view;

pub(crate) use clerk::keep;
pub(crate) use course::Course;
pub(crate) use erasure::ERASE;
pub(crate) use error::AuditError;
pub(crate) use http::api;
pub(crate) use link::new_link;
pub(crate) use page::pages;
pub(crate) use retention::FORGET;
pub(crate) use view::line;
