//! `attache sandbox fault`: rules that make requests fail, wait or break off, and the requests that a rule
//! holds.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};

use super::at::At;
use super::control::{Control, objects, text};
use super::duration;
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Fault {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a rule; rules are asked in the order in which they were added
    Add(Box<Rule>),
    /// List the rules, spent ones included
    List,
    /// Remove one rule
    Remove {
        /// Its id
        id: u64,
    },
    /// Remove every rule
    Clear,
    /// List the requests that are held
    Held {
        /// Wait so long for one
        #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration::parse)]
        wait: Duration,
    },
    /// Let a held request go on
    Release {
        /// Its id
        id: u64,
    },
    /// Cut the connection of a held request
    Cut {
        /// Its id
        id: u64,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("effect").required(true))]
struct Rule {
    /// Which path, with * for any characters but a slash and ** for any at all
    #[arg(value_name = "PATH", required_unless_present = "rule")]
    path: Option<String>,
    /// Which method [default: any]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Only requests whose body holds this text
    #[arg(long, value_name = "TEXT")]
    body_contains: Option<String>,
    /// How many requests pass before the rule applies
    #[arg(long, value_name = "N")]
    skip: Option<u32>,
    /// How often it applies [default: always]
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Apply to each so-manieth only: 2 is every second one
    #[arg(long, value_name = "N")]
    every: Option<u32>,
    /// How likely it applies, from 0 to 1
    #[arg(long, value_name = "P")]
    probability: Option<f64>,
    /// With --probability: the same number gives the same fate to the same requests
    #[arg(long = "dice", value_name = "N", requires = "probability")]
    seed: Option<u32>,
    /// Answer with this status
    #[arg(long, value_name = "CODE", group = "effect")]
    status: Option<u16>,
    /// With --status: the JSON body
    #[arg(long, value_name = "JSON", requires = "status", value_parser = json_text)]
    body: Option<Value>,
    /// With --status: Retry-After, in seconds
    #[arg(long, value_name = "SECONDS", requires = "status")]
    retry_after: Option<u32>,
    /// Wait so long in real time, then go on
    #[arg(long, value_name = "TIME", group = "effect", value_parser = duration::parse)]
    delay: Option<Duration>,
    /// Cut the connection before anything has happened
    #[arg(long, group = "effect")]
    reset: bool,
    /// Cut the connection after the tenant has changed
    #[arg(long, group = "effect")]
    reset_after: bool,
    /// Hold the request before anything has happened, until `release` or `cut`
    #[arg(long, group = "effect")]
    hold: bool,
    /// Hold the answer after the tenant has changed, until `release` or `cut`
    #[arg(long, group = "effect")]
    hold_after: bool,
    /// Cut the connection in the middle of the answer's body
    #[arg(long, group = "effect")]
    reset_in_body: bool,
    /// Answer only half of the body, as if it were all
    #[arg(long, group = "effect")]
    truncate: bool,
    /// Answer JSON of another shape than promised
    #[arg(long, group = "effect")]
    wrong_json: bool,
    /// Answer as a replica that is so far behind, with --every 2 at every second request
    #[arg(long, value_name = "TIME", group = "effect", value_parser = duration::parse)]
    stale: Option<Duration>,
    /// List at most so many items, with a link to the rest; 0 is an empty page
    #[arg(long, value_name = "ITEMS", group = "effect")]
    short_page: Option<u32>,
    /// Send a change notification twice; PATH is the notified resource, as in users/*/messages/*
    #[arg(long, group = "effect")]
    duplicate_notification: bool,
    /// Send a change notification after the one that follows it; PATH is the notified resource
    #[arg(long, group = "effect")]
    reorder_notification: bool,
    /// The whole rule in JSON, as the control API takes it
    #[arg(long, value_name = "JSON", group = "effect", value_parser = json_text, conflicts_with = "path")]
    rule: Option<Value>,
}

fn json_text(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
}

