//! `attache audit`: read and verify a profile's ledger, or what a gateway exported. Needs no tenant and no
//! configuration.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use attache_ledger::{Code, Entry, Event, Filter, Gap, Report, Retention, Shown, Verdict, VerifyOptions};
use serde_json::json;

use crate::args::Audit;
use crate::config::Place;
use crate::output::{Failure, Output};

/// Verifies or shows the ledger.
pub(super) fn run(command: Audit, place: &Place, output: Output) -> Result<(), Failure> {
    let or_own = |file: Option<PathBuf>| file.map_or_else(|| place.ledger(), Ok);
    match command {
        Audit::Verify { file, checkpoint, key } => {
            verify(&or_own(file)?, &held(checkpoint.as_deref(), key.as_deref())?, output)
        }
        Audit::Show { file, last } => show(&or_own(file)?, last, output),
    }
}

/// What the person holds against the ledger.
fn held(checkpoint: Option<&Path>, key: Option<&str>) -> Result<VerifyOptions, Failure> {
    let checkpoint = checkpoint.map(std::fs::read_to_string).transpose().map_err(|error| {
        Failure::usage("checkpoint_unreadable", format!("the checkpoint cannot be read: {error}"))
    })?;
    let key = key
        .map(str::parse)
        .transpose()
        .map_err(|error| Failure::usage("key_unreadable", format!("--key is no verifier key: {error}")))?;
    Ok(VerifyOptions { checkpoint, key })
}

fn verify(ledger: &Path, options: &VerifyOptions, output: Output) -> Result<(), Failure> {
    let report = attache_ledger::verify(ledger, options)?;
    let held = options.checkpoint.is_some();
    if output.json {
        output.object(&json!({
            "ok": true,
            "entries": report.entries,
            "root": report.root.to_string(),
            "key": report.key.to_string(),
            "checkpoints": report.checkpoints,
            "continues_held_checkpoint": held,
            "dangling": report.dangling.len(),
            "repairs": report.repairs,
            "erased": report.erased,
            "missing": report.missing,
            "unexplained": report.unexplained,
            "gaps": report.gaps,
        }));
    } else {
        output.line(format!("The ledger {} verifies.", ledger.display()));
        output.line(format!("  entries      {}", report.entries));
        output.line(format!("  root         {}", report.root));
        output.line(format!("  key          {}", report.key));
        output.line(format!("  checkpoints  {}", report.checkpoints));
        output.line(format!("  dangling     {}", report.dangling.len()));
        output.line(format!("  repairs      {}", report.repairs));
        output.line(format!("  erased       {}", report.erased));
        missing(&report, output);
        output.line(if held {
            "It continues the checkpoint that you hold: nothing before it was altered."
        } else {
            "Keep its checkpoint file elsewhere: --checkpoint FILE then proves that nothing was altered since."
        });
    }
    Ok(())
}

/// How many gaps are told one by one.
const GAPS: usize = 5;

/// What is not in an export. Its root follows all the same; who left it out is another question.
fn missing(report: &Report, output: Output) {
    if report.gaps.is_empty() {
        return;
    }
    output.line(format!("  missing      {} entries, in {} gaps:", report.missing, report.gaps.len()));
    for Gap { from, to } in report.gaps.iter().take(GAPS) {
        output.line(format!("               those from {from} up to, not including, {to}"));
    }
    output.line(match report.unexplained {
        0 => "Entries in the file say that they were removed because they had been kept long enough."
            .to_owned(),
        some => format!(
            "No entry in the file says that {some} of them were removed: whoever exported it left them out."
        ),
    });
}

fn show(ledger: &Path, last: Option<usize>, output: Output) -> Result<(), Failure> {
    let entries = attache_ledger::show(ledger, Filter::default())?;
    let mut next = 0;
    let mut print = |shown: &Shown| {
        if output.json {
            output.object(&serde_json::to_value(shown).unwrap_or_default());
            return;
        }
        let sequence = shown.entry.sequence;
        if sequence > next && last.is_none() {
            output.line(format!("     …  entries {next} to {} are not in this file", sequence - 1));
        }
        next = sequence + 1;
        output.line(line(&shown.entry));
    };
    let Some(last) = last else {
        return entries
            .into_iter()
            .try_for_each(|shown| shown.map(|shown| print(&shown)))
            .map_err(Into::into);
    };
    let mut newest = VecDeque::new();
    for shown in entries {
        newest.push_back(shown?);
        if newest.len() > last {
            newest.pop_front();
        }
    }
    newest.iter().for_each(print);
    Ok(())
}

/// One entry as a line for people: number, time, what happened, and what finds it again.
fn line(entry: &Entry) -> String {
    let what = match &entry.event {
        Event::Intent { act } => format!("intent   {act}"),
        Event::Refusal { act, code } => format!("refused  {act}: {code}"),
        Event::Outcome { act, verdict, code, .. } | Event::Change { act, verdict, code } => {
            format!("{:<8} {act}{}", word(*verdict), because(code.as_ref()))
        }
        Event::Repair(_) => "repair   an unfinished last write was removed".to_owned(),
        Event::Erasure { entries } => format!("erasure  of withheld fields in {entries} entries"),
        Event::Retention(Retention { from, to, entries }) => {
            format!("removed  {entries} entries: those from {from} up to, not including, {to} are gone")
        }
    };
    let by = entry.actor.by.as_ref().map(|by| match &by.id {
        Some(id) => format!("  by {} {id}", by.kind.as_str()),
        None => format!("  by {}", by.kind.as_str()),
    });
    let things: String =
        entry.target.things.iter().map(|thing| format!("  {} {}", thing.kind, thing.id)).collect();
    let chat = entry.target.chat.as_ref().map(|chat| format!("  chat {chat}"));
    let message = entry.target.message.as_ref().map(|message| format!("  message {message}"));
    let request = entry.correlation.request_id.as_ref().map(|id| format!("  request-id {id}"));
    let parts = [by, Some(things), chat, message, request].into_iter().flatten().collect::<String>();
    format!("{:>6}  {:.3}  {what}{parts}", entry.sequence, entry.time)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Failed => "failed",
        Verdict::Refused => "refused",
        Verdict::Unknown => "unknown",
    }
}

fn because(code: Option<&Code>) -> String {
    code.map(|code| format!(": {code}")).unwrap_or_default()
}
