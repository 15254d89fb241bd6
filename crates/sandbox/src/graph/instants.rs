//! How Graph's services write times: the directory to the second, applications with seven digits, Teams
//! with milliseconds (Entra reference §2.1, §5.3).

use jiff::Timestamp;
use serde_json::Value;

/// `2026-03-12T23:50:07Z`.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-03-12T23:50:07.1234567Z`.
pub(crate) fn seven_digits(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

/// `2026-03-12T23:50:07.123Z`.
pub(crate) fn milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The time as [`seconds`] writes it, or null.
pub(crate) fn seconds_or_null(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| Value::String(seconds(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_services_precision() {
        let time: Timestamp = "2026-03-12T23:50:07.123456789Z".parse().unwrap();
        assert_eq!(seconds(time), "2026-03-12T23:50:07Z");
        assert_eq!(seven_digits(time), "2026-03-12T23:50:07.1234567Z");
        assert_eq!(milliseconds(time), "2026-03-12T23:50:07.123Z");
    }
}
