//! `attache sandbox snapshot`: keep what a tenant holds, and put it back.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use super::control::{Control, objects, segment, text};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Keep what the tenant holds, until the sandbox ends
    Create {
        /// A word to tell it by
        name: Option<String>,
    },
    /// List the snapshots, oldest first
    List,
    /// Put back what the tenant held; clock, lag, faults and log are left alone
    Restore {
        /// The snapshot's id or name
        id: String,
    },
    /// Forget a snapshot
    Delete {
        /// Its id
        id: String,
    },
}

/// Does what was asked.
pub(super) async fn run(command: Snapshot, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let done = |answer: &Value, said: String| {
        if output.json { objects(answer, output) } else { output.line(said) }
    };
    match command.what {
        What::Create { name } => {
            let wish = name.map_or_else(|| json!({}), |name| json!({ "name": name }));
            let kept = control.post("snapshots", &wish).await?;
            done(&kept, format!("The snapshot's id is {}.", text(&kept["id"])));
        }
        What::List => {
            let kept = control.get("snapshots").await?;
            if output.json {
                objects(&kept, output);
            } else {
                kept["value"].as_array().into_iter().flatten().for_each(|one| output.line(line(one)));
            }
        }
        What::Restore { id } => {
            let answer = control.post(&format!("snapshots/{}/restore", segment(&id)), &json!({})).await?;
            done(&answer, format!("The tenant holds what it held in snapshot {id}."));
        }
        What::Delete { id } => {
            let answer = control.delete(&format!("snapshots/{}", segment(&id))).await?;
            done(&answer, format!("Snapshot {id} is forgotten."));
        }
    }
    Ok(())
}

fn line(snapshot: &Value) -> String {
    format!("{:>4}  {}  {}", text(&snapshot["id"]), text(&snapshot["taken"]), text(&snapshot["name"]))
}
