//! What a comparison with a date or a number leaves: `07/23/2018`, `>=2026-03-01`, `1..500000`.

use std::ops::Range;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::parse::Mark;
use crate::graph::error::GraphError;
use crate::graph::mail::refusals::{bad, not_emulated};

/// KQL's words for stretches of time, which would need a time zone.
const INTERVALS: [&str; 7] =
    ["today", "yesterday", "this week", "this month", "last month", "this year", "last year"];

/// From a first value on, up to but not including a last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span<T> {
    from: Option<T>,
    to: Option<T>,
}

impl<T: Ord> Span<T> {
    fn of(mark: Mark, value: Range<T>) -> Self {
        let (from, to) = match mark {
            Mark::Equal | Mark::Unequal => (Some(value.start), Some(value.end)),
            Mark::More => (Some(value.end), None),
            Mark::AtLeast => (Some(value.start), None),
            Mark::Less => (None, Some(value.start)),
            Mark::AtMost => (None, Some(value.end)),
        };
        Self { from, to }
    }

    pub(super) fn holds(&self, value: &T) -> bool {
        self.from.as_ref().is_none_or(|from| from <= value) && self.to.as_ref().is_none_or(|to| value < to)
    }
}

/// Reads a comparison of dates, or of times of day.
pub(super) fn times(mark: Mark, value: &str) -> Result<Span<Timestamp>, GraphError> {
    let instants = |text: &str| {
        instants(text).ok_or_else(|| match INTERVALS.contains(&text.to_ascii_lowercase().as_str()) {
            true => not_emulated(&format!("the interval '{text}' in $search")),
            false => not_understood("date", text),
        })
    };
    read(mark, value, instants)
}

/// Reads a comparison of numbers.
pub(super) fn numbers(mark: Mark, value: &str) -> Result<Span<u64>, GraphError> {
    read(mark, value, |text| {
        let number: Option<u64> = text.parse().ok();
        number.map(|number| number..number.saturating_add(1)).ok_or_else(|| not_understood("number", text))
    })
}

fn read<T: Ord>(
    mark: Mark,
    value: &str,
    each: impl Fn(&str) -> Result<Range<T>, GraphError>,
) -> Result<Span<T>, GraphError> {
    match value.split_once("..") {
        Some((first, last)) => {
            Ok(Span { from: Some(each(first.trim())?.start), to: Some(each(last.trim())?.end) })
        }
        None => Ok(Span::of(mark, each(value.trim())?)),
    }
}

fn not_understood(kind: &str, text: &str) -> GraphError {
    bad("BadRequest", format!("The {kind} '{text}' in the value of $search is not valid."))
}

/// All of a day, or of a second.
fn instants(text: &str) -> Option<Range<Timestamp>> {
    if !text.contains('T') {
        let start = date(text)?;
        return Some(utc(start.into())?..utc(start.tomorrow().ok()?.into())?);
    }
    let start: Timestamp = text.parse().ok().or_else(|| utc(text.parse().ok()?))?;
    Some(start..start.checked_add(1.second()).ok()?)
}

/// `2018-07-23` or `07/23/2018`.
fn date(text: &str) -> Option<Date> {
    let numbers = |mark: char| -> Option<[i16; 3]> {
        let numbers: Option<Vec<i16>> = text.split(mark).map(|part| part.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    let american = || numbers('/').map(|[month, day, year]| [year, month, day]);
    let [year, month, day] = numbers('-').or_else(american)?;
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn utc(time: DateTime) -> Option<Timestamp> {
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
