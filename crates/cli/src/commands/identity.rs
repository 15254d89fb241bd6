//! `sign-in`, `sign-out` and `whoami`: who the sponsor is, and under which name the agent acts.

use std::process::{Command, Stdio};
use std::sync::Arc;

use attache_agent::{Agent, Person, tools};
use serde_json::{Value, json};
use url::Url;

use crate::args;
use crate::output::{Failure, Output};

/// Signs the sponsor in, in a browser or by a device code.
pub(super) async fn sign_in(command: args::SignIn, agent: Arc<Agent>, output: Output) -> Result<(), Failure> {
    let sponsor = if command.device_code {
        agent.sign_in_device(|prompt| output.note(&prompt.message)).await?
    } else {
        agent
            .sign_in(|url| {
                output.note(format!("Sign in here, if no browser opens:\n  {url}"));
                open_browser(url);
            })
            .await?
    };
    said(&sponsor, output);
    Ok(())
}

/// Forgets the sponsor's tokens.
pub(super) async fn sign_out(agent: Arc<Agent>, output: Output) -> Result<(), Failure> {
    agent.sign_out().await?;
    if output.json {
        output.object(&json!({ "ok": true, "signed_in": false }));
    } else {
        output.line("The sponsor's tokens are forgotten. What the agent has of its own stays; `attache deprovision` removes it.");
    }
    Ok(())
}

/// Shows the same as the tool of this name.
pub(super) async fn whoami(agent: Arc<Agent>, output: Output) -> Result<(), Failure> {
    let answer = tools::call(&agent, "whoami", serde_json::json!({})).await?;
    if output.json {
        output.object(&answer);
        return Ok(());
    }
    facts("", &answer, output);
    Ok(())
}

/// Every fact on a line of its own; those of an object after its name.
fn facts(of: &str, answer: &Value, output: Output) {
    for (name, value) in answer.as_object().into_iter().flatten() {
        let name = format!("{of}{}", name.replace('_', " "));
        match value {
            Value::Null => {}
            Value::Object(_) => facts(&format!("{name}: "), value, output),
            Value::Array(all) if all.is_empty() => {}
            Value::Array(all) => all.iter().for_each(|one| fact(&name, one, output)),
            one => fact(&name, one, output),
        }
    }
}

fn fact(name: &str, value: &Value, output: Output) {
    match value {
        Value::String(text) => output.line(format!("{name:<26} {text}")),
        other => output.line(format!("{name:<26} {other}")),
    }
}

fn said(sponsor: &Person, output: Output) {
    if output.json {
        output.object(&json!({ "ok": true, "signed_in": true, "sponsor": sponsor }));
    } else {
        output.line(format!("{} ({}) is signed in as the sponsor.", sponsor.display_name, sponsor.upn));
    }
}

/// Asks the desktop to open a browser; where there is none, the printed address is the way.
fn open_browser(url: &Url) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = Command::new(opener)
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = quiet {
        tracing::debug!(%error, opener, "no browser opens");
    }
}
