//! Entity tags: what has one says it in `ETag`, and is not sent again to who has it already (Graph reference
//! §7.3, §7.4). Whether a change may go on, a workload decides in its own words.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::exchange::{Request, Response};

/// The tag of an entity: OData's, that of a file, or that of a photo.
pub(super) fn of_entity(body: &Value) -> Option<&str> {
    ["@odata.etag", "eTag", "@odata.mediaEtag"].iter().find_map(|name| body.get(name)?.as_str())
}

/// Whether a header names one of these tags: a list, `*`, weak or strong alike.
pub(super) fn names(header: &str, tags: &[&str]) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    let known: Vec<String> = tags.iter().map(|tag| bare(tag)).collect();
    // A tag of a file has a comma in it: `"{…},1"`.
    bare(header) == "*"
        || known.contains(&bare(header))
        || header.split("\",").chain(header.split(", ")).any(|one| known.contains(&bare(one)))
}

/// 304 instead of what `If-None-Match` says that the client has.
pub(super) fn unless_known(request: &Request, response: Response) -> Response {
    let is_read = matches!(request.method, Method::GET | Method::HEAD) && response.status == StatusCode::OK;
    let tag = response.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let (Some(tag), Some(asked), true) = (tag, request.header("if-none-match"), is_read) else {
        return response;
    };
    if !names(asked, &[tag]) {
        return response;
    }
    let mut known = Response { status: StatusCode::NOT_MODIFIED, ..response };
    known.body.clear();
    for name in [CONTENT_TYPE, LOCATION, CACHE_CONTROL] {
        known.headers.remove(name);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_one_tag_or_several_or_all() {
        let file = "\"{6F1D},2\"";
        for header in ["*", "W/\"CQAA\"", "\"CQAA\"", "CQAA", "\"x\", W/\"CQAA\"", "\"x\",\"CQAA\""] {
            assert!(names(header, &["W/\"CQAA\""]), "{header}");
        }
        for header in [file, "{6F1D},2", "\"{6F1D},1\", \"{6F1D},2\""] {
            assert!(names(header, &[file]), "{header}");
        }
        for header in ["", "\"x\"", "\"{6F1D},1\"", "2"] {
            assert!(!names(header, &[file]), "{header}");
        }
    }
}
