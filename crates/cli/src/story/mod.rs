//! `attache try`: the whole story against a sandbox tenant in this process, over real HTTPS, with the same
//! code that talks to Microsoft. Each step counts as done when the tenant was asked and said so.

mod browser;
mod gateway;
mod home;
mod host;
mod hosts;
mod people;
mod show;
mod steps;

use std::path::PathBuf;

use crate::args::{self, Global};
use crate::commands::default_home;
use crate::config::Place;
use crate::output::{Failure, Output};
use crate::signals;

use home::Home;
use show::Show;

/// Tells the story; then stays, so that its tenant can be used, or ends.
pub(crate) async fn run(command: args::Try, global: Global, output: Output) -> Result<(), Failure> {
    let place = place(&command, &global)?;
    let mut show = Show::new(output);
    let told = match Home::open(place) {
        Ok(home) => steps::tell(&mut show, &home, &command).await,
        Err(error) => Err(error),
    };
    let (tenant, gateway) = match told {
        Ok(told) => told,
        Err(error) => {
            show.failed(&error);
            return Err(Failure::shown());
        }
    };
    let ended = if command.once { Ok(()) } else { signals::ended().await };
    gateway.running.stop().await;
    tenant.shutdown().await;
    ended.map_err(|error| Failure::new("no_signals", error.to_string(), "end it with SIGKILL"))
}

/// For `--once` a fresh directory, inside the one that was given if any; else the one that was given, or one of
/// `try`'s own: never the user's profiles.
fn place(command: &args::Try, global: &Global) -> Result<Place, Failure> {
    let given = match &global.home {
        Some(home) => Some(std::path::absolute(home).map_err(|error| {
            Failure::usage("home_unusable", format!("--home {}: {error}", home.display()))
        })?),
        None => None,
    };
    let home = match given {
        given if command.once => fresh(given.unwrap_or_else(std::env::temp_dir))?,
        Some(home) => home,
        None => default_home()?.join("try"),
    };
    let profile =
        global.profile.parse().map_err(|error| Failure::usage("profile_name", format!("{error}")))?;
    Ok(Place::new(home, profile))
}

fn fresh(inside: PathBuf) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(&inside)
        .and_then(|()| tempfile::Builder::new().prefix("attache-try-").tempdir_in(inside))
        .map(tempfile::TempDir::keep)
        .map_err(|error| Failure::new("no_directory", error.to_string(), "give a directory with --home"))
}
