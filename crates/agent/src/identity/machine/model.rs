//! The machine against a world that loses answers, hides messages for a while, refuses chats, and kills the
//! process anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_terms::{AppId, ObjectId, TenantId, UserId};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const HIDDEN: Duration = Duration::from_secs(60);

fn person(number: u128) -> Person {
    Person {
        id: UserId::new(Uuid::from_u128(number)),
        upn: format!("person{number}@contoso.example"),
        display_name: format!("Person {number}"),
    }
}

fn agent(number: u128) -> AgentIds {
    let app = |kind: u128| AppId::new(Uuid::from_u128(kind * 1000 + number));
    AgentIds {
        tenant: TenantId::new(Uuid::from_u128(9)),
        blueprint: app(1),
        blueprint_principal: ObjectId::new(Uuid::from_u128(2000 + number)),
        agent_identity: app(3),
        agent_user: person(4000 + number),
    }
}

fn group(letter: char) -> ChatId {
    format!("19:{letter}@thread.v2").parse().unwrap()
}

/// What the platform does with a message.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Sent,
    /// Committed, but the answer never came.
    Lost,
    /// Never arrived, and the answer never came.
    NeverArrived,
    Refused,
}

#[derive(Debug, Clone)]
enum Move {
    SignIn(u128),
    SignOut,
    Provisioned,
    /// The process does the next thing; it is killed after so many durable or visible effects.
    Step {
        answer: Answer,
        killed_after: Option<u8>,
        hops_belong_to_another: bool,
    },
    Wait(u16),
}

fn a_move() -> impl Strategy<Value = Move> {
    let answer = prop_oneof![
        4 => Just(Answer::Sent),
        1 => Just(Answer::Lost),
        1 => Just(Answer::NeverArrived),
        1 => Just(Answer::Refused),
    ];
    prop_oneof![
        2 => (1u128..3).prop_map(Move::SignIn),
        1 => Just(Move::SignOut),
        3 => Just(Move::Provisioned),
        12 => (answer, proptest::option::of(0u8..3), proptest::bool::weighted(0.1)).prop_map(
            |(answer, killed_after, hops_belong_to_another)| Move::Step {
                answer,
                killed_after,
                hops_belong_to_another
            }
        ),
        3 => (1u16..90).prop_map(Move::Wait),
    ]
}

/// A message of ours and when it can first be seen.
struct Posted {
    key: (UserId, Place),
    visible: Timestamp,
}

struct World {
    now: Timestamp,
    disk: Record,
    /// By chat and whose self-chat it is.
    posted: Vec<Posted>,
    verified: BTreeMap<UserId, bool>,
}

impl World {
    fn sponsor(&self) -> UserId {
        self.disk.sponsor().map(|sponsor| sponsor.id).unwrap()
    }

    fn event(&mut self, event: Event) {
        let word = event.word();
        self.disk = self.disk.clone().apply(event).unwrap_or_else(|error| panic!("{word}: {error}"));
    }

    fn post(&mut self, place: Place, lag: u16) {
        let visible = self.now + Duration::from_secs(u64::from(lag % 60));
        self.posted.push(Posted { key: (self.sponsor(), place), visible });
    }

    fn step(&mut self, answer: Answer, killed_after: Option<u8>, hops_belong_to_another: bool, lag: u16) {
        let killed = |effects: u8| killed_after.is_some_and(|at| at <= effects);
        let before = [ChatId::notes(), group('c')];
        match self.disk.next(&before) {
            Next::SignIn | Next::Provision | Next::Nothing => {}
            Next::VerifyHops => {
                let user = self.disk.agent().unwrap().agent_user.id;
                if hops_belong_to_another {
                    let refused = self.disk.clone().apply(Event::HopsVerified(self.sponsor()));
                    assert!(matches!(refused, Err(Refused::AnotherUser { .. })));
                } else {
                    self.verified.insert(user, true);
                    self.event(Event::HopsVerified(user));
                }
            }
            Next::OpenConversation => self.event(Event::ConversationReady(group('o'))),
            Next::Announce { place, chat } => {
                let (at, trust) = (self.now, self.now + HIDDEN);
                self.event(Event::AnnouncementIntended { place, chat, at, trust });
                if killed(0) {
                    return;
                }
                match answer {
                    Answer::Sent => {
                        self.post(place, lag);
                        if !killed(1) {
                            let message = "1795310835683".parse().unwrap();
                            self.event(Event::AnnouncementMade { place, message });
                        }
                    }
                    Answer::Lost => self.post(place, lag),
                    Answer::NeverArrived => {}
                    Answer::Refused => {
                        if !killed(1) {
                            self.event(match place {
                                Place::Before => Event::AnnouncementRefused { why: "refused".into() },
                                Place::Now => Event::AnnouncementNotSent { place },
                            });
                        }
                    }
                }
            }
            Next::Recall { place, trust, .. } => {
                let key = (self.sponsor(), place);
                if self.posted.iter().any(|posted| posted.key == key && posted.visible <= self.now) {
                    let message = "1795310835683".parse().unwrap();
                    self.event(Event::AnnouncementMade { place, message });
                } else if self.now >= trust {
                    self.event(Event::AnnouncementAbsent { place, looked: self.now });
                } else {
                    let early = Event::AnnouncementAbsent { place, looked: self.now };
                    assert!(self.disk.clone().apply(early).is_err(), "absence is believed too early");
                }
            }
            Next::Swap => self.event(Event::Swapped(self.now)),
        }
    }
}

