//! What the doctor says: for people, aligned and in words, with colour beside them where a terminal shows it;
//! for programs, one object a check and one at the end.

use std::io::IsTerminal;

use attache_terms::{Check, Verdict, Who, when};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::stops::Stop;
use crate::output::Output;

/// Everything that is said.
pub(super) struct Report<'a> {
    pub(super) source: &'a str,
    pub(super) checks: &'a [Check],
    pub(super) sending: Stop,
    /// `None` where nothing says that mail is received.
    pub(super) receiving: Option<Stop>,
    pub(super) now: Timestamp,
}

const WIDTH: usize = 100;
const INDENT: usize = 35;

impl Report<'_> {
    /// Says it.
    pub(super) fn say(&self, output: Output) {
        if output.json {
            for check in self.checks {
                output.object(&object(check));
            }
            output.object(&self.summary());
            return;
        }
        let colour =
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        output.line(format!(
            "attache doctor: {} ({})\n",
            self.source,
            self.now.strftime("%Y-%m-%d %H:%M UTC")
        ));
        for check in self.checks {
            for line in lines(check, colour) {
                output.line(line);
            }
        }
        output.line("");
        output.line(self.count());
        output.line(told(("go out", "going out"), &self.sending, self.now));
        if let Some(receiving) = &self.receiving {
            output.line(told(("come in", "coming in"), receiving, self.now));
        }
    }

    fn of(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }

    fn count(&self) -> String {
        let [ok, warn, fail, skipped] =
            [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Skipped].map(|verdict| self.of(verdict));
        format!("{ok} ok, {warn} to look after, {fail} failing, {skipped} not looked at.")
    }

    fn summary(&self) -> Value {
        json!({
            "summary": true,
            "ok": self.of(Verdict::Fail) == 0,
            "counts": {
                "ok": self.of(Verdict::Ok), "warn": self.of(Verdict::Warn),
                "fail": self.of(Verdict::Fail), "skipped": self.of(Verdict::Skipped),
            },
            "at": self.now.to_string(),
            "sending": stop(&self.sending, self.now),
            "receiving": self.receiving.as_ref().map(|receiving| stop(receiving, self.now)),
        })
    }
}

fn object(check: &Check) -> Value {
    let who = check.remedy.as_ref().map(|remedy| match remedy.who {
        Who::Caller => "caller",
        Who::Operator => "operator",
        Who::Platform { .. } => "platform",
        Who::Us => "us",
    });
    json!({
        "check": check.name,
        "verdict": check.verdict.word(),
        "seen": check.seen,
        "means": check.means,
        "remedy": check.remedy.as_ref().map(ToString::to_string),
        "who": who,
        "ends": check.ends.map(|ends| ends.to_string()),
    })
}

fn stop(stop: &Stop, now: Timestamp) -> Value {
    match stop {
        Stop::Now(because) => {
            json!({ "stops": now.to_string(), "stopped": true, "because": because.join(", ") })
        }
        Stop::At(at, because) => json!({ "stops": at.to_string(), "stopped": false, "because": because }),
        Stop::Unseen => json!({ "stops": null, "stopped": false, "because": null }),
    }
}

fn told((go, going): (&str, &str), stop: &Stop, now: Timestamp) -> String {
    match stop {
        Stop::Now(because) => {
            format!("Mail does not {go}; failing: {}.", because.join(", ").replace('_', " "))
        }
        Stop::At(at, because) => {
            format!("Mail stops {going} on {}, if nothing is renewed: {because}.", when(*at, now))
        }
        Stop::Unseen => {
            format!(
                "Nobody can tell when mail stops {going}: the end of the secret in use could not be read."
            )
        }
    }
}

fn lines(check: &Check, colour: bool) -> Vec<String> {
    let (symbol, paint) = match check.verdict {
        Verdict::Ok => ("✓", "32"),
        Verdict::Warn => ("!", "33"),
        Verdict::Fail => ("✗", "31"),
        Verdict::Skipped => ("–", "2"),
    };
    let word = format!("{symbol} {:<8}", check.verdict.word());
    let word = if colour { format!("\u{1b}[{paint}m{word}\u{1b}[0m") } else { word };
    let mut all = wrapped(&check.seen);
    let rest = all.split_off(1.min(all.len()));
    let first = all.pop().unwrap_or_default();
    let mut lines = vec![format!("  {word} {:<21} {first}", check.name.replace('_', " "))];
    let mut add =
        |text: &str| lines.extend(wrapped(text).into_iter().map(|line| format!("{:INDENT$}{line}", "")));
    rest.iter().for_each(|line| add(line));
    if let Some(means) = &check.means {
        add(means);
    }
    if let Some(remedy) = &check.remedy {
        add(&format!("→ {remedy}"));
    }
    lines
}

/// A text in lines that a terminal of 100 columns holds.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= WIDTH - INDENT
        });
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use attache_terms::Remedy;

    use super::*;

    #[test]
    fn a_check_reads_in_words_without_colour_and_in_a_narrow_column() {
        let seen = "secret \"graph-secret-2026-06\" (key id 1), in use, expires 2026-12-05 (in 7 days)";
        let check =
            Check::warn("credential", seen, Remedy::operator("make the next one")).meaning("mail stops then");
        let lines = lines(&check, false);
        assert!(lines[0].starts_with("  ! warn     credential            secret"), "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
        assert_eq!(lines.last().map(|line| line.trim()), Some("→ make the next one"));
        assert!(!lines.concat().contains('\u{1b}'));
        assert!(super::lines(&check, true)[0].contains("\u{1b}[33m! warn"));
    }
}
