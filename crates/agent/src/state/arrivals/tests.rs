use super::*;
use crate::state::State;

const VIEWER: &str = "82fe7758-5bb3-4f0d-a43f-e555fd399c6f";

fn viewer() -> UserId {
    VIEWER.parse().unwrap()
}

fn chat() -> ChatId {
    "19:x@thread.v2".parse().unwrap()
}

fn arrival(number: i64) -> Arrival {
    Arrival {
        viewer: viewer(),
        chat: chat(),
        message: number.to_string().parse().unwrap(),
        sent: Timestamp::from_millisecond(number).unwrap(),
        sender: "8c0a1a67-50ce-4114-bb6c-da9c5dbcf6ca".to_owned(),
        sender_name: Untrusted::new("Ada"),
        sponsor: true,
        content: Untrusted::new(format!("message {number}")),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

async fn take_in(state: &State, numbers: &[i64]) -> usize {
    let newest = numbers.iter().max().copied().unwrap_or(0);
    let arrivals = numbers.iter().copied().map(arrival).collect();
    state.take_in(viewer(), &chat(), arrivals, Cursor(newest), at(1)).await.unwrap()
}

fn numbers(waiting: &[Waiting]) -> Vec<i64> {
    waiting.iter().map(|waiting| waiting.arrival.sent.as_millisecond()).collect()
}

fn owner(number: u128) -> Owner {
    Owner(Uuid::from_u128(number))
}

struct Device {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Device {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        Self { _folder: folder, path }
    }

    /// What one more process of the profile sees.
    fn process(&self) -> State {
        State::at(&self.path)
    }
}

#[tokio::test]
async fn a_message_is_claimed_once_across_processes() {
    let device = Device::new();
    let (one, two) = (device.process(), device.process());
    let all: Vec<i64> = (1..=20).collect();
    let (by_one, by_two) = tokio::join!(take_in(&one, &all), take_in(&two, &all));
    assert_eq!(by_one + by_two, 20);
    assert_eq!(numbers(&two.unread(None, 100).await.unwrap()), all);
}

#[tokio::test]
async fn what_came_in_is_read_back_as_it_was() {
    let device = Device::new();
    take_in(&device.process(), &[7]).await;
    let waiting = device.process().unread(Some(&chat()), 10).await.unwrap();
    assert_eq!(waiting, [Waiting { seq: 1, arrival: arrival(7), pushed: false }]);
    assert!(device.process().unread(Some(&ChatId::notes()), 10).await.unwrap().is_empty());
    assert_eq!(device.process().cursor(viewer(), &chat()).await.unwrap(), Some(Cursor(7)));
}

#[tokio::test]
async fn a_cursor_never_moves_back() {
    let state = Device::new();
    let state = state.process();
    take_in(&state, &[9]).await;
    take_in(&state, &[3]).await;
    assert_eq!(state.cursors(viewer()).await.unwrap().get(&chat()), Some(&Cursor(9)));
}

#[tokio::test]
async fn a_leased_message_is_handed_out_by_nobody_else_until_the_lease_ends() {
    let device = Device::new();
    let (one, two) = (device.process(), device.process());
    take_in(&one, &[1, 2, 3]).await;
    assert_eq!(numbers(&one.lease(owner(1), at(10), at(70), 2).await.unwrap()), [1, 2]);
    assert_eq!(numbers(&two.lease(owner(2), at(20), at(80), 9).await.unwrap()), [3]);
    assert!(two.lease(owner(3), at(69), at(99), 9).await.unwrap().is_empty());
    // The first process died: its lease ends.
    assert_eq!(numbers(&two.lease(owner(2), at(70), at(130), 9).await.unwrap()), [1, 2, 3]);
}

#[tokio::test]
async fn what_was_released_is_handed_out_again_and_what_was_pushed_is_not() {
    let device = Device::new();
    let state = device.process();
    take_in(&state, &[1, 2]).await;
    let leased = state.lease(owner(1), at(10), at(70), 9).await.unwrap();
    state.pushed(vec![leased[0].seq], at(11)).await.unwrap();
    state.release(owner(1)).await.unwrap();
    assert_eq!(numbers(&state.lease(owner(2), at(12), at(72), 9).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_host_that_dropped_what_was_pushed_can_still_read_it_until_it_was_answered() {
    let device = Device::new();
    let state = device.process();
    take_in(&state, &[1, 2]).await;
    let leased = state.lease(owner(1), at(10), at(70), 1).await.unwrap();
    state.pushed(vec![leased[0].seq], at(11)).await.unwrap();
    assert_eq!(state.unread_count().await.unwrap(), 1);
    let unread = state.unread(None, 9).await.unwrap();
    assert_eq!(unread.iter().map(|waiting| waiting.pushed).collect::<Vec<_>>(), [true, false]);
    state.answered(&chat()).await.unwrap();
    assert_eq!(numbers(&state.unread(None, 9).await.unwrap()), [2]);
}

#[tokio::test]
async fn what_has_been_seen_is_not_shown_again() {
    let device = Device::new();
    let state = device.process();
    take_in(&state, &[1, 2, 3, 4]).await;
    let unread = state.unread(None, 2).await.unwrap();
    state.seen(unread.iter().map(|waiting| waiting.seq).collect()).await.unwrap();
    state.seen_in(viewer(), &chat(), vec!["3".parse().unwrap(), "999".parse().unwrap()]).await.unwrap();
    assert_eq!(numbers(&state.unread(None, 9).await.unwrap()), [4]);
    // Reading the chat again brings none of it back.
    assert_eq!(take_in(&state, &[1, 2, 3, 4]).await, 0);
    assert_eq!(numbers(&state.unread(None, 9).await.unwrap()), [4]);
    state.forget_unread().await.unwrap();
    assert!(state.unread(None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn asking_a_profile_that_never_heard_anything_makes_no_file() {
    let device = Device::new();
    let state = device.process();
    assert!(state.lease(owner(1), at(10), at(70), 9).await.unwrap().is_empty());
    assert_eq!(state.unread_count().await.unwrap(), 0);
    assert!(!device.path.exists());
}

#[tokio::test]
async fn a_claim_outlasts_every_quiet_spell_and_goes_when_the_chat_has_gone_on() {
    let device = Device::new();
    let state = device.process();
    let (early, day) = (1_795_310_000_000, CLAIMS_KEPT);
    take_in(&state, &[early]).await;
    assert_eq!(take_in(&state, &[early]).await, 0, "however much later");
    assert_eq!(take_in(&state, &[early, early + day]).await, 1);
    assert_eq!(take_in(&state, &[early, early + day, early + day + 1]).await, 1);
    assert_eq!(numbers(&state.unread(None, 9).await.unwrap()), [early, early + day, early + day + 1]);
    assert_eq!(take_in(&state, &[early]).await, 1, "its claim is gone, for no reading goes back so far");
}