fn rank(state: &State) -> u8 {
    match state {
        State::SignedOut => 0,
        State::Sponsor { .. } => 1,
        State::Upgrading { .. } => 2,
        State::AgentUser { .. } => 3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn it_never_goes_back_unasked_and_announces_once_wherever_it_is_killed(
        moves in proptest::collection::vec((a_move(), 0u16..60), 1..80)
    ) {
        let mut world = World {
            now: Timestamp::UNIX_EPOCH,
            disk: Record::default(),
            posted: Vec::new(),
            verified: BTreeMap::new(),
        };
        for (a_move, lag) in moves {
            let before = rank(&world.disk.state);
            match &a_move {
                Move::SignIn(who) => {
                    let was = world.disk.sponsor().cloned();
                    let after = world.disk.clone().apply(Event::SignedIn(person(*who)));
                    match was {
                        Some(was) if was.id != person(*who).id => {
                            prop_assert!(matches!(after, Err(Refused::AnotherSponsor(_))));
                        }
                        _ => world.disk = after.unwrap(),
                    }
                }
                Move::SignOut => world.event(Event::SignedOut),
                Move::Provisioned => {
                    let fits = matches!(world.disk.state, State::Sponsor { .. });
                    let after = world.disk.clone().apply(Event::Provisioned(agent(1)));
                    prop_assert_eq!(after.is_ok(), fits);
                    if let Ok(after) = after {
                        world.disk = after;
                    }
                }
                Move::Step { answer, killed_after, hops_belong_to_another } => {
                    world.step(*answer, *killed_after, *hops_belong_to_another, lag);
                }
                Move::Wait(seconds) => world.now += Duration::from_secs(u64::from(*seconds)),
            }
            // What is remembered is what a restarted process reads.
            let read = serde_json::from_slice::<Record>(&serde_json::to_vec(&world.disk).unwrap()).unwrap();
            prop_assert_eq!(&read, &world.disk);

            if !matches!(a_move, Move::SignOut) {
                prop_assert!(rank(&world.disk.state) >= before, "went back after {:?}", a_move);
            }
            if let State::AgentUser { agent, .. } = &world.disk.state {
                prop_assert!(world.verified.contains_key(&agent.agent_user.id), "went up unverified");
            }
            for posted in &world.posted {
                let same = world.posted.iter().filter(|other| other.key == posted.key).count();
                prop_assert_eq!(same, 1, "announced {} times", same);
            }
        }
        // Left alone on a healthy platform, it ends under its own name.
        if world.disk.sponsor().is_none() {
            world.event(Event::SignedIn(person(1)));
        }
        if matches!(world.disk.state, State::Sponsor { .. }) {
            world.event(Event::Provisioned(agent(1)));
        }
        for _ in 0..20 {
            world.step(Answer::Sent, None, false, 0);
            world.now += Duration::from_secs(30);
        }
        prop_assert_eq!(world.disk.mode(), IdentityMode::AgentUser);
        for posted in &world.posted {
            prop_assert_eq!(world.posted.iter().filter(|other| other.key == posted.key).count(), 1);
        }
    }
}

#[test]
fn a_swap_needs_verified_hops_and_a_conversation() {
    let start = Record::default()
        .apply(Event::SignedIn(person(1)))
        .and_then(|record| record.apply(Event::Provisioned(agent(1))))
        .unwrap();
    assert!(start.clone().apply(Event::Swapped(Timestamp::UNIX_EPOCH)).is_err());
    assert!(start.clone().apply(Event::ConversationReady(group('o'))).is_err());
    let verified = start.apply(Event::HopsVerified(agent(1).agent_user.id)).unwrap();
    assert!(verified.clone().apply(Event::Swapped(Timestamp::UNIX_EPOCH)).is_err());
    let ready = verified.apply(Event::ConversationReady(group('o'))).unwrap();
    let swapped = ready.apply(Event::Swapped(Timestamp::UNIX_EPOCH)).unwrap();
    assert_eq!(swapped.mode(), IdentityMode::AgentUser);
}

#[test]
fn a_refused_self_chat_is_followed_by_the_chosen_chat_and_then_by_the_swap() {
    let mut record = Record::default();
    for event in [
        Event::SignedIn(person(1)),
        Event::Provisioned(agent(1)),
        Event::HopsVerified(agent(1).agent_user.id),
        Event::ConversationReady(group('o')),
    ] {
        record = record.apply(event).unwrap();
    }
    let before = [ChatId::notes(), group('c')];
    for chat in &before {
        assert_eq!(record.next(&before), Next::Announce { place: Place::Before, chat: chat.clone() });
        let (place, at) = (Place::Before, Timestamp::UNIX_EPOCH);
        let intended = Event::AnnouncementIntended { place, chat: chat.clone(), at, trust: at + HIDDEN };
        record = record.apply(intended).unwrap();
        record = record.apply(Event::AnnouncementRefused { why: "Forbidden".into() }).unwrap();
    }
    assert_eq!(record.next(&before), Next::Announce { place: Place::Now, chat: group('o') });
}