/// Does what was asked.
pub(super) async fn run(command: Fault, global: &Global, output: Output) -> Result<(), Failure> {
    let known = command.at.find(global)?;
    let wait = if let What::Held { wait } = &command.what { *wait } else { Duration::ZERO };
    let control = Control::patient(known, wait)?;
    let done = |answer: &Value, said: String| {
        if output.json { objects(answer, output) } else { output.line(said) }
    };
    match command.what {
        What::Add(rule) => {
            let added = control.post("faults", &rule.into_json()).await?;
            done(&added, format!("The rule's id is {}.", text(&added["id"])));
        }
        What::List => list(&control.get("faults").await?, rule_line, output),
        What::Remove { id } => {
            done(&control.delete(&format!("faults/{id}")).await?, format!("Rule {id} is removed."));
        }
        What::Clear => done(&control.delete("faults").await?, "Every rule is removed.".to_owned()),
        What::Held { wait } => {
            let query = [("wait", super::log::milliseconds(wait))];
            list(&control.ask("held", &query).await?, held_line, output);
        }
        What::Release { id } => {
            let answer = control.post(&format!("held/{id}/release"), &json!({})).await?;
            done(&answer, format!("Request {id} goes on."));
        }
        What::Cut { id } => {
            let answer = control.post(&format!("held/{id}/cut"), &json!({})).await?;
            done(&answer, format!("Request {id} is cut off."));
        }
    }
    Ok(())
}

impl Rule {
    fn into_json(self) -> Value {
        if let Some(rule) = self.rule {
            return rule;
        }
        let flags = [
            (self.reset, "reset_before_commit"),
            (self.reset_after, "reset_after_commit"),
            (self.hold, "hold_before_commit"),
            (self.hold_after, "hold_after_commit"),
            (self.reset_in_body, "reset_in_body"),
            (self.truncate, "truncate_body"),
            (self.wrong_json, "wrong_json"),
            (self.duplicate_notification, "duplicate_notification"),
            (self.reorder_notification, "reorder_notification"),
        ];
        let flag = flags.into_iter().find_map(|(given, kind)| given.then_some(kind));
        let effect = match (self.status, self.delay, self.stale, self.short_page) {
            (Some(status), ..) => {
                let mut answer = json!({ "kind": "answer", "status": status });
                answer["body"] = self.body.unwrap_or_default();
                answer["retry_after"] = json!(self.retry_after);
                answer
            }
            (None, Some(delay), ..) => {
                json!({ "kind": "delay", "ms": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) })
            }
            (None, None, Some(behind), _) => json!({ "kind": "stale_replica", "seconds": behind.as_secs() }),
            (None, None, None, Some(items)) => json!({ "kind": "short_page", "items": items }),
            (None, None, None, None) => json!({ "kind": flag }),
        };
        let given = [
            ("path", self.path.map(Value::from)),
            ("method", self.method.map(Value::from)),
            ("body_contains", self.body_contains.map(Value::from)),
            ("skip", self.skip.map(Value::from)),
            ("count", self.count.map(Value::from)),
            ("every", self.every.map(Value::from)),
            ("probability", self.probability.map(Value::from)),
            ("seed", self.seed.map(Value::from)),
            ("effect", Some(effect)),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

fn list(answer: &Value, line: fn(&Value) -> String, output: Output) {
    if output.json {
        objects(answer, output);
    } else {
        for one in answer["value"].as_array().into_iter().flatten() {
            output.line(line(one));
        }
    }
}

fn rule_line(rule: &Value) -> String {
    let method = rule["method"].as_str().unwrap_or("any");
    let times = rule["count"].as_u64().map_or("always".to_owned(), |count| format!("{count} times"));
    let effect = text(&rule["effect"]["kind"]);
    let status = rule["effect"]["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
    format!(
        "{:>4}  {method} {}  {effect}{status}, {times}; matched {}, applied {}",
        text(&rule["id"]),
        text(&rule["path"]),
        text(&rule["matched"]),
        text(&rule["applied"]),
    )
}

fn held_line(held: &Value) -> String {
    let when = if held["committed"] == true { "the tenant has changed" } else { "nothing has happened" };
    format!("{:>4}  {} {}  {when}", text(&held["id"]), text(&held["method"]), text(&held["path"]))
}
