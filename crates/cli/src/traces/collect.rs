//! The layer that makes a trace of spans: who is whose child, when each began and ended, and its fields.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attache_terms::{Clock, Rng};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: &'static str,
    pub(super) begun: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) fields: Vec<(&'static str, Value)>,
    /// Whether an error was logged within it, or it says a status of the server's fault.
    pub(super) failed: bool,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

/// Collects spans.
pub(crate) struct Collect {
    sender: mpsc::Sender<Span>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    lost: Arc<AtomicU64>,
}

impl Collect {
    pub(super) fn new(sender: mpsc::Sender<Span>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { sender, clock, rng, lost: Arc::default() }
    }

    /// How many spans found no room.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// An id: random, and so never all zeroes.
    fn id<const N: usize>(&self) -> [u8; N] {
        let mut id = [0; N];
        self.rng.fill(&mut id);
        id
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collect {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let above = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            extensions.get::<Span>().map(|parent| (parent.trace, parent.id))
        });
        let begun = self.clock.now();
        let mut open = Span {
            trace: above.map_or_else(|| self.id(), |(trace, _)| trace),
            id: self.id(),
            parent: above.map(|(_, parent)| parent),
            name: span.name(),
            begun,
            ended: begun,
            fields: Vec::new(),
            failed: false,
        };
        attributes.record(&mut Fields(&mut open));
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Span>() {
            values.record(&mut Fields(open));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let Some(span) = context.event_span(event) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Span>() {
            open.failed = true;
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(mut open) = span.extensions_mut().remove::<Span>() else { return };
        open.ended = self.clock.now();
        if self.sender.try_send(open).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Puts fields into a span.
struct Fields<'a>(&'a mut Span);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "status" && matches!(value, Value::Number(500..)) {
            self.0.failed = true;
        }
        self.0.fields.push((field.name(), value));
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Truth(value));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use attache_terms::{ManualClock, SeededRng};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn spans_know_their_trace_their_parent_and_their_time() {
        let (sender, mut receiver) = mpsc::channel(2);
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let collect = Collect::new(sender, clock.clone(), Arc::new(SeededRng::new(7)));
        let lost = collect.lost();
        let subscriber = tracing_subscriber::registry().with(collect);
        tracing::subscriber::with_default(subscriber, || {
            let outer = tracing::info_span!("http", route = "/orgs/{org}", status = tracing::field::Empty);
            outer.in_scope(|| {
                clock.advance(Duration::from_millis(3));
                drop(tracing::info_span!("graph", method = "GET"));
            });
            outer.record("status", 503_u16);
            drop(outer);
            drop(tracing::info_span!("job"));
        });
        let (inner, outer) = (receiver.try_recv().unwrap(), receiver.try_recv().unwrap());
        assert_eq!((inner.name, inner.trace, inner.parent), ("graph", outer.trace, Some(outer.id)));
        assert_eq!((outer.parent, outer.failed, inner.failed), (None, true, false));
        assert_eq!(outer.ended.duration_since(outer.begun).as_millis(), 3);
        assert!(outer.fields.contains(&("status", Value::Number(503))), "{outer:?}");
        assert!(receiver.try_recv().is_err());
        assert_eq!(lost.load(Ordering::Relaxed), 1, "what finds no room is counted");
    }
}
