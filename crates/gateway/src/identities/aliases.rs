//! Capability aliases: what is wanted beside what the mailbox has. Graph cannot add an address to a mailbox (Entra
//! reference §3.2), so what is missing comes with the exact commands for Exchange, and with plus-addresses that work
//! meanwhile.

use std::collections::BTreeSet;

use attache_graph::{Cause, GraphError};
use attache_ledger::ActName;
use attache_store::{CommitError, OrgScope, Unit, Versioned};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Identity, Mode, look_now, shared};
use crate::Gateway;
use crate::access::Grant;
use crate::record::{on, thing};
use crate::server::{Answer, Problem};

/// How many an identity may have.
pub(super) const MOST: usize = 12;

const CHANGED: ActName = ActName::new("identity.aliases_changed");

/// The aliases of an identity, wanted and present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Aliases {
    /// Those that are wanted and there.
    pub(super) present: Vec<String>,
    /// Those that are wanted and missing, with what works meanwhile.
    pub(super) missing: Vec<Missing>,
    /// Those that are there and not wanted.
    pub(super) unwanted: Vec<String>,
    /// What an Exchange administrator runs for all that is missing (Exchange Online PowerShell).
    pub(super) commands: Vec<String>,
    /// Whether the tenant was asked; without a user yet, nothing can be present.
    pub(super) asked: bool,
}

/// A missing alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Missing {
    /// The address.
    pub(super) address: String,
    /// An address of the same mailbox that works already.
    pub(super) meanwhile: String,
}

/// The part before the @ of an alias, or why it is none.
pub(super) fn checked(names: &[String]) -> Result<Vec<String>, Problem> {
    if names.len() > MOST {
        let why = format!("{} are too many", names.len());
        return Err(Problem::invalid("aliases", why, "choose at most twelve"));
    }
    let names: BTreeSet<String> = names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    let plain = |name: &String| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !name.starts_with(['.', '-'])
            && !name.ends_with(['.', '-'])
            && !name.contains("..")
    };
    match names.iter().find(|name| !plain(name)) {
        Some(name) => {
            let remedy = "write the part before the @: letters, digits, dots, hyphens, underscores";
            Err(Problem::invalid("aliases", format!("{name:?} is none"), remedy))
        }
        None => Ok(names.into_iter().collect()),
    }
}

/// Wanted against present: a pure comparison. `addresses` are the mailbox's, as Exchange spells them.
pub(super) fn compare(address: &str, wanted: &[String], addresses: Option<&[String]>) -> Aliases {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let of = |entry: &String| entry.split_once(':').map(|(_, address)| address.to_ascii_lowercase());
    let has: BTreeSet<String> = addresses.unwrap_or_default().iter().filter_map(of).collect();
    let wanted: Vec<String> = wanted.iter().map(|name| format!("{name}@{domain}")).collect();
    let (present, missing): (Vec<String>, Vec<String>) =
        wanted.iter().cloned().partition(|alias| has.contains(&alias.to_ascii_lowercase()));
    let own = |other: &String| {
        *other != address.to_ascii_lowercase()
            && other.ends_with(&format!("@{}", domain.to_ascii_lowercase()))
    };
    let unwanted = has.iter().filter(|other| own(other) && !present.contains(other)).cloned().collect();
    let commands = if missing.is_empty() {
        Vec::new()
    } else {
        let list: Vec<String> = missing.iter().map(|alias| format!("\"{alias}\"")).collect();
        vec![
            "Connect-ExchangeOnline".to_owned(),
            format!("Set-Mailbox -Identity \"{address}\" -EmailAddresses @{{add={}}}", list.join(",")),
            "Set-OrganizationConfig -SendFromAliasEnabled $true".to_owned(),
        ]
    };
    let missing = missing.into_iter().map(|alias| {
        let tag = alias.split('@').next().unwrap_or_default();
        Missing { meanwhile: format!("{local}+{tag}@{domain}"), address: alias }
    });
    Aliases { present, missing: missing.collect(), unwanted, commands, asked: addresses.is_some() }
}

/// The aliases of an identity, as the tenant has them now.
pub(super) async fn read(gateway: &Gateway, scope: OrgScope, identity: &Identity) -> Answer<Aliases> {
    let own = identity.address.clone().filter(|_| identity.mode != Mode::Shared);
    let address = own.unwrap_or_default();
    let addresses = match (identity.user, gateway.home(scope, identity).await?) {
        (Some(user), Some(home)) => match gateway.provisioner(&home).proxy_addresses(user).await {
            Ok(answer) => Some(answer.value),
            Err(error) => return Err(unread(gateway, identity, &error).await),
        },
        _ => None,
    };
    Ok(compare(&address, &identity.aliases, addresses.as_deref()))
}

