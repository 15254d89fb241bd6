//! One realm's courier: takes the changes of its feed, finds the subscriptions that they concern, and posts
//! when it is time (Graph reference §6.2, §6.3).

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::changes::{Change, ChangeKind};
use crate::faults::Effect;
use crate::graph::Filter;
use crate::graph::subscriptions::{Subscription, Workload, covers};
use crate::lag::{Lag, LagProfile};
use crate::realm::Realm;
use crate::sandbox::Shared;

use super::endpoint::{Endpoint, SLOWED, State};
use super::lifecycle::{self, LifecycleEvent};
use super::pending::{Kind, Pending};
use super::poster::{PostError, Poster};
use super::{item, rich};

/// Items of one message at most.
const LARGEST_MESSAGE: usize = 100;

/// How long an item is held before its subscription is looked at again.
const HOLD: SignedDuration = SignedDuration::from_mins(1);

/// How a message went.
struct Outcome {
    items: Vec<Pending>,
    /// What the endpoint answered, if it did.
    status: Option<u16>,
    is_delivered: bool,
    is_late: bool,
}

pub(super) struct Courier {
    shared: Weak<Shared>,
    realm: Weak<Realm>,
    poster: Arc<Poster>,
    tasks: TaskTracker,
    pending: Vec<Pending>,
    /// What a fault keeps until the next notification of its subscription has been sent, by subscription.
    overtaken: BTreeMap<String, Pending>,
    /// What was posted and has not been answered, by number.
    under_way: BTreeMap<u64, Pending>,
    /// The number of the next notification.
    next_number: u64,
    endpoints: BTreeMap<String, Endpoint>,
    /// When each subscription was last reminded, by id.
    reminded: BTreeMap<String, Timestamp>,
    report: mpsc::UnboundedSender<Outcome>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
}

impl Courier {
    pub(super) fn new(
        shared: Weak<Shared>,
        realm: &Arc<Realm>,
        poster: Arc<Poster>,
        tasks: TaskTracker,
    ) -> Self {
        let (report, outcomes) = mpsc::unbounded_channel();
        // Those of the last run among them.
        let pending = realm.outbox.pending();
        let next_number = pending.iter().map(|one| one.number + 1).max().unwrap_or(0);
        Self {
            shared,
            realm: Arc::downgrade(realm),
            poster,
            tasks,
            pending,
            overtaken: BTreeMap::new(),
            under_way: BTreeMap::new(),
            next_number,
            endpoints: BTreeMap::new(),
            reminded: BTreeMap::new(),
            report,
            outcomes,
        }
    }

