//! Authentication strengths: which combinations of methods a policy takes for strong enough (Microsoft:
//! "authenticationStrengthPolicy resource type"; the three built-in ones with Microsoft's ids).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::Factor;
use crate::tenant::Tenant;

/// A strength, as Graph shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Strength {
    pub(crate) id: String,
    pub(crate) created_date_time: Timestamp,
    pub(crate) modified_date_time: Timestamp,
    pub(crate) display_name: String,
    pub(crate) description: Option<String>,
    /// `builtIn` or `custom`.
    pub(crate) policy_type: String,
    /// `mfa` or `none`.
    pub(crate) requirements_satisfied: String,
    /// Modes with commas in between: all of them together are one way to satisfy it.
    pub(crate) allowed_combinations: Vec<String>,
}

/// Which strength a policy asks for. What else is said of it is the strength's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StrengthReference {
    pub(crate) id: String,
}

/// The combinations of the first built-in one; the others are some of them.
const MFA: [&str; 19] = [
    "windowsHelloForBusiness",
    "fido2",
    "x509CertificateMultiFactor",
    "deviceBasedPush",
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "password,microsoftAuthenticatorPush",
    "password,softwareOath",
    "password,hardwareOath",
    "password,x509CertificateSingleFactor",
    "password,x509CertificateMultiFactor",
    "password,sms",
    "password,voice",
    "federatedMultiFactor",
    "microsoftAuthenticatorPush,federatedSingleFactor",
    "softwareOath,federatedSingleFactor",
    "hardwareOath,federatedSingleFactor",
    "sms,federatedSingleFactor",
    "voice,federatedSingleFactor",
];

/// Those of a single factor.
const SINGLE: [&str; 5] =
    ["password", "sms", "x509CertificateSingleFactor", "federatedSingleFactor", "qrCodePin"];

const PASSWORDLESS: [&str; 4] =
    ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush"];
const PHISHING_RESISTANT: [&str; 3] = ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"];

/// The three that Microsoft brings.
pub(crate) fn built_in() -> [Strength; 3] {
    let strength = |last: u8, name: &str, description: &str, combinations: &[&str]| Strength {
        id: format!("00000000-0000-0000-0000-{last:012}"),
        created_date_time: Timestamp::constant(1_638_316_800, 0),
        modified_date_time: Timestamp::constant(1_638_316_800, 0),
        display_name: name.to_owned(),
        description: Some(description.to_owned()),
        policy_type: "builtIn".to_owned(),
        requirements_satisfied: "mfa".to_owned(),
        allowed_combinations: combinations.iter().map(|one| (*one).to_owned()).collect(),
    };
    [
        strength(
            2,
            "Multifactor authentication",
            "Combinations of methods that satisfy strong authentication, such as a password + SMS",
            &MFA,
        ),
        strength(
            3,
            "Passwordless MFA",
            "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator",
            &PASSWORDLESS,
        ),
        strength(
            4,
            "Phishing resistant MFA",
            "Phishing resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key",
            &PHISHING_RESISTANT,
        ),
    ]
}

impl Tenant {
    /// The strength of that id, built in or the tenant's own.
    pub(crate) fn strength(&self, id: &str) -> Option<Strength> {
        let own = self.entra.strengths.iter().cloned();
        built_in().into_iter().chain(own).find(|one| one.id.eq_ignore_ascii_case(id))
    }
}

impl Strength {
    /// Whether somebody who has shown these modes has shown enough.
    pub(super) fn is_satisfied(&self, modes: &[&str]) -> bool {
        self.allowed_combinations.iter().any(|one| one.split(',').all(|mode| modes.contains(&mode)))
    }

    /// Whether one factor more would be enough.
    pub(super) fn would_take(&self, factor: Factor, modes: &[&str]) -> bool {
        self.is_satisfied(&[modes, &[factor.mode()]].concat())
    }

    /// `requirementsSatisfied` of such combinations; none if Graph knows one of them not.
    pub(crate) fn requirements(combinations: &[String]) -> Option<&'static str> {
        let is_in = |list: &[&str], one: &String| list.contains(&one.as_str());
        if combinations.is_empty() || !combinations.iter().all(|one| is_in(&MFA, one) || is_in(&SINGLE, one))
        {
            return None;
        }
        Some(if combinations.iter().all(|one| is_in(&MFA, one)) { "mfa" } else { "none" })
    }
}

/// Every combination that Graph knows.
pub(crate) fn combinations() -> impl Iterator<Item = &'static str> {
    SINGLE.into_iter().chain(MFA)
}
