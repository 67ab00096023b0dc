//! The future that begins the runs, on the reactor.

use super::plan::{Due, Plan};
use super::state::Shared;
use super::{ErrorPolicy, RepeatStatus};
use crate::instant::Instant;
use crate::sync::Arc;
use crate::task::{SharedTask, Status};
use crate::time::Sleep;
use crate::toolkit::body::Body;
use crate::util::catch::{catch, drop_quietly};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Never ready: it goes with its owner, or with its runtime.
pub(super) struct Driver<T: Send + Sync + 'static, P> {
    shared: Arc<Shared<T>>,
    body: Body<T>,
    policy: ErrorPolicy,
    plan: P,
    /// The round that `plan` and `run` belong to; `None` before the first look.
    round: Option<u64>,
    /// The run that is looked after.
    run: Option<SharedTask<T>>,
    /// At the last look no run could begin in its turn.
    held_up: bool,
    sleep: Option<Sleep>,
}

/// A pinned driver is moved all the same: nothing in it is pinned.
impl<T: Send + Sync + 'static, P> Unpin for Driver<T, P> {}

/// What comes after a look.
#[must_use]
enum Next {
    /// Another look, after the other tasks.
    Again,
    Until(Instant),
    /// Upon a wake.
    Wait,
}

impl<T: Send + Sync + 'static, P> Driver<T, P> {
    pub(super) fn new(shared: Arc<Shared<T>>, body: Body<T>, policy: ErrorPolicy, plan: P) -> Self {
        Self { shared, body, policy, plan, round: None, run: None, held_up: false, sleep: None }
    }

    /// Reads the error of a run that has finished, if the policy deals with errors. Others are for whoever looks at the run, or
    /// for the hook when nobody does.
    fn finished(&self, run: &SharedTask<T>) {
        if self.policy == ErrorPolicy::GoOn {
            let _dealt_with = run.error();
        }
    }

    /// Forgets the run that is looked after.
    fn forget(&mut self) {
        if let Some(run) = self.run.take() {
            self.finished(&run);
        }
    }
}

impl<T: Send + Sync + 'static, P: Plan> Driver<T, P> {
    fn look(&mut self, cx: &mut Context<'_>) -> Next {
        let orders = self.shared.look(cx.waker());
        let now = self.shared.handle.clock().now();
        if self.round != Some(orders.round) {
            self.round = Some(orders.round);
            self.forget();
            self.held_up = false;
            self.plan.begin(now);
        }
        if let Some(run) = self.run.take() {
            if !run.is_done() {
                self.run = Some(run);
                return Next::Wait;
            }
            self.finished(&run);
            if run.status() != Status::Done && self.policy == ErrorPolicy::Stop {
                self.shared.end(orders.round, RepeatStatus::Stopped);
                return Next::Wait;
            }
            // The next run may be due already, but other tasks come first.
            self.held_up = true;
            return Next::Again;
        }
        let active = orders.status == RepeatStatus::Active;
        if active && std::mem::take(&mut self.held_up) {
            self.plan.free_again();
        }
        self.held_up |= orders.status == RepeatStatus::Paused;
        let due = if active { self.plan.next(now) } else { Due::Unknown };
        if orders.asked && due != Due::Now {
            return self.launch(cx, orders.round, now, true);
        }
        match due {
            // A run that was asked for as well is this one.
            Due::Now => self.launch(cx, orders.round, now, false),
            Due::At(instant) => Next::Until(instant),
            Due::Unknown => Next::Wait,
            Due::Never => {
                self.shared.end(orders.round, RepeatStatus::Finished);
                Next::Wait
            }
        }
    }

    fn launch(&mut self, cx: &Context<'_>, round: u64, now: Instant, asked: bool) -> Next {
        self.plan.launched(now, asked);
        let run = self.body.launch();
        if !self.shared.launched(round, &run) {
            return Next::Again;
        }
        let waits = run.wake_at_end(cx.waker().clone());
        self.run = Some(run);
        if waits { Next::Wait } else { Next::Again }
    }
}

impl<T: Send + Sync + 'static, P: Plan> Future for Driver<T, P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // The zone of a plan is foreign code: one that panics ends the repetition.
        let next = catch(|| this.look(cx)).unwrap_or_else(|payload| {
            drop_quietly(payload);
            this.shared.end(this.round.unwrap_or_default(), RepeatStatus::Stopped);
            Next::Wait
        });
        match next {
            Next::Again => cx.waker().wake_by_ref(),
            Next::Wait => this.sleep = None,
            Next::Until(instant) => {
                let handle = &this.shared.handle;
                let sleep = this.sleep.get_or_insert_with(|| handle.sleep_until(instant));
                sleep.reset_until(instant);
                // A runtime that goes ends every sleep, and is about to drop this future.
                if Pin::new(sleep).poll(cx).is_ready() && !handle.is_closed() {
                    cx.waker().wake_by_ref();
                }
            }
        }
        Poll::Pending
    }
}

impl<T: Send + Sync + 'static, P> Drop for Driver<T, P> {
    fn drop(&mut self) {
        self.forget();
        self.shared.gone();
    }
}
