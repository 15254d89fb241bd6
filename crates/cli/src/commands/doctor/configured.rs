//! The variables of the runbooks, judged: everything that is missing, still a placeholder or of the wrong shape
//! is named at once, and the secret is looked at without being shown.

use std::str::FromStr;

use attache_terms::{AppId, Check, Remedy, Secret, SkuId, TenantId, UserId};
use uuid::Uuid;

use super::variables::Variables;

const TENANT: &str = "MICROSOFT_GRAPH_TENANT_ID";
const CLIENT: &str = "MICROSOFT_GRAPH_CLIENT_ID";
const SECRET: &str = "MICROSOFT_GRAPH_CLIENT_SECRET";
const AGENT_USER: &str = "M365_AGENT_USER_ID";
const LICENCE: &str = "M365_DEFAULT_LICENSE_SKU_ID";
const CLIENT_STATE: &str = "M365_WEBHOOK_CLIENT_STATE";
const INGEST_USER: &str = "M365_CONSUMER_INGEST_USER_ID";
const INGEST_ADDRESS: &str = "M365_CONSUMER_INGEST_ADDRESS";

/// Every name that is read.
pub(super) const NAMES: &[&str] =
    &[TENANT, CLIENT, SECRET, AGENT_USER, LICENCE, CLIENT_STATE, INGEST_USER, INGEST_ADDRESS];

/// Entra's secrets have 40 characters, older ones 32 or 44.
const SHORTEST_SECRET: usize = 30;
/// What Graph takes (Graph reference §6.1), and what cannot be guessed.
const LONGEST_STATE: usize = 128;
const SHORTEST_STATE: usize = 20;

/// What the variables say.
pub(super) struct Configured {
    pub(super) tenant: Option<TenantId>,
    pub(super) client: Option<AppId>,
    pub(super) secret: Option<Secret>,
    pub(super) agent_user: Option<UserId>,
    pub(super) licence: Option<SkuId>,
    /// The mailbox that collects plus-addressed mail, and its address.
    pub(super) ingest_user: Option<UserId>,
    pub(super) ingest_address: Option<String>,
    /// Whether any variable is about mail that comes in.
    pub(super) receives: bool,
    /// What was found about the variables themselves.
    pub(super) checks: Vec<Check>,
}

/// Judges them.
pub(super) fn configured(read: &Variables) -> Configured {
    let mut judge = Judge { read, problems: Vec::new() };
    let receives = [CLIENT_STATE, INGEST_USER, INGEST_ADDRESS].iter().any(|name| read.get(name).is_some());
    let tenant = judge.id::<TenantId>(TENANT, true);
    let client = judge.id::<AppId>(CLIENT, true);
    let secret = judge.text(SECRET, true).map(|text| Secret::new(text.to_owned()));
    let agent_user = judge.id::<UserId>(AGENT_USER, false);
    let licence = judge.id::<SkuId>(LICENCE, false);
    let state = judge.text(CLIENT_STATE, receives);
    let ingest_address = judge.text(INGEST_ADDRESS, false).map(str::to_owned);
    let ingest_user = judge.id::<UserId>(INGEST_USER, ingest_address.is_some());
    if ingest_address.as_ref().is_some_and(|address| !address.contains('@')) {
        judge.problems.push(format!("{INGEST_ADDRESS} is no address"));
    }
    let problems = judge.problems;
    let mut checks = vec![configuration(read, &problems)];
    checks.extend(file(read));
    checks.extend(secret.as_ref().map(|secret| look_at_secret(secret.expose(), read.is_padded(SECRET))));
    checks.extend(state.map(look_at_state));
    Configured { tenant, client, secret, agent_user, licence, ingest_user, ingest_address, receives, checks }
}

fn configuration(read: &Variables, problems: &[String]) -> Check {
    const NAME: &str = "configuration";
    if problems.is_empty() {
        let set: Vec<&str> = NAMES.iter().copied().filter(|name| read.get(name).is_some()).collect();
        return Check::ok(NAME, format!("set: {}", set.join(", ")));
    }
    let remedy = "set them where the service gets its environment from; tenant and client id stand on the Overview page of the \
                  app registration, a user's id on the user's page";
    Check::fail(NAME, problems.join("; "), Remedy::operator(remedy))
}

fn file(read: &Variables) -> Option<Check> {
    let notes = read.notes();
    let remedy = "write each variable once, as NAME=value, with LF at the end of the line and nothing around the value";
    (!notes.is_empty()).then(|| {
        Check::warn("env_file", notes.join("; "), Remedy::operator(remedy))
            .meaning("another reader of the same variables may see other values than this one")
    })
}

/// What can be said of a secret without asking Entra, and without showing it.
fn look_at_secret(secret: &str, padded: bool) -> Check {
    const NAME: &str = "secret";
    let again = "copy the Value once more, with the portal's copy button; it is shown only when a secret is made, so make a new \
                 one if it is gone";
    let length = secret.chars().count();
    if Uuid::try_parse(secret).is_ok() {
        return Check::fail(NAME, "the secret is a GUID", Remedy::operator(again))
            .meaning("its Secret ID was pasted instead of its Value");
    }
    if !secret.chars().all(|c| c.is_ascii_graphic()) {
        return Check::fail(
            NAME,
            format!(
                "the secret has {length} characters, and white space or others that Entra's never have among them"
            ),
            Remedy::operator(again),
        );
    }
    if length < SHORTEST_SECRET {
        return Check::warn(
            NAME,
            format!("the secret has {length} characters, and Entra's have about 40"),
            Remedy::operator(again),
        )
        .meaning("it was probably cut off when it was pasted");
    }
    if padded {
        let remedy =
            "take the white space off: many readers make it part of the secret, and Entra then refuses it";
        return Check::warn(
            NAME,
            "white space or a line break stands around the secret",
            Remedy::operator(remedy),
        )
        .meaning("it was left out for the checks that follow");
    }
    Check::ok(NAME, format!("the secret has {length} characters and nothing around it"))
}

