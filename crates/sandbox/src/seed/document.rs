//! A tenant from a document, in TOML or JSON: what stands in it is made through Graph's own handlers, so that it
//! is what a client would have made. Every problem is told at once, and then nothing stands.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::directory::Sku;
use crate::graph::domains::is_host_name;
use crate::graph::{Insider, perform};
use crate::lag::Lag;
use crate::realm::Realm;
use crate::sandbox::Shared;
use crate::tenant::Tenant;

use super::app::App;
use super::groups::Assembly;
use super::made::{Kind, Made};

/// What a tenant is to hold beside what it holds already. People are named by user principal name; a name
/// without `@` is one at the tenant's default domain.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Document {
    /// The tenant's own properties.
    settings: Settings,
    users: Vec<Person>,
    apps: Vec<App>,
    agents: Vec<Agent>,
    groups: Vec<Assembly>,
    chats: Vec<Chat>,
    mail: Vec<Mail>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// The lag of what is written once everything of this document is there.
    lag: Option<Lag>,
    /// Verified domains besides those that the tenant has.
    domains: Vec<String>,
    /// How many objects the directory may hold, as Microsoft raises it on request; 300000 if absent, 50000 without
    /// a domain of one's own.
    objects: Option<u32>,
    /// Whether Graph's v1.0 has agents; it does if absent. Where it does not, beta alone has, as before they were
    /// generally available.
    agents_in_v1: Option<bool>,
    /// How many seats the tenant's subscriptions have, by part number, such as `SPE_E3`.
    seats: BTreeMap<String, u32>,
}

/// A person.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Person {
    upn: String,
    /// The name to show; the part before the `@` if absent.
    name: Option<String>,
    /// The password to sign in with.
    password: Option<String>,
    /// The country, which licences need; GB if absent.
    usage_location: Option<String>,
    /// Part numbers of subscriptions, such as `SPE_E3`.
    #[serde(default)]
    licences: Vec<String>,
    /// Whether the person has a second factor, the app on a phone; `false` is somebody who has to register one
    /// where a policy wants it.
    #[serde(default = "yes")]
    second_factor: bool,
}

fn yes() -> bool {
    true
}

/// An agent's chain: blueprint, its principal, an agent identity, and an agent user if it has a name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Agent {
    name: String,
    /// The sponsor of all of them.
    sponsor: String,
    /// The agent user's name to sign in by.
    upn: Option<String>,
    /// Part numbers of subscriptions for the agent user.
    #[serde(default)]
    licences: Vec<String>,
}

/// A chat of two people, or of a group if it has a topic or more members.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Chat {
    topic: Option<String>,
    /// The first one creates it.
    members: Vec<String>,
    #[serde(default)]
    messages: Vec<Said>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    from: String,
    text: String,
}

/// A message from one of the tenant's people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mail {
    from: String,
    to: Vec<String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    text: String,
}

/// Makes everything in the document, and tells what; or nothing, and then the answer is every problem.
pub(crate) fn plant(shared: &Shared, realm: &Realm, document: &Document) -> Result<Vec<Made>, Vec<String>> {
    let (before, lag) = (realm.look(), realm.lag());
    realm.set_lag(Lag::default());
    let mut planting = Planting { shared, realm, made: Vec::new(), problems: Vec::new() };
    planting.everything(document);
    let Planting { made, problems, .. } = planting;
    realm.set_lag(document.settings.lag.filter(|_| problems.is_empty()).unwrap_or(lag));
    if problems.is_empty() {
        return realm.keep_settings().map(|()| made).map_err(|error| vec![error.to_string()]);
    }
    match realm.restore(before) {
        Ok(()) => Err(problems),
        Err(error) => Err(problems.into_iter().chain([error.to_string()]).collect()),
    }
}

pub(super) struct Planting<'a> {
    shared: &'a Shared,
    pub(super) realm: &'a Realm,
    made: Vec<Made>,
    problems: Vec<String>,
}

