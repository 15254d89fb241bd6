//! `attache doctor`: whether an agent's mail works, and until when. It needs no gateway and no database, only
//! reads, and writes nothing, no log either. No secret is shown.

mod configured;
mod list;
mod report;
mod stops;
mod variables;

use std::path::Path;
use std::sync::Arc;

use attache_entra::{Entra, Transport, TransportConfig};
use attache_terms::{SystemClock, SystemRng, Verdict};

use crate::args;
use crate::config::Way;
use crate::output::{Failure, Output};

/// Looks, and says what was seen.
pub(super) async fn run(command: args::Doctor, way: Way, output: Output) -> Result<(), Failure> {
    let (variables, source) = match &command.env_file {
        Some(path) => (variables::Variables::of_text(&text(path)?), path.display().to_string()),
        None => (variables::Variables::of_environment(), "the environment".to_owned()),
    };
    let transport = Transport::new(TransportConfig { ca: way.ca, ..TransportConfig::default() })?;
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let entra = Entra::new(way.cloud, transport, clock.clone(), rng.clone());
    let configured = configured::configured(&variables);
    let receives = configured.receives;
    let own_mailbox = configured.ingest_user.is_none();
    let asked = list::Asked { aliases: command.alias, sends_by_exchange: command.sends_by_exchange };
    let mut patient = list::Patient::new(configured, asked, entra, clock, rng);
    let checks = patient.examine().await;
    let report = report::Report {
        source: &source,
        checks: &checks,
        sending: stops::sending(&checks),
        receiving: receives.then(|| stops::receiving(&checks, own_mailbox)),
        now: patient.now,
    };
    report.say(output);
    if checks.iter().any(|check| check.verdict == Verdict::Fail) { Err(Failure::shown()) } else { Ok(()) }
}

fn text(path: &Path) -> Result<String, Failure> {
    let unreadable =
        |why: String| Failure::usage("env_file_unreadable", format!("--env-file {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
}
