//! Mail: inject it, wait for it, read what left the tenant, and set what no Graph call sets.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::graph::mail::{self, Accepted, Access, Incoming, Right};
use crate::mail::{Address, Body, Header, Item, compose, read, rewrite_headers, to_text};

use super::steer::{Answer, Refusal, Steer, created, done, list, ok};
use super::table::{Handler, Kind, Operation, Parameter, WAIT, Waiting, object, object_list, shape};

const ENVELOPE: &[Parameter] = &[
    Parameter {
        name: "from",
        description: "The envelope's sender, of a body that is message/rfc822.",
        kind: Kind::Text,
    },
    Parameter { name: "to", description: "An envelope's recipient, likewise.", kind: Kind::Text },
    Parameter {
        name: "authentication_results",
        description: "What the edge found, likewise.",
        kind: Kind::Text,
    },
    Parameter { name: "junk", description: "true for the junk folder, likewise.", kind: Kind::Text },
];

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/mail",
            "List mail that arrived or left, oldest first, or wait for it",
            Handler::Waiting(|steer| Box::pin(arrived(steer)) as Waiting<'_>),
        )
        .query(&[
            Parameter { name: "to", description: "Only for this address.", kind: Kind::Text },
            Parameter { name: "from", description: "Only from addresses with this text.", kind: Kind::Text },
            Parameter {
                name: "subject",
                description: "Only with this text in the subject.",
                kind: Kind::Text,
            },
            WAIT,
        ])
        .answers(200, object_list),
        Operation::new(
            Method::POST,
            "/mail",
            "Deliver mail from outside, described in JSON or as message/rfc822",
            Handler::Now(inject),
        )
        .query(ENVELOPE)
        .body(shape::<Letter>)
        .answers(201, object)
        .or(&[422]),
        Operation::new(Method::GET, "/mail/outgoing", "List mail to the outside", Handler::Now(outgoing))
            .answers(200, object_list),
        Operation::new(
            Method::DELETE,
            "/mail/outgoing",
            "Forget mail to the outside",
            Handler::Now(|steer| {
                change(steer, |mail| mail.transport.outgoing = Default::default())?;
                done()
            }),
        ),
        Operation::new(
            Method::GET,
            "/mail/outgoing/{id}",
            "Read a message to the outside, with its MIME",
            Handler::Now(one_outgoing),
        )
        .answers(200, object),
        Operation::new(
            Method::GET,
            "/mail/rights",
            "List the rights over mailboxes",
            Handler::Now(|steer| list(&steer.realm.look().workloads.mail.rights)),
        )
        .answers(200, object_list),
        Operation::new(
            Method::POST,
            "/mail/rights",
            "Give a user a right over another's mailbox, as an Exchange administrator does",
            Handler::Now(give_right),
        )
        .body(shape::<NewRight>)
        .answers(201, object),
        Operation::new(
            Method::DELETE,
            "/mail/rights",
            "Take all rights over mailboxes away",
            Handler::Now(|steer| {
                change(steer, |mail| mail.rights.clear())?;
                done()
            }),
        ),
        Operation::new(
            Method::GET,
            "/mail/settings",
            "Read the organisation's mail settings",
            Handler::Now(settings),
        )
        .answers(200, object),
        Operation::new(
            Method::PATCH,
            "/mail/settings",
            "Change the organisation's mail settings",
            Handler::Now(|steer| {
                let new: Settings = steer.body()?;
                change(steer, |mail| new.set(mail))?;
                settings(steer)
            }),
        )
        .body(shape::<Settings>)
        .answers(200, object),
    ]
}

/// What an Exchange administrator sets for the whole organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Whether mail may leave with an alias in `from`; otherwise the primary address takes its place.
    send_from_alias: Option<bool>,
    /// What the edge finds of mail from outside whose injector does not say it, as by SMTP: the value of
    /// `Authentication-Results`. An empty one leaves it to the edge again.
    authentication_results: Option<String>,
}

impl Settings {
    fn set(self, mail: &mut mail::Mail) {
        mail.send_from_alias = self.send_from_alias.unwrap_or(mail.send_from_alias);
        if let Some(results) = self.authentication_results {
            mail.authentication_results = Some(results).filter(|results| !results.is_empty());
        }
    }
}

fn settings(steer: &Steer<'_>) -> Answer {
    let tenant = steer.realm.look();
    let mail = &tenant.workloads.mail;
    ok(&json!({
        "send_from_alias": mail.send_from_alias, "authentication_results": mail.authentication_results,
    }))
}

