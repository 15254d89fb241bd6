//! Why there is no token: what failed at which request, and who must act.

use attache_keys::{SignError, StoreError};
use attache_terms::{Explain, Remedy};

use crate::aadsts::{self, Meaning};
use crate::{Hop, Refusal, TokenFault, TransportError};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Entra refused.
    #[error("{hop} was refused: {refusal}")]
    Refused {
        /// The request.
        hop: Hop,
        /// What Entra said.
        refusal: Box<Refusal>,
    },
    /// The person's sign-in is no longer good.
    #[error("the sign-in is no longer good: {refusal}")]
    SignInAgain {
        /// What Entra said to the refresh token.
        refusal: Box<Refusal>,
    },
    /// There is no sign-in, or it is another person's.
    #[error("nobody is signed in as {wanted}: {why}")]
    NotSignedIn {
        /// The account that was asked for.
        wanted: String,
        /// What there is instead.
        why: &'static str,
    },
    /// The machine's clock and Entra's differ too much.
    #[error("{hop} failed because this machine's clock is {} {}", shown(.ahead_seconds.unsigned_abs()), if *.ahead_seconds > 0 { "ahead" } else { "behind" })]
    ClockWrong {
        /// The request.
        hop: Hop,
        /// How many seconds the machine's clock is ahead of Entra's; negative when behind.
        ahead_seconds: i64,
    },
    /// No connection could be made.
    #[error("{hop} failed: {host} cannot be reached: {why}")]
    Unreachable {
        /// The request.
        hop: Hop,
        /// The authority.
        host: String,
        /// What the network said.
        why: String,
    },
    /// The connection came about, and the answer did not.
    #[error("{hop} failed: {host} did not answer in time")]
    TimedOut {
        /// The request.
        hop: Hop,
        /// The authority.
        host: String,
    },
    /// The authority's certificate is not trusted.
    #[error("{hop} failed: the certificate of {host} is not trusted: {why}")]
    Untrusted {
        /// The request.
        hop: Hop,
        /// The authority.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// The proxy did not let us through.
    #[error("{hop} failed: {host} cannot be reached through the proxy {proxy}: {why}")]
    Proxy {
        /// The request.
        hop: Hop,
        /// The authority.
        host: String,
        /// The proxy's host.
        proxy: String,
        /// What it said.
        why: String,
    },
    /// The answer was not OAuth.
    #[error("{hop} failed: {host} gave an answer (HTTP {status}) that is not Entra's: {why}")]
    Malformed {
        /// The request.
        hop: Hop,
        /// The authority.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// The API's claims challenge is no JSON object.
    #[error("the API asked for a token with claims that are no JSON object")]
    ChallengeMalformed {
        /// The request that would have carried it.
        hop: Hop,
    },
    /// The client could not be built.
    #[error("{hop} failed: {source}")]
    Transport {
        /// The request.
        hop: Hop,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// The key did not sign.
    #[error("{hop} failed: {source}")]
    Sign {
        /// The request.
        hop: Hop,
        /// Why.
        #[source]
        source: SignError,
    },
    /// The refresh token could not be read or kept.
    #[error("{hop} failed: {source}")]
    Store {
        /// The request.
        hop: Hop,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The request was ended with the process that made it.
    #[error("the token request was ended before it was answered")]
    Ended,
}

impl TokenError {
    /// The token error behind a fault, where it is one of ours.
    pub fn of(fault: &TokenFault) -> Option<&TokenError> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&**fault);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// What Entra said, where it said something.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } | Self::SignInAgain { refusal } => Some(refusal),
            _ => None,
        }
    }

    /// The AADSTS codes; empty where Entra gave none.
    pub fn codes(&self) -> &[u32] {
        self.refusal().map_or(&[], |refusal| &refusal.codes)
    }

    /// Whether this is what an object, credential or grant that was made a moment ago gives until it has
    /// replicated. Worth waiting for only right after one's own provisioning step (Entra reference §1.14).
    pub fn is_replication(&self) -> bool {
        self.codes().iter().any(|code| aadsts::meaning(*code).is_some_and(Meaning::is_replication))
    }
}

