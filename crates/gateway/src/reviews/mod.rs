//! Access reviews: who answers for which agent and when it was last used, to be confirmed again and again by an owner,
//! an administrator or the sponsor. Each confirmation is an entry; what is overdue is shown.

mod http;
mod list;
mod page;
mod review;
mod service;

pub(crate) use http::{ReviewView, api, own};
pub(crate) use list::overdue;
pub(crate) use page::pages;
