//! What Entra's error numbers mean, and who must do what about them (Entra reference §1.13 and §1.14).
//! The numbers are the contract; Microsoft's prose changes.

use attache_terms::Remedy;

/// Who must act on a code, before a wait that the answer asked for is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    Operator,
    Platform,
    Us,
}

/// One code, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The number behind `AADSTS`.
    pub code: u32,
    /// A stable word for programs.
    pub word: &'static str,
    /// What it means, as a clause.
    pub meaning: &'static str,
    actor: Actor,
    remedy: &'static str,
    replicates: bool,
}

impl Meaning {
    /// Who must act, and how.
    pub fn remedy(&self) -> Remedy {
        match self.actor {
            Actor::Operator => Remedy::operator(self.remedy),
            Actor::Platform => Remedy::platform(None, self.remedy),
            Actor::Us => Remedy::us(self.remedy),
        }
    }

    /// What to do, in its own words.
    pub fn advice(&self) -> &'static str {
        self.remedy
    }

    /// Whether this is also what a thing that was made a moment ago gives until it has replicated. Only
    /// after one's own provisioning step is it worth waiting for, and only for a while.
    pub fn is_replication(&self) -> bool {
        self.replicates
    }

    /// Whether Entra may do the same request a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        self.actor == Actor::Platform && self.code != 50000
    }

    /// Whether the wall clock may be why: an assertion, or a certificate, that is not valid yet or any more.
    pub(crate) fn is_about_time(&self) -> bool {
        matches!(self.code, 700_024 | 500_133 | 50_013 | 700_027 | 700_030)
    }
}

/// Every code that people meet.
pub fn all() -> &'static [Meaning] {
    TABLE
}

/// The meaning of a code, where it is known.
pub fn meaning(code: u32) -> Option<&'static Meaning> {
    TABLE.binary_search_by_key(&code, |row| row.code).ok().map(|at| &TABLE[at])
}

const fn operator(code: u32, word: &'static str, meaning: &'static str, remedy: &'static str) -> Meaning {
    Meaning { code, word, meaning, actor: Actor::Operator, remedy, replicates: false }
}

/// Like [`operator`], for what also happens until a new object has replicated.
const fn fresh(code: u32, word: &'static str, meaning: &'static str, remedy: &'static str) -> Meaning {
    Meaning { code, word, meaning, actor: Actor::Operator, remedy, replicates: true }
}

const fn platform(code: u32, word: &'static str, meaning: &'static str) -> Meaning {
    let remedy = "wait, and try again; see Microsoft's service health if it lasts";
    Meaning { code, word, meaning, actor: Actor::Platform, remedy, replicates: false }
}

const fn us(code: u32, word: &'static str, meaning: &'static str) -> Meaning {
    let remedy = "report this with the trace id: Attaché built the request";
    Meaning { code, word, meaning, actor: Actor::Us, remedy, replicates: false }
}

const SIGN_IN: &str = "sign in again";
const CONSENT: &str =
    "have an administrator grant the permissions that `attache provision --plan` lists, then try again";
const NEW_CERTIFICATE: &str = "check that the blueprint has this certificate (Entra admin centre, Agents, blueprint, \
                               Certificates); `attache provision` adds it again";
const NEW_SECRET: &str = "create a new client secret for the application and give it to Attaché; the value is needed, \
                          not the secret's id";
const CLOCK: &str = "set the machine's clock (`timedatectl set-ntp true`), then try again";
const CHILD: &str = "check that the agent identity belongs to this blueprint and to this tenant; right after its \
                     creation, wait a minute";

