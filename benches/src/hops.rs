//! The three hops with an empty cache, against raw requests of the same number and with the same bodies over
//! the same connection. What the hops do more is one signature, which is measured beside them.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use attache_keys::{Algorithm, Signer};
use attache_terms::{Clock, Rng, SystemClock, SystemRng};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::tenant::Tenant;

const ROUNDS: usize = 200;

pub(crate) async fn run(tenant: &Tenant) -> anyhow::Result<()> {
    let (mut hops, mut raw, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS + 20 {
        let (assertion, signature) = assertion(tenant).await?;
        let started = Instant::now();
        raw_hops(tenant, &assertion).await?;
        let took_raw = started.elapsed();
        let entra = tenant.entra();
        let source = tenant.agent_user(&entra);
        let started = Instant::now();
        source.token(None).await.map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let took = started.elapsed();
        // The first rounds warm up connections and caches of the machine.
        if round >= 20 {
            raw.push(took_raw);
            hops.push(took);
            signatures.push(signature);
        }
    }
    let (hops, raw, signature) = (middle(&mut hops), middle(&mut raw), middle(&mut signatures));
    let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
    crate::print(format_args!(
        "three hops                       {:6.2} ms  raw {:6.2} ms ({:4.2} x)  with one signature of {:4.2} ms ({:4.2} x)",
        millis(hops),
        millis(raw),
        hops.as_secs_f64() / raw.as_secs_f64(),
        millis(signature),
        hops.as_secs_f64() / (raw + signature).as_secs_f64(),
    ));
    Ok(())
}

fn middle(all: &mut [Duration]) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

async fn raw_hops(tenant: &Tenant, assertion: &str) -> anyhow::Result<()> {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let exchange = format!("{}/.default", tenant.cloud.exchange_audience);
    let graph = tenant.cloud.graph.at("/.default");
    let (blueprint, agent, user) =
        (tenant.blueprint.to_string(), tenant.agent.to_string(), tenant.user.to_string());
    let t1 = post(
        tenant,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &blueprint),
            ("scope", &exchange),
            ("fmi_path", &agent),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ],
    )
    .await?;
    let t2 = post(
        tenant,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &agent),
            ("scope", &exchange),
            ("client_assertion_type", kind),
            ("client_assertion", &t1),
        ],
    )
    .await?;
    let token = post(
        tenant,
        &[
            ("grant_type", "user_fic"),
            ("client_id", &agent),
            ("scope", &graph),
            ("client_assertion_type", kind),
            ("client_assertion", &t1),
            ("user_federated_identity_credential", &t2),
            ("user_id", &user),
        ],
    )
    .await?;
    ensure!(!token.is_empty(), "no token");
    Ok(())
}

async fn post(tenant: &Tenant, form: &[(&str, &str)]) -> anyhow::Result<String> {
    let url = tenant.cloud.login.at(&format!("/{}/oauth2/v2.0/token", tenant.id));
    let answer = tenant.transport.client()?.post(url).form(form).send().await?;
    let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
    Ok(answer["access_token"].as_str().with_context(|| format!("refused: {answer}"))?.to_owned())
}

/// A client assertion of the blueprint, and how long its signature took.
async fn assertion(tenant: &Tenant) -> anyhow::Result<(String, Duration)> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let now = SystemClock.now().as_second();
    let blueprint = tenant.blueprint.to_string();
    let header = json!({
        "alg": "PS256", "typ": "JWT", "x5t#S256": encode(&tenant.certificate.sha256_thumbprint()),
    });
    let claims = json!({
        "aud": tenant.cloud.login.at(&format!("/{}/oauth2/v2.0/token", tenant.id)),
        "iss": blueprint, "sub": blueprint, "jti": SystemRng.uuid(), "nbf": now, "iat": now, "exp": now + 300,
    });
    let signed =
        format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let started = Instant::now();
    let signature = tenant.key.sign(Algorithm::Ps256, signed.as_bytes()).await?;
    let took = started.elapsed();
    Ok((format!("{signed}.{}", encode(&signature)), took))
}
