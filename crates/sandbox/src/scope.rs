//! What belongs to the request that is being answered, wherever in the code: the replica that answers it, and
//! what was decided about it, for the log. A handler is synchronous, so this stands in the thread while it runs.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use jiff::{SignedDuration, Timestamp};

use crate::requests::Decision;

/// What a replica of the directory knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum View {
    /// What is due.
    #[default]
    Usual,
    /// Everything, whether it is due or not.
    Fresh,
    /// What is due and was written at least so many seconds ago.
    Behind(u32),
}

/// What stands while a request is answered.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    view: View,
    /// How many items a page may have, if it is to be short.
    page: Option<u32>,
    decision: Decision,
}

impl Scope {
    /// Answered by that replica, in pages of at most that many items.
    pub(crate) fn of(view: View, page: Option<u32>) -> Self {
        Self { view, page, ..Self::default() }
    }
}

thread_local! {
    static SCOPE: RefCell<Scope> = RefCell::default();
}

/// Whether something that was written at one time, with its effect due at another, shows now.
pub(crate) fn shows(written: Timestamp, due: Timestamp, now: Timestamp) -> bool {
    match SCOPE.with_borrow(|scope| scope.view) {
        View::Usual => due <= now,
        View::Fresh => written <= now,
        View::Behind(seconds) => {
            let settled = written.saturating_add(SignedDuration::from_secs(seconds.into()));
            due <= now && settled.is_ok_and(|settled| settled <= now)
        }
    }
}

/// How many items a page of at most `size` may have: fewer if it is to be short, perhaps none.
pub(crate) fn page(size: usize) -> usize {
    let short = SCOPE.with_borrow(|scope| scope.page).and_then(|items| usize::try_from(items).ok());
    short.map_or(size, |items| size.min(items))
}

/// Notes something for the log.
pub(crate) fn note(note: impl FnOnce(&mut Decision)) {
    SCOPE.with_borrow_mut(|scope| note(&mut scope.decision));
}

/// Answers a request in its scope, and tells what was noted meanwhile.
pub(crate) fn within<F: Future>(scope: Scope, future: F) -> Within<F> {
    Within { scope, future: Box::pin(future) }
}

/// A future with its scope, which stands in the thread whenever it runs.
pub(crate) struct Within<F> {
    scope: Scope,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Within<F> {
    type Output = (F::Output, Decision);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        SCOPE.with_borrow_mut(|scope| std::mem::swap(scope, &mut this.scope));
        let polled = this.future.as_mut().poll(context);
        SCOPE.with_borrow_mut(|scope| std::mem::swap(scope, &mut this.scope));
        polled.map(|output| (output, std::mem::take(&mut this.scope.decision)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fresh_replica_shows_what_is_not_due_and_one_behind_hides_what_is() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let shown = async |view, now| {
            within(Scope::of(view, None), async { shows(at(100), at(160), at(now)) }).await.0
        };
        assert_eq!([shown(View::Usual, 120).await, shown(View::Usual, 160).await], [false, true]);
        assert_eq!([shown(View::Fresh, 99).await, shown(View::Fresh, 120).await], [false, true]);
        assert_eq!([shown(View::Behind(300), 399).await, shown(View::Behind(300), 400).await], [false, true]);
        assert!(!shows(at(100), at(160), at(120)), "the view is over");
    }

    #[tokio::test]
    async fn two_requests_at_a_time_note_each_their_own() {
        let noting = |number| {
            within(Scope::default(), async move {
                note(|decision| decision.aadsts = Some(number));
                tokio::task::yield_now().await;
                note(|decision| decision.fault = decision.aadsts.map(u64::from));
            })
        };
        let (((), one), ((), two)) = tokio::join!(noting(1), noting(2));
        assert_eq!((one.aadsts, one.fault), (Some(1), Some(1)));
        assert_eq!((two.aadsts, two.fault), (Some(2), Some(2)));
    }
}
