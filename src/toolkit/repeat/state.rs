//! What the owner and the driver share; see the module above for its rules.

use super::RepeatStatus;
use crate::runtime::Handle;
use crate::sync::Mutex;
use crate::task::SharedTask;
use crate::time::clock::ClockListener;
use crate::toolkit::history::History;
use crate::util::catch::{drop_quietly, guarded};
use std::task::Waker;

pub(super) struct Shared<T> {
    pub(super) handle: Handle,
    pub(super) state: Mutex<State<T>>,
}

pub(super) struct State<T> {
    pub(super) status: RepeatStatus,
    pub(super) runs: History<T>,
    pub(super) begun: u64,
    /// A run was asked for.
    asked: bool,
    /// Counts starts and cancellations.
    round: u64,
    /// The owner is gone.
    closed: bool,
    driver: Option<Waker>,
}

/// What the driver is to do, as far as the state knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders {
    pub(super) round: u64,
    pub(super) status: RepeatStatus,
    pub(super) asked: bool,
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(super) fn new(handle: Handle) -> Self {
        let state = State {
            status: RepeatStatus::Active,
            runs: History::new(),
            begun: 0,
            asked: false,
            round: 0,
            closed: false,
            driver: None,
        };
        Self { handle, state: Mutex::new(state) }
    }

    /// Has the driver look again.
    fn notify(&self) {
        let waker = self.state.lock().driver.take();
        if let Some(waker) = waker {
            guarded(|| waker.wake());
        }
    }

    pub(super) fn begin_round(&self, status: RepeatStatus) -> bool {
        let mut state = self.state.lock();
        if state.status == RepeatStatus::RuntimeGone {
            return false;
        }
        (state.status, state.asked) = (status, false);
        state.round += 1;
        let out = state.runs.forget();
        drop(state);
        // Before the driver can begin the next run: what is cancelled is queued first.
        out.let_go();
        self.notify();
        true
    }

    pub(super) fn ask(&self) -> bool {
        let mut state = self.state.lock();
        if !matches!(state.status, RepeatStatus::Active | RepeatStatus::Paused) {
            return false;
        }
        state.asked = true;
        drop(state);
        self.notify();
        true
    }

    pub(super) fn turn(&self, from: RepeatStatus, to: RepeatStatus) -> bool {
        let mut state = self.state.lock();
        if state.status != from {
            return false;
        }
        state.status = to;
        drop(state);
        self.notify();
        true
    }

    /// The owner goes.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let out = state.runs.forget();
        drop(state);
        out.let_go();
    }

    // For the driver.

    pub(super) fn look(&self, waker: &Waker) -> Orders {
        let waker = waker.clone();
        let mut state = self.state.lock();
        let old = state.driver.replace(waker);
        let orders = Orders { round: state.round, status: state.status, asked: state.asked };
        drop(state);
        drop_quietly(old);
        orders
    }

    /// Takes in a run that was launched for a round. False: that round is over, and the run was cancelled.
    #[must_use]
    pub(super) fn launched(&self, round: u64, task: &SharedTask<T>) -> bool {
        let mut state = self.state.lock();
        if state.round != round || state.closed {
            drop(state);
            task.cancel();
            return false;
        }
        state.asked = false;
        state.begun += 1;
        let out = state.runs.begin(task.clone());
        drop(state);
        out.let_go();
        true
    }

    /// The status changes by itself, unless a new round began or the runtime went.
    pub(super) fn end(&self, round: u64, status: RepeatStatus) {
        let mut state = self.state.lock();
        let ends = state.round == round && matches!(state.status, RepeatStatus::Active | RepeatStatus::Paused);
        if ends {
            (state.status, state.asked) = (status, false);
        }
        drop(state);
        if ends {
            self.handle.shared().updated();
        }
    }

    /// The driver is gone: with its owner, or with the runtime.
    pub(super) fn gone(&self) {
        let mut state = self.state.lock();
        let waker = state.driver.take();
        let news = !state.closed;
        state.status = RepeatStatus::RuntimeGone;
        drop(state);
        drop_quietly(waker);
        if news {
            self.handle.shared().updated();
        }
    }
}

/// A wall clock that some plan goes by was moved.
impl<T: Send + Sync + 'static> ClockListener for Shared<T> {
    fn clock_moved(&self) {
        self.notify();
    }
}