impl Planting<'_> {
    fn everything(&mut self, document: &Document) {
        if document.settings.lag.is_some_and(|lag| !lag.is_sound()) {
            self.problems.push(
                "settings.lag: its scale is from 0 to 1000000, its seconds from 0 to 1000000000.".to_owned(),
            );
        }
        self.at("settings.domains".to_owned(), |this| this.domains(&document.settings.domains));
        if let Some(most) = document.settings.objects {
            self.at("settings.objects".to_owned(), |this| {
                this.change(|tenant| tenant.workloads.quota.most = Some(most))
            });
        }
        if let Some(has) = document.settings.agents_in_v1 {
            self.at("settings.agents_in_v1".to_owned(), |this| {
                this.change(|tenant| tenant.workloads.has_agents_in_beta_only = !has)
            });
        }
        self.at("settings.seats".to_owned(), |this| this.seats(&document.settings.seats));
        for (index, person) in document.users.iter().enumerate() {
            self.at(format!("users[{index}] ({})", person.upn), |this| this.person(person));
        }
        for (index, app) in document.apps.iter().enumerate() {
            self.at(format!("apps[{index}] ({})", app.name), |this| this.app(app));
        }
        for (index, agent) in document.agents.iter().enumerate() {
            self.at(format!("agents[{index}] ({})", agent.name), |this| this.agent(agent));
        }
        for (index, group) in document.groups.iter().enumerate() {
            self.at(format!("groups[{index}] ({})", group.name), |this| this.group(group));
        }
        for (index, chat) in document.chats.iter().enumerate() {
            self.at(format!("chats[{index}]"), |this| this.chat(chat));
        }
        for (index, mail) in document.mail.iter().enumerate() {
            self.at(format!("mail[{index}]"), |this| this.mail(mail));
        }
    }

    fn at(&mut self, place: String, plant: impl FnOnce(&mut Self) -> Result<(), String>) {
        if let Err(problem) = plant(self) {
            self.problems.push(format!("{place}: {problem}"));
        }
    }

    /// Notes what was made, as Graph answered.
    pub(super) fn made(&mut self, kind: Kind, name: &str, object: &Value) {
        self.made.push(Made::new(kind, name, object));
    }

    fn person(&mut self, person: &Person) -> Result<(), String> {
        let upn = self.upn(&person.upn);
        let nickname = upn.split('@').next().unwrap_or_default().to_owned();
        let made = self.post(
            "/users",
            &json!({
                "accountEnabled": true,
                "displayName": person.name.as_ref().unwrap_or(&nickname),
                "mailNickname": nickname,
                "userPrincipalName": upn,
                "usageLocation": person.usage_location.as_deref().unwrap_or("GB"),
                "passwordProfile": {
                    "password": person.password.as_deref().unwrap_or("Sandbox-Person-1900"),
                    "forceChangePasswordNextSignIn": false,
                },
            }),
        )?;
        self.made(Kind::User, &upn, &made);
        let id = id_of(&made);
        if person.second_factor {
            self.change(|tenant| {
                if let Some(user) = tenant.users.get_mut(id) {
                    user.registered = None;
                }
            })?;
        }
        self.license(id, &person.licences)
    }

    fn license(&self, user: &str, licences: &[String]) -> Result<(), String> {
        if licences.is_empty() {
            return Ok(());
        }
        let tenant = self.realm.look();
        let mut added = Vec::new();
        for licence in licences {
            let sku = tenant.skus.iter().find(|sku| sku.part_number.eq_ignore_ascii_case(licence));
            let sku = sku.ok_or_else(|| format!("the tenant has no subscription {licence:?}"))?;
            added.push(json!({ "skuId": sku.sku_id, "disabledPlans": [] }));
        }
        let body = json!({ "addLicenses": added, "removeLicenses": [] });
        self.post(&format!("/users/{user}/assignLicense"), &body).map(drop)
    }

    fn domains(&self, domains: &[String]) -> Result<(), String> {
        if domains.is_empty() {
            return Ok(());
        }
        if let Some(odd) = domains.iter().find(|domain| !is_host_name(domain)) {
            return Err(format!("{odd:?} is no domain name, such as agents.contoso.com"));
        }
        self.change(|tenant| {
            domains.iter().for_each(|domain| tenant.domains.push(domain));
        })
    }

    fn seats(&self, seats: &BTreeMap<String, u32>) -> Result<(), String> {
        if seats.is_empty() {
            return Ok(());
        }
        let tenant = self.realm.look();
        let is = |sku: &Sku, name: &str| sku.part_number.eq_ignore_ascii_case(name);
        if let Some(odd) = seats.keys().find(|name| !tenant.skus.iter().any(|sku| is(sku, name))) {
            return Err(format!("the tenant has no subscription {odd:?}"));
        }
        self.change(|tenant| {
            for (name, seats) in seats {
                tenant.skus.iter_mut().filter(|sku| is(sku, name)).for_each(|sku| sku.seats = *seats);
            }
        })
    }

    /// Changes what no request of Graph can.
    pub(super) fn change(&self, change: impl FnOnce(&mut Tenant)) -> Result<(), String> {
        let mut tenant = Tenant::clone(&self.realm.look());
        change(&mut tenant);
        self.realm.restore(std::sync::Arc::new(tenant)).map_err(|error| error.to_string())
    }

    fn agent(&mut self, agent: &Agent) -> Result<(), String> {
        let sponsor = self.user(&agent.sponsor)?;
        let sponsors = json!([format!("https://graph.microsoft.com/v1.0/users/{sponsor}")]);
        let blueprint = self.post(
            "/beta/applications",
            &json!({
                "@odata.type": "#Microsoft.Graph.AgentIdentityBlueprint",
                "displayName": agent.name, "sponsors@odata.bind": sponsors,
            }),
        )?;
        self.made(Kind::Blueprint, &agent.name, &blueprint);
        let app_id = &blueprint["appId"];
        let principal = self.post(
            "/beta/servicePrincipals/graph.agentIdentityBlueprintPrincipal",
            &json!({ "appId": app_id }),
        )?;
        self.made(Kind::BlueprintPrincipal, &agent.name, &principal);
        let identity = self.post(
            "/beta/servicePrincipals/Microsoft.Graph.AgentIdentity",
            &json!({
                "displayName": agent.name, "agentIdentityBlueprintId": app_id,
                "sponsors@odata.bind": sponsors,
            }),
        )?;
        self.made(Kind::AgentIdentity, &agent.name, &identity);
        let Some(upn) = &agent.upn else { return Ok(()) };
        let upn = self.upn(upn);
        let user = self.post(
            "/beta/users",
            &json!({
                "@odata.type": "microsoft.graph.agentUser",
                "displayName": agent.name,
                "userPrincipalName": upn,
                "mailNickname": upn.split('@').next().unwrap_or_default(),
                "accountEnabled": true,
                "usageLocation": "GB",
                "identityParentId": identity["id"],
            }),
        )?;
        self.made(Kind::AgentUser, &upn, &user);
        self.license(id_of(&user), &agent.licences)
    }

    fn chat(&mut self, chat: &Chat) -> Result<(), String> {
        let members: Vec<String> = chat.members.iter().map(|one| self.user(one)).collect::<Result<_, _>>()?;
        let creator = members.first().ok_or("a chat has members")?;
        let bound: Vec<Value> = members
            .iter()
            .map(|id| {
                json!({
                    "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
                    "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{id}')"),
                })
            })
            .collect();
        let is_group = chat.topic.is_some() || members.len() != 2;
        let mut body = json!({ "chatType": if is_group { "group" } else { "oneOnOne" }, "members": bound });
        if let Some(topic) = &chat.topic {
            body["topic"] = json!(topic);
        }
        let made = self.call(Insider::User(creator), "/chats", &body)?;
        self.made(Kind::Chat, chat.topic.as_deref().unwrap_or_default(), &made);
        let path = format!("/chats/{}/messages", utf8_percent_encode(id_of(&made), NON_ALPHANUMERIC));
        for said in &chat.messages {
            let from = self.user(&said.from)?;
            self.call(Insider::User(&from), &path, &json!({ "body": { "content": said.text } }))?;
        }
        Ok(())
    }

    fn mail(&self, mail: &Mail) -> Result<(), String> {
        let from = self.user(&mail.from)?;
        let to: Vec<Value> =
            mail.to.iter().map(|to| json!({ "emailAddress": { "address": self.upn(to) } })).collect();
        let body = json!({ "message": {
            "subject": mail.subject, "body": { "contentType": "text", "content": mail.text },
            "toRecipients": to,
        } });
        self.call(Insider::User(&from), "/me/sendMail", &body).map(drop)
    }

    pub(super) fn upn(&self, name: &str) -> String {
        if name.contains('@') {
            return name.to_owned();
        }
        let domain = self.realm.look().domains.first().unwrap_or_default().to_owned();
        format!("{name}@{domain}")
    }

    pub(super) fn user(&self, name: &str) -> Result<String, String> {
        let (tenant, now) = (self.realm.look(), self.realm.clock.now());
        let found = tenant.user(name, now).or_else(|| tenant.user(&self.upn(name), now));
        found.map(|user| user.id.clone()).ok_or_else(|| format!("there is no user {name:?}"))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call(Insider::App, path, body)
    }

    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<(), String> {
        self.perform(Insider::App, Method::PATCH, path, body).map(drop)
    }

    fn call(&self, insider: Insider<'_>, path: &str, body: &Value) -> Result<Value, String> {
        self.perform(insider, Method::POST, path, body)
    }

    fn perform(
        &self,
        insider: Insider<'_>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        perform(self.shared, self.realm, insider, method, path, Some(body))
            .map_err(|error| format!("{}: {}", error.code, error.message))
    }
}

pub(super) fn id_of(made: &Value) -> &str {
    made["id"].as_str().unwrap_or_default()
}
