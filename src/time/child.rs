//! A clock that runs by another one, at its own pace, with its timers.
//!
//! # Parts
//! - [`ChildClock`] maps the time of its parent: a line through the last change, whose slope is the scale, or zero
//!   while paused.
//! - [`ChildTimers`] are a [`Driver`] with its own wheel. One timer in the *parent's* driver does what a reactor does
//!   for a runtime's driver: its deadline is the parent's time at which the child's earliest timer is due.
//!
//! ```text
//! insert of an earlier timer, change of scale or pause:  rearm    set the parent's timer anew
//! the parent's timer fires:                              fire what is due, rearm
//! the parent's runtime shuts down (all timers wake):     the child's driver ends as well; real time passes for it
//! ```
//! So the thread that drives the parent does not know of children, and its next deadline covers theirs. A child of a
//! child depends on the child's driver in the same way.
//!
//! # Why no timer is missed
//! `prepare_park` marks the child's driver as armed before each check of its earliest timer, so that check sees an
//! insert, or the insert calls `rearm` itself. One thread at a time sets the parent's timer; a thread that arrives
//! meanwhile makes it check again. The function that reads the clock checks each computed time, so that the timer is
//! due then.

use super::clock::{Clock, ClockListener, ScaleError};
use super::driver::{Driver, TimerKey, TimerState};
use crate::instant::Instant;
use crate::park::Unpark;
use crate::sync::{Arc, Mutex, Weak};
use std::fmt;
use std::task::{Wake, Waker};
use std::time::Duration;

/// A time that never comes: only the end of the runtime wakes a timer with it.
const NEVER: u64 = u64::MAX;

/// A clock that runs by another one, with its own scale and pause.
///
/// Use it for several times in one program: a game whose world is paused or in slow motion while its menu continues.
/// [`Clock::child`] and [`ManualClock::child`](super::ManualClock::child) create it from the clock of a runtime, and
/// [`TaskBuilder::clock`](crate::TaskBuilder::clock) sets it for a task: the task's sleeps, timeouts, intervals and
/// retries use it. Children may have children.
///
/// It starts at its parent's current time, at scale 1. Clones are one clock; every method is thread-safe.
///
/// # Example
/// ```
/// use offtick::time::{Clock, sleep};
/// use offtick::{Budget, LocalBuilder};
/// use std::time::Duration;
///
/// let clock = Clock::manual();
/// let world = clock.child();
/// let rt = LocalBuilder::new().clock(clock).build()?;
/// let guard = rt.task().clock(&world).spawn(|_cx| sleep(Duration::from_secs(1)));
/// let menu = rt.spawn(sleep(Duration::from_secs(1)));
/// world.pause();
/// rt.advance(Duration::from_secs(2), Budget::unlimited())?;
/// assert!(menu.is_done() && !guard.is_done());
/// world.resume();
/// rt.advance(Duration::from_secs(1), Budget::unlimited())?;
/// assert!(guard.is_done());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ChildClock {
    shared: Arc<Shared>,
}

struct Shared {
    parent: Clock,
    origin: Instant,
    state: Mutex<State>,
}

struct State {
    line: Line,
    listeners: Vec<Weak<dyn ClockListener>>,
}

/// The mapping from parent time to child time since the last change.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The parent's time of the last change, and the child's time then.
    at: u64,
    shown: u64,
    scale: f64,
    paused: bool,
}

impl Line {
    fn stands(&self) -> bool {
        self.paused || self.scale == 0.0
    }

    fn scaled(&self, nanos: u64) -> u64 {
        // A float of 53 bits would round durations longer than 104 days. The conversion saturates.
        if self.scale == 1.0 { nanos } else { (nanos as f64 * self.scale) as u64 }
    }

    fn at(&self, parent: u64) -> u64 {
        if self.stands() { self.shown } else { self.shown.saturating_add(self.scaled(parent.saturating_sub(self.at))) }
    }

    /// Returns a time of the parent at which the child shows `moment`, or slightly more.
    ///
    /// `None` while the child stops before that.
    fn moment_of(&self, moment: u64) -> Option<u64> {
        let ahead = moment.saturating_sub(self.shown);
        if ahead == 0 {
            return Some(self.at);
        }
        if self.stands() {
            return None;
        }
        let mut wait = if self.scale == 1.0 { ahead } else { (ahead as f64 / self.scale).ceil() as u64 };
        let mut step = 1_u64;
        // The division is rounded.
        while self.scaled(wait) < ahead && wait != u64::MAX {
            wait = wait.saturating_add(step);
            step = step.saturating_mul(2);
        }
        Some(self.at.saturating_add(wait))
    }
}

