//! Mail as bytes: RFC 5322 and MIME, in and out. What a mailbox does with it stands beside its Graph resources.

mod blob;
mod compose;
pub(crate) mod courier;
mod html;
mod item;
mod read;
pub(crate) mod smtp;

pub(crate) use blob::Blob;
pub(crate) use compose::{compose, internet_headers, rewrite_headers};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use html::withstand_html;
pub(crate) use html::{escape, from_text, to_text};
pub(crate) use item::{
    Address, Attached, Attachment, Body, Conversation, Extended, Header, Importance, Item, is_address,
};
pub(crate) use read::read;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use read::withstand_mime;
