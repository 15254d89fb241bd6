//! Compression: answers are sent gzipped to whoever takes that. Requests are taken as they are: Graph's SDKs
//! expect 415 and send again what they had compressed (Graph reference §7.4).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};

use crate::exchange::{Request, Response};

/// The answer as the client takes it.
pub(crate) fn fit(request: &Request, response: Response) -> Response {
    let is_text = response
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json") || kind.contains("xml"));
    let is_wanted = request.header(ACCEPT_ENCODING.as_str()).is_some_and(takes_gzip);
    if response.body.is_empty() || !is_text || !is_wanted {
        return response;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let compressed = encoder.write_all(&response.body).and_then(|()| encoder.finish());
    match compressed {
        Ok(body) => Response { body: body.into(), ..response }.with(CONTENT_ENCODING, "gzip"),
        Err(_) => response,
    }
}

/// Whether `Accept-Encoding` lists gzip, or anything, with a weight above nought.
fn takes_gzip(header: &str) -> bool {
    let weight = |one: &str, name: &str| {
        let (coding, parameters) = one.split_once(';').unwrap_or((one, ""));
        coding.trim().eq_ignore_ascii_case(name).then(|| {
            let weight =
                parameters.trim().strip_prefix("q=").and_then(|text| text.trim().parse::<f32>().ok());
            weight.unwrap_or(1.0)
        })
    };
    let of = |name: &str| header.split(',').find_map(|one| weight(one, name));
    of("gzip").or_else(|| of("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_if_it_is_listed_and_not_refused() {
        for header in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(takes_gzip(header), "{header}");
        }
        for header in ["", "identity", "br", "gzip;q=0", "gzip; q=0.0, *", "*;q=0"] {
            assert!(!takes_gzip(header), "{header}");
        }
    }
}