impl ChildClock {
    pub(super) fn new(parent: Clock) -> Self {
        let (origin, at) = (parent.now(), parent.nanos());
        let line = Line { at, shown: 0, scale: 1.0, paused: false };
        Self { shared: Arc::new(Shared { parent, origin, state: Mutex::new(State { line, listeners: Vec::new() }) }) }
    }

    /// Returns the current time, which never goes backwards.
    pub fn now(&self) -> Instant {
        self.shared.origin.checked_add(self.elapsed()).unwrap_or(self.shared.origin)
    }

    /// Returns the time of this clock since it was created.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    /// Creates a clock that runs by this one.
    pub fn child(&self) -> Self {
        Self::new(Clock::of_child(self.clone()))
    }

    /// Stops this clock, whether its parent runs or not.
    pub fn pause(&self) {
        self.change(|line| line.paused = true);
    }

    /// Ends a [`pause`](Self::pause). The clock does not catch up.
    pub fn resume(&self) {
        self.change(|line| line.paused = false);
    }

    /// Returns true between [`pause`](Self::pause) and [`resume`](Self::resume).
    pub fn is_paused(&self) -> bool {
        self.shared.state.lock().line.paused
    }

    /// Sets the pace of this clock, relative to its parent: 1 at first, 0 to stop.
    ///
    /// # Errors
    /// [`ScaleError`] if `scale` is negative, infinite or not a number; the old scale stays.
    pub fn set_scale(&self, scale: f64) -> Result<(), ScaleError> {
        ScaleError::check(scale)?;
        self.change(|line| line.scale = scale);
        Ok(())
    }

    /// Returns the pace of this clock, relative to its parent.
    pub fn scale(&self) -> f64 {
        self.shared.state.lock().line.scale
    }

    pub(super) fn nanos(&self) -> u64 {
        let state = self.shared.state.lock();
        // Read under the lock: a change in between would make the line start after this time.
        state.line.at(self.shared.parent.nanos())
    }

    pub(super) fn origin(&self) -> Instant {
        self.shared.origin
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(super) fn listen(&self, listener: Weak<dyn ClockListener>) {
        let mut state = self.shared.state.lock();
        state.listeners.retain(|known| known.strong_count() > 0);
        state.listeners.push(listener);
    }

    fn moment_of(&self, moment: u64) -> Option<u64> {
        self.shared.state.lock().line.moment_of(moment)
    }

    fn change(&self, change: impl FnOnce(&mut Line)) {
        let mut state = self.shared.state.lock();
        let at = self.shared.parent.nanos();
        state.line.shown = state.line.at(at);
        state.line.at = at;
        change(&mut state.line);
        let listeners = state.listeners.clone();
        drop(state);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.clock_moved();
        }
    }
}

impl fmt::Debug for ChildClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildClock")
            .field("elapsed", &self.elapsed())
            .field("paused", &self.is_paused())
            .field("scale", &self.scale())
            .finish()
    }
}

/// The timers of a child clock in one runtime.
pub(crate) struct ChildTimers {
    me: Weak<Self>,
    clock: ChildClock,
    parent: Arc<Driver>,
    driver: Mutex<Weak<Driver>>,
    timer: Mutex<ParentTimer>,
}

#[derive(Default)]
struct ParentTimer {
    key: Option<TimerKey>,
    /// True while a thread sets the parent's timer.
    busy: bool,
    /// True if another thread came meanwhile: then it must be set again.
    again: bool,
}

impl Driver {
    /// Returns the timers of `clock` in the runtime of this driver.
    ///
    /// `None` if the clock does not run by this driver's.
    pub(crate) fn of_child(self: &Arc<Self>, clock: &ChildClock) -> Option<Arc<Self>> {
        let parent = match clock.shared.parent.as_child() {
            Some(parent) => self.of_child(parent)?,
            None => self.clock().is(&clock.shared.parent).then(|| Arc::clone(self))?,
        };
        // Upgraded under the lock, dropped after it.
        let known: Vec<_> = parent.children().lock().iter().filter_map(Weak::upgrade).collect();
        let known = known.iter().find(|child| child.clock.is(clock));
        if let Some(driver) = known.and_then(|child| child.driver.lock().upgrade()) {
            return Some(driver);
        }
        let timers = Arc::new_cyclic(|me| ChildTimers {
            me: Weak::clone(me),
            clock: clock.clone(),
            parent: Arc::clone(&parent),
            driver: Mutex::new(Weak::new()),
            timer: Mutex::new(ParentTimer::default()),
        });
        let driver = Self::new(Clock::of_child(clock.clone()), Arc::clone(&timers) as Arc<dyn Unpark>);
        *timers.driver.lock() = Arc::downgrade(&driver);
        let listener: Weak<ChildTimers> = Arc::downgrade(&timers);
        clock.listen(listener);
        let mut children = parent.children().lock();
        children.retain(|child| child.strong_count() > 0);
        children.push(Arc::downgrade(&timers));
        drop(children);
        timers.rearm();
        Some(driver)
    }
}

