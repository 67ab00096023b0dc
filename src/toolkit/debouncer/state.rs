//! What a debouncer knows: a plain state machine, which is given the time and runs nothing.
//!
//! What a step displaces is handed out, to be dropped or told outside of the lock.

use super::builder::{Edge, Settings, WhileRunning};
use super::{Inner, Start, Triggered};
use crate::error::TaskError;
use crate::instant::Instant;
use crate::sync::Arc;
use crate::task::Task;
use crate::toolkit::CENTURY;
use crate::toolkit::promise::{Promise, Settled};
use crate::toolkit::run::Run;
use std::time::Duration;

pub(super) struct State<A, T> {
    waiting: Option<Waiting<A, T>>,
    running: Vec<Running<A, T>>,
    /// The window that the last run opened, where runs open windows.
    window: Option<Window<T>>,
    /// The ticker that looks after `waiting`, by number.
    ticking: Option<u64>,
    /// Numbers given to tickers.
    tickers: u64,
    /// Stale once its number is not the one in `ticking`.
    ticker: Option<Task<()>>,
    runs: u64,
    calls: u64,
    latest: Option<Latest<T>>,
    /// The newest error, and the number of its run, while no newer run has a value.
    error: Option<(u64, Settled<T>)>,
}

/// The newest value.
struct Latest<T> {
    /// The number of its run.
    number: u64,
    /// The number of the call whose arguments the run had.
    call: u64,
    value: Arc<T>,
}

/// Calls that wait for their run.
struct Waiting<A, T> {
    args: A,
    /// The number of the call that brought `args`.
    call: u64,
    /// The latest end of an extending window.
    limit: Option<Instant>,
    promise: Arc<Promise<T>>,
    due: Instant,
    /// Its time has come: it waits for the run before it.
    overdue: bool,
}

struct Running<A, T> {
    number: u64,
    call: u64,
    /// Its own, and those of runs that it replaced.
    promises: Vec<Arc<Promise<T>>>,
    /// Missing for the moment between the decision to start and the start.
    run: Option<Arc<Run<T, Inner<A, T>>>>,
}

struct Window<T> {
    until: Instant,
    /// The latest `until` of an extending window.
    limit: Option<Instant>,
    promise: Arc<Promise<T>>,
}

/// What a ticker is to do.
pub(super) enum Due {
    At(Instant),
    Now,
    Never,
}

/// What a step displaced. Its promises are to be told, the rest to be dropped.
pub(super) struct Displaced<A, T> {
    pub(super) promises: Vec<Arc<Promise<T>>>,
    rest: Rest<A, T>,
}

pub(super) struct Rest<A, T> {
    args: Option<A>,
    runs: Vec<Arc<Run<T, Inner<A, T>>>>,
    promise: Option<Arc<Promise<T>>>,
    value: Option<Arc<T>>,
    error: Option<(u64, Settled<T>)>,
    ticker: Option<Task<()>>,
}

impl<A, T> Default for Displaced<A, T> {
    fn default() -> Self {
        let rest = Rest { args: None, runs: Vec::new(), promise: None, value: None, error: None, ticker: None };
        Self { promises: Vec::new(), rest }
    }
}

impl<A, T> Displaced<A, T> {
    /// Tells the callers that they were cancelled; false if there was nothing to cancel.
    pub(super) fn tell(self) -> bool {
        let any = !self.promises.is_empty();
        self.fail(&|| TaskError::Cancelled);
        any
    }

    /// Tells the callers of an error.
    pub(super) fn fail(self, error: &dyn Fn() -> TaskError) {
        for promise in &self.promises {
            promise.set(Settled::Error(error()));
        }
    }
}

impl<A, T> State<A, T> {
    pub(super) fn new() -> Self {
        Self {
            waiting: None,
            running: Vec::new(),
            window: None,
            ticking: None,
            tickers: 0,
            ticker: None,
            runs: 0,
            calls: 0,
            latest: None,
            error: None,
        }
    }

