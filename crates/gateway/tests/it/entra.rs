//! A person at Entra's pages, in a browser of their own: fills in what is asked until Entra sends them on.

use reqwest::header::LOCATION;
use serde_json::Value;
use url::Url;

use crate::world::World;

/// Somebody who can sign in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) upn: String,
    pub(crate) password: String,
}

/// A further tenant of the sandbox: somebody else's.
pub(crate) struct Customer {
    pub(crate) tenant: String,
    pub(crate) domain: String,
    /// Its administrator.
    pub(crate) administrator: Person,
    /// Somebody there who is none.
    pub(crate) colleague: Person,
    /// An application there that may do everything with agents, and its secret.
    pub(crate) application: (String, String),
}

/// Adds a tenant to the sandbox.
pub(crate) async fn customer(world: &World) -> Customer {
    let ready = world.sandbox.ready();
    let request = world.browser().post(format!("{}/_sandbox/tenants", ready.url));
    let answer = request.bearer_auth(&ready.control_token).json(&serde_json::json!({})).send().await.unwrap();
    let told: Value = answer.json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let person = |at: usize| {
        let user = &told["users"][at];
        Person { id: text(&user["id"]), upn: text(&user["upn"]), password: text(&user["password"]) }
    };
    let app = &told["apps"]["provisioner"];
    Customer {
        tenant: text(&told["tenant_id"]),
        domain: text(&told["domain"]),
        administrator: person(0),
        colleague: person(1),
        application: (text(&app["client_id"]), text(&app["client_secret"])),
    }
}

/// Goes to this address of Entra's as this person, decides, and comes back: where to.
pub(crate) async fn through(world: &World, url: &str, person: &Person, decision: &str) -> Url {
    let browser = world.browser();
    let entra: Url = world.sandbox.ready().url.parse().unwrap();
    let mut at: Url = url.parse().unwrap();
    let mut answer = browser.get(at.clone()).send().await.unwrap();
    for _ in 0..6 {
        if let Some(to) = answer.headers().get(LOCATION) {
            at = at.join(to.to_str().unwrap()).unwrap();
            if at.origin() != entra.origin() {
                return at;
            }
            answer = browser.get(at.clone()).send().await.unwrap();
            continue;
        }
        let page = answer.text().await.unwrap();
        let form = page.find("<form").unwrap_or_else(|| panic!("no form: {page}"));
        let form = &page[form..page.find("</form>").unwrap()];
        let action = attribute(&form[..form.find('>').unwrap()], "action").unwrap();
        let mut fields = Vec::new();
        for input in form.split("<input").skip(1) {
            let input = &input[..input.find('>').unwrap()];
            let Some(name) = attribute(input, "name") else { continue };
            let value = match attribute(input, "type").as_deref() {
                Some("hidden") => attribute(input, "value").unwrap_or_default(),
                Some("password") => person.password.clone(),
                Some("checkbox" | "submit") => continue,
                _ => person.upn.clone(),
            };
            fields.push((name, value));
        }
        if form.contains("name=\"decision\"") {
            fields.push(("decision".to_owned(), decision.to_owned()));
        }
        at = at.join(&action).unwrap();
        answer = browser.post(at.clone()).form(&fields).send().await.unwrap();
    }
    panic!("Entra sends nobody on: {at}")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    Some(value.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&quot;", "\""))
}
