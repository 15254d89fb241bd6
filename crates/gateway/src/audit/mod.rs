//! The audit log of an organisation, for those who read it: entries with their proofs, signed checkpoints, links
//! that show one entry to whoever holds them, exports that anyone can check, and retention with a provable gap.

mod clerk;
mod course;
mod error;
mod export;
mod http;
mod key;
mod link;
mod page;
mod view;

pub(crate) use clerk::{FORGET, keep};
pub(crate) use course::Course;
pub(crate) use error::AuditError;
pub(crate) use http::api;
pub(crate) use link::new_link;
pub(crate) use page::pages;
