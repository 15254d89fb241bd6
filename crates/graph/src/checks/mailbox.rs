//! Whether a mailbox can send and receive: its user, its licence, the mailbox itself, and its addresses (Graph
//! reference §3.1 to §3.3).

use std::collections::BTreeSet;

use attache_terms::{Check, Explain as _, Remedy, SkuId, UserId};

use super::unseen;
use crate::{Cause, Graph, LicenceDetails, Mailbox, User};

/// A user whose mailbox is used.
#[derive(Debug, Clone)]
pub struct AgentUser {
    /// Which.
    pub id: UserId,
    /// The addresses that reach it, in lower case, the primary one first.
    pub addresses: Vec<String>,
}

/// Looks whether there is such a user and whether it may sign in. `name` is the check's.
pub async fn agent_user(graph: &Graph, name: &'static str, id: UserId) -> (Check, Option<AgentUser>) {
    let user = match graph.user(id).await {
        Ok(answer) => answer.value,
        Err(error) if error.is_not_found() => {
            let remedy = "compare the id with the Object ID on the user's page (Entra admin centre > Users), and the tenant; \
                          a user that was made a minute ago may not be everywhere yet";
            let check =
                Check::fail(name, format!("there is no user {id} in this tenant"), Remedy::operator(remedy));
            return (check, None);
        }
        Err(error) => return (unseen(name, &format!("user {id}"), &error, "User.Read.All"), None),
    };
    let found = AgentUser { id, addresses: addresses(&user) };
    let who = user.user_principal_name.clone();
    let check = match user.account_enabled {
        Some(false) => Check::warn(
            name,
            format!("{who} exists and is blocked from signing in"),
            Remedy::operator(
                "unblock it in the Microsoft 365 admin centre, if it was not stopped on purpose",
            ),
        )
        .meaning("an application still sends for it; an agent that signs in as it does not work"),
        _ => Check::ok(name, format!("{who} exists{}", kind(&user))),
    };
    (check, Some(found))
}

fn kind(user: &User) -> &'static str {
    if user.identity_parent_id.is_some() { ", an agent user" } else { "" }
}

fn addresses(user: &User) -> Vec<String> {
    let proxies = user.proxy_addresses.iter();
    let mut smtp: Vec<(bool, String)> = proxies
        .filter_map(|address| {
            let (kind, address) = address.split_once(':')?;
            kind.eq_ignore_ascii_case("smtp").then(|| (kind != "SMTP", address.to_ascii_lowercase()))
        })
        .collect();
    smtp.sort();
    let mut all: Vec<String> = smtp.into_iter().map(|(_, address)| address).collect();
    for further in user.mail.iter().chain([&user.user_principal_name]) {
        let further = further.to_ascii_lowercase();
        if !all.contains(&further) {
            all.push(further);
        }
    }
    all
}

/// Looks at the licence that gives the mailbox. `wanted` is the one that the configuration names.
pub async fn licence(graph: &Graph, user: UserId, wanted: Option<SkuId>) -> Check {
    match graph.licence_details(user).await {
        Ok(answer) => judge_licence(&answer.value, wanted),
        Err(error) => unseen("licence", "the user's licences", &error, "User.Read.All"),
    }
}

fn judge_licence(held: &[LicenceDetails], wanted: Option<SkuId>) -> Check {
    const NAME: &str = "licence";
    let assign = "assign one with Exchange Online, such as Microsoft 365 Business Basic (Microsoft 365 admin centre > Users > \
                  Active users > Licences and apps); the mailbox follows within half an hour";
    if held.is_empty() {
        return Check::fail(NAME, "the user has no licence", Remedy::operator(assign))
            .meaning("it has no mailbox: Graph answers sendMail with 404 MailboxNotEnabledForRESTAPI");
    }
    let named: Vec<String> = held
        .iter()
        .map(|licence| licence.sku_part_number.clone().unwrap_or_else(|| licence.sku_id.to_string()))
        .collect();
    let named = named.join(", ");
    // EXCHANGE_S_FOUNDATION is in nearly every product and gives no mailbox.
    let plans = held.iter().flat_map(|licence| &licence.service_plans).filter(|plan| {
        let name = plan.service_plan_name.as_deref().unwrap_or_default();
        name.starts_with("EXCHANGE_S_") && name != "EXCHANGE_S_FOUNDATION"
    });
    let states: Vec<&str> =
        plans.map(|plan| plan.provisioning_status.as_deref().unwrap_or("Success")).collect();
    if states.is_empty() {
        return Check::fail(NAME, format!("{named} holds no mailbox"), Remedy::operator(assign));
    }
    if !states.contains(&"Success") {
        let seen = format!("{named}: Exchange Online is {}", states.join(", "));
        return Check::warn(
            NAME,
            seen,
            Remedy::platform(
                None,
                "wait up to half an hour; if it stays so, turn Exchange Online on in the licence",
            ),
        );
    }
    match wanted {
        Some(wanted) if !held.iter().any(|licence| licence.sku_id == wanted) => Check::warn(
            NAME,
            format!("{named}, and not the licence of M365_DEFAULT_LICENSE_SKU_ID"),
            Remedy::operator(
                "correct the variable, or change the licence: new identities get the one that it names",
            ),
        ),
        _ => Check::ok(NAME, named),
    }
}

