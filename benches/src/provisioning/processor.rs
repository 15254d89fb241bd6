//! What of the processors this process has had: on a machine that others use it tells more than the clock.

use std::time::Duration;

/// A tick of `/proc`: `USER_HZ` is 100 for every program (proc(5)).
const TICK: Duration = Duration::from_millis(10);

/// The time of all threads so far, as Linux tells it; nothing elsewhere.
pub(super) fn had() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may have spaces; `utime` and `stime` are the 12th and 13th behind it.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok());
    TICK * ticks.sum::<u32>()
}