async fn unread(gateway: &Gateway, identity: &Identity, error: &GraphError) -> Problem {
    match error.cause() {
        Cause::NotFound { .. } => {
            // A replica may be behind: whether it is so is looked at.
            let mut unit = Unit::new();
            unit.enqueue(look_now(gateway, identity));
            if let Err(error) = gateway.store.commit(unit).await {
                return error.into();
            }
            Problem::new(
                http::StatusCode::CONFLICT,
                "user_not_found",
                "the directory does not show the identity's user",
                "wait until the identity is `degraded`, which takes some minutes, then provision it again; if it stays active, try again",
            )
        }
        _ => Problem::explained(http::StatusCode::BAD_GATEWAY, error),
    }
}

/// Wishes for other aliases.
pub(super) async fn want(
    gateway: &Gateway,
    grant: &Grant,
    identity: &Versioned<Identity>,
    names: &[String],
) -> Answer<Identity> {
    if identity.mode == Mode::Shared && !names.is_empty() {
        return Err(shared::no_mailbox());
    }
    let aliases = checked(names)?;
    let changed = Identity { aliases, changed: gateway.clock.now(), ..identity.record.clone() };
    let mut unit = Unit::new();
    unit.update(identity, &changed);
    let about = on([thing("identity", identity.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, CHANGED, about));
    match gateway.commit(&grant.caller, unit).await {
        Ok(_) => Ok(changed),
        Err(CommitError::Taken { lookup: Identity::BY_ADDRESS, .. }) => {
            Err(taken(gateway, &changed).await?.unwrap_or_else(|| {
                let why = "another identity of this gateway has one of these addresses";
                Problem::invalid("aliases", why, "choose others")
            }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Which address of an identity another one of its organisation has: Exchange gives each to one mailbox.
pub(super) async fn taken(gateway: &Gateway, identity: &Identity) -> Answer<Option<Problem>> {
    for address in identity.addresses() {
        let holder = gateway.system().find::<Identity>(Identity::BY_ADDRESS, &address).await?;
        let own = |holder: &Versioned<Identity>| holder.id != identity.id && holder.org == identity.org;
        let Some(holder) = holder.filter(own) else { continue };
        let is_main =
            |of: &Identity| of.address.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&address));
        let why = format!("the organisation's identity {} has the address {address}", holder.template);
        let (field, remedy) = match (is_main(identity), is_main(&holder)) {
            (true, true) => ("template", "choose another template".to_owned()),
            (true, false) => {
                let remedy = "choose another template, or first take the address from its extra addresses";
                ("template", remedy.to_owned())
            }
            (false, true) => ("aliases", format!("leave {address} out: it is that identity's own")),
            (false, false) => {
                ("aliases", format!("leave {address} out, or first take it from that identity"))
            }
        };
        return Ok(Some(Problem::invalid(field, why, remedy)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn what_is_missing_comes_with_the_command_and_an_address_that_works_meanwhile() {
        let has = names(&["SMTP:assistant@acme.example", "smtp:CFO@acme.example", "smtp:old@acme.example"]);
        let aliases = compare("assistant@acme.example", &names(&["cfo", "dev-team"]), Some(&has));
        assert_eq!(aliases.present, ["cfo@acme.example"]);
        assert_eq!(aliases.missing[0].address, "dev-team@acme.example");
        assert_eq!(aliases.missing[0].meanwhile, "assistant+dev-team@acme.example");
        assert_eq!(aliases.unwanted, ["old@acme.example"]);
        assert!(aliases.commands[1].contains("@{add=\"dev-team@acme.example\"}"), "{:?}", aliases.commands);
    }

    #[test]
    fn twelve_plain_names_are_the_limit() {
        let many: Vec<String> = (0..13).map(|number| format!("a{number}")).collect();
        assert!(checked(&many).is_err() && checked(&many[..12]).is_ok());
        for bad in ["", "a b", "a@b", "'; drop", ".a", "a..b", "ü"] {
            assert!(checked(&names(&[bad])).is_err(), "{bad}");
        }
        assert_eq!(checked(&names(&["CFO", "cfo "])).ok(), Some(names(&["cfo"])));
    }
}
