//! `attache gateway suspend` and `resume`: stop an agent, an organisation or a whole blueprint at the gateway that runs,
//! and wait for what proves it.

use std::time::Duration;

use attache_entra::{Transport, TransportConfig};
use attache_terms::{Clock as _, SystemClock};
use clap::Args;
use jiff::Timestamp;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use url::Url;

use super::config;
use crate::config::{Judge, Problems, Values};
use crate::output::{Failure, Output};

/// How long the gateway may take to tell the tenant and try, before we leave it alone with that.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long between looks.
const LOOK: Duration = Duration::from_millis(500);

/// What is stopped or let go on.
#[derive(Debug, Args)]
pub(super) struct What {
    /// An organisation, by its short name or id: all of its identities, unless one is named
    #[arg(long, value_name = "ORG", required_unless_present = "blueprint", conflicts_with = "blueprint")]
    org: Option<String>,
    /// One of its identities, by template or id
    #[arg(long, value_name = "IDENTITY", requires = "org")]
    identity: Option<String>,
    /// A blueprint, by its id on this gateway; takes an operator's key
    #[arg(long, value_name = "ID")]
    blueprint: Option<String>,
}

impl What {
    /// Where it stands, below the gateway's address.
    fn path(&self) -> Vec<&str> {
        match (&self.org, &self.identity, &self.blueprint) {
            (Some(org), Some(identity), _) => vec!["orgs", org, "agent-identities", identity],
            (Some(org), None, _) => vec!["orgs", org],
            (None, _, blueprint) => vec!["cells", blueprint.as_deref().unwrap_or_default()],
        }
    }

    /// Where it says how far it is stopped.
    fn look(&self) -> Vec<&str> {
        match &self.org {
            Some(org) => vec!["orgs", org, "suspension"],
            None => self.path(),
        }
    }
}

/// What the answer of [`What::look`] says: whether all is told and tried, and in words.
fn far(what: &What, seen: &Value, now: Timestamp) -> (bool, String) {
    let seconds = |seen: &Value| seen["tokens_live_seconds"].as_i64().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or("nothing was there to try with").to_owned();
    if let Some(identity) = &what.identity {
        let stopped = seen["stopped"].as_array().map_or(&[][..], Vec::as_slice);
        let own = |one: &&Value| one["id"] == identity.as_str() || one["template"] == identity.as_str();
        let proof = stopped.iter().find(own).map_or(Value::Null, |one| one["suspended"]["proof"].clone());
        let end: Option<Timestamp> = proof["tokens_end"].as_str().and_then(|end| end.parse().ok());
        let left = end.map(|end| end.duration_since(now).as_secs().max(0));
        let text = format!(
            "the agent's sign-in was tried: {}; tokens that were issued before work for {} seconds more, at most",
            word(&proof["hops_fail"]),
            left.map_or("an unknown number of".to_owned(), |left| left.to_string()),
        );
        return (proof["enforced"] == true, text);
    }
    if what.blueprint.is_some() {
        let suspension = &seen["suspended"];
        let text = format!(
            "hop 1 was tried: {}; what was issued before works for {} seconds more, at most",
            word(&suspension["hop_1"]),
            seconds(seen),
        );
        return (suspension["enforced"] == true, text);
    }
    let count = |name: &str| seen[name].as_u64().unwrap_or_default();
    let text = format!(
        "{} of {} identities are suspended; the tenant was told for {} of them, and Entra refused {}; tokens that \
         were issued before work for {} seconds more, at most",
        count("suspended"),
        count("identities"),
        count("enforced"),
        count("proved"),
        seconds(seen),
    );
    (count("suspended") == count("identities") && count("enforced") == count("suspended"), text)
}

/// The gateway that runs, and the key with which we speak to it.
pub(super) struct Running {
    client: Client,
    url: Url,
    key: String,
}

impl Running {
    /// The gateway at `public_url`, with the key of `ATTACHE_GATEWAY_KEY`.
    pub(super) fn of(file: std::path::PathBuf, values: &Values) -> Result<Self, Failure> {
        let mut judge = Judge::new(values);
        let url =
            judge.required::<Url>("public_url", "where the gateway is, such as https://attache.example.com");
        let ca = judge.bundle("ca");
        let key = judge.required::<String>(
            "key",
            "an API key of the organisation with the scope \
            identities:suspend, or an operator's key",
        );
        if url.as_ref().is_some_and(|url| !config::is_usable(url)) {
            judge.problems.push(config::UNUSABLE.to_owned());
        }
        let problems = judge.problems;
        let (Some(url), Some(key), true) = (url, key, problems.is_empty()) else {
            return Err(Failure::configuration(&Problems::of_gateways_client(file, problems)));
        };
        let plain_here = url.scheme() == "http";
        let transport = TransportConfig { ca, plain_here, timeout: PATIENCE, ..TransportConfig::default() };
        let client = Transport::new(transport)?.client()?.clone();
        Ok(Self { client, url, key })
    }