impl Explain for TokenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => refusal.word(),
            Self::SignInAgain { refusal } => {
                refusal.meaning().map_or("sign_in_again", |meaning| meaning.word)
            }
            Self::NotSignedIn { .. } => "sign_in_again",
            Self::ClockWrong { .. } => "clock_wrong",
            Self::Unreachable { .. } => "authority_unreachable",
            Self::TimedOut { .. } => "authority_timed_out",
            Self::Untrusted { .. } => "authority_untrusted",
            Self::Proxy { .. } => "proxy_failed",
            Self::Malformed { .. } => "authority_malformed",
            Self::ChallengeMalformed { .. } => "challenge_malformed",
            Self::Transport { source, .. } => source.code(),
            Self::Sign { source, .. } => source.code(),
            Self::Store { source, .. } => source.code(),
            Self::Ended => "token_request_ended",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Refused { refusal, .. } => refusal.remedy(),
            Self::SignInAgain { refusal } => match refusal.meaning() {
                Some(meaning) if meaning.word != "sign_in_again" => {
                    Remedy::operator(format!("{}; then sign in again", meaning.remedy().what))
                }
                _ => Remedy::operator("sign in again"),
            },
            Self::NotSignedIn { .. } => Remedy::operator("sign in"),
            Self::ClockWrong { .. } => {
                Remedy::operator("set the machine's clock (`timedatectl set-ntp true`), then try again")
            }
            Self::Unreachable { host, .. } => Remedy::operator(format!(
                "check the network, the name {host} (--authority) and, behind a proxy, HTTPS_PROXY and NO_PROXY"
            )),
            Self::TimedOut { .. } => Remedy::platform(None, "check the network, and try again"),
            Self::Untrusted { .. } => Remedy::operator(
                "if a sandbox or a proxy that inspects TLS stands there on purpose, give its authority with --ca \
                 (ATTACHE_CA); else somebody is in between. A wrong clock also makes certificates invalid",
            ),
            Self::Proxy { .. } => {
                Remedy::operator("check HTTPS_PROXY and NO_PROXY, and what the proxy allows")
            }
            Self::Malformed { .. } => Remedy::operator(
                "check that --authority names Entra or a sandbox, and that no captive portal answers in its place",
            ),
            Self::ChallengeMalformed { .. } => {
                Remedy::platform(None, "try again; the API's answer was damaged")
            }
            Self::Transport { source, .. } => source.remedy(),
            Self::Sign { source, .. } => source.remedy(),
            Self::Store { source, .. } => source.remedy(),
            Self::Ended => Remedy::us("try again; the process was about to end"),
        }
    }
}

/// A span of time as a person says it.
fn shown(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60) {
        (0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (hours, minutes) if hours < 48 => format!("{hours} h {} min", minutes % 60),
        (hours, _) => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use uuid::Uuid;

    fn refusal(codes: &[u32], error: &str, status: u16) -> Refusal {
        Refusal {
            error: error.to_owned(),
            codes: codes.to_vec(),
            message: "AADSTS: some prose".to_owned(),
            suberror: None,
            claims: None,
            trace_id: Some("6d5b1bd2-7d0c-4c2c-9b43-ff37bb8a4a00".to_owned()),
            correlation_id: None,
            request_id: String::new(),
            client_request_id: Uuid::nil(),
            status,
            retry_after: None,
        }
    }

    fn refused(codes: &[u32], error: &str, status: u16) -> TokenError {
        TokenError::Refused { hop: Hop::AgentUser, refusal: Box::new(refusal(codes, error, status)) }
    }

    #[test]
    fn a_refusal_names_hop_code_meaning_and_remedy() {
        let error = refused(&[65_001], "invalid_grant", 400);
        let text = error.to_string();
        for part in ["hop 3", "AADSTS65001", "consented", "6d5b1bd2-7d0c-4c2c-9b43-ff37bb8a4a00"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(error.code(), "consent_required");
        assert!(error.remedy().what.contains("administrator"));
    }

    #[test]
    fn an_unknown_code_still_leads_somewhere() {
        let error = refused(&[123_456], "invalid_client", 401);
        assert_eq!(error.code(), "credential_refused");
        assert!(error.remedy().what.contains("error?code=123456"), "{}", error.remedy());
        assert!(!error.is_replication());
    }

    #[test]
    fn a_fault_shows_its_token_error() {
        let fault: TokenFault = Arc::new(refused(&[7_000_229], "invalid_client", 401));
        assert!(TokenError::of(&fault).is_some_and(TokenError::is_replication));
        let other: TokenFault = Arc::new(TransportError::NoClient("x".to_owned()));
        assert!(TokenError::of(&other).is_none());
    }

    #[test]
    fn a_wrong_clock_says_by_how_much() {
        let text = |ahead_seconds| TokenError::ClockWrong { hop: Hop::T1, ahead_seconds }.to_string();
        assert!(text(-432).contains("7 min 12 s behind"), "{}", text(-432));
        assert!(text(7_260).contains("2 h 1 min ahead"), "{}", text(7_260));
        assert!(text(864_000).contains("10 days ahead"), "{}", text(864_000));
    }
}
