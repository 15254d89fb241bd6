//! What the transport itself writes: the headers of its stations, and reports of non-delivery (RFC 3464, Graph
//! reference §4.1).

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Encoded;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;
use serde::{Deserialize, Serialize};

use super::transport::{Incoming, own_address};
use crate::mail::{Address, Header, Item, compose, escape, read};
use crate::tenant::Tenant;

/// Why a recipient was not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) address: Address,
    /// `5.1.10`.
    pub(super) status: String,
    pub(super) text: String,
}

impl Failure {
    /// Nobody has that address.
    pub(super) fn unknown(address: &Address) -> Self {
        Self {
            address: address.clone(),
            status: "5.1.10".to_owned(),
            text: format!(
                "RESOLVER.ADR.RecipientNotFound; Recipient {} not found by SMTP address lookup",
                address.address
            ),
        }
    }
}

impl Failure {
    /// Another server refused, with a reply that begins with code and status.
    pub(super) fn said(address: &str, words: &str) -> Self {
        let mut parts = words.splitn(3, ' ');
        let (_, status, text) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
        let is_status = status.split('.').count() == 3 && status.starts_with(['4', '5']);
        let (status, text) = if is_status { (status, text.unwrap_or_default()) } else { ("5.0.0", words) };
        Self {
            address: Address::new(address, address),
            status: status.to_owned(),
            text: text.replace(['\r', '\n'], " "),
        }
    }
}

/// Headers that only the organisation's own servers may set.
pub(super) fn is_firewalled(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-ms-exchange-organization-")
        || name == "authentication-results"
        || name == "return-path"
}

/// The headers of a station inside the organisation.
pub(super) fn transport_headers(tenant: &Tenant, now: Timestamp, kind: &str) -> Vec<Header> {
    let host = format!("{}.prod.outlook.com", tenant.id);
    let date = now.strftime("%a, %d %b %Y %H:%M:%S +0000");
    [
        ("Received", format!("from {host} (2603:10a6::1) by {host} (2603:10a6::2) with HTTPS; {date}")),
        ("X-MS-Exchange-Organization-AuthSource", host),
        ("X-MS-Exchange-Organization-AuthAs", kind.to_owned()),
        ("X-MS-Exchange-Organization-SCL", if kind == "Internal" { "-1" } else { "1" }.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| Header { name: name.to_owned(), value })
    .collect()
}

/// What the edge puts before mail from outside.
pub(super) fn edge_headers(tenant: &Tenant, incoming: &Incoming, now: Timestamp) -> Vec<Header> {
    let mut headers = transport_headers(tenant, now, "Anonymous");
    let domain = incoming.from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let chosen =
        incoming.authentication_results.as_ref().or(tenant.workloads.mail.authentication_results.as_ref());
    let results = chosen.cloned().unwrap_or_else(|| {
        let spf = if domain.is_empty() { String::new() } else { format!(" smtp.mailfrom={domain}") };
        format!("spf=none (sender IP is 127.0.0.1){spf}; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from={domain};compauth=none reason=405")
    });
    if incoming.is_junk {
        for header in headers.iter_mut().filter(|one| one.name.ends_with("-SCL")) {
            header.value = "5".to_owned();
        }
    }
    headers.insert(1, Header { name: "Authentication-Results".to_owned(), value: results });
    headers.push(Header {
        name: "Return-Path".to_owned(),
        value: if incoming.from.is_empty() { "<>".to_owned() } else { incoming.from.clone() },
    });
    headers
}

/// The report to the sender of `item` that these recipients were not reached.
pub(super) fn report(
    tenant: &Tenant,
    owner: &str,
    item: &Item,
    failures: &[Failure],
    now: Timestamp,
) -> Item {
    let domain = tenant.domains.first().unwrap_or("localhost");
    let from = format!("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{domain}");
    let to = own_address(tenant, owner, now);
    let subject = format!("Undeliverable: {}", item.subject);
    let number = item.message_id.trim_matches(['<', '>']).split('@').next().unwrap_or_default();
    let id = format!("<{number}-ndr@{domain}>");
    let html = page(domain, failures, now);
    let status = delivery_status(domain, failures, now);
    let original = compose(item).0.to_vec();

    let mut builder = MessageBuilder::new();
    for header in transport_headers(tenant, now, "Internal") {
        builder = builder.header(header.name, Raw::new(header.value));
    }
    let parts = vec![
        MimePart::new(
            "multipart/alternative",
            vec![
                MimePart::new("text/plain", crate::mail::to_text(&html)),
                MimePart::new("text/html", html.clone()),
            ],
        ),
        MimePart::new("message/delivery-status", status).transfer_encoding("7bit"),
        MimePart::new("message/rfc822", original).transfer_encoding("8bit"),
    ];
    let kind = ContentType::new("multipart/report").attribute("report-type", "delivery-status");
    let bytes = builder
        .header("From", Encoded::new_address(Some("Microsoft Outlook"), from.as_str()))
        .header("To", Encoded::new_address(Some(to.name.as_str()), to.address.as_str()))
        .header("Date", Raw::new(now.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()))
        .header("Message-ID", Raw::new(id))
        .header("In-Reply-To", Raw::new(item.message_id.clone()))
        .header("References", Raw::new(item.message_id.clone()))
        .header("Thread-Topic", Text::new(item.topic().to_owned()))
        .header("Subject", Text::new(subject))
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("X-MS-Exchange-Message-Is-Ndr", Raw::new("1"))
        .header("MIME-Version", Raw::new("1.0"))
        .body(MimePart::new(kind, parts))
        .write_to_vec()
        .unwrap_or_default();

    // What the transport just wrote can be read.
    let mut report = read(&bytes).unwrap_or_default();
    report.body = crate::mail::Body { is_html: true, content: html };
    report.attachments.retain(|one| matches!(one.content, crate::mail::Attached::Message(_)));
    for attachment in &mut report.attachments {
        attachment.modified = now;
        attachment.content_type = None;
    }
    report.conversation = item.conversation.answer(now);
    report
}

fn page(domain: &str, failures: &[Failure], now: Timestamp) -> String {
    let mut page = String::from(
        "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>\r\n",
    );
    for failure in failures {
        let address = escape(&failure.address.address);
        page.push_str(&format!("<p><b>Your message to {address} couldn't be delivered.</b></p>\r\n"));
        if failure.status == "5.1.10" {
            page.push_str(&format!("<p>{address} wasn't found at {}.</p>\r\n", escape(domain)));
        }
        page.push_str(&format!("<p>Diagnostic information for administrators:</p>\r\n<p>{address}<br>\r\nRemote Server returned '550 {} {}'</p>\r\n", failure.status, escape(&failure.text)));
    }
    page.push_str(&format!(
        "<p>Generating server: {}<br>\r\nTime: {now}</p>\r\n</body></html>\r\n",
        escape(domain)
    ));
    page
}

fn delivery_status(domain: &str, failures: &[Failure], now: Timestamp) -> String {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let mut status = format!("Reporting-MTA: dns;{domain}\r\nArrival-Date: {date}\r\n");
    for failure in failures {
        status.push_str(&format!(
            "\r\nFinal-Recipient: rfc822;{}\r\nAction: failed\r\nStatus: {}\r\nDiagnostic-Code: smtp;550 {} {}\r\n",
            failure.address.address, failure.status, failure.status, failure.text
        ));
    }
    status
}
