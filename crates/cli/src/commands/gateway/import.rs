//! `attache gateway import`: identities of earlier systems, from an export of their database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attache_gateway::{Import, Taken, What, import_identities};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{config, open};
use crate::config::Values;
use crate::output::{Failure, Output};

/// What to import.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// What wrote the file
    #[arg(long, value_enum)]
    from: Source,
    /// The export of the collection agent_identities: one document a line, or one array
    file: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    plan: bool,
    /// The short name here of an organisation there, where its subdomain is not to be it; may be repeated
    #[arg(long = "org", value_name = "ORG_ID=NAME", value_parser = named)]
    organisations: Vec<(String, String)>,
}

/// What writes exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// mongoexport, extended JSON
    Mongoexport,
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((id, name)) if !id.is_empty() && !name.is_empty() => Ok((id.to_owned(), name.to_owned())),
        _ => Err("write ORG_ID=NAME".to_owned()),
    }
}

/// Imports, or plans to.
pub(super) async fn run(
    home: PathBuf,
    values: Values,
    wanted: Wanted,
    output: Output,
) -> Result<(), Failure> {
    let Wanted { from: Source::Mongoexport, file, plan, organisations } = wanted;
    let given = config::judge(&home, &values).map_err(|problems| Failure::configuration(&problems))?;
    let text = std::fs::read_to_string(&file).map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Failure::new("export_unreadable", message, "give the file that mongoexport wrote")
    })?;
    let parts = open::parts(&given.database, given.keys).await?;
    let organisations: BTreeMap<String, String> = organisations.into_iter().collect();
    let import = Import { text: &text, organisations: &organisations, plan };
    let taken = import_identities(given.config, parts, import).await?;
    let refused = taken.iter().filter(|one| matches!(one.what, What::Refused { .. })).count();
    if output.json {
        output.object(&json!({ "ok": refused == 0, "plan": plan, "documents": taken }));
    } else {
        show(&taken, plan, refused, output);
    }
    if refused > 0 { Err(Failure::shown()) } else { Ok(()) }
}

fn show(taken: &[Taken], plan: bool, refused: usize, output: Output) {
    for one in taken {
        let whose = match (&one.organisation, &one.template) {
            (Some(organisation), Some(template)) => format!("{organisation}/{template}"),
            _ => "-".to_owned(),
        };
        let word = match (&one.what, plan) {
            (What::Imported, true) => "would be imported".to_owned(),
            (What::Imported, false) => "imported: the gateway looks for it in the tenant".to_owned(),
            (What::Kept, true) => "its record would be kept: deprovisioned".to_owned(),
            (What::Kept, false) => "its record is kept: deprovisioned".to_owned(),
            (What::There, _) => "there already".to_owned(),
            (What::Refused { reason }, _) => format!("refused: {reason}"),
        };
        let made = if one.new_organisation { ", in a new organisation" } else { "" };
        output.line(format!("{whose:<24} {word}{made}  ({})", one.document));
    }
    let (all, rest) = (taken.len(), taken.len() - refused);
    let what = if plan { "nothing was changed" } else { "what was taken in is on record" };
    output.line(format!("{all} documents: {rest} fit, {refused} refused; {what}"));
}
