//! `attache sandbox lag`: how much the directory, licences and consent lag behind what was written.

use clap::Args;

use super::at::At;
use super::control::{Control, objects, text};
use crate::args::{self, Global};
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Lag {
    #[command(flatten)]
    at: At,
    /// The profile to use from now on
    #[arg(id = "lag_profile", value_name = "PROFILE")]
    profile: Option<args::Lag>,
    /// What every lag is multiplied by
    #[arg(long, value_name = "FACTOR")]
    scale: Option<f64>,
}

/// Shows or changes the lag.
pub(super) async fn run(command: Lag, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let mut lag = control.get("lag").await?;
    if command.profile.is_some() || command.scale.is_some() {
        if let Some(profile) = command.profile {
            lag["profile"] = profile.name().into();
        }
        if let Some(scale) = command.scale {
            lag["scale"] = scale.into();
        }
        lag = control.post("lag", &lag).await?;
    }
    if output.json {
        objects(&lag, output);
    } else {
        output.line(format!("{}, times {}", text(&lag["profile"]), text(&lag["scale"])));
    }
    Ok(())
}
