//! The addresses that need no token: downloads, upload sessions and the progress of copies. They carry a
//! sealed ticket, which ends by the sandbox's clock, and stand on the host that the caller named. Microsoft's
//! are on another host than Graph, and so is nothing here below `/v1.0`.

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, RANGE,
};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::entra::{open_ticket, seal_ticket};
use crate::exchange::{Request, Response};
use crate::graph::error::{Answer, GraphError};
use crate::tenant::Tenant;

use super::access::{Place, invalid, not_found};
use super::content::Content;
use super::{copy, upload};

/// The second part of every such path, after the tenant's id.
const MARK: &str = "_files";

/// How long a download address works.
const DOWNLOAD: SignedDuration = SignedDuration::from_hours(1);

/// What an address allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ticket {
    /// Reading a content of a file; the version is none for the newest.
    Download { owner: String, item: String, version: Option<String>, until: Timestamp },
    /// Writing to an upload session.
    Upload { owner: String, session: String },
    /// Watching a copy, which has been made.
    Copied { owner: String, item: String },
}

impl Ticket {
    /// To read a file, from now on.
    pub(super) fn to_download(place: &Place, version: Option<String>, now: Timestamp) -> Self {
        let until = now.saturating_add(DOWNLOAD).unwrap_or(Timestamp::MAX);
        Self::Download { owner: place.owner.clone(), item: place.item.clone(), version, until }
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Download { .. } => "download.aspx",
            Self::Upload { .. } => "uploadSession",
            Self::Copied { .. } => "monitor",
        }
    }
}

/// The address that a ticket is for.
pub(super) fn url(tenant: &Tenant, origin: &str, ticket: &Ticket) -> String {
    let sealed = seal_ticket(&tenant.entra.secret, ticket);
    format!("{origin}/{}/{MARK}/{}?tempauth={sealed}", tenant.id, ticket.verb())
}

/// The address to read a file from.
pub(super) fn download_url(tenant: &Tenant, origin: &str, ticket: &Ticket) -> String {
    url(tenant, origin, ticket)
}

/// Whether a path is that of such an address.
pub(crate) fn is_address(path: &str) -> bool {
    path.split('/').nth(2) == Some(MARK)
}

/// Answers a request at such an address. A token that comes with it is not looked at.
pub(crate) fn answer(tenant: &mut Tenant, request: &Request, now: Timestamp) -> Answer {
    let ticket = request
        .query("tempauth")
        .and_then(|sealed| open_ticket::<Ticket>(&tenant.entra.secret, sealed))
        .ok_or_else(unauthenticated)?;
    match ticket {
        Ticket::Download { owner, item, version, until } => {
            if request.method != Method::GET && request.method != Method::HEAD {
                return Err(invalid("The address is for reading."));
            }
            if until <= now {
                return Err(unauthenticated());
            }
            download(tenant, request, &Place { owner, item }, version.as_deref())
        }
        Ticket::Upload { owner, session } => upload::answer(tenant, request, &owner, &session, now),
        Ticket::Copied { owner, item } => copy::progress(tenant, request, &Place { owner, item }),
    }
}

fn unauthenticated() -> GraphError {
    GraphError::new(StatusCode::UNAUTHORIZED, "unauthenticated", "The caller is not authenticated.")
}

fn download(tenant: &Tenant, request: &Request, place: &Place, version: Option<&str>) -> Answer {
    let drive = tenant.workloads.drives.0.get(&place.owner).ok_or_else(not_found)?;
    let item = drive.item(&place.item).ok_or_else(not_found)?;
    let file = item.file.as_ref().ok_or_else(not_found)?;
    let content = match version {
        None => &file.content,
        Some(id) => {
            let earlier = file.earlier.iter().find(|version| version.id == id);
            &earlier.ok_or_else(not_found)?.content
        }
    };
    let name = percent_encoding::utf8_percent_encode(&item.name, percent_encoding::NON_ALPHANUMERIC);
    Ok(ranged(content, request.header(RANGE.as_str()))
        .with(CONTENT_TYPE, &file.mime_type)
        .with(CONTENT_DISPOSITION, &format!("attachment;filename*=UTF-8''{name}"))
        .with(ACCEPT_RANGES, "bytes")
        .with(CACHE_CONTROL, "private, max-age=0")
        .with(HeaderName::from_static("x-content-type-options"), "nosniff")
        .with(ETAG, &item.c_tag()))
}

/// The content, or the part of it that `Range` asks for (RFC 9110 §14.2).
fn ranged(content: &Content, range: Option<&str>) -> Response {
    let size = content.size();
    let whole = Response { body: content.bytes.clone(), ..Response::empty(StatusCode::OK) };
    let Some(range) = range.and_then(Range::parse) else { return whole };
    match range.within(size) {
        Some((first, last)) => {
            let part =
                usize::try_from(first).unwrap_or(usize::MAX)..=usize::try_from(last).unwrap_or(usize::MAX);
            Response { body: content.bytes.slice(part), ..Response::empty(StatusCode::PARTIAL_CONTENT) }
                .with(CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"))
        }
        None => {
            Response::empty(StatusCode::RANGE_NOT_SATISFIABLE).with(CONTENT_RANGE, &format!("bytes */{size}"))
        }
    }
}

/// One range of bytes. Several at once are answered with the whole, as the standard lets a server do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    From(u64, Option<u64>),
    Last(u64),
}

impl Range {
    fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
        };
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => Some(Self::From(number(first)?, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// First and last byte, both inside.
    fn within(self, size: u64) -> Option<(u64, u64)> {
        let end = size.checked_sub(1)?;
        match self {
            Self::From(first, last) => (first <= end).then(|| (first, last.unwrap_or(end).min(end))),
            Self::Last(0) => None,
            Self::Last(count) => Some((size.saturating_sub(count), end)),
        }
    }
}

/// What arbitrary bytes in the headers of these addresses must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_ranges(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(range) = Range::parse(&text) {
        for size in [0, 1, 1_000, u64::MAX] {
            if let Some((first, last)) = range.within(size) {
                assert!(first <= last && last < size, "{range:?} in {size}: {first}-{last}");
            }
        }
    }
    upload::withstand_content_range(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        let within = |header: &str| Range::parse(header).map(|range| range.within(10));
        assert_eq!(within("bytes=0-3"), Some(Some((0, 3))));
        assert_eq!(within("bytes=4-"), Some(Some((4, 9))));
        assert_eq!(within("bytes=4-400"), Some(Some((4, 9))));
        assert_eq!(within("bytes=-3"), Some(Some((7, 9))));
        assert_eq!(within("bytes=-30"), Some(Some((0, 9))));
        assert_eq!(within("bytes=10-"), Some(None));
        assert_eq!(within("bytes=-0"), Some(None));
        for other in ["bytes=3-1", "bytes=0-1,3-4", "bytes=x-", "items=0-1", "bytes=-", "bytes=+1-2"] {
            assert_eq!(within(other), None, "{other}");
        }
    }

    #[test]
    fn the_corpus_parses_or_does_not() {
        crate::corpus::replay("ranges", withstand_ranges);
    }

    proptest! {
        #[test]
        fn any_range_parses_or_does_not(text in "(bytes[= ])?[0-9*/, -]{0,24}") {
            withstand_ranges(text.as_bytes());
        }
    }
}
