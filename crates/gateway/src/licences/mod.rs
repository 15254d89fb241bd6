//! Licences: how many seats remain for agents in each tenant, told before they run out, and what each identity costs a
//! month, its sponsor's licence included.

mod cost;
mod count;
mod http;
mod in_use;
mod page;
mod price;
mod seats;

pub use price::{Money, Prices, PricesError};

pub(crate) use count::{COUNT, begin, count_later, count_now};
pub(crate) use http::{api, monthly};
pub(crate) use in_use::seats_of;
pub(crate) use page::pages;
pub(crate) use seats::{TenantSeats, is_known, seat};
