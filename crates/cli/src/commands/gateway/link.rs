//! `attache gateway link`: signs an operator in once, for whoever has the gateway's own machine. It is needed when Entra
//! cannot be used, so it works while the gateway runs.

use std::path::PathBuf;
use std::sync::Arc;

use attache_gateway::sign_in_link;
use attache_terms::{Clock, Rng, SystemClock, SystemRng};
use serde_json::json;

use super::config::Database;
use super::{config, open};
use crate::config::Values;
use crate::output::{Failure, Output};

/// Prints a link.
pub(super) async fn print(home: PathBuf, values: Values, output: Output) -> Result<(), Failure> {
    let given = config::judge(&home, &values).map_err(|problems| Failure::configuration(&problems))?;
    let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let operator = given.config.operators.first().copied().ok_or_else(|| {
        Failure::new("no_operator", "no operator is configured", "set operators (ATTACHE_GATEWAY_OPERATORS)")
    })?;
    let url = &given.config.public_url;
    let link = sign_in_link(url, operator, "the operator", &clock, &rng);
    let link = match &given.database {
        Database::File(path) => {
            attache_store_sqlite::commit_beside(path, link.unit, clock.now())?;
            link.url
        }
        Database::Postgres(_) => link.keep(&open::store(&given.database, &clock, &rng).await?).await?,
    };
    if output.json {
        output.object(&json!({ "link": link.expose() }));
    } else {
        output.line(link.expose());
        output.note("It works once, within 15 minutes.");
    }
    Ok(())
}