fn look_at_state(state: &str) -> Check {
    const NAME: &str = "client_state";
    let length = state.chars().count();
    let remedy = Remedy::operator(format!(
        "set {CLIENT_STATE} to 32 random characters (openssl rand -hex 16), and make the subscriptions again with it"
    ));
    match length {
        length if length < SHORTEST_STATE => {
            Check::warn(NAME, format!("{CLIENT_STATE} has {length} characters"), remedy)
                .meaning("whoever guesses it can send notifications in Graph's name")
        }
        length if length <= LONGEST_STATE => {
            Check::ok(NAME, format!("{CLIENT_STATE} has {length} characters")).meaning(
                "whether the subscriptions carry it shows only when one is used: Graph does not list it",
            )
        }
        _ => Check::fail(
            NAME,
            format!("{CLIENT_STATE} has {length} characters, and Graph takes {LONGEST_STATE}"),
            remedy,
        ),
    }
}

struct Judge<'a> {
    read: &'a Variables,
    problems: Vec<String>,
}

impl<'a> Judge<'a> {
    fn text(&mut self, name: &'static str, required: bool) -> Option<&'a str> {
        match self.read.get(name) {
            None if required => self.problems.push(format!("{name} is missing")),
            None => {}
            Some(text) if is_placeholder(text) => {
                self.problems.push(format!("{name} still holds its placeholder"));
            }
            Some(text) => return Some(text),
        }
        None
    }

    fn id<T: FromStr>(&mut self, name: &'static str, required: bool) -> Option<T> {
        let id = self.text(name, required)?.parse().ok();
        if id.is_none() {
            self.problems.push(format!("{name} is no GUID"));
        }
        id
    }
}

/// `<your-tenant-id>`, `changeme`, and their like.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words =
        ["changeme", "change-me", "change_me", "todo", "tbd", "placeholder", "none", "null", "secret"];
    (lower.starts_with('<') && lower.ends_with('>'))
        || (lower.starts_with("${") && lower.ends_with('}'))
        || lower.starts_with("your-")
        || lower.starts_with("your_")
        || words.contains(&&*lower)
        || lower.chars().all(|c| matches!(c, 'x' | '*' | '.' | '0' | '-'))
}

#[cfg(test)]
mod tests {
    use attache_terms::Verdict;

    use super::*;

    const GUID: &str = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce";
    const VALUE: &str = "abc8Q~0123456789012345678901234567890123";

    fn judged(text: &str) -> Configured {
        configured(&Variables::of_text(text))
    }

    fn verdict(configured: &Configured, name: &str) -> Option<Verdict> {
        configured.checks.iter().find(|check| check.name == name).map(|check| check.verdict)
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let found = judged("M365_CONSUMER_INGEST_ADDRESS=assistant@contoso.example\nM365_AGENT_USER_ID=ada");
        let seen = &found.checks[0].seen;
        for name in [TENANT, CLIENT, SECRET, CLIENT_STATE, INGEST_USER, AGENT_USER] {
            assert!(seen.contains(name), "{name} is missing from: {seen}");
        }
        assert!(!seen.contains(LICENCE), "{seen}");
    }

    #[test]
    fn a_runbooks_own_placeholders_are_no_values() {
        for value in [
            "<your-tenant-id>",
            "your-tenant-id",
            "changeme",
            "${TENANT}",
            "xxxx",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let found = judged(&format!("{TENANT}={value}\n"));
            assert!(
                found.checks[0].seen.contains("MICROSOFT_GRAPH_TENANT_ID still holds its placeholder"),
                "{value}"
            );
        }
    }

    #[test]
    fn a_secret_is_judged_by_its_shape_and_never_shown() {
        let look = |line: &str| {
            let found = judged(&format!("{TENANT}={GUID}\n{CLIENT}={GUID}\n{SECRET}={line}\n"));
            assert!(found.checks.iter().all(|check| !format!("{check:?}").contains(&line[..10])), "{line}");
            let secret = found.checks.into_iter().find(|check| check.name == "secret").unwrap();
            (secret.verdict, secret.seen)
        };
        assert_eq!(look(VALUE).0, Verdict::Ok);
        assert_eq!(look(GUID), (Verdict::Fail, "the secret is a GUID".to_owned()));
        assert_eq!(look(&VALUE[..20]).0, Verdict::Warn);
        assert_eq!(look(&format!("{VALUE}  ")).0, Verdict::Warn);
        assert_eq!(look(&format!("\"{VALUE}\\n\"")).0, Verdict::Warn);
        assert_eq!(look(&VALUE.replace('5', "5 ")).0, Verdict::Fail);
    }

    #[test]
    fn a_client_state_is_long_enough_to_be_secret_and_short_enough_for_graph() {
        let state = |length: usize| {
            verdict(&judged(&format!("{CLIENT_STATE}={}", "s".repeat(length))), "client_state")
        };
        assert_eq!([5, 32, 200].map(state), [Some(Verdict::Warn), Some(Verdict::Ok), Some(Verdict::Fail)]);
    }
}