/// Sorted by code; a test holds that.
static TABLE: &[Meaning] = &[
    us(28002, "scope_invalid", "a scope is invalid"),
    us(28003, "scope_invalid", "the scope is empty"),
    platform(50000, "issuance_failed", "Entra could not issue the token"),
    operator(
        50011,
        "redirect_not_registered",
        "the application does not have this redirect URI",
        "add http://localhost under \"Mobile and desktop applications\" of the app registration",
    ),
    operator(50012, "credential_refused", "the credential was not accepted", NEW_CERTIFICATE),
    operator(50013, "assertion_invalid", "the assertion was not accepted", CLOCK),
    us(50027, "assertion_malformed", "the assertion is no readable JWT"),
    fresh(
        50034,
        "user_not_found",
        "the user is not in this tenant",
        "check the user and the tenant; right after the user's creation, wait a minute",
    ),
    operator(
        50053,
        "user_locked",
        "the account is locked",
        "wait for the lock to end, or have an administrator unlock it",
    ),
    operator(
        50055,
        "password_expired",
        "the password has expired",
        "change the password, then sign in again",
    ),
    operator(
        50057,
        "user_disabled",
        "the account is disabled",
        "have an administrator enable the account, if it was not disabled on purpose",
    ),
    operator(50058, "sign_in_again", "there is no session to sign in silently", SIGN_IN),
    operator(50072, "sign_in_again", "multi-factor authentication must be set up", SIGN_IN),
    operator(50074, "sign_in_again", "multi-factor authentication is required", SIGN_IN),
    operator(50076, "sign_in_again", "multi-factor authentication is required", SIGN_IN),
    operator(50079, "sign_in_again", "multi-factor authentication must be set up", SIGN_IN),
    operator(
        50105,
        "user_not_assigned",
        "the user is not assigned to the application",
        "assign the user to the enterprise application, or turn \"Assignment required\" off",
    ),
    operator(50126, "password_wrong", "the user name or password is wrong", SIGN_IN),
    us(50147, "pkce_missing", "the code challenge is missing or wrong"),
    operator(50173, "sign_in_again", "the sign-in was revoked, as a changed password does", SIGN_IN),
    operator(
        50194,
        "tenant_required",
        "the application is for one tenant only",
        "sign in with the tenant's id",
    ),
    operator(
        50196,
        "request_loop",
        "Entra saw the same request too often",
        "wait five minutes; if it comes back, report it with the trace id",
    ),
    operator(
        53000,
        "conditional_access",
        "Conditional Access wants a compliant device",
        "use a device that the tenant manages, or ask an administrator for an exception",
    ),
    operator(
        53001,
        "conditional_access",
        "Conditional Access wants a device that is joined",
        "use a device that the tenant manages, or ask an administrator for an exception",
    ),
    operator(
        53003,
        "conditional_access",
        "a Conditional Access policy blocks it",
        "ask an administrator which policy it was: the sign-in log shows it under the trace id",
    ),
    operator(54005, "code_redeemed", "the code was redeemed before", SIGN_IN),
    operator(65001, "consent_required", "nobody has consented to the permissions for this", CONSENT).fresh(),
    operator(
        65004,
        "consent_declined",
        "the person declined to consent",
        "sign in again and accept, or ask an administrator",
    ),
    operator(70000, "sign_in_again", "the grant is not valid", SIGN_IN),
    operator(
        70001,
        "application_disabled",
        "the application is disabled or unknown",
        "check the application in the tenant",
    ),
    operator(70002, "credential_refused", "the credential was not accepted", NEW_SECRET),
    us(70003, "grant_unsupported", "the kind of grant is not supported"),
    operator(70008, "sign_in_again", "the code or the refresh token has expired", SIGN_IN),
    us(70011, "scope_invalid", "a scope is malformed"),
    operator(
        70016,
        "authorization_pending",
        "the code has not been entered yet",
        "enter the code in the browser",
    ),
    operator(70018, "device_code_unknown", "the device code is not known", SIGN_IN),
    operator(70019, "device_code_expired", "the device code has expired", SIGN_IN),
    operator(70020, "device_code_expired", "the device code has expired", SIGN_IN),
    fresh(70021, "federation_mismatch", "no federated credential fits the assertion", CHILD),
    operator(70043, "sign_in_again", "the tenant's sign-in frequency asks for a new sign-in", SIGN_IN),
    operator(
        82001,
        "resource_forbidden",
        "an agent may not have an app-only token for this resource",
        "use the agent identity or the agent user for this call",
    ),
    operator(
        82002,
        "resource_forbidden",
        "an agent may not have a user token for this resource",
        "ask for another resource; agents may not have this one",
    ),
    operator(
        90002,
        "tenant_unknown",
        "there is no such tenant in this cloud",
        "check the tenant id and the cloud (--authority)",
    ),
    platform(90005, "busy", "Entra is busy"),
    us(90014, "field_missing", "a required field is missing"),
    platform(90033, "busy", "Entra is busy for the moment"),
    platform(90055, "throttled", "there were too many requests"),
    operator(90093, "consent_required", "an administrator must consent", CONSENT),
    operator(90094, "consent_required", "an administrator must consent", CONSENT),
    operator(90133, "tenant_required", "device codes need a tenant", "sign in with the tenant's id"),
    operator(
        500_011,
        "resource_missing",
        "the tenant does not have the resource's service principal",
        "check the resource; an administrator adds it by consenting to it once",
    ),
    operator(500_131, "assertion_invalid", "the assertion is for another audience", CHILD),
    operator(500_133, "assertion_expired", "the assertion has expired", CLOCK),
    us(501_481, "pkce_mismatch", "the code verifier does not fit the challenge"),
    operator(
        530_035,
        "conditional_access",
        "the tenant's security defaults block it",
        "use another way to sign in",
    ),
    operator(
        650_051,
        "resource_conflict",
        "the resource's service principal conflicts with another",
        "have an administrator look at the enterprise application",
    ),
    operator(
        650_052,
        "resource_missing",
        "the organisation has not subscribed to the service",
        "subscribe to the service, or leave its permissions out",
    ),
    operator(
        650_056,
        "application_misconfigured",
        "the application's permissions are not configured",
        "add the permissions to the app registration and consent",
    ),
    operator(
        650_057,
        "application_misconfigured",
        "the resource is not in the application's permissions",
        "add the permissions to the app registration and consent",
    ),
    fresh(
        700_016,
        "application_unknown",
        "the application is not in this tenant",
        "check the client id and the tenant; an administrator's consent adds the application to a tenant",
    ),
    us(700_021, "assertion_invalid", "the assertion names another application than the request"),
    us(700_022, "scope_invalid", "the scopes belong to several resources"),
    us(
        700_023,
        "request_invalid",
        "/.default stands among other scopes, or the assertion is for another endpoint",
    ),
    operator(700_024, "assertion_expired", "the assertion is not valid at this time", CLOCK),
    operator(
        700_025,
        "client_is_public",
        "the application is a public client, and a credential was sent",
        "leave the credential out, or turn \"Allow public client flows\" off",
    ),
    fresh(
        700_027,
        "certificate_unknown",
        "the application does not have the certificate that signed",
        NEW_CERTIFICATE,
    ),
    operator(700_030, "certificate_invalid", "the certificate is not valid", NEW_CERTIFICATE),
    operator(700_082, "sign_in_again", "the refresh token was not used for too long", SIGN_IN),
    operator(700_084, "sign_in_again", "the refresh token's fixed life is over", SIGN_IN),
    operator(
        700_211,
        "federation_mismatch",
        "the assertion's issuer is not the one expected: T1 is of another tenant",
        CHILD,
    ),
    operator(700_212, "federation_mismatch", "the assertion's audience is not the one expected", CHILD),
    fresh(700_213, "federation_mismatch", "the assertion's subject is not the one expected", CHILD),
    operator(700_222, "federation_mismatch", "this token may not be used as a credential", CHILD),
    operator(700_229, "federation_mismatch", "only an app-only token may be used as a credential", CHILD),
    operator(900_023, "tenant_unknown", "the tenant is neither a GUID nor a domain", "check the tenant id"),
    us(900_144, "field_missing", "a required parameter is missing"),
    us(900_561, "method_wrong", "the HTTP method is wrong"),
    us(901_002, "resource_unsupported", "the resource parameter is not supported"),
    us(1_002_012, "scope_invalid", "client credentials take only <resource>/.default"),
    operator(
        7_000_112,
        "application_disabled",
        "the application is disabled",
        "enable the enterprise application, if it was not disabled on purpose",
    ),
    us(7_000_114, "grant_unsupported", "an app-only token cannot be used on behalf of a user"),
    fresh(7_000_215, "secret_wrong", "the client secret is wrong", NEW_SECRET),
    us(7_000_216, "credential_missing", "the credential is missing"),
    operator(
        7_000_218,
        "credential_missing",
        "the application is confidential, and no credential was sent",
        "turn \"Allow public client flows\" on, or use an application with a credential",
    ),
    operator(7_000_222, "secret_expired", "all client secrets have expired", NEW_SECRET),
    fresh(
        7_000_229,
        "principal_missing",
        "the application has no service principal in this tenant",
        "create the blueprint principal (`attache provision` does), or have an administrator consent",
    ),
    operator(7_000_272, "assertion_invalid", "the key that signed the assertion is not known", "try again"),
    fresh(7_002_131, "federation_mismatch", "the assertion's subject is not the one expected", CHILD),
    fresh(7_002_137, "federation_mismatch", "the assertion's subject is not the one expected", CHILD),
    us(9_002_313, "request_malformed", "the request is malformed"),
    us(9_002_324, "credential_doubled", "more than one credential was sent"),
];

impl Meaning {
    const fn fresh(self) -> Self {
        Self { replicates: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_code_is_found() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
        for row in TABLE {
            assert_eq!(meaning(row.code), Some(row));
            assert!(!row.remedy.is_empty() && !row.meaning.ends_with('.'), "{row:?}");
        }
        assert_eq!(meaning(1), None);
    }

    #[test]
    fn what_the_reference_says_to_wait_for_is_waited_for_and_nothing_that_it_forbids() {
        let waits = |code| meaning(code).is_some_and(Meaning::is_replication);
        for code in [7_000_215, 700_027, 700_213, 70_021, 700_016, 7_000_229, 65_001, 50_034] {
            assert!(waits(code), "{code}");
        }
        for code in [7_000_222, 82_001, 53_003, 65_004, 9_002_313, 1_002_012] {
            assert!(!waits(code), "{code}");
        }
    }
}
