//! A tenant with an application that may send for everybody, and what arrives in its mailboxes.

use std::sync::Arc;

use async_trait::async_trait;
use attache_entra::{
    AccessToken, Claims, ClientCredential, Entra, Resource, TokenFault, TokenSource, Transport,
    TransportConfig,
};
use attache_graph::{Graph, Mailbox};
use attache_mail::{Draft, GraphMail, Message, Signature};
use attache_sandbox::{Config, Control, Sandbox};
use attache_terms::{Clock, Cloud, Secret, SystemClock, SystemRng, UserId};
use serde_json::Value;
use uuid::Uuid;

/// The tenant and what speaks to it.
pub(crate) struct World {
    sandbox: Sandbox,
    transport: Transport,
    entra: Arc<Entra>,
}

impl World {
    /// The application may do nothing with mail yet.
    pub(crate) async fn start() -> Self {
        let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
        let sandbox = Sandbox::start(config).await.unwrap();
        let ready = sandbox.ready();
        let cloud = Cloud::at(ready.url.parse().unwrap(), ready.url.parse().unwrap());
        let config = TransportConfig { ca: Some(ready.ca.clone()), ..TransportConfig::default() };
        let transport = Transport::new(config).unwrap();
        let entra = Entra::new(cloud, transport.clone(), Arc::new(SystemClock), Arc::new(SystemRng));
        Self { sandbox, transport, entra }
    }

    /// The application may send, and read for the test.
    pub(crate) async fn that_may_send() -> Self {
        let world = Self::start().await;
        world.grant(&["Mail.Send", "Mail.Read"]).await;
        world
    }

    pub(crate) fn control(&self) -> Control {
        self.sandbox.control()
    }

    pub(crate) fn user(&self, name: &str) -> UserId {
        let found = self.sandbox.ready().users.iter().find(|user| user.upn.starts_with(name));
        found.unwrap().id.parse().unwrap()
    }

    fn graph(&self, source: Arc<dyn TokenSource>) -> Graph {
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Graph::new(self.entra.cloud(), self.transport.clone(), source, clock, rng)
    }

    /// As the application.
    pub(crate) fn application(&self) -> Graph {
        let ready = self.sandbox.ready();
        let app = &ready.apps.provisioner;
        let credential = ClientCredential::Secret(Secret::new(app.client_secret.clone()));
        let resource = Resource::graph(self.entra.cloud());
        let (tenant, client) = (ready.tenant_id.parse().unwrap(), app.client_id.parse().unwrap());
        self.graph(self.entra.application(tenant, client, credential, resource))
    }

    async fn grant(&self, roles: &[&str]) {
        let graph = self.application();
        let client = self.sandbox.ready().apps.provisioner.client_id.parse().unwrap();
        let own = graph.principal_of(client).await.unwrap().value.unwrap();
        let resource = graph.graph_principal().await.unwrap().value.unwrap();
        for role in roles {
            let found = resource.app_roles.iter().find(|one| one.value.as_deref() == Some(role)).unwrap();
            graph.assign_role(own.id, resource.id, found.id).await.unwrap();
        }
        graph.renew().await;
    }

    /// As Ada, whose client may send.
    pub(crate) async fn ada(&self) -> Graph {
        let ready = self.sandbox.ready();
        let graph = self.application();
        let client = graph.principal_of(ready.apps.client.client_id.parse().unwrap()).await.unwrap();
        let grant = graph.grants_of(client.value.unwrap().id).await.unwrap().value.remove(0);
        graph.set_grant_scope(&grant.id, &format!("{} Mail.Send", grant.scope)).await.unwrap();
        let form = [
            ("grant_type", "password"),
            ("client_id", &ready.apps.client.client_id),
            ("username", &ready.users[0].upn),
            ("password", &ready.users[0].password),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", ready.url, ready.tenant_id);
        let answer = self.transport.client().unwrap().post(url).form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        self.graph(Arc::new(Given(AccessToken::new(Secret::new(token), "issue-1", Uuid::nil()))))
    }

    /// The transport, from a user's mailbox as the application.
    pub(crate) fn mail_of(&self, user: UserId) -> GraphMail {
        GraphMail::new(self.application(), Mailbox::Of(user))
    }

    /// What lies in a folder of a user, newest first.
    pub(crate) async fn folder(&self, user: &str, folder: &str) -> Vec<Value> {
        let ready = self.sandbox.ready();
        let app = &ready.apps.provisioner;
        let credential = ClientCredential::Secret(Secret::new(app.client_secret.clone()));
        let (tenant, client) = (ready.tenant_id.parse().unwrap(), app.client_id.parse().unwrap());
        let source = self.entra.application(tenant, client, credential, Resource::graph(self.entra.cloud()));
        let token = source.token(None).await.map_err(|fault| fault.to_string()).unwrap();
        let url = format!(
            "{}/v1.0/users/{}/mailFolders/{folder}/messages?$select=subject,from,toRecipients,replyTo,body,\
             internetMessageId,internetMessageHeaders",
            ready.url,
            self.user(user)
        );
        let request = self.transport.client().unwrap().get(url).bearer_auth(token.secret.expose());
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["value"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }
}

/// A token that somebody else got.
struct Given(AccessToken);

#[async_trait]
impl TokenSource for Given {
    async fn token(&self, _: Option<&Claims>) -> Result<AccessToken, TokenFault> {
        Ok(self.0.clone())
    }

    fn refused(&self, _: &AccessToken) {}
}

/// A message from one of Contoso's people to another.
pub(crate) fn message(from: &str, to: &str) -> Message {
    draft(from, to).finish().unwrap()
}

pub(crate) fn draft(from: &str, to: &str) -> Draft {
    Draft {
        from: format!("{from}@contoso.example").parse().unwrap(),
        to: vec![format!("{to}@contoso.example").parse().unwrap()],
        reply_to: Some("help@contoso.example".parse().unwrap()),
        subject: "Grüße <b>".to_owned(),
        text: "Hello <world>.\n\nSee you.".to_owned(),
        signature: Signature {
            why: "you asked for a test".to_owned(),
            request_id: "req_0123".to_owned(),
            audit: "https://attache.example/a/0123".parse().unwrap(),
        },
        headers: vec![("X-Run".to_owned(), "7".to_owned()), ("List-Id".to_owned(), "<a.b>".to_owned())],
        key: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        date: SystemClock.now(),
    }
}

pub(crate) fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let headers = message["internetMessageHeaders"].as_array()?;
    let found = headers.iter().find(|one| one["name"].as_str().unwrap().eq_ignore_ascii_case(name))?;
    found["value"].as_str()
}