fn change(steer: &Steer<'_>, how: impl FnOnce(&mut mail::Mail)) -> Result<(), Refusal> {
    let mut tenant = steer.realm.enter();
    how(&mut tenant.workloads.mail);
    steer.realm.settle(&mut tenant).map_err(|error| Refusal::not_saved(&error))
}

/// What is due by the clock happens before anybody looks.
fn catch_up(steer: &Steer<'_>) -> Result<(), Refusal> {
    let caught_up = mail::catch_up(&steer.realm, &mut steer.realm.enter());
    caught_up.map(drop).map_err(|error| Refusal::not_saved(&error))
}

fn outgoing(steer: &Steer<'_>) -> Answer {
    catch_up(steer)?;
    let tenant = steer.realm.look();
    list(&tenant.workloads.mail.transport.outgoing.values().map(shown).collect::<Vec<_>>())
}

fn one_outgoing(steer: &Steer<'_>) -> Answer {
    catch_up(steer)?;
    let tenant = steer.realm.look();
    let all = &tenant.workloads.mail.transport.outgoing;
    let found = all.values().find(|one| one.id.to_string() == steer.id).ok_or_else(Refusal::none)?;
    let mut whole = shown(found);
    whole["mime"] = json!(String::from_utf8_lossy(&found.mime.0));
    ok(&whole)
}

fn shown(outgoing: &mail::Outgoing) -> Value {
    let read = read(&outgoing.mime.0).unwrap_or_default();
    json!({
        "id": outgoing.id,
        "at": outgoing.at,
        "from": outgoing.from,
        "to": outgoing.to,
        "subject": outgoing.subject,
        "message_id": outgoing.message_id,
        "carried": outgoing.is_carried,
        "text": text_of(&read),
        "headers": read.headers.iter().map(|one| json!({ "name": one.name, "value": one.value })).collect::<Vec<_>>(),
        "attachments": read.attachments.iter().map(|one| one.name.clone()).collect::<Vec<_>>(),
    })
}

fn text_of(item: &Item) -> String {
    if item.body.is_html { to_text(&item.body.content) } else { item.body.content.clone() }
}

/// A right over a mailbox. Users by object id, user principal name or address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRight {
    /// Whose mailbox.
    mailbox: String,
    /// Who gets the right.
    delegate: String,
    access: Access,
}

fn give_right(steer: &Steer<'_>) -> Answer {
    let new: NewRight = steer.body()?;
    let find = |key: &str| {
        let (tenant, now) = (steer.realm.look(), steer.realm.clock.now());
        let found =
            tenant.user(key, now).or_else(|| mail::owner(&tenant, key, now)).map(|user| user.id.clone());
        found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("There is no user {key:?}.")))
    };
    let right = Right { mailbox: find(&new.mailbox)?, delegate: find(&new.delegate)?, access: new.access };
    change(steer, |mail| {
        if !mail.rights.contains(&right) {
            mail.rights.push(right.clone());
        }
    })?;
    created(&right)
}

/// Mail from outside.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Letter {
    /// The envelope's sender, and the author unless `raw` says another.
    from: String,
    /// The envelope's recipients.
    to: OneOrMany,
    /// The message whole; the parts below are then left out.
    raw: Option<String>,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    /// Further headers, or others in the place of those that are made.
    headers: Map<String, Value>,
    /// The value of `Authentication-Results`.
    authentication_results: Option<String>,
    /// Whether it goes to the junk folder.
    junk: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

fn inject(steer: &Steer<'_>) -> Answer {
    let (request, now) = (steer.request, steer.realm.clock.now());
    let is_mime = request.header("content-type").is_some_and(|kind| kind.starts_with("message/rfc822"));
    let mut incoming = if is_mime {
        Incoming {
            from: request.query("from").unwrap_or_default().to_owned(),
            to: request.query.iter().filter(|(name, _)| name == "to").map(|(_, to)| to.clone()).collect(),
            bytes: request.body.to_vec(),
            authentication_results: request.query("authentication_results").map(str::to_owned),
            is_junk: request.query("junk") == Some("true"),
        }
    } else {
        incoming(steer.body()?, now)?
    };
    // Without an envelope the headers say whom it concerns.
    if let Some(read) = read(&incoming.bytes) {
        if incoming.to.is_empty() {
            incoming.to = read.recipients().map(|one| one.address.clone()).collect();
        }
        if incoming.from.is_empty() && request.query("from").is_none() {
            incoming.from = read.from.map(|from| from.address).unwrap_or_default();
        }
    }
    let (lag, mut tenant) = (steer.realm.lag(), steer.realm.enter());
    match mail::receive(&mut tenant, &incoming, now, lag) {
        Accepted::Delivered(messages) => {
            steer.realm.settle(&mut tenant).map_err(|error| Refusal::not_saved(&error))?;
            let all: Vec<Value> =
                messages.iter().map(|(user, id)| json!({ "user": user, "message": id })).collect();
            created(&json!({ "delivered": all }))
        }
        Accepted::NoRecipient => Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "550 5.1.10: none of the recipients has a mailbox in this tenant.",
        )),
        Accepted::Full(why) => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("550 {why}."))),
        Accepted::Unreadable => {
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "That is no RFC 5322 message."))
        }
    }
}