    /// A call. Arguments that are not needed come back.
    pub(super) fn call(
        &mut self,
        settings: &Settings,
        now: Instant,
        args: A,
    ) -> (Triggered, Arc<Promise<T>>, Option<A>) {
        self.calls += 1;
        let call = self.calls;
        let window_end = after(now, settings.window);
        let limit = settings.max_wait.map(|longest| after(now, longest));
        let free = self.running.is_empty() || settings.while_running != WhileRunning::Wait;
        if let Some(waiting) = &mut self.waiting {
            // A window that has ended is not opened again: the run is only held up, by a run before it or by a late ticker.
            if settings.extending && !waiting.overdue && now < waiting.due {
                waiting.due = earlier(window_end, waiting.limit);
            }
            let older = std::mem::replace(&mut waiting.args, args);
            waiting.call = call;
            let triggered = if free && now >= waiting.due { Triggered::Started } else { Triggered::Deferred };
            return (triggered, Arc::clone(&waiting.promise), Some(older));
        }
        let due = match &mut self.window {
            _ if settings.edge == Edge::Trailing => window_end,
            Some(window) if now < window.until => {
                if settings.extending {
                    window.until = earlier(window_end, window.limit);
                }
                if settings.edge == Edge::Leading {
                    return (Triggered::Absorbed, Arc::clone(&window.promise), Some(args));
                }
                window.until
            }
            _ => now,
        };
        let due = earlier(due, limit);
        let starts = due <= now && free;
        let promise = Promise::new();
        self.waiting = Some(Waiting { args, call, limit, promise: Arc::clone(&promise), due, overdue: false });
        (if starts { Triggered::Started } else { Triggered::Deferred }, promise, None)
    }

    /// Makes what waits due now.
    pub(super) fn hasten(&mut self) -> bool {
        self.waiting.as_mut().map(|waiting| waiting.overdue = true).is_some()
    }

    /// The run that is to start now, if there is one.
    pub(super) fn next_run(&mut self, settings: &Settings, now: Instant) -> Option<Start<A, T>> {
        let waiting = self.waiting.as_mut()?;
        if !waiting.overdue && now < waiting.due {
            return None;
        }
        if settings.while_running == WhileRunning::Wait && !self.running.is_empty() {
            waiting.overdue = true;
            return None;
        }
        let Waiting { args, call, promise, .. } = self.waiting.take()?;
        self.runs += 1;
        let number = self.runs;
        let mut spent = None;
        if settings.edge != Edge::Trailing {
            let limit = settings.max_wait.map(|longest| after(now, longest));
            let until = earlier(after(now, settings.window), limit);
            let window = Window { until, limit, promise: Arc::clone(&promise) };
            spent = self.window.replace(window).map(|window| window.promise);
        }
        let mut promises = vec![promise];
        let mut replaced = Vec::new();
        if settings.while_running == WhileRunning::Replace {
            for running in self.running.drain(..) {
                replaced.extend(running.run);
                // Callers of the replaced run get the value of this one. Where there are none nothing is kept, or runs that
                // are replaced for ever would grow without bound.
                promises.extend(running.promises.into_iter().filter(|promise| Arc::strong_count(promise) > 1));
            }
        }
        self.running.push(Running { number, call, promises, run: None });
        Some(Start { number, args, replaced, spent })
    }

    /// Keeps a run that was started. It comes back if its place is gone.
    pub(super) fn keep(&mut self, number: u64, run: Arc<Run<T, Inner<A, T>>>) -> Option<Arc<Run<T, Inner<A, T>>>> {
        match self.running.iter_mut().find(|running| running.number == number) {
            Some(running) => running.run.replace(run),
            None => Some(run),
        }
    }

    /// A run is over. `None`: it was cancelled or replaced before that, and does not count.
    pub(super) fn ended(&mut self, number: u64, outcome: &Settled<T>) -> Option<Displaced<A, T>> {
        let index = self.running.iter().position(|running| running.number == number)?;
        let Running { call, promises, run, .. } = self.running.swap_remove(index);
        let mut displaced = Displaced { promises, ..Displaced::default() };
        displaced.rest.runs.extend(run);
        // Newer by number, not by time: a run that ends late must not hide what began after it.
        match outcome {
            Settled::Done(value) if self.newest_value() < number => {
                displaced.rest.value =
                    self.latest.replace(Latest { number, call, value: Arc::clone(value) }).map(|latest| latest.value);
                displaced.rest.error = self.error.take_if(|(failed, _)| *failed < number);
            }
            Settled::Failed(_) | Settled::Error(_) if self.newest_value() < number && self.newest_error() < number => {
                displaced.rest.error = self.error.replace((number, outcome.clone()));
            }
            _ => {}
        }
        Some(displaced)
    }

