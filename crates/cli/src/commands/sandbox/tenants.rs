//! `attache sandbox tenants`: the tenants that a sandbox holds side by side, each with its own ids, clock,
//! faults, log and control token.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use super::control::{Control, objects, text};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Tenants {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the tenants
    List,
    /// Add a tenant; the answer is what a client needs to know of it
    #[command(alias = "create")]
    Add {
        /// The same ids and secrets for the same number [default: random ones]
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Remove a tenant and everything in it
    #[command(alias = "delete")]
    Remove {
        /// Its id
        id: String,
    },
}

/// Does what was asked.
pub(super) async fn run(command: Tenants, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    match command.what {
        What::List => {
            let answer = control.get("tenants").await?;
            if output.json {
                objects(&answer, output);
            } else {
                let tenants = answer["value"].as_array().into_iter().flatten();
                tenants.for_each(|tenant| output.line(line(tenant)));
            }
        }
        What::Add { seed } => {
            let wish = seed.map_or_else(|| json!({}), |seed| json!({ "seed": seed }));
            let tenant = control.post("tenants", &wish).await?;
            if output.json {
                output.object(&tenant);
            } else {
                output.line(line(&tenant));
                output.line(format!("  control token  {}", text(&tenant["control_token"])));
            }
        }
        What::Remove { id } => {
            let answer = control.delete(&format!("tenants/{id}")).await?;
            if output.json {
                objects(&answer, output);
            } else {
                output.line(format!("Tenant {id} is removed."));
            }
        }
    }
    Ok(())
}

fn line(tenant: &Value) -> String {
    format!("{}  {}", text(&tenant["tenant_id"]), text(&tenant["domain"]))
}