fn incoming(letter: Letter, now: jiff::Timestamp) -> Result<Incoming, Refusal> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if let Some(name) = letter.headers.keys().find(|name| !is_name(name)) {
        return Err(Refusal::bad(format!("{name:?} is no name of a header.")));
    }
    let to = letter.to.list();
    let address = |text: &str| Address::new(text, text);
    let bytes = match letter.raw {
        Some(raw) => raw.into_bytes(),
        None => {
            let body = match (letter.html, letter.text) {
                (Some(html), _) => Body { is_html: true, content: html },
                (None, text) => Body { is_html: false, content: text.unwrap_or_default() },
            };
            let domain =
                letter.from.rsplit_once('@').map_or("outside.example", |(_, domain)| domain).to_owned();
            let item = Item {
                subject: letter.subject,
                from: Some(address(&letter.from)),
                to: to.iter().map(|one| address(one)).collect(),
                body,
                message_id: format!("<{}@{domain}>", crate::directory::new_id()),
                sent: Some(now),
                headers: Vec::new(),
                ..Item::default()
            };
            let front: Vec<Header> = letter
                .headers
                .into_iter()
                .map(|(name, value)| Header {
                    name,
                    value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                })
                .collect();
            let bytes = compose(&item).0;
            // Headers that the caller names stand for those that were made.
            rewrite_headers(&bytes, &front, |name| {
                name.to_ascii_lowercase().starts_with("thread-")
                    || front.iter().any(|one| one.name.eq_ignore_ascii_case(name))
            })
        }
    };
    Ok(Incoming {
        from: letter.from,
        to,
        bytes,
        authentication_results: letter.authentication_results,
        is_junk: letter.junk,
    })
}

/// What lies in mailboxes and in the spool and fits; with `wait`, once there is something.
async fn arrived(steer: &Steer<'_>) -> Answer {
    catch_up(steer)?;
    let found = steer.realm.feed.wait(steer.wait()?, || {
        let found = found(steer);
        (!found.is_empty()).then_some(found)
    });
    list(&found.await.unwrap_or_default())
}

fn found(steer: &Steer<'_>) -> Vec<Value> {
    let (tenant, now) = (steer.realm.look(), steer.realm.clock.now());
    let request = steer.request;
    let fits = |wanted: Option<&str>, text: &str| {
        wanted.is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
    };
    let to = request.query("to");
    let owner = to.and_then(|to| mail::owner(&tenant, to, now)).map(|user| user.id.clone());
    let is_to = |item: &Item, owned_by: &str| {
        to.is_none_or(|to| {
            item.recipients().any(|one| one.is(to))
                || (owner.as_deref() == Some(owned_by) && !to.contains('+'))
        })
    };
    let mut found: Vec<(jiff::Timestamp, Value)> = Vec::new();
    for (owned_by, id, received, item) in mail::delivered(&tenant) {
        let from = item.from.as_ref().map(|from| from.address.as_str()).unwrap_or_default();
        if is_to(item, owned_by)
            && fits(request.query("from"), from)
            && fits(request.query("subject"), &item.subject)
        {
            found.push((received, json!({
                "user": owned_by, "message": id, "at": received, "from": from,
                "to": item.to.iter().chain(&item.cc).map(|one| one.address.clone()).collect::<Vec<_>>(),
                "subject": item.subject, "message_id": item.message_id, "text": text_of(item),
                "headers": item.headers.iter().map(|one| json!({ "name": one.name, "value": one.value })).collect::<Vec<_>>(),
            })));
        }
    }
    for outgoing in tenant.workloads.mail.transport.outgoing.values() {
        if to.is_none_or(|to| outgoing.to.iter().any(|one| one.eq_ignore_ascii_case(to)))
            && fits(request.query("from"), &outgoing.from)
            && fits(request.query("subject"), &outgoing.subject)
        {
            found.push((outgoing.at, shown(outgoing)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, value)| value).collect()
}
