//! Users: the signed-in one, others, and their sponsors (Entra reference §3.1, §13 "Sponsors").

use attache_terms::{ObjectId, Secret, SkuId, Untrusted, UserId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Call;
use crate::path::{Path, literal, segment};
use crate::{Answer, Answered, Graph};

const SELECT: &str = "id,displayName,userPrincipalName,mail,proxyAddresses,accountEnabled,usageLocation,identityParentId,assignedLicenses";

/// A user object: a person or an agent user.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The object id.
    pub id: UserId,
    /// The name that people see; its owner may have chosen it.
    pub display_name: Option<Untrusted>,
    /// The sign-in name.
    pub user_principal_name: String,
    /// The SMTP address.
    pub mail: Option<String>,
    /// Its addresses as Exchange keeps them: `SMTP:` before the primary one, `smtp:` before an alias.
    #[serde(default)]
    pub proxy_addresses: Vec<String>,
    /// Whether it may sign in.
    pub account_enabled: Option<bool>,
    /// The country, ISO 3166 alpha-2; a licence wants one.
    pub usage_location: Option<String>,
    /// The agent identity that an agent user belongs to.
    pub identity_parent_id: Option<ObjectId>,
    /// The licences.
    #[serde(default, rename = "assignedLicenses")]
    pub assigned_licences: Vec<AssignedLicence>,
}

/// What an ordinary user is made of (Entra reference §3.1).
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    /// The name that people see.
    pub display_name: &'a str,
    /// The sign-in name, in a verified domain.
    pub user_principal_name: &'a str,
    /// The part of the mail address before the @.
    pub mail_nickname: &'a str,
    /// The country, ISO 3166 alpha-2.
    pub usage_location: &'a str,
    /// The job title.
    pub job_title: &'a str,
    /// The department.
    pub department: &'a str,
    /// The password.
    pub password: &'a Secret,
}

/// What people see of a user in the directory, as far as it is to be changed.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described<'a> {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<&'a str>,
    /// The job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<&'a str>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<&'a str>,
}

/// One licence of a user.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedLicence {
    /// Which.
    pub sku_id: SkuId,
}

/// How far a service is with a user.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionedPlan {
    /// The service: `exchange`.
    pub service: String,
    /// `Success` once the service knows the user; `PendingActivation` before.
    pub provisioning_status: String,
}

impl Graph {
    /// The signed-in user (User.Read).
    pub async fn me(&self) -> Answered<User> {
        self.send(Call::get(Path::new("/me").query("$select", "id,displayName,userPrincipalName,mail"))).await
    }

    /// The sponsors of the signed-in agent user (User.Read).
    pub async fn my_sponsors(&self) -> Answered<Vec<User>> {
        self.all(Path::new("/me/sponsors").query("$select", "id,displayName,userPrincipalName,mail")).await
    }

    /// A user by id.
    pub async fn user(&self, user: UserId) -> Answered<User> {
        self.send(Call::get(Path::new(format!("/users/{user}")).query("$select", SELECT))).await
    }

    /// A user by sign-in name, `None` when there is none.
    pub async fn user_by_name(&self, user_principal_name: &str) -> Answered<Option<User>> {
        let path = Path::new(format!("/users/{}", segment(user_principal_name))).query("$select", SELECT);
        optional(self.send(Call::get(path)).await)
    }

    /// The agent users of an agent identity: one at most, while it exists everywhere (reference §2.4).
    pub async fn agent_users_of(&self, agent: attache_terms::AppId) -> Answered<Vec<User>> {
        let filter = format!("identityParentId eq {}", literal(&agent.to_string()));
        let answer: Answer<Vec<User>> =
            self.all(Path::new("/users").query("$filter", filter).query("$select", SELECT)).await?;
        let parent = ObjectId::new(agent.uuid());
        Ok(answer
            .map(|users| users.into_iter().filter(|user| user.identity_parent_id == Some(parent)).collect()))
    }

    /// The addresses of a user's mailbox, as Exchange spells them: `SMTP:` before the primary one, `smtp:` before
    /// the others (Entra reference §3.2). They cannot be set by Graph.
    pub async fn proxy_addresses(&self, user: UserId) -> Answered<Vec<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Addresses {
            #[serde(default)]
            proxy_addresses: Vec<String>,
        }
        let path = Path::new(format!("/users/{user}")).query("$select", "id,proxyAddresses");
        Ok(self.send::<Addresses>(Call::get(path)).await?.map(|addresses| addresses.proxy_addresses))
    }

    /// What the services that a user is licensed for have made of it: `exchange` its mailbox, `TeamspaceAPI` its
    /// Teams (User.Read.All; Microsoft Graph, resource type provisionedPlan).
    pub async fn provisioned_plans(&self, user: UserId) -> Answered<Vec<ProvisionedPlan>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Plans {
            #[serde(default)]
            provisioned_plans: Vec<ProvisionedPlan>,
        }
        let path = Path::new(format!("/users/{user}")).query("$select", "id,provisionedPlans");
        Ok(self.send::<Plans>(Call::get(path)).await?.map(|plans| plans.provisioned_plans))
    }

    /// Makes an ordinary user (User.ReadWrite.All). The name is unique: a second one is refused.
    pub async fn create_user(&self, new: NewUser<'_>) -> Answered<User> {
        let body = json!({
            "accountEnabled": true,
            "displayName": new.display_name,
            "userPrincipalName": new.user_principal_name,
            "mailNickname": new.mail_nickname,
            "usageLocation": new.usage_location,
            "jobTitle": new.job_title,
            "department": new.department,
            "passwordProfile": {
                "password": new.password.expose(),
                "forceChangePasswordNextSignIn": false,
            },
        });
        self.send(Call::post(Path::new("/users"), &body)).await
    }

    /// Sets what people see of a user in the directory, and leaves what is not said (AgentIdUser.ReadWrite.All for an
    /// agent user, User.ReadWrite.All for others).
    pub async fn describe_user(&self, user: UserId, described: &Described<'_>) -> Answered<()> {
        self.send_bare(Call::patch(Path::new(format!("/users/{user}")), described)).await
    }

    /// Sets the photo of a user: a picture of at most 4 MB with its media type (User.ReadWrite.All).
    pub async fn set_photo(&self, user: UserId, media: &'static str, picture: Bytes) -> Answered<()> {
        self.send_bare(Call::put(Path::new(format!("/users/{user}/photo/$value")), media, picture)).await
    }

    /// Sets the country of a user.
    pub async fn set_usage_location(&self, user: UserId, country: &str) -> Answered<()> {
        self.send_bare(Call::patch(Path::new(format!("/users/{user}")), &json!({ "usageLocation": country })))
            .await
    }

    /// Deletes a user, restorable for 30 days.
    pub async fn delete_user(&self, user: UserId) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("/users/{user}")))).await
    }
}

/// Makes "no such object" an answer.
pub(crate) fn optional<T>(answer: Answered<T>) -> Answered<Option<T>> {
    match answer {
        Ok(answer) => Ok(answer.map(Some)),
        Err(error) if error.is_not_found() => {
            Ok(Answer { value: None, correlation: error.correlation().clone() })
        }
        Err(error) => Err(error),
    }
}