    async fn call(&self, method: Method, path: &[&str], body: Option<Value>) -> Result<Value, Failure> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        let mut request = self.client.request(method, url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| unreachable(&self.url, &error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| unreachable(&self.url, &error))?;
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(said);
        }
        let text = |name: &str, otherwise: &str| said[name].as_str().unwrap_or(otherwise).to_owned();
        Err(Failure::new(
            &text("code", "refused"),
            text("detail", &format!("the gateway answered {status}")),
            text("remedy", "see the gateway's log"),
        ))
    }
}

/// What is at the bottom of a request that was not answered: a refused connection, a certificate that nobody knows.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    Failure::new(
        "gateway_unreachable",
        format!("the gateway at {url} does not answer: {}", cause(error)),
        "correct --public-url; without a gateway, stop the agent in Entra's admin centre (docs/gateway.md, Stopping)",
    )
}

/// Suspends, and waits until that is proved.
pub(super) async fn suspend(
    running: Running,
    what: What,
    reason: String,
    output: Output,
) -> Result<(), Failure> {
    let mut path = what.path();
    path.push("suspend");
    running.call(Method::POST, &path, Some(json!({ "reason": reason }))).await?;
    output.note("suspended: nothing is done for it any more; the tenant is being told");
    let clock = SystemClock;
    let begun = clock.boot();
    loop {
        let seen = running.call(Method::GET, &what.look(), None).await?;
        let (done, text) = far(&what, &seen, clock.now());
        let over = begun.until(clock.boot()) > PATIENCE;
        if done || over {
            if output.json {
                output.object(&seen);
            } else {
                output.line(text);
            }
        }
        if done {
            return Ok(());
        }
        if over {
            return Err(Failure::new(
                "not_proved",
                "the gateway has stopped acting, and has not yet proved that the tenant has, too",
                "see the page Suspension or Jobs; it goes on trying by itself",
            ));
        }
        clock.sleep(LOOK).await;
    }
}

/// Lets go on.
pub(super) async fn resume(running: Running, what: What, output: Output) -> Result<(), Failure> {
    let mut path = what.path();
    path.push("resume");
    let seen = running.call(Method::POST, &path, None).await?;
    if output.json {
        output.object(&seen);
    } else {
        output.line("resumed; the tenant is being told");
    }
    Ok(())
}

/// Makes an operator's key.
pub(super) fn operator_key(output: Output) {
    let (key, digest) = attache_gateway::operator_key(&attache_terms::SystemRng);
    if output.json {
        output.object(&json!({ "key": key.expose(), "operator_keys": digest }));
    } else {
        output.line(key.expose());
        output.note(
            "It is shown once. The gateway knows it when gateway.toml has (with commas between several):",
        );
        output.note(format!("operator_keys = \"{digest}\""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_stopped_when_all_that_it_has_is() {
        let org = What { org: Some("acme".into()), identity: None, blueprint: None };
        assert_eq!(org.look(), ["orgs", "acme", "suspension"]);
        let mut seen = json!({ "identities": 2, "suspended": 1, "enforced": 1, "proved": 1 });
        assert!(!far(&org, &seen, Timestamp::UNIX_EPOCH).0, "one of them may act");
        seen["suspended"] = json!(2);
        assert!(!far(&org, &seen, Timestamp::UNIX_EPOCH).0, "the tenant was not told of one");
        seen["enforced"] = json!(2);
        assert!(far(&org, &seen, Timestamp::UNIX_EPOCH).0);
    }

    #[test]
    fn one_agent_is_told_of_in_seconds_too() {
        let one = What { org: Some("acme".into()), identity: Some("cfo".into()), blueprint: None };
        let proof =
            json!({ "enforced": true, "hops_fail": "AADSTS50057", "tokens_end": "1970-01-01T01:00:00Z" });
        let seen = json!({ "stopped": [{ "template": "cfo", "suspended": { "proof": proof } }] });
        let (done, text) = far(&one, &seen, "1970-01-01T00:15:00Z".parse().unwrap());
        assert!(done && text.contains("for 2700 seconds more, at most"), "{text}");
    }
}
