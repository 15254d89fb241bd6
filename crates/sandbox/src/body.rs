//! The body of an answer: all of it, or as much of it as a fault lets through.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The connection is cut: no answer, or no more of it, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut by a fault")]
pub(crate) struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A body that is in memory.
#[derive(Debug)]
pub(crate) struct Answered {
    left: Bytes,
    /// How many bytes were promised beyond those that come.
    withheld: u64,
}

impl Answered {
    /// All of it.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { left: bytes, withheld: 0 }
    }

    /// The first half; then the connection is cut.
    pub(crate) fn half(bytes: Bytes) -> Self {
        let half = bytes.len() / 2;
        let withheld = u64::try_from(bytes.len() - half).unwrap_or(u64::MAX);
        Self { left: bytes.slice(..half), withheld }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if !self.left.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.left)))));
        }
        match std::mem::take(&mut self.withheld) {
            0 => Poll::Ready(None),
            1 => Poll::Ready(Some(Err(Cut))),
            _ => {
                // What was said so far leaves first: the error ends the connection at once.
                self.withheld = 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.withheld == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.left.len()).unwrap_or(u64::MAX).saturating_add(self.withheld))
    }
}
