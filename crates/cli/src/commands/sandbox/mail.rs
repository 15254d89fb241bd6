//! `attache sandbox mail`: what arrived in mailboxes and what left the tenant, waiting for it, mail from
//! outside, and what an administrator sets.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::at::At;
use super::control::{Body, Control, objects, text};
use super::duration;
use super::log::{milliseconds, some_if_awaited};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Mail {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what arrived in mailboxes and what left the tenant, oldest first
    List {
        #[command(flatten)]
        which: Which,
        /// Wait so long for mail that fits, if there is none; fail if none comes
        #[arg(long, value_name = "TIME", value_parser = duration::parse)]
        wait: Option<Duration>,
    },
    /// Wait until there is mail that fits; fail if none comes
    Wait {
        #[command(flatten)]
        which: Which,
        /// How long
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
        timeout: Duration,
    },
    /// Deliver a message from outside
    Inject(Inject),
    /// Show or change what the organisation's Exchange administrator sets
    Settings {
        /// Whether mail may leave with an alias as its author
        #[arg(long, value_name = "true|false")]
        send_from_alias: Option<bool>,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Only to this address
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Only from addresses with this text
    #[arg(long, value_name = "TEXT")]
    from: Option<String>,
    /// Only with this text in the subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
}

impl Which {
    fn query(self) -> Vec<(&'static str, String)> {
        let all = [("to", self.to), ("from", self.from), ("subject", self.subject)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

#[derive(Debug, Args)]
struct Inject {
    /// The message as RFC 5322, such as an .eml file; - reads standard input
    file: PathBuf,
    /// The envelope's sender; without it, the author in the message
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// A recipient of the envelope, as often as there are any; without it, those in the message
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<String>,
    /// What Authentication-Results is to say that the edge found
    #[arg(long, value_name = "TEXT")]
    authentication_results: Option<String>,
    /// Put it in the junk folder
    #[arg(long)]
    junk: bool,
}

/// Does what was asked.
pub(super) async fn run(command: Mail, global: &Global, output: Output) -> Result<(), Failure> {
    let known = command.at.find(global)?;
    let (which, wait) = match command.what {
        What::Inject(letter) => return inject(&Control::of(known)?, letter, output).await,
        What::Settings { send_from_alias } => {
            return settings(&Control::of(known)?, send_from_alias, output).await;
        }
        What::List { which, wait } => (which, wait),
        What::Wait { which, timeout } => (which, Some(timeout)),
    };
    let control = Control::patient(known, wait.unwrap_or_default())?;
    let mut query = which.query();
    query.extend(wait.map(|wait| ("wait", milliseconds(wait))));
    let found = control.ask("mail", &query).await?;
    if output.json {
        objects(&found, output);
    } else {
        found["value"].as_array().into_iter().flatten().for_each(|one| output.line(line(one)));
    }
    some_if_awaited(&found, wait)
}

async fn inject(control: &Control, letter: Inject, output: Output) -> Result<(), Failure> {
    let body = Body { kind: "message/rfc822", bytes: read(&letter.file)? };
    let mut query: Vec<(&str, String)> = letter.to.into_iter().map(|to| ("to", to)).collect();
    query.extend(letter.from.map(|from| ("from", from)));
    query.extend(letter.authentication_results.map(|found| ("authentication_results", found)));
    query.extend(letter.junk.then(|| ("junk", "true".to_owned())));
    let answer = control.call(Method::POST, "mail", &query, Some(body)).await?;
    if output.json {
        output.object(&answer);
    } else {
        for one in answer["delivered"].as_array().into_iter().flatten() {
            output.line(format!("{}  {}", text(&one["user"]), text(&one["message"])));
        }
    }
    Ok(())
}

async fn settings(control: &Control, send_from_alias: Option<bool>, output: Output) -> Result<(), Failure> {
    let settings = match send_from_alias {
        None => control.get("mail/settings").await?,
        Some(may) => {
            let bytes = json!({ "send_from_alias": may }).to_string().into_bytes();
            let body = Body { kind: "application/json", bytes };
            control.call(Method::PATCH, "mail/settings", &[], Some(body)).await?
        }
    };
    if output.json {
        objects(&settings, output);
    } else {
        let may = if settings["send_from_alias"] == true { "may" } else { "may not" };
        output.line(format!("Mail {may} leave with an alias as its author."));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    bytes.map_err(|error| {
        Failure::usage("mail_file", format!("the message {} cannot be read: {error}", file.display()))
    })
}

/// When, which way, from whom, to whom and what about. What left the tenant is in nobody's mailbox.
fn line(mail: &Value) -> String {
    let way = if mail["user"].is_string() { "in " } else { "out" };
    let to: Vec<String> = mail["to"].as_array().into_iter().flatten().map(text).collect();
    format!(
        "{}  {way}  {} -> {}: {}",
        text(&mail["at"]),
        text(&mail["from"]),
        to.join(", "),
        text(&mail["subject"]).replace('\n', " "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_which_way_mail_went() {
        let mut mail = json!({
            "user": "u", "at": "2030-01-01T00:00:00Z", "from": "a@x.example", "to": ["b@y.example", "c@y.example"],
            "subject": "Hello",
        });
        assert_eq!(line(&mail), "2030-01-01T00:00:00Z  in   a@x.example -> b@y.example, c@y.example: Hello");
        mail["user"] = Value::Null;
        assert_eq!(line(&mail), "2030-01-01T00:00:00Z  out  a@x.example -> b@y.example, c@y.example: Hello");
    }
}
