//! Mail that the service itself sends, such as an invitation: it comes from no mailbox of the tenant, and nobody is
//! told if it does not arrive.

use jiff::Timestamp;

use super::recipients::{Destination, resolve};
use super::transport::{Incoming, receive, spool};
use crate::lag::Lag;
use crate::mail::{Address, Body, Conversation, Header, Item, compose};
use crate::sharing::Held;
use crate::tenant::Tenant;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// The address that it comes from.
    pub(crate) from: &'static str,
    pub(crate) name: String,
    pub(crate) subject: String,
    /// Plain text.
    pub(crate) text: String,
}

/// Sends it to an address: to a mailbox of the tenant, or to the outside.
pub(crate) fn announce(
    tenant: &mut Tenant,
    address: &str,
    announcement: Announcement,
    (now, lag): (Timestamp, Lag),
) {
    let from = Address::new(announcement.name, announcement.from);
    let item = Item {
        subject: announcement.subject,
        body: Body { is_html: false, content: announcement.text },
        from: Some(from.clone()),
        sender: Some(from),
        to: vec![Address::new(address, address)],
        message_id: format!("<{}@microsoft.com>", crate::directory::new_id()),
        conversation: Conversation::begin(*uuid::Uuid::new_v4().as_bytes(), now),
        sent: Some(now),
        headers: vec![Header { name: "Auto-Submitted".to_owned(), value: "auto-generated".to_owned() }],
        ..Item::default()
    };
    let to = vec![address.to_owned()];
    match resolve(tenant, address, None, now) {
        Destination::Outside => spool(tenant, "", &Held::new(item), to, now),
        Destination::Mailboxes(_) => {
            let bytes = compose(&item).0.to_vec();
            let incoming = Incoming { from: announcement.from.to_owned(), to, bytes, ..Incoming::default() };
            receive(tenant, &incoming, now, lag);
        }
        Destination::Nobody | Destination::Closed(_) => {}
    }
}
