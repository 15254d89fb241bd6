//! The requests of one provisioning, to be made again for others: what was the recorded identity's own (its names, its
//! ids, its tokens) is replaced by what the new one has, as the answers tell it.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use attache_terms::{Rng, SystemRng};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use super::recorder::Exchange;
use super::world::World;

/// Shorter texts are words, and not somebody's own.
const OWN: usize = 16;

/// Requests with gaps.
#[derive(Clone)]
pub(super) struct Script {
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    method: Method,
    path: Text,
    headers: HeaderMap,
    /// The bearer's token, if it is the identity's own.
    authorization: Option<Text>,
    body: Text,
    status: StatusCode,
    /// Where in its answer the values of later gaps stand.
    teaches: Vec<(String, usize)>,
}

/// A text with gaps.
#[derive(Clone)]
struct Text(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    Is(String),
    Gap(usize),
}

impl Script {
    /// What was recorded, with gaps for these names, and for what each answer told of later requests.
    pub(super) fn of(exchanges: &[Exchange], names: &[String]) -> anyhow::Result<Self> {
        let mut gaps: Vec<String> = names.to_vec();
        let mut steps = Vec::new();
        for (at, exchange) in exchanges.iter().enumerate() {
            ensure!(exchange.status != StatusCode::BAD_GATEWAY, "the recorder could not pass a request on");
            let headers = exchange.headers.clone();
            let bearer = headers.get(http::header::AUTHORIZATION).map(|value| value.to_str()).transpose()?;
            let step = Step {
                method: exchange.method.clone(),
                path: Text::with_gaps(&exchange.path, &gaps),
                authorization: bearer.map(|bearer| Text::with_gaps(bearer, &gaps)),
                body: Text::with_gaps(std::str::from_utf8(&exchange.body)?, &gaps),
                status: exchange.status,
                teaches: Vec::new(),
                headers,
            };
            steps.push(step);
            let Ok(answer) = serde_json::from_slice::<Value>(&exchange.answer) else { continue };
            let mut told = Vec::new();
            leaves(&answer, String::new(), &mut told);
            for (place, value) in told {
                let is_own = value.len() >= OWN
                    && !gaps.contains(&value)
                    && !exchanges[..=at].iter().any(|earlier| earlier.says(&value))
                    && exchanges[at + 1..].iter().any(|later| later.says(&value));
                if is_own {
                    if let Some(step) = steps.last_mut() {
                        step.teaches.push((place, gaps.len()));
                    }
                    gaps.push(value);
                }
            }
        }
        Ok(Self { steps })
    }

    /// How many requests it has.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Plays it for so many new identities, several at once.
    pub(super) async fn play(&self, world: &World, identities: usize, at_once: usize) -> anyhow::Result<()> {
        let next = std::sync::Arc::new(AtomicUsize::new(0));
        let mut players = JoinSet::new();
        for _ in 0..at_once {
            let (script, client, url) =
                (self.clone(), world.client()?.clone(), world.tenant_url().to_owned());
            let next = std::sync::Arc::clone(&next);
            players.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= identities {
                        return anyhow::Ok(());
                    }
                    let names = vec![format!("bare-{number:05}"), SystemRng.uuid().to_string()];
                    script.once(&client, &url, names).await?;
                }
            });
        }
        players.join_all().await.into_iter().collect()
    }

    async fn once(&self, client: &reqwest::Client, url: &str, mut known: Vec<String>) -> anyhow::Result<()> {
        for step in &self.steps {
            let path = step.path.filled(&known)?;
            let mut request = client.request(step.method.clone(), format!("{url}{path}"));
            request = request.headers(step.headers.clone());
            if let Some(authorization) = &step.authorization {
                let mut own = HeaderMap::new();
                own.insert(http::header::AUTHORIZATION, authorization.filled(&known)?.parse()?);
                request = request.headers(own);
            }
            let answer = request.body(step.body.filled(&known)?).send().await?;
            let status = answer.status();
            let answer = answer.bytes().await?;
            ensure!(
                status == step.status,
                "{} {path} was answered {status}, not {}: {}",
                step.method,
                step.status,
                String::from_utf8_lossy(&answer)
            );
            if step.teaches.is_empty() {
                continue;
            }
            let answer: Value = serde_json::from_slice(&answer)?;
            for (place, gap) in &step.teaches {
                let told = answer.pointer(place).and_then(Value::as_str);
                let told = told.with_context(|| format!("{} {path} does not tell {place}", step.method))?;
                ensure!(*gap == known.len(), "the gaps are filled in order");
                known.push(told.to_owned());
            }
        }
        Ok(())
    }
}

impl Exchange {
    /// Whether this stands in the request.
    fn says(&self, value: &str) -> bool {
        let in_headers = |value: &str| {
            self.headers.values().any(|header| header.to_str().is_ok_and(|header| header.contains(value)))
        };
        self.path.contains(value)
            || in_headers(value)
            || std::str::from_utf8(&self.body).is_ok_and(|body| body.contains(value))
    }
}

impl Text {
    fn with_gaps(text: &str, gaps: &[String]) -> Self {
        let (mut pieces, mut rest) = (Vec::new(), text);
        let first = |rest: &str| {
            let found =
                gaps.iter().enumerate().filter_map(|(gap, value)| Some((rest.find(value.as_str())?, gap)));
            found.min()
        };
        while let Some((at, gap)) = first(rest) {
            pieces.extend([Piece::Is(rest[..at].to_owned()), Piece::Gap(gap)]);
            rest = &rest[at + gaps[gap].len()..];
        }
        pieces.push(Piece::Is(rest.to_owned()));
        Self(pieces)
    }

    fn filled(&self, known: &[String]) -> anyhow::Result<String> {
        let mut text = String::new();
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Is(piece) => piece,
                Piece::Gap(gap) => known.get(*gap).context("a gap whose value no answer told")?,
            });
        }
        Ok(text)
    }
}

/// All texts in a JSON value, with their places.
fn leaves(value: &Value, place: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((place, text.clone())),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(at, one)| leaves(one, format!("{place}/{at}"), found));
        }
        Value::Object(all) => {
            for (name, one) in all {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(one, format!("{place}/{name}"), found);
            }
        }
        _ => {}
    }
}