    /// The number of a ticker that is to be posted.
    pub(super) fn wants_ticker(&mut self) -> Option<u64> {
        if self.ticking.is_some() || self.waiting.as_ref().is_none_or(|waiting| waiting.overdue) {
            return None;
        }
        self.tickers += 1;
        self.ticking = Some(self.tickers);
        self.ticking
    }

    /// Keeps a ticker that was posted. What is to be dropped comes back.
    pub(super) fn keep_ticker(&mut self, number: u64, ticker: Task<()>) -> Option<Task<()>> {
        if self.ticking == Some(number) { self.ticker.replace(ticker) } else { Some(ticker) }
    }

    /// What ticker `number` is to do. It ends itself unless it is told a time.
    pub(super) fn due(&mut self, number: u64, now: Instant) -> Due {
        if self.ticking != Some(number) {
            return Due::Never;
        }
        match &self.waiting {
            Some(waiting) if !waiting.overdue && now < waiting.due => Due::At(waiting.due),
            waiting => {
                self.ticking = None;
                if waiting.is_some() { Due::Now } else { Due::Never }
            }
        }
    }

    /// Ticker `number` is gone. If it still had a task, that will not be done.
    pub(super) fn left(&mut self, number: u64) -> Displaced<A, T> {
        let mut displaced = Displaced::default();
        if self.ticking == Some(number) {
            self.ticking = None;
            self.take_waiting(&mut displaced);
        }
        displaced
    }

    /// Takes out all that waits and runs, and ends the window.
    pub(super) fn clear(&mut self) -> Displaced<A, T> {
        let mut displaced = Displaced::default();
        self.take_waiting(&mut displaced);
        for Running { promises, run, .. } in self.running.drain(..) {
            displaced.promises.extend(promises);
            displaced.rest.runs.extend(run);
        }
        displaced.rest.promise = self.window.take().map(|window| window.promise);
        displaced
    }

    /// As [`clear`](Self::clear), and forgets the newest value and error.
    pub(super) fn forget(&mut self) -> Displaced<A, T> {
        let mut displaced = self.clear();
        displaced.rest.value = self.latest.take().map(|latest| latest.value);
        displaced.rest.error = self.error.take();
        displaced
    }

    /// As [`clear`](Self::clear), for good: the ticker goes as well.
    pub(super) fn close(&mut self) -> Displaced<A, T> {
        let mut displaced = self.clear();
        self.ticking = None;
        displaced.rest.ticker = self.ticker.take();
        displaced
    }

    fn take_waiting(&mut self, displaced: &mut Displaced<A, T>) {
        if let Some(waiting) = self.waiting.take() {
            displaced.promises.push(waiting.promise);
            displaced.rest.args = Some(waiting.args);
        }
    }

    pub(super) fn latest(&self) -> Option<Arc<T>> {
        self.latest.as_ref().map(|latest| Arc::clone(&latest.value))
    }

    pub(super) fn latest_call(&self) -> Option<u64> {
        self.latest.as_ref().map(|latest| latest.call)
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    pub(super) fn error(&self) -> Option<TaskError> {
        self.error.as_ref()?.1.read().err()
    }

    /// Runs are numbered from 1.
    fn newest_value(&self) -> u64 {
        self.latest.as_ref().map_or(0, |latest| latest.number)
    }

    fn newest_error(&self) -> u64 {
        self.error.as_ref().map_or(0, |(number, _)| *number)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.waiting.is_some() || !self.running.is_empty()
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs
    }
}

/// The end of a window that may have a latest end.
fn earlier(end: Instant, limit: Option<Instant>) -> Instant {
    limit.map_or(end, |limit| end.min(limit))
}

/// The end of a window.
fn after(now: Instant, window: Duration) -> Instant {
    // A clock that is so near its end gives no window.
    now.checked_add(window.min(CENTURY)).unwrap_or(now)
}
