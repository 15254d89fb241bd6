//! Cookies: `__Host-`, so that no other host can set them, HttpOnly and SameSite=Lax.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// The name of the session's cookie, where browsers reach us by https.
pub(crate) const SESSION: &str = "attache-session";

/// The cookie of this name that the browser sends.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str, https: bool) -> Option<&'a str> {
    let wanted = full_name(name, https);
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Sets a cookie for so many seconds; zero takes it away.
pub(crate) fn set_cookie(name: &str, value: &str, seconds: i64, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let name = full_name(name, https);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// The whole name of a cookie: browsers take `__Host-` ones by https only.
pub(crate) fn full_name(name: &str, https: bool) -> String {
    if https { format!("__Host-{name}") } else { name.to_owned() }
}
