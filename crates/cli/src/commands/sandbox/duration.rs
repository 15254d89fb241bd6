//! Lengths of time as people write them: `30s`, `1h30m`, `250ms`, `2d`; a number alone is seconds.

use std::time::Duration;

const UNITS: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];

/// Reads a length of time, for clap.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time: write 30s, 5m, 1h30m or 2d");
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = if letters == 0 { "s" } else { &rest[..letters] };
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        seconds += number * factor;
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up_and_a_number_alone_is_seconds() {
        for (text, seconds) in
            [("30s", 30.0), ("1h30m", 5_400.0), ("250ms", 0.25), ("2d", 172_800.0), ("1.5", 1.5)]
        {
            assert_eq!(parse(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for wrong in ["", "s", "3 s", "1y", "-1s", "1..2s", "99999999999999999999d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
