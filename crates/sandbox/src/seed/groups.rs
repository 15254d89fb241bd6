//! Groups of a document: those that Graph makes, and distribution lists, which are Exchange's to make.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::directory::{Life, new_id};
use crate::graph::Group;

use super::document::{Planting, id_of};
use super::made;

/// A group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assembly {
    pub(super) name: String,
    /// What stands before the `@` of its address; the name without spaces if absent.
    nickname: Option<String>,
    #[serde(default)]
    kind: Kind,
    /// People and groups, by name.
    #[serde(default)]
    members: Vec<String>,
    /// Who may change it.
    #[serde(default)]
    owners: Vec<String>,
    /// Whether people outside may write to it.
    #[serde(default)]
    external: bool,
    /// Whether members of a Microsoft 365 group have copies of what is written to it.
    #[serde(default)]
    subscribed: bool,
}

/// What kind of group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Microsoft365,
    Security,
    Distribution,
}

impl Planting<'_> {
    pub(super) fn group(&mut self, group: &Assembly) -> Result<(), String> {
        let nickname = group.nickname.clone().unwrap_or_else(|| group.name.replace(' ', ""));
        let members = group.members.iter().map(|one| self.member(one)).collect::<Result<Vec<_>, _>>()?;
        let owners = group.owners.iter().map(|one| self.user(one)).collect::<Result<Vec<_>, _>>()?;
        if group.kind == Kind::Distribution {
            return self.list(group, nickname, members, owners);
        }
        let bound = |ids: &[String]| -> Value {
            ids.iter()
                .map(|id| json!(format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")))
                .collect()
        };
        let is_unified = group.kind == Kind::Microsoft365;
        let made = self.post(
            "/groups",
            &json!({
                "displayName": group.name, "mailNickname": nickname,
                "mailEnabled": is_unified, "securityEnabled": !is_unified,
                "groupTypes": if is_unified { json!(["Unified"]) } else { json!([]) },
                "members@odata.bind": bound(&members), "owners@odata.bind": bound(&owners),
            }),
        )?;
        self.made(made::Kind::Group, &group.name, &made);
        if is_unified && (group.external || group.subscribed) {
            let settings = json!({ "allowExternalSenders": group.external, "autoSubscribeNewMembers": group.subscribed });
            self.patch(&format!("/groups/{}", id_of(&made)), &settings)?;
        }
        Ok(())
    }

    /// Who may be a member: a person, or a group that stands already.
    fn member(&self, name: &str) -> Result<String, String> {
        let tenant = self.realm.look();
        let is_it = |group: &&Group| {
            group.display_name == name
                || group.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(name))
        };
        match tenant.workloads.groups.values().find(is_it) {
            Some(group) => Ok(group.id.clone()),
            None => self.user(name),
        }
    }

    fn list(
        &mut self,
        group: &Assembly,
        nickname: String,
        members: Vec<String>,
        owners: Vec<String>,
    ) -> Result<(), String> {
        let mail = self.upn(&nickname);
        let now = self.realm.clock.now();
        let mut tenant = self.realm.enter();
        if tenant.workloads.groups.values().any(|other| other.is_called(&mail, now)) {
            return Err(format!("{mail} is another group's address"));
        }
        let other: BTreeMap<String, Value> =
            [("allowExternalSenders".to_owned(), group.external.into())].into_iter().collect();
        let list = Group {
            id: new_id(),
            life: Life::new(now, now),
            display_name: group.name.clone(),
            mail_nickname: nickname,
            mail: Some(mail),
            mail_enabled: true,
            security_enabled: false,
            group_types: Vec::new(),
            takes_roles: false,
            members,
            owners,
            subscriptions: BTreeMap::new(),
            other,
        };
        let made = json!({ "id": list.id });
        tenant.workloads.groups.insert(list.id.clone(), list);
        self.realm.settle(&mut tenant).map_err(|error| error.to_string())?;
        drop(tenant);
        self.made(made::Kind::Group, &group.name, &made);
        Ok(())
    }
}
