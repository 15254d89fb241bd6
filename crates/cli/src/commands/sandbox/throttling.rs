//! `attache sandbox throttling`: how much a client may ask before it is refused.

use clap::{Args, ValueEnum};

use super::at::At;
use super::control::{Control, objects, text};
use crate::args::{Global, Limits};
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Throttling {
    #[command(flatten)]
    at: At,
    /// The limits to hold from now on
    #[arg(value_name = "LIMITS")]
    limits: Option<Limits>,
    /// What every limit is multiplied by: 0.001 makes ten thousand requests ten
    #[arg(long, value_name = "FACTOR")]
    scale: Option<f64>,
    /// When a refusal says how long to wait
    #[arg(long, value_name = "WHEN")]
    retry_after: Option<RetryAfter>,
}

/// When a refusal says how long to wait.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RetryAfter {
    /// As the services do: Teams forgets it now and then, conditional access never says it
    Documented,
    Always,
    Never,
}

impl RetryAfter {
    fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// Shows or changes the limits.
pub(super) async fn run(command: Throttling, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let mut throttling = control.get("throttling").await?;
    if command.limits.is_some() || command.scale.is_some() || command.retry_after.is_some() {
        if let Some(limits) = command.limits {
            throttling["limits"] = limits.name().into();
        }
        if let Some(scale) = command.scale {
            throttling["scale"] = scale.into();
        }
        if let Some(when) = command.retry_after {
            throttling["retry_after"] = when.name().into();
        }
        throttling = control.post("throttling", &throttling).await?;
    }
    if output.json {
        objects(&throttling, output);
    } else {
        let (limits, scale) = (text(&throttling["limits"]), text(&throttling["scale"]));
        output.line(format!("{limits}, times {scale}, wait told: {}", text(&throttling["retry_after"])));
    }
    Ok(())
}
