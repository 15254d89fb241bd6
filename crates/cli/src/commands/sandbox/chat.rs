//! `attache sandbox chat`: what was said in the tenant's chats, waiting for it, and saying something as any of
//! their members.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use super::control::{Control, objects, segment, text};
use super::duration;
use super::log::{milliseconds, some_if_awaited};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what was said, oldest first
    List(Which),
    /// Wait until something is said that fits; fail if nothing is
    Wait {
        #[command(flatten)]
        which: Which,
        /// How long
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
        timeout: Duration,
    },
    /// Say something in a chat as one of its members
    Post {
        /// The chat's id
        chat: String,
        /// What to say
        text: String,
        /// Who says it, by object id or user principal name
        #[arg(long, value_name = "USER")]
        from: String,
        /// The text is HTML
        #[arg(long)]
        html: bool,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Only in this chat
    #[arg(long, value_name = "ID")]
    chat: Option<String>,
    /// Only from this user, by object id or user principal name
    #[arg(long, value_name = "USER")]
    from: Option<String>,
    /// Only with this text in the body
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Only what was said after the message of this id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

impl Which {
    fn query(self) -> Vec<(&'static str, String)> {
        let all =
            [("chat", self.chat), ("from", self.from), ("contains", self.contains), ("after", self.after)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Does what was asked.
pub(super) async fn run(command: Chat, global: &Global, output: Output) -> Result<(), Failure> {
    let known = command.at.find(global)?;
    let wait = if let What::Wait { timeout, .. } = &command.what { Some(*timeout) } else { None };
    let control = Control::patient(known, wait.unwrap_or_default())?;
    match command.what {
        What::List(which) | What::Wait { which, .. } => {
            let mut query = which.query();
            query.extend(wait.map(|wait| ("wait", milliseconds(wait))));
            let found = control.ask("chats/messages", &query).await?;
            if output.json {
                objects(&found, output);
            } else {
                found["value"].as_array().into_iter().flatten().for_each(|one| output.line(line(one)));
            }
            some_if_awaited(&found, wait)
        }
        What::Post { chat, text: said, from, html } => {
            let body = json!({ "from": from, "content": said, "html": html });
            let message = control.post(&format!("chats/{}/messages", segment(&chat)), &body).await?;
            if output.json {
                output.object(&message);
            } else {
                output.line(text(&message["id"]));
            }
            Ok(())
        }
    }
}

fn line(message: &Value) -> String {
    let from = ["user", "application"].iter().find_map(|kind| message["from"][kind]["displayName"].as_str());
    format!(
        "{}  {}  {}: {}",
        text(&message["createdDateTime"]),
        text(&message["chatId"]),
        from.unwrap_or("(the system)"),
        text(&message["body"]["content"]).replace('\n', " "),
    )
}
