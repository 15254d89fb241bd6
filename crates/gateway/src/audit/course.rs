//! The course of the last days, drawn: how many entries each day had, and how many of them say that something failed
//! or was refused.

use std::time::Duration;

use attache_store::{OrgStore, StoreError, Tally, TallyQuery};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// How many days are drawn, today included.
const DAYS: usize = 14;
const DAY: Duration = Duration::from_hours(24);
/// At most so many entries are counted, so that a page costs no more than that.
const NEWEST: u64 = 20_000;
/// The height of the drawing, in its own units.
const HEIGHT: u64 = 100;
/// From one bar to the next, and how wide a bar is.
const STEP: usize = 30;
const WIDTH: usize = 22;

/// The days, the oldest first.
pub(crate) struct Course {
    /// One bar a day.
    pub(crate) days: Vec<Bar>,
    /// All entries of these days.
    pub(crate) entries: u64,
    /// Those of them that say that something failed or was refused.
    pub(crate) failures: u64,
    /// Whether the log had more in these days than was counted.
    pub(crate) cut: bool,
}

/// One day.
pub(crate) struct Bar {
    /// Which, in UTC.
    pub(crate) date: Date,
    /// How many entries.
    pub(crate) entries: u64,
    /// How many of them say that something failed or was refused.
    pub(crate) failures: u64,
    /// Where the bar stands.
    pub(crate) x: usize,
    /// How high its two parts are.
    pub(crate) good: u64,
    pub(crate) bad: u64,
}

impl Course {
    /// The width of the drawing.
    pub(crate) const SPAN: usize = DAYS * STEP;

    /// Of an organisation, up to now.
    pub(crate) async fn of(store: OrgStore<'_>, now: Timestamp) -> Result<Self, StoreError> {
        let first = first(now);
        let since = first.to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |day| day.timestamp());
        let query = TallyQuery { log: store.own_log(), since, slot: DAY, newest: NEWEST };
        Ok(Self::drawn(first, &store.tally(query).await?))
    }

    /// Each day's bar, in proportion to the day with the most entries.
    fn drawn(first: Date, tally: &[Tally]) -> Self {
        let most = tally.iter().map(|day| day.entries).max().unwrap_or(0).max(1);
        let bar = |number: usize| {
            let none = Tally { slot: 0, entries: 0, failures: 0 };
            let day = tally.iter().find(|day| day.slot == number as u64).copied().unwrap_or(none);
            let height = |count: u64| (count * HEIGHT).div_ceil(most);
            let bad = height(day.failures);
            Bar {
                date: first.saturating_add((number as i64).days()),
                entries: day.entries,
                failures: day.failures,
                x: number * STEP + (STEP - WIDTH) / 2,
                good: height(day.entries).saturating_sub(bad),
                bad,
            }
        };
        let sum = |of: fn(&Tally) -> u64| tally.iter().map(of).sum();
        let entries = sum(|day| day.entries);
        Self {
            days: (0..DAYS).map(bar).collect(),
            entries,
            failures: sum(|day| day.failures),
            cut: entries == NEWEST,
        }
    }
}

impl Bar {
    /// Where its upper part begins.
    pub(crate) fn top(&self) -> u64 {
        HEIGHT - self.good - self.bad
    }

    /// Where its lower part begins.
    pub(crate) fn middle(&self) -> u64 {
        HEIGHT - self.good
    }
}

/// The first of the days that are drawn.
fn first(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date().saturating_sub((DAYS as i64 - 1).days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_its_bar_in_proportion() {
        let now: Timestamp = "2026-03-02T00:10:00Z".parse().unwrap();
        let tally = |slot, entries, failures| Tally { slot, entries, failures };
        let course = Course::drawn(first(now), &[tally(0, 1, 0), tally(13, 200, 50)]);
        assert_eq!(course.days.len(), DAYS);
        assert_eq!(course.days[0].date.to_string(), "2026-02-17");
        assert_eq!(course.days[13].date.to_string(), "2026-03-02");
        assert_eq!((course.days[0].good, course.days[0].top()), (1, 99), "one entry is seen beside many");
        assert_eq!((course.days[13].good, course.days[13].bad, course.days[13].top()), (75, 25, 0));
        assert_eq!((course.entries, course.failures, course.cut), (201, 50, false));
        assert!(course.days.iter().all(|day| day.x + WIDTH < Course::SPAN));
    }

    #[test]
    fn an_empty_log_has_empty_days() {
        let course = Course::drawn(first(Timestamp::UNIX_EPOCH), &[]);
        assert!(course.days.iter().all(|day| day.top() == HEIGHT));
        assert_eq!(course.entries, 0);
    }
}