/// Looks whether the mailbox answers.
pub async fn mailbox(graph: &Graph, user: UserId, granted: &BTreeSet<String>) -> Check {
    const NAME: &str = "mailbox";
    let reads = ["Mail.ReadBasic.All", "Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"];
    let may = reads.iter().any(|role| granted.contains(*role));
    match graph.inbox(Mailbox::Of(user)).await {
        Ok(_) => Check::ok(NAME, "the mailbox answers"),
        Err(error) if matches!(error.cause(), Cause::Forbidden { .. }) && may => {
            Check::fail(NAME, "Exchange keeps the application out of the mailbox", error.remedy())
                .meaning("an application access policy, or RBAC for Applications, leaves this mailbox out")
        }
        Err(error) if error.is_not_found() => Check::failed(NAME, &error),
        Err(error) => unseen(NAME, "the mailbox", &error, "Mail.ReadBasic.All"),
    }
}

/// Compares the addresses that somebody wants with those that there are.
pub fn aliases(user: &AgentUser, wanted: &[String]) -> Vec<Check> {
    const NAME: &str = "aliases";
    let primary = user.addresses.first().map_or("none", String::as_str);
    let others: Vec<&str> = user.addresses.iter().skip(1).map(String::as_str).collect();
    let has = match others.as_slice() {
        [] => format!("{primary} and no alias"),
        others => format!("{primary}, also {}", others.join(", ")),
    };
    let missing: Vec<&String> =
        wanted.iter().filter(|one| !user.addresses.contains(&one.to_ascii_lowercase())).collect();
    if missing.is_empty() {
        return vec![Check::ok(NAME, has)];
    }
    let command = |alias: &&String| {
        let remedy = format!(
            "in Exchange Online PowerShell: Set-Mailbox -Identity {} -EmailAddresses @{{add='smtp:{alias}'}}",
            user.id
        );
        Check::warn(NAME, format!("{alias} is not among its addresses ({has})"), Remedy::operator(remedy))
            .meaning("mail to it is returned or goes elsewhere; Graph cannot add an alias")
    };
    missing.iter().map(command).collect()
}

/// Looks whether a plus-addressed address reaches the mailbox that collects such mail.
pub fn ingest_address(user: &AgentUser, address: &str) -> Check {
    const NAME: &str = "ingest_address";
    let address = address.to_ascii_lowercase();
    let plain = match address.split_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or_default()),
        None => address.clone(),
    };
    if user.addresses.contains(&plain) || user.addresses.contains(&address) {
        return Check::ok(NAME, format!("{plain} reaches the mailbox, and so do its plus-addresses"));
    }
    let remedy = format!(
        "correct M365_CONSUMER_INGEST_ADDRESS or M365_CONSUMER_INGEST_USER_ID, or in Exchange Online PowerShell: Set-Mailbox \
         -Identity {} -EmailAddresses @{{add='smtp:{plain}'}}",
        user.id
    );
    Check::fail(NAME, format!("{plain} is no address of the mailbox"), Remedy::operator(remedy))
        .meaning("mail to its plus-addresses does not come in")
}

#[cfg(test)]
mod tests {
    use attache_terms::Verdict;
    use serde_json::json;

    use super::*;

    fn user() -> AgentUser {
        let user: User = serde_json::from_value(json!({
            "id": "a77ac4e0-0000-4000-8000-000000000101", "displayName": "A", "userPrincipalName": "Curate@Contoso.example",
            "mail": "curate@contoso.example",
            "proxyAddresses": ["smtp:cfo@contoso.example", "SMTP:curate@contoso.example", "SIP:curate@contoso.example"],
        }))
        .unwrap();
        AgentUser { id: user.id, addresses: addresses(&user) }
    }

    fn held(plans: &[(&str, &str)]) -> Vec<LicenceDetails> {
        let plans: Vec<_> = plans
            .iter()
            .map(|(name, state)| {
                let id = "9aaf7827-d63c-4b61-89c3-182f06f82e5c";
                json!({ "servicePlanId": id, "servicePlanName": name, "provisioningStatus": state })
            })
            .collect();
        let sku = "3b555118-da6a-4418-894f-7df1e2096870";
        vec![
            serde_json::from_value(json!({ "skuId": sku, "skuPartNumber": "BASIC", "servicePlans": plans }))
                .unwrap(),
        ]
    }

    #[test]
    fn a_licence_counts_by_the_mailbox_in_it() {
        let verdict = |plans: &[(&str, &str)]| judge_licence(&held(plans), None).verdict;
        assert_eq!(judge_licence(&[], None).verdict, Verdict::Fail);
        assert_eq!(verdict(&[("EXCHANGE_S_STANDARD", "Success")]), Verdict::Ok);
        assert_eq!(verdict(&[("EXCHANGE_S_FOUNDATION", "Success")]), Verdict::Fail);
        assert_eq!(verdict(&[("EXCHANGE_S_STANDARD", "PendingProvisioning")]), Verdict::Warn);
        let other = "05e9a617-0261-4cee-bb44-138d3ef5d965".parse().ok();
        assert_eq!(judge_licence(&held(&[("EXCHANGE_S_STANDARD", "Success")]), other).verdict, Verdict::Warn);
    }

    #[test]
    fn a_missing_alias_comes_with_the_command_that_adds_it() {
        let found =
            aliases(&user(), &["CFO@contoso.example".to_owned(), "dev-team@contoso.example".to_owned()]);
        assert_eq!(found.len(), 1);
        let remedy = found[0].remedy.as_ref().unwrap().to_string();
        assert!(remedy.contains("add='smtp:dev-team@contoso.example'"), "{remedy}");
        let found = aliases(&user(), &[]);
        assert_eq!(found[0].seen, "curate@contoso.example, also cfo@contoso.example");
    }

    #[test]
    fn a_plus_address_reaches_the_mailbox_of_its_plain_one() {
        assert_eq!(ingest_address(&user(), "cfo+t0ken@contoso.example").verdict, Verdict::Ok);
        assert_eq!(ingest_address(&user(), "family@contoso.example").verdict, Verdict::Fail);
    }
}
