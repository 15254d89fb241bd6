//! Questions that are sent one after another without waiting for the answers in between: one round trip.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A question. It is sent when it is polled for the first time.
pub(crate) type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends all in this order; the answers in the same.
pub(crate) async fn pipelined<T>(mut asked: Vec<Asked<'_, T>>) -> Vec<T> {
    let mut answers: Vec<Option<T>> = asked.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (question, answer) in asked.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(ready) = question.as_mut().poll(context) {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn all_are_sent_before_the_first_is_answered() {
        let (answer, wait) = oneshot::channel();
        let sent = Mutex::new(Vec::new());
        let first: Asked<'_, u8> = Box::pin(async {
            sent.lock().unwrap().push(1);
            wait.await.unwrap()
        });
        let second: Asked<'_, u8> = Box::pin(async {
            sent.lock().unwrap().push(2);
            answer.send(7).unwrap();
            8
        });
        assert_eq!(pipelined(vec![first, second]).await, [7, 8]);
        assert_eq!(*sent.lock().unwrap(), [1, 2]);
    }
}
