//! `attache sandbox lag`: how much the directory, licences and consent lag behind what was written.

use clap::Args;

use super::at::At;
use super::control::{Control, objects, text};
use super::duration;
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
    /// A delay of one cause, whatever the profile says: mailbox=5m, secret=20s
    #[arg(long, value_name = "CAUSE=TIME", value_parser = delay)]
    set: Vec<(String, f64)>,
    /// Let every second read meet a replica that shows new objects at once
    #[arg(long, value_name = "BOOL")]
    alternating: Option<bool>,
}

fn delay(text: &str) -> Result<(String, f64), String> {
    let (cause, time) = text.split_once('=').ok_or("write CAUSE=TIME, as in mailbox=5m")?;
    Ok((cause.replace('-', "_"), duration::parse(time)?.as_secs_f64()))
}

/// Shows or changes the lag.
pub(super) async fn run(command: Lag, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let mut lag = control.get("lag").await?;
    let changes = command.profile.is_some() || command.scale.is_some() || command.alternating.is_some();
    if changes || !command.set.is_empty() {
        if let Some(profile) = command.profile {
            lag["profile"] = profile.name().into();
        }
        if let Some(scale) = command.scale {
            lag["scale"] = scale.into();
        }
        if let Some(alternating) = command.alternating {
            lag["alternating"] = alternating.into();
        }
        for (cause, seconds) in command.set {
            lag["seconds"][cause] = seconds.into();
        }
        lag = control.post("lag", &lag).await?;
    }
    if output.json {
        objects(&lag, output);
    } else {
        output.line(format!("{}, times {}", text(&lag["profile"]), text(&lag["scale"])));
        for (cause, seconds) in lag["seconds"].as_object().into_iter().flatten() {
            output.line(format!("  {}  {seconds} s", cause.replace('_', " ")));
        }
        if lag["alternating"] == true {
            output.line("  every second read shows new objects at once");
        }
    }
    Ok(())
}
