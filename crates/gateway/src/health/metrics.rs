//! Figures in Prometheus' text format, named after what a person would ask. They have no label that grows with the
//! number of organisations.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_store::GatewayScope;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

use crate::Gateway;
use crate::access::AsOperator;
use crate::cells;
use crate::licences::TenantSeats;
use crate::server::Answer;
use crate::siem::{Behind, behind};

/// The upper ends of the buckets of request times, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];

/// What is counted in this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    answers: Mutex<Answers>,
    turns: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    recipients: Mutex<BTreeMap<&'static str, u64>>,
    undelivered: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Debug, Default)]
struct Answers {
    /// How many there were of each status, by route.
    routes: BTreeMap<String, BTreeMap<u16, u64>>,
    times: Times,
}

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// A request was answered. `route` is the pattern, never the path.
    pub(crate) fn answered(&self, route: &str, status: u16, took: Duration) {
        let mut answers = lock(&self.answers);
        let Answers { routes, times } = &mut *answers;
        // Only the first of a route needs a copy of its name.
        match routes.get_mut(route) {
            Some(statuses) => *statuses.entry(status).or_default() += 1,
            None => drop(routes.insert(route.to_owned(), BTreeMap::from([(status, 1)]))),
        }
        let seconds = took.as_secs_f64();
        for (bucket, end) in BUCKETS.iter().enumerate() {
            times.buckets[bucket] += u64::from(seconds <= *end);
        }
        times.count += 1;
        times.sum += seconds;
    }

    /// A turn at a job ended.
    pub(crate) fn turned(&self, kind: &'static str, how: &'static str) {
        *lock(&self.turns).entry((kind, how)).or_default() += 1;
    }

    /// Mail to so many recipients was counted, or refused since it was over a quota.
    pub(crate) fn counted_recipients(&self, how: &'static str, recipients: u32) {
        *lock(&self.recipients).entry(how).or_default() += u64::from(recipients);
    }

    /// Audit entries did not arrive at a SIEM, for the reason of this code.
    pub(crate) fn not_delivered(&self, code: &'static str) {
        *lock(&self.undelivered).entry(code).or_default() += 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// All of it, for whoever runs the gateway: it costs some reads, and names our tenants.
pub(super) async fn show(State(gateway): State<Arc<Gateway>>, _: AsOperator) -> Answer<impl IntoResponse> {
    let mut text = String::new();
    let head = |text: &mut String, name: &str, kind: &str, help: &str| {
        let _ = writeln!(text, "# HELP attache_{name} {help}\n# TYPE attache_{name} {kind}");
    };
    head(&mut text, "http_requests_total", "counter", "Requests answered, by route and status.");
    for (route, statuses) in &lock(&gateway.metrics.answers).routes {
        for (status, count) in statuses {
            let _ = writeln!(
                text,
                "attache_http_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
    }
    let times = lock(&gateway.metrics.answers).times;
    head(&mut text, "http_request_seconds", "histogram", "How long requests took.");
    for (end, count) in BUCKETS.iter().zip(times.buckets) {
        let _ = writeln!(text, "attache_http_request_seconds_bucket{{le=\"{end}\"}} {count}");
    }
    let Times { count, sum, .. } = times;
    let _ = writeln!(
        text,
        "attache_http_request_seconds_bucket{{le=\"+Inf\"}} {count}\nattache_http_request_seconds_sum {sum}\n\
         attache_http_request_seconds_count {count}"
    );
    head(&mut text, "job_turns_total", "counter", "Turns at jobs, by kind and how they ended.");
    for ((kind, how), count) in lock(&gateway.metrics.turns).iter() {
        let _ = writeln!(text, "attache_job_turns_total{{kind=\"{kind}\",end=\"{how}\"}} {count}");
    }
    head(
        &mut text,
        "mail_recipients_total",
        "counter",
        "Recipients of hosted identities' mail: counted before it was sent, or refused by an organisation's quota.",
    );
    for (how, count) in lock(&gateway.metrics.recipients).iter() {
        let _ = writeln!(text, "attache_mail_recipients_total{{end=\"{how}\"}} {count}");
    }
    head(
        &mut text,
        "siem_failures_total",
        "counter",
        "Deliveries to a SIEM that failed, by the error's code.",
    );
    for (code, count) in lock(&gateway.metrics.undelivered).iter() {
        let _ = writeln!(text, "attache_siem_failures_total{{code=\"{code}\"}} {count}");
    }
    let Behind { receivers, failing, entries, furthest } = behind(&gateway).await?;
    for (name, help, value) in [
        ("siem_receivers", "Organisations whose audit entries are sent to a SIEM.", receivers),
        ("siem_receivers_failing", "Those of them to whose SIEM nothing arrives.", failing),
        ("siem_backlog_entries", "Audit entries that have not arrived yet, of all organisations.", entries),
        ("siem_backlog_entries_max", "The same, of the organisation that is furthest behind.", furthest),
    ] {
        head(&mut text, name, "gauge", help);
        let _ = writeln!(text, "attache_{name} {value}");
    }
    head(&mut text, "jobs", "gauge", "Jobs in the database, by kind and state.");
    for (kind, state, count) in gateway.store.engine(GatewayScope::granted()).job_counts().await? {
        let state = serde_json::to_value(state).unwrap_or_default();
        let state = state.as_str().unwrap_or_default();
        let _ = writeln!(text, "attache_jobs{{kind=\"{kind}\",state=\"{state}\"}} {count}");
    }
    head(&mut text, "unsigned_logs", "gauge", "Audit logs with entries that no checkpoint covers yet.");
    let unsigned = gateway.store.engine(GatewayScope::granted()).unsigned(1_000).await?.len();
    let _ = writeln!(text, "attache_unsigned_logs {unsigned}");
    head(
        &mut text,
        "licence_seats_free",
        "gauge",
        "Seats of products that agents are given, by tenant of ours.",
    );
    let mut low = String::new();
    for hosted in &gateway.config.hosted {
        let tenant = hosted.tenant;
        let seats = TenantSeats::of(gateway.system(), tenant, None).await?;
        let Some(seats) = seats else { continue };
        for product in seats.products.iter().filter(|product| product.for_agents) {
            let (name, free) = (&product.part_number, product.free);
            let _ =
                writeln!(text, "attache_licence_seats_free{{tenant=\"{tenant}\",product=\"{name}\"}} {free}");
        }
        let _ = writeln!(low, "attache_licence_seats_low{{tenant=\"{tenant}\"}} {}", u8::from(seats.low));
    }
    head(
        &mut text,
        "licence_seats_low",
        "gauge",
        "Whether few seats are left for agents, by tenant of ours.",
    );
    text.push_str(&low);
    head(
        &mut text,
        "cell_certificate_seconds",
        "gauge",
        "Seconds until the first certificate of a blueprint ends, and its agents stop.",
    );
    let ends = cells::cells(&gateway).await?.into_iter().filter_map(|cell| cell.ends()).min();
    if let Some(ends) = ends {
        let left = ends.duration_since(gateway.clock.now()).as_secs().max(0);
        let _ = writeln!(text, "attache_cell_certificate_seconds {left}");
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
