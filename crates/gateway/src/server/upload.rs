//! A form with a file in it (`multipart/form-data`, RFC 7578), as one of our own pages sends it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::Problem;
use super::form::{carried, of_this_session};

/// The file of a form, for the session that the form was made for.
#[derive(Debug)]
pub(crate) struct Upload(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (expected, boundary) = (carried(request.headers()), boundary(request.headers()));
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            unreadable(rejection.status(), rejection.body_text(), "choose a smaller file")
        })?;
        let fields = boundary.and_then(|boundary| fields(&body, &boundary));
        let fields = fields.ok_or_else(|| {
            let said = "the form's body is none that a browser makes".to_owned();
            unreadable(StatusCode::BAD_REQUEST, said, "go back and fill the form in again")
        })?;
        let text = |field: &&Field<'_>| std::str::from_utf8(field.content).unwrap_or_default().to_owned();
        let csrf = fields.iter().find(|field| field.name == "csrf").as_ref().map(text);
        of_this_session(expected, &csrf.unwrap_or_default())?;
        let file = fields.iter().find(|field| field.name == "file").map(|field| field.content);
        Ok(Self(file.map(|file| body.slice_ref(file)).unwrap_or_default()))
    }
}

fn unreadable(status: StatusCode, said: String, remedy: &'static str) -> Problem {
    Problem::new(status, "form", said, remedy)
}

/// What stands between the fields.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (_, boundary) = kind.strip_prefix("multipart/form-data")?.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

struct Field<'a> {
    name: &'a str,
    content: &'a [u8],
}

/// The fields of a body, unless it is cut short or something else.
fn fields<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Field<'a>>> {
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&between.as_bytes()[2..])?;
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let field = rest.strip_prefix(b"\r\n")?;
        let end = find(field, between.as_bytes())?;
        let head = find(&field[..end], b"\r\n\r\n")?;
        let (_, name) = std::str::from_utf8(&field[..head]).ok()?.split_once("; name=\"")?;
        fields.push(Field { name: name.split('"').next()?, content: &field[head + 4..end] });
        rest = &field[end + between.len()..];
    }
    Some(fields)
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nsecret\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
        \x89PNG\r\n--\r\n\r\n--b--\r\n";

    #[test]
    fn a_body_is_read_as_browsers_write_it() {
        let fields = fields(BODY, "b").unwrap();
        let read: Vec<_> = fields.iter().map(|field| (field.name, field.content)).collect();
        assert_eq!(read, [("csrf", &b"secret"[..]), ("file", &b"\x89PNG\r\n--\r\n"[..])]);
    }

    #[test]
    fn what_is_cut_short_is_none() {
        let whole = BODY.len() - b"--\r\n".len();
        assert!((0..whole).all(|end| fields(&BODY[..end], "b").is_none()));
        assert!(fields(BODY, "c").is_none() && fields(b"", "b").is_none());
    }

    #[test]
    fn the_boundary_stands_in_the_content_type() {
        let of = |kind: &str| boundary(&[(CONTENT_TYPE, kind.parse().unwrap())].into_iter().collect());
        assert_eq!(of("multipart/form-data; boundary=----x").as_deref(), Some("----x"));
        assert_eq!(of("multipart/form-data; boundary=\"a b\"; charset=utf-8").as_deref(), Some("a b"));
        assert!(of("application/json; boundary=x").is_none() && of("multipart/form-data").is_none());
    }
}
