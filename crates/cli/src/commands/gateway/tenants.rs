//! More tenants of ours than the first: `[[tenants]]` in gateway.toml, each judged with every problem named.

use std::str::FromStr;

use attache_gateway::{ClientApp, HostedTenant};
use attache_terms::{AppId, Secret, TenantId, UserId};

use crate::config::Values;

/// What they are called in the file.
pub(super) const TABLE: &str = "tenants";

/// The settings of one.
const SETTINGS: [&str; 8] = [
    "tenant",
    "domain",
    "provisioner_client_id",
    "secret_variable",
    "licence",
    "usage_location",
    "sponsor",
    "subdomains",
];

/// Entra holds at most 5,000 domains in a tenant (Entra reference §13); some are the tenant's own.
const SUBDOMAINS: u32 = 4500;

/// All of them. `environment` has their secrets.
pub(super) fn judge(
    values: &Values,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<String>,
) -> Vec<HostedTenant> {
    let tables = values.tables.get(TABLE).map_or(&[][..], Vec::as_slice);
    let each = tables.iter().enumerate();
    each.filter_map(|(at, table)| One { at: at + 1, table, problems }.judge(environment)).collect()
}

/// No tenant and no domain may stand there twice; `first` is that of the single settings.
pub(super) fn twice(first: Option<(TenantId, String)>, more: &[HostedTenant], problems: &mut Vec<String>) {
    let own = more.iter().map(|hosted| (hosted.tenant, hosted.domain.clone()));
    let all: Vec<(TenantId, String)> = first.into_iter().chain(own).collect();
    for (at, (tenant, domain)) in all.iter().enumerate() {
        let before = &all[..at];
        if before.iter().any(|(other, _)| other == tenant) {
            problems
                .push(format!("{TABLE}: the tenant {tenant} is there twice; raise its `subdomains` instead"));
        }
        if before.iter().any(|(_, other)| other.eq_ignore_ascii_case(domain)) {
            problems.push(format!("{TABLE}: the domain {domain} is there twice; give each tenant its own"));
        }
    }
}

struct One<'a> {
    at: usize,
    table: &'a toml::Table,
    problems: &'a mut Vec<String>,
}

impl One<'_> {
    fn judge(mut self, environment: &dyn Fn(&str) -> Option<String>) -> Option<HostedTenant> {
        for name in self.table.keys().filter(|name| !SETTINGS.contains(&name.as_str())) {
            let problem = match name.as_str() {
                "provisioner_client_secret" => {
                    "a secret is not read from a file; name its variable as secret_variable".to_owned()
                }
                _ => format!("there is no such setting; there are {}", SETTINGS.join(", ")),
            };
            self.problems.push(format!("{}.{name}: {problem}", self.name()));
        }
        let tenant = self.required::<TenantId>("tenant", "the tenant's id, a GUID");
        let domain =
            self.required::<String>("domain", "a verified domain of it, such as agents2.example.com");
        let app =
            self.required::<AppId>("provisioner_client_id", "its provisioning application's id, a GUID");
        let variable = self.text("secret_variable");
        let variable =
            variable.unwrap_or_else(|| format!("ATTACHE_PROVISIONER_CLIENT_SECRET_{}", self.at + 1));
        let secret = environment(&variable).filter(|text| !text.is_empty()).map(Secret::new);
        if secret.is_none() {
            let name = self.name();
            self.problems.push(format!("{name}: its provisioner's secret is missing; set {variable}"));
        }
        let location = self.text("usage_location").unwrap_or_else(|| "US".to_owned());
        if location.len() != 2 || !location.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.wrong("usage_location", "not two capital letters, such as US or DE");
        }
        let sponsor = self.required::<UserId>(
            "sponsor",
            "the object id of the person there who answers for hosted agents until an organisation names somebody",
        );
        let subdomains = self.parsed::<u32>("subdomains").unwrap_or(SUBDOMAINS);
        if !(1..=5000).contains(&subdomains) {
            self.wrong("subdomains", "not a number from 1 to 5000");
        }
        Some(HostedTenant {
            tenant: tenant?,
            provisioner: ClientApp { client_id: app?, client_secret: secret? },
            domain: domain?,
            licences: self.text("licence").into_iter().collect(),
            usage_location: location,
            subdomains,
            sponsor: sponsor?,
        })
    }

    fn name(&self) -> String {
        format!("{TABLE}[{}]", self.at)
    }

    fn wrong(&mut self, name: &str, why: &str) {
        self.problems.push(format!("{}.{name}: {why}", self.name()));
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.table.get(name)? {
            toml::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse();
        parsed.map_err(|error: T::Err| self.wrong(name, &error.to_string())).ok()
    }

    fn required<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str, what: &str) -> Option<T> {
        if self.table.get(name).is_none() {
            self.wrong(name, &format!("is missing: {what}"));
        }
        self.parsed(name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ID: &str = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce";

    fn judged(text: &str) -> (Vec<HostedTenant>, Vec<String>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let environment =
            |name: &str| (name == "ATTACHE_PROVISIONER_CLIENT_SECRET_2").then(|| "s".to_owned());
        let values = Values::with_tables(&[], &[TABLE], &BTreeMap::new(), &environment, file.path());
        let mut problems = values.problems.clone();
        let tenants = judge(&values, &environment, &mut problems);
        (tenants, problems)
    }

    #[test]
    fn one_more_tenant_needs_four_settings_and_a_secret() {
        let (tenants, problems) = judged(&format!(
            "[[tenants]]\ntenant = \"{ID}\"\ndomain = \"a.example\"\nprovisioner_client_id = \"{ID}\"\n\
             sponsor = \"{ID}\"\n"
        ));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((tenants[0].subdomains, tenants[0].usage_location.as_str()), (SUBDOMAINS, "US"));
        let mut problems = Vec::new();
        twice(Some((ID.parse().unwrap(), "A.example".to_owned())), &tenants, &mut problems);
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn every_problem_of_every_tenant_is_named() {
        let (tenants, problems) = judged(
            "[[tenants]]\ntenant = \"contoso\"\nprovisioner_client_secret = \"hunter2\"\nsubdomains = 9000\n\
             [[tenants]]\nname = \"x\"\n",
        );
        assert!(tenants.is_empty());
        let all = problems.join("\n");
        for part in [
            "tenants[1].tenant:",
            "tenants[1].domain: is missing",
            "tenants[1].sponsor: is missing",
            "tenants[1].provisioner_client_secret: a secret",
            "tenants[1].subdomains: not a number",
            "tenants[2].name: there is no such setting",
            "set ATTACHE_PROVISIONER_CLIENT_SECRET_3",
        ] {
            assert!(all.contains(part), "{part} is missing from:\n{all}");
        }
        assert!(!all.contains("hunter2"), "a secret is not repeated");
    }

    #[test]
    fn a_single_table_says_how_it_is_written() {
        let (_, problems) = judged("[tenants]\ntenant = \"x\"\n");
        assert!(problems[0].contains("[[tenants]]"), "{problems:?}");
    }
}