impl ChildTimers {
    /// Returns the number of the child's timers, and of the timers in the parent that stand for them.
    pub(super) fn surplus(&self) -> (usize, usize) {
        let own = self.driver.lock().upgrade().map_or(0, |driver| driver.len());
        (own, usize::from(self.timer.lock().key.is_some()))
    }

    fn fire(&self) {
        let driver = self.driver.lock().upgrade();
        if let Some(driver) = driver {
            let now = self.clock.nanos();
            loop {
                let fired = driver.fire_due(now);
                // Timers that remain after some were woken are due immediately: the parent's next check continues with
                // them.
                if !fired.more || fired.count != 0 {
                    break;
                }
            }
        }
        self.rearm();
    }

    /// Sets the parent's timer to the child's earliest deadline.
    fn rearm(&self) {
        {
            let mut timer = self.timer.lock();
            if timer.busy {
                timer.again = true;
                return;
            }
            timer.busy = true;
        }
        loop {
            let key = self.timer.lock().key.take();
            let key = self.set(key);
            let mut timer = self.timer.lock();
            timer.key = key;
            if !std::mem::take(&mut timer.again) {
                timer.busy = false;
                return;
            }
        }
    }

    fn set(&self, key: Option<TimerKey>) -> Option<TimerKey> {
        let driver = self.driver.lock().upgrade()?;
        let parent = &self.parent;
        if parent.has_ended() {
            // Otherwise it would keep the thread for such timers alive.
            if let Some(key) = key {
                parent.cancel(key);
            }
            driver.end();
            return None;
        }
        let _arms = driver.prepare_park();
        let Some(earliest) = driver.lower_bound() else {
            if let Some(key) = key {
                parent.cancel(key);
            }
            return None;
        };
        let moment = self.clock.moment_of(earliest).unwrap_or(NEVER);
        if let Some(key) = key
            && parent.reset(key, moment) == TimerState::Pending
        {
            return Some(key);
        }
        let waker = Waker::from(Arc::new(ParentWaker(Weak::clone(&self.me))));
        let key = parent.insert(moment, waker).ok()?;
        if parent.has_ended() {
            // The parent ended in between, and may have woken every timer before this one was added.
            parent.cancel(key);
            driver.end();
            return None;
        }
        Some(key)
    }
}

impl Unpark for ChildTimers {
    fn unpark(&self) {
        self.rearm();
    }
}

impl ClockListener for ChildTimers {
    fn clock_moved(&self) {
        self.rearm();
    }
}

impl Drop for ChildTimers {
    fn drop(&mut self) {
        let key = self.timer.lock().key.take();
        if let Some(key) = key {
            self.parent.cancel(key);
        }
    }
}

/// A waker of the parent's timer. It does not keep the timers alive.
struct ParentWaker(Weak<ChildTimers>);

impl Wake for ParentWaker {
    fn wake(self: Arc<Self>) {
        if let Some(timers) = self.0.upgrade() {
            timers.fire();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::time::clock::saturating_nanos;
    use proptest::prelude::*;

    proptest! {
        /// At the time computed for a deadline the clock shows that deadline, and not before.
        #[test]
        fn a_moment_is_the_first_at_which_the_child_shows_it(
            at in 0_u64..1 << 50,
            shown in 0_u64..1 << 50,
            ahead in 0_u64..1 << 52,
            scale in prop_oneof![Just(1.0), 1e-6..1e6_f64],
        ) {
            let line = Line { at, shown, scale, paused: false };
            let moment = line.moment_of(shown + ahead).expect("it runs");
            prop_assert!(line.at(moment) >= shown + ahead);
            let slack = 1 + (ahead as f64 / scale * 1e-15) as u64;
            prop_assert!(moment < at + slack || line.at(moment - slack) <= shown + ahead);
        }
    }

    #[test]
    fn a_clock_that_stands_reaches_nothing_new() {
        let clock = Clock::manual().child();
        clock.pause();
        assert_eq!((clock.moment_of(0), clock.moment_of(1)), (Some(0), None));
        clock.resume();
        assert_eq!(clock.moment_of(1), Some(1));
        clock.set_scale(0.0).expect("it may stand");
        assert_eq!(clock.moment_of(1), None);
        assert!(clock.set_scale(f64::NAN).is_err());
    }

    #[test]
    fn the_far_end_is_a_moment_as_any_other() {
        let line = Line { at: 5, shown: 7, scale: 1e-300, paused: false };
        assert_eq!(line.moment_of(u64::MAX), Some(u64::MAX));
        assert!(saturating_nanos(Duration::MAX) == u64::MAX);
    }
}
