//! A write, from its place in the queue to its end.

use super::error::Unsent;
use super::shared::Shared;
use crate::sync::Arc;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A write to a reconnecting stream; made by [`write_all`](super::Reconnecting::write_all) and
/// [`send`](super::Reconnecting::send).
///
/// It holds no borrow, so a program that polls gives it to a task: `rt.run(link.send("ping\n"))`. It gets in line at its
/// first poll.
///
/// # Cancel safety
/// Dropped before its first byte was handed over, nothing is sent. Dropped later, the rest of its bytes still goes out, so
/// that the peer gets whole messages; but then nobody is told if that connection is lost.
///
/// # Panics
/// When it is polled again after it has ended.
#[must_use = "nothing is written until it is awaited"]
pub struct Writing {
    shared: Arc<Shared>,
    stage: Stage,
}

enum Stage {
    New { bytes: Vec<u8>, again: bool },
    InLine(u64),
    Over,
}

impl Writing {
    pub(super) fn new(shared: &Arc<Shared>, bytes: Vec<u8>, again: bool) -> Self {
        Self { shared: Arc::clone(shared), stage: Stage::New { bytes, again } }
    }
}

impl Future for Writing {
    type Output = Result<(), Unsent>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New { bytes, again } => {
                self.stage = Stage::InLine(self.shared.push(bytes, again, cx)?);
                Poll::Pending
            }
            Stage::InLine(number) => {
                self.stage = Stage::InLine(number);
                let result = ready!(self.shared.poll_write(number, cx));
                self.stage = Stage::Over;
                Poll::Ready(result)
            }
            Stage::Over => panic!("a write is not polled after it has ended"),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Stage::InLine(number) = self.stage {
            self.shared.leave_writers(number);
        }
    }
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::New { .. } => "new",
            Stage::InLine(_) => "in line",
            Stage::Over => "over",
        };
        f.debug_struct("Writing").field("stage", &stage).finish_non_exhaustive()
    }
}
