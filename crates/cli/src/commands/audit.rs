//! `attache audit`: read and verify a profile's ledger. Needs no tenant and no configuration.

use std::path::Path;

use attache_ledger::{Code, Entry, Event, Filter, Retention, Verdict, VerifyOptions};
use serde_json::json;

use crate::args::Audit;
use crate::config::Place;
use crate::output::{Failure, Output};

/// Verifies or shows the ledger.
pub(super) fn run(command: Audit, place: &Place, output: Output) -> Result<(), Failure> {
    let ledger = place.profile.ledger();
    match command {
        Audit::Verify { checkpoint, key } => {
            verify(&ledger, &held(checkpoint.as_deref(), key.as_deref())?, output)
        }
        Audit::Show { last } => show(&ledger, last, output),
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
        }));
    } else {
        output.line(format!("The ledger {} verifies.", ledger.display()));
        output.line(format!("  entries      {}", report.entries));
        output.line(format!("  root         {}", report.root));
        output.line(format!("  key          {}", report.key));
        output.line(format!("  checkpoints  {}", report.checkpoints));
        output.line(format!("  dangling     {}", report.dangling.len()));
        output.line(format!("  repairs      {}", report.repairs));
        output.line(if held {
            "It continues the checkpoint that you hold: nothing before it was altered."
        } else {
            "Keep its checkpoint file elsewhere: --checkpoint FILE then proves that nothing was altered since."
        });
    }
    Ok(())
}

fn show(ledger: &Path, last: Option<usize>, output: Output) -> Result<(), Failure> {
    let mut entries = attache_ledger::show(ledger, Filter::default())?.collect::<Result<Vec<_>, _>>()?;
    if let Some(last) = last {
        entries.drain(..entries.len().saturating_sub(last));
    }
    for shown in entries {
        if output.json {
            output.object(&serde_json::to_value(&shown).unwrap_or_default());
        } else {
            output.line(line(&shown.entry));
        }
    }
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