    /// Until the realm is gone.
    pub(super) async fn run(mut self) {
        loop {
            let Some((shared, realm)) = self.shared.upgrade().zip(self.realm.upgrade()) else { return };
            self.take_all(&shared, &realm);
            let next = self.next(&realm);
            let (clock, came) = (realm.clock.clone(), realm.outbox.came());
            drop((shared, realm));
            let wake = async {
                match next {
                    Some(at) => clock.reached(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Changes first: what happened together is told together.
                biased;
                () = came.notified() => {}
                Some(outcome) = self.outcomes.recv() => {
                    let Some(realm) = self.realm.upgrade() else { return };
                    self.settle(&realm, outcome);
                }
                () = wake => {
                    let Some((shared, realm)) = self.shared.upgrade().zip(self.realm.upgrade()) else { return };
                    self.remind(&realm);
                    self.send(&shared, &realm);
                }
            }
        }
    }

    /// Takes the changes that wait, and has what waits from now on kept.
    fn take_all(&mut self, shared: &Shared, realm: &Realm) {
        let taken = realm.outbox.take();
        if taken.lost {
            self.lost_all(realm);
        }
        for change in &taken.changes {
            self.take(shared, realm, change);
        }
        let waiting = self.pending.iter().chain(self.overtaken.values()).chain(self.under_way.values());
        let has_changed = realm.outbox.settle(&taken, waiting);
        if let Some(Err(error)) = has_changed.then(|| realm.keep_settings()) {
            tracing::warn!(%error, "notifications that wait are not kept");
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// When there is something to do without a further change.
    fn next(&self, realm: &Realm) -> Option<Timestamp> {
        let now = realm.clock.now();
        let reminders: Vec<Timestamp> = realm
            .enter()
            .workloads
            .subscriptions
            .live(now)
            .filter_map(|one| lifecycle::next_reminder(one, self.reminded.get(&one.id).copied()))
            .collect();
        self.pending.iter().map(|one| one.due).chain(reminders).min()
    }

    fn take(&mut self, shared: &Shared, realm: &Realm, change: &Change) {
        let now = realm.clock.now();
        if let Some(id) = change.resource.strip_prefix("subscriptions/") {
            return self.reconsider(id, now);
        }
        let concerned: Vec<Subscription> = {
            let tenant = realm.enter();
            let names = || std::iter::once(&change.resource).chain(&change.aliases);
            let concerns = |one: &&Subscription| {
                one.changes.contains(&item::told(one.workload, change.kind))
                    && one.watches.iter().any(|watched| names().any(|name| covers(watched, name)))
            };
            tenant.workloads.subscriptions.live(now).filter(concerns).cloned().collect()
        };
        for one in &concerned {
            self.note(shared, realm, one, change);
        }
        let user = change.resource.strip_prefix("users/").filter(|rest| !rest.contains('/'));
        let is_live = |id: &str| realm.enter().users.get(id).is_some_and(|user| user.life.is_live());
        if let Some(user) = user.filter(|id| !is_live(id)) {
            self.user_left(realm, user);
        }
    }

    fn note(&mut self, shared: &Shared, realm: &Realm, one: &Subscription, change: &Change) {
        let now = realm.clock.now();
        let read = read(shared, realm, one, change);
        if let (Some(filter), false) = (&one.filter, change.kind == ChangeKind::Deleted) {
            let fits = Filter::parse(filter).is_ok_and(|filter| filter.matches(&read));
            if !fits {
                return;
            }
        }
        let mut due = now.saturating_add(latency(one.workload, realm.lag())).unwrap_or(Timestamp::MAX);
        match self.state(&one.notification_url, now) {
            State::Healthy => {}
            State::Slow => due = due.saturating_add(SLOWED).unwrap_or(Timestamp::MAX),
            State::Drop => return self.tell(realm, one, LifecycleEvent::Missed),
        }
        let mut item = item::item(one, change, &realm.id, &read);
        if one.is_rich && change.kind != ChangeKind::Deleted {
            let Some(content) = rich::encrypted(one, &read) else {
                return self.tell(realm, one, LifecycleEvent::Missed);
            };
            item["encryptedContent"] = content;
        }
        let token_for = one.is_rich.then(|| one.caller.app_id.clone());
        let number = self.number();
        let pending =
            Pending::new(number, Kind::Change, &one.id, &one.notification_url, item, token_for, due);
        match realm.faults.meet_notification(&change.resource) {
            Some(Effect::DuplicateNotification) => {
                let twin = pending.twin(self.number());
                self.pending.extend([pending, twin]);
            }
            Some(Effect::ReorderNotification) => {
                let earlier = self.overtaken.insert(one.id.clone(), pending);
                self.pending.extend(earlier);
            }
            _ => {
                self.pending.push(pending);
                if let Some(late) = self.overtaken.remove(&one.id) {
                    self.pending.push(late.postponed(due));
                }
            }
        }
    }

    /// A subscription came, was renewed or went: what is held for it is looked at now.
    fn reconsider(&mut self, id: &str, now: Timestamp) {
        for pending in self.pending.iter_mut().filter(|one| one.subscription == id && one.due > now) {
            pending.due = now;
        }
        self.reminded.remove(id);
    }

    /// Who is deleted has no subscriptions any more.
    fn user_left(&mut self, realm: &Realm, user: &str) {
        let now = realm.clock.now();
        let theirs: Vec<Subscription> = {
            let mut tenant = realm.enter();
            let subscriptions = &mut tenant.workloads.subscriptions;
            let ids: Vec<String> = subscriptions
                .live(now)
                .filter(|one| one.caller.user_id() == Some(user))
                .map(|one| one.id.clone())
                .collect();
            ids.iter().filter_map(|id| subscriptions.remove(id)).collect()
        };
        for one in &theirs {
            self.tell(realm, one, LifecycleEvent::SubscriptionRemoved);
        }
    }

    fn lost_all(&mut self, realm: &Realm) {
        let now = realm.clock.now();
        let all: Vec<Subscription> = realm.enter().workloads.subscriptions.live(now).cloned().collect();
        for one in &all {
            self.tell(realm, one, LifecycleEvent::Missed);
        }
    }

    /// Sends a lifecycle notification at once, if there is somewhere to send it.
    fn tell(&mut self, realm: &Realm, one: &Subscription, event: LifecycleEvent) {
        let Some(url) = &one.lifecycle_url else { return };
        let item = lifecycle::item(one, event, &realm.id);
        let token_for = one.is_rich.then(|| one.caller.app_id.clone());
        let due = realm.clock.now();
        let number = self.number();
        self.pending.push(Pending::new(number, Kind::Lifecycle, &one.id, url, item, token_for, due));
    }

    fn remind(&mut self, realm: &Realm) {
        let now = realm.clock.now();
        let due: Vec<Subscription> = {
            let tenant = realm.enter();
            let is_due = |one: &&Subscription| {
                lifecycle::next_reminder(one, self.reminded.get(&one.id).copied()).is_some_and(|at| at <= now)
            };
            tenant.workloads.subscriptions.live(now).filter(is_due).cloned().collect()
        };
        for one in &due {
            self.reminded.insert(one.id.clone(), now);
            self.tell(realm, one, LifecycleEvent::ReauthorizationRequired);
        }
    }

    /// Posts what is due, one message to each endpoint.
    fn send(&mut self, shared: &Arc<Shared>, realm: &Arc<Realm>) {
        let now = realm.clock.now();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|one| one.due <= now);
        self.pending = later;
        let mut messages: BTreeMap<(String, Kind), Vec<Pending>> = BTreeMap::new();
        for pending in due {
            match self.readiness(realm, &pending, now) {
                Readiness::Ready => {
                    messages.entry((pending.url.clone(), pending.kind)).or_default().push(pending);
                }
                Readiness::Held => {
                    let until = now.saturating_add(HOLD).unwrap_or(Timestamp::MAX);
                    self.pending.extend(pending.held(until));
                }
                Readiness::Gone => {}
            }
        }
        for ((url, _), mut items) in messages {
            items.sort_by_key(|one| one.due);
            while !items.is_empty() {
                let rest = items.split_off(items.len().min(LARGEST_MESSAGE));
                let batch = std::mem::replace(&mut items, rest);
                self.post(shared, realm, url.clone(), batch, now);
            }
        }
    }

    fn readiness(&self, realm: &Realm, pending: &Pending, now: Timestamp) -> Readiness {
        if pending.kind == Kind::Lifecycle {
            return Readiness::Ready;
        }
        match realm.enter().workloads.subscriptions.get(&pending.subscription, now) {
            None => Readiness::Gone,
            Some(one) if one.is_authorised(now) => Readiness::Ready,
            Some(_) => Readiness::Held,
        }
    }

    fn post(&mut self, shared: &Shared, realm: &Realm, url: String, items: Vec<Pending>, now: Timestamp) {
        self.under_way.extend(items.iter().map(|one| (one.number, one.clone())));
        let mut apps: Vec<&String> = items.iter().filter_map(|one| one.token_for.as_ref()).collect();
        apps.sort();
        apps.dedup();
        let tokens: Vec<String> =
            apps.iter().map(|app| rich::validation_token(&shared.key, &realm.id, app, now)).collect();
        let values: Vec<&Value> = items.iter().map(|one| &one.item).collect();
        let mut message = json!({ "value": values });
        if !tokens.is_empty() {
            message["validationTokens"] = json!(tokens);
        }
        let (poster, clock, report) = (Arc::clone(&self.poster), realm.clock.clone(), self.report.clone());
        self.tasks.spawn(async move {
            let body = message.to_string().into();
            let reply = poster.post(&clock, &url, "application/json; charset=utf-8", body).await;
            let is_delivered = reply.as_ref().is_ok_and(|reply| reply.status.is_success());
            let status = reply.as_ref().ok().map(|reply| reply.status.as_u16());
            let is_late = matches!(reply, Err(PostError::Timeout));
            if !is_delivered {
                tracing::debug!(?reply, %url, "a notification was not taken");
            }
            // The courier is gone with its realm.
            let _ = report.send(Outcome { items, status, is_delivered, is_late });
        });
    }

    fn settle(&mut self, realm: &Realm, outcome: Outcome) {
        let now = realm.clock.now();
        if let Some(first) = outcome.items.first() {
            let endpoint = self.endpoints.entry(origin(&first.url)).or_insert_with(|| Endpoint::new(now));
            endpoint.answered(outcome.is_late, now);
        }
        for one in &outcome.items {
            self.under_way.remove(&one.number);
            realm.posted.add(one, outcome.status, outcome.is_delivered, now);
        }
        if outcome.is_delivered {
            return;
        }
        for pending in outcome.items {
            let (id, kind) = (pending.subscription.clone(), pending.kind);
            match pending.again(now) {
                Some(again) => self.pending.push(again),
                None if kind == Kind::Change => {
                    let lost = realm.enter().workloads.subscriptions.get(&id, now).cloned();
                    if let Some(one) = lost {
                        self.tell(realm, &one, LifecycleEvent::Missed);
                    }
                }
                None => {}
            }
        }
    }

    fn state(&self, url: &str, now: Timestamp) -> State {
        self.endpoints.get(&origin(url)).map_or(State::Healthy, |endpoint| endpoint.state(now))
    }
}

enum Readiness {
    Ready,
    /// Until the subscriber authorises again.
    Held,
    /// The subscription is no more.
    Gone,
}

/// The resource as the subscriber would read it; null if it is gone or nobody needs it.
fn read(shared: &Shared, realm: &Realm, one: &Subscription, change: &Change) -> Value {
    let is_needed =
        one.is_rich || one.filter.is_some() || matches!(one.workload, Workload::Outlook | Workload::Presence);
    if change.kind == ChangeKind::Deleted || !is_needed {
        return Value::Null;
    }
    let path = match (&one.select, one.is_rich) {
        (Some(select), true) => format!("{}?$select={select}", change.resource),
        _ => change.resource.clone(),
    };
    crate::graph::read_as(shared, realm, &one.caller, &path).unwrap_or_default()
}

fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// How long after a change Graph tells of it: typically the documented average, at worst the maximum.
fn latency(workload: Workload, lag: Lag) -> SignedDuration {
    let (typical, worst) = match workload {
        Workload::Outlook => (20, 180),
        Workload::Teams | Workload::Presence => (3, 60),
        Workload::Directory => (60, 300),
        Workload::Drive => (30, 180),
    };
    let seconds = match lag.profile {
        LagProfile::None => 0,
        LagProfile::Typical | LagProfile::Never => typical,
        LagProfile::Worst => worst,
    };
    SignedDuration::try_from_secs_f64(f64::from(seconds) * lag.scale).unwrap_or_default()
}
