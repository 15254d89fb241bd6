//! `/users/{id}/photo`, `/users/{id}/photos/{size}` and their `$value`: JPEG, PNG or GIF of at most 4 MB.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::directory::User;
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

/// A picture as it was uploaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Photo {
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    bytes: Bytes,
    media: String,
    width: u32,
    height: u32,
    etag: String,
}

const READ: Needs = Needs::split(
    &[
        "User.Read",
        "User.ReadBasic.All",
        "User.Read.All",
        "ProfilePhoto.Read.All",
        "ProfilePhoto.ReadWrite.All",
    ],
    &["User.ReadBasic.All", "User.Read.All", "ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All"],
);
const WRITE: Needs = Needs::split(
    &["User.ReadWrite", "ProfilePhoto.ReadWrite.All"],
    &[
        "User.ReadWrite.All",
        "ProfilePhoto.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
    ],
);

/// The sizes that pictures are asked for in. The picture is the one that was uploaded in each of them: nothing is
/// scaled here.
const SIZES: [&str; 9] =
    ["48x48", "64x64", "96x96", "120x120", "240x240", "360x360", "432x432", "504x504", "648x648"];

/// The largest picture.
const LARGEST: usize = 4 * 1024 * 1024;

pub(super) fn routes() -> Vec<Route> {
    let mine = Needs::delegated(READ.delegated);
    let write_mine = Needs::delegated(WRITE.delegated);
    vec![
        Route::new(Method::GET, "/users/{id}/photo", READ, get),
        Route::new(Method::GET, "/users/{id}/photo/$value", READ, content),
        Route::new(Method::GET, "/users/{id}/photos/{size}", READ, get),
        Route::new(Method::GET, "/users/{id}/photos/{size}/$value", READ, content),
        Route::new(Method::PUT, "/users/{id}/photo/$value", WRITE, put),
        Route::new(Method::DELETE, "/users/{id}/photo", WRITE, delete),
        Route::new(Method::DELETE, "/users/{id}/photo/$value", WRITE, delete),
        Route::new(Method::GET, "/me/photo", mine, get),
        Route::new(Method::GET, "/me/photo/$value", mine, content),
        Route::new(Method::GET, "/me/photos/{size}", mine, get),
        Route::new(Method::GET, "/me/photos/{size}/$value", mine, content),
        Route::new(Method::PUT, "/me/photo/$value", write_mine, put),
        Route::new(Method::DELETE, "/me/photo", write_mine, delete),
        Route::new(Method::DELETE, "/me/photo/$value", write_mine, delete),
    ]
}

fn photo<'c>(call: &'c Call<'_>) -> Result<&'c Photo, GraphError> {
    let user = call.user()?;
    let broad =
        ["User.ReadBasic.All", "User.Read.All", "ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All"];
    if call.caller.user_id() != Some(user.id.as_str()) && !call.holds_any(&broad) {
        return Err(GraphError::denied());
    }
    let size = call.params.get("size");
    let is_served = size.is_empty() || SIZES.iter().any(|one| one.eq_ignore_ascii_case(size));
    let photo = call.profile(user).and_then(|profile| profile.photo.as_ref());
    photo
        .filter(|_| is_served)
        .ok_or_else(|| GraphError::new(StatusCode::NOT_FOUND, "ImageNotFound", "The photo wasn't found."))
}

fn get(call: &mut Call<'_>) -> Answer {
    let photo = photo(call)?;
    let user = &call.user()?.id;
    Ok(call.ok(&json!({
        "@odata.context": call.context(&format!("users('{user}')/photo/$entity")),
        "@odata.mediaContentType": photo.media,
        "@odata.mediaEtag": photo.etag,
        "id": format!("{}X{}", photo.width, photo.height),
        "height": photo.height,
        "width": photo.width,
    })))
}

fn content(call: &mut Call<'_>) -> Answer {
    let photo = photo(call)?;
    let mut response =
        Response::empty(StatusCode::OK).with(CONTENT_TYPE, &photo.media).with(ETAG, &photo.etag);
    response.body = photo.bytes.clone();
    Ok(response)
}

fn check_writer(call: &Call<'_>) -> Result<(), GraphError> {
    let user: &User = call.user()?;
    let own = call.caller.user_id() == Some(user.id.as_str());
    if (own && call.caller.holds("User.ReadWrite"))
        || call.reaches(user, &["User.ReadWrite.All", "ProfilePhoto.ReadWrite.All"])
    {
        return if own { Ok(()) } else { call.require_administrator() };
    }
    Err(GraphError::denied())
}

fn put(call: &mut Call<'_>) -> Answer {
    check_writer(call)?;
    let bytes = call.request.body.clone();
    let bad = |message: &str| GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidRequest", message);
    if bytes.len() > LARGEST {
        return Err(bad("The photo is larger than 4 MB."));
    }
    let (media, width, height) = measure(&bytes)
        .ok_or_else(|| bad("The file submitted is not a valid image: JPEG, PNG or GIF is expected."))?;
    let etag = format!("\"{}\"", crate::directory::new_id().replace('-', "").to_uppercase());
    call.profile_mut()?.photo = Some(Photo { bytes, media: media.to_owned(), width, height, etag });
    Ok(Response::empty(StatusCode::OK))
}

fn delete(call: &mut Call<'_>) -> Answer {
    check_writer(call)?;
    call.profile_mut()?.photo = None;
    Ok(call.no_content())
}

/// Media type, width and height, from the file's first bytes.
fn measure(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    let be = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let be16 = |at: usize| Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let le16 = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(("image/png", be(16)?, be(20)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some(("image/gif", le16(6)?, le16(8)?));
    }
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    // JPEG is a row of segments; a frame header tells height and width.
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        let is_frame = (0xc0..=0xcf).contains(&marker) && ![0xc4, 0xc8, 0xcc].contains(&marker);
        if is_frame {
            return Some(("image/jpeg", be16(at + 7)?, be16(at + 5)?));
        }
        at += 2 + usize::try_from(be16(at + 2)?).ok()?.max(2);
    }
}

/// What arbitrary bytes of a picture must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_photo(bytes: &[u8]) {
    measure(bytes);
}

fn as_base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = Value::deserialize(deserializer)?;
    let bytes = text.as_str().and_then(|text| STANDARD.decode(text).ok());
    bytes.map(Bytes::from).ok_or_else(|| serde::de::Error::custom("a photo is base64"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pictures_tell_their_size() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 2, 0x80, 0, 0, 1, 0xe0]);
        assert_eq!(measure(&png), Some(("image/png", 640, 480)));
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 48, 0, 64, 1];
        assert_eq!(measure(&jpeg), Some(("image/jpeg", 64, 48)));
        assert_eq!(measure(b"GIF89a\x02\0\x03\0"), Some(("image/gif", 2, 3)));
        assert_eq!(measure(b"hello"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_measured_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = measure(&bytes);
            let _ = measure(&[&[0xff, 0xd8], bytes.as_slice()].concat());
        }
    }
}
