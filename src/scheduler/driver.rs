//! The one future that drives a scheduler, on the reactor of its runtime.

use super::core::{Core, Phase};
use crate::repeat::NextStep;
use crate::sync::Arc;
use crate::time::Sleep;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Ready once the scheduler is closed. Dropped before that, its runtime is gone.
pub(super) struct Driver {
    core: Arc<Core>,
    sleep: Option<Sleep>,
}

impl Driver {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, sleep: None }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(rest) = self.core.turn(cx.waker()) else { return Poll::Ready(()) };
        let until = match rest {
            NextStep::Until(moment) => self.core.instant(moment),
            NextStep::Unlimited => None,
        };
        // Without a timer, also where the next slot lies beyond the end of the clock: a notice wakes us.
        let Some(until) = until else {
            self.sleep = None;
            return Poll::Pending;
        };
        let handle = self.core.handle.clone();
        let sleep = self.sleep.get_or_insert_with(|| handle.sleep_until(until));
        sleep.reset_until(until);
        // What is due already waits for the next turn all the same: an interval of a nanosecond must not keep the reactor. A
        // runtime that shuts down ends every sleep, and is about to drop this future.
        if Pin::new(sleep).poll(cx).is_ready() && !handle.is_closed() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.core.close(Phase::RuntimeGone);
    }
}
