//! The ticker: the steps of one tick, in order. The module above has the diagram.

use super::budget::{Budget, Meter, TickError, TickReport};
use super::host::{HostState, HostWaker};
use super::world::{World, WorldRequests};
use super::{LocalRuntime, Parker};
use crate::instant::Instant;
use crate::park::Descriptor;
use crate::runtime::context::{self, Entered, Local};
use crate::sync::Arc;
use crate::time::driver::Driver;
use crate::time::{Clock, ManualClock};
use crate::util::update::DriverFlag;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// The largest number of rounds of one moment.
///
/// For a tick without a limit, or one that must advance the time.
pub(super) const ROUNDS: usize = 64;

/// The number of rounds beyond [`ROUNDS`] that answer requests for the host's world.
const ANSWERS: usize = 1024;

/// The number of polls after which the clock and the timers are checked again.
///
/// While tasks are ready, it is as many as on the reactor thread. A check costs more than a short poll.
const LOOK: usize = 128;

/// The driver of a [`LocalRuntime`], which stays on its thread.
pub(super) struct Ticker {
    pub(super) local: Rc<Local>,
    pub(super) parker: RefCell<Parker>,
    pub(super) host: HostState,
    /// True during a tick.
    turning: Cell<bool>,
    /// The nanoseconds by which the clock is behind the host.
    owed: Cell<u64>,
    /// True if the owed time stops while the clock is paused: the host gave it as a duration.
    pausable: Cell<bool>,
    /// The descriptor that a host polls.
    #[cfg(all(unix, feature = "net"))]
    descriptor: Arc<crate::reactor::Registry>,
}

/// A tick in progress: this thread drives the runtime. Its drop ends the tick.
pub(super) struct Turn<'a> {
    ticker: &'a Ticker,
    entered: Option<Entered>,
    /// True if the host may wait for the runtime after this turn.
    arms: bool,
    /// The per-thread update flag, during the turn.
    _flag: DriverFlag,
}

/// The end of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Nothing is ready any more.
    Settled,
    /// Something is ready, but the rounds are used up.
    Restless,
    /// The budget is used up.
    Spent,
}

impl Ticker {
    pub(super) fn new(local: Rc<Local>, parker: Parker, host_waker: Option<Arc<HostWaker>>) -> Self {
        let ticker = Self {
            #[cfg(all(unix, feature = "net"))]
            descriptor: local.shared.sockets.registry().expect("a new reactor is open"),
            local,
            parker: RefCell::new(parker),
            host: HostState::new(host_waker),
            turning: Cell::new(false),
            owed: Cell::new(0),
            pausable: Cell::new(false),
        };
        ticker.arm();
        ticker
    }

    fn driver(&self) -> &Driver {
        &self.local.shared.driver
    }

    fn clock(&self) -> &Clock {
        self.driver().clock()
    }

    /// Returns the clock, if the host may move it.
    fn manual(&self) -> Result<&ManualClock, TickError> {
        self.clock().as_manual().ok_or(TickError::NotManual)
    }

    pub(super) fn is_turning(&self) -> bool {
        self.turning.get()
    }

    pub(super) fn refuse_nested(&self) -> Result<(), TickError> {
        if self.turning.get() || self.local.visited.get() { Err(TickError::Nested) } else { Ok(()) }
    }

    /// Runs one tick. Inlined for a tick without work, which needs no stack frame of the rest.
    #[inline(always)]
    pub(super) fn tick(&self, budget: Budget, mut world: World<'_>) -> Result<TickReport, TickError> {
        self.refuse_nested()?;
        if !budget.is_zero() && self.is_quiet() {
            return Ok(TickReport { next_deadline: self.soonest(), ..TickReport::default() });
        }
        Ok(self.tick_slow(budget, &mut world))
    }

    #[inline(never)]
    fn tick_slow(&self, budget: Budget, world: &mut World<'_>) -> TickReport {
        let mut meter = Meter::new(budget);
        if budget.is_zero() {
            // It is only counted: no user code runs.
            if !self.local.shared.inbox.is_empty() {
                self.local.take_in(self.clock().nanos());
            }
        } else {
            let turn = self.begin();
            turn.lend(world);
            turn.run(&mut meter, ROUNDS, world);
        }
        self.report(&meter)
    }

    /// Runs one tick, in which the manual clock is moved.
    pub(super) fn advance(&self, by: Duration, budget: Budget, world: World<'_>) -> Result<TickReport, TickError> {
        self.refuse_nested()?;
        let owed = self.manual()?.plan(by);
        self.owed.set(self.owed.get().saturating_add(owed));
        self.pausable.set(true);
        self.tick(budget, world)
    }

    /// Returns true if a tick would have nothing to do.
    ///
    /// It costs a few loads, and a clock read if there are timers.
    #[inline]
    fn is_quiet(&self) -> bool {
        let shared = &*self.local.shared;
        !self.local.has_work()
            && self.frames().lower_bound().is_none()
            && shared.listing.is_quiet()
            && (self.owed.get() == 0 || self.passes_quietly())
            && !shared.driver.is_due()
            && self.is_silent(&self.parker.borrow())
    }

    /// Returns true if a tick has something to do now.
    fn needs_tick(&self) -> bool {
        let shared = &*self.local.shared;
        self.has_work()
            || self.driver().is_due()
            || shared.listing.is_wanted()
            // Borrowed if a waker asks that this tick called.
            || self.parker.try_borrow().is_ok_and(|parker| self.host.is_called(&*parker))
    }

    /// Returns true if something waits for the next tick.
    ///
    /// Tasks, closures, hooks, waits for ticks, or owed time.
    fn has_work(&self) -> bool {
        self.local.has_work() || self.frames().is_due() || (self.owed.get() != 0 && !self.is_standing())
    }

    /// Returns true if neither sockets nor other threads may have brought work.
    fn is_silent(&self, parker: &Parker) -> bool {
        !parker.has_sockets() && !self.host.is_called(parker)
    }

    /// Wakes tasks whose sockets are ready, and leaves the descriptor unreadable.
    fn look(&self) {
        let parker = &mut *self.parker.borrow_mut();
        if self.host.polls() {
            parker.read();
        } else {
            parker.look();
        }
    }

    /// Moves the clock by the owed time if nothing is due on the way.
    ///
    /// Returns true if no time is owed any more.
    #[inline(never)]
    fn passes_quietly(&self) -> bool {
        let owed = self.owed.get();
        let target = self.clock().nanos().saturating_add(owed);
        let free = self.driver().lower_bound().is_none_or(|earliest| earliest > target);
        let may = free && !self.is_standing();
        if may && let Some(manual) = self.clock().as_manual() {
            self.owed.set(0);
            manual.reach(target);
        }
        may
    }

    /// Returns true while owed time must not pass.
    fn is_standing(&self) -> bool {
        self.pausable.get() && self.clock().as_manual().is_some_and(ManualClock::is_paused)
    }

    fn frames(&self) -> &Driver {
        self.local.shared.frames.as_ref().expect("a runtime that is ticked counts its ticks")
    }

    pub(super) fn begin(&self) -> Turn<'_> {
        self.turning.set(true);
        self.local.requests.begin();
        self.host.disarm(self.parker.borrow().state());
        let thread_flag = DriverFlag::enter(&self.local.shared.update);
        Turn { ticker: self, entered: Some(context::enter(Rc::clone(&self.local))), arms: true, _flag: thread_flag }
    }

    /// Lets the host wait from now on, unless there is work already.
    pub(super) fn arm(&self) {
        let work = self.has_work();
        let call = self.host.arm(&mut *self.parker.borrow_mut(), self.driver(), work);
        if call {
            self.host.call();
        }
    }

    /// Returns the descriptor of the poll.
    #[cfg(all(unix, feature = "net"))]
    pub(super) fn descriptor(&self) -> &crate::reactor::Registry {
        &self.descriptor
    }

    /// Records that the host waits for the descriptor from now on.
    #[cfg(all(unix, feature = "net"))]
    pub(super) fn poll_from_outside(&self) {
        let first = self.host.set_polls();
        // Inside a tick, its end does this.
        if first && !self.turning.get() {
            // The check for work now sees what the word has seen so far.
            self.host.disarm(self.parker.borrow().state());
            self.arm();
        }
    }

    pub(super) fn report(&self, meter: &Meter) -> TickReport {
        TickReport {
            polled: meter.polled,
            fired: meter.fired,
            left_ready: self.local.core.ready_len() + self.local.shared.pool.due() + self.local.requests.len(),
            overrun: meter.overrun,
            left_due: self.is_due(),
            behind: Duration::from_nanos(self.owed.get()),
            next_deadline: self.soonest(),
        }
    }

    /// Returns true if a timer is due, or a wait for this tick.
    fn is_due(&self) -> bool {
        self.driver().is_due() || self.frames().is_due()
    }

    fn soonest(&self) -> Option<Instant> {
        self.driver().lower_bound().and_then(|moment| self.clock().instant_of(moment))
    }

    /// Refuses new tasks. The futures are dropped when the current poll ends.
    pub(super) fn close_later(&self) {
        self.host.disarm(self.parker.borrow().state());
        self.local.shared.begin_closing();
    }

    /// Drops all futures. The host gets no more notifications.
    pub(super) fn close(&self) {
        let turn = self.begin();
        self.local.shared.begin_closing();
        self.local.close();
        // The host gets no notification of what comes now.
        turn.leave();
    }
}

impl Turn<'_> {
    pub(super) fn requests(&self) -> &WorldRequests {
        &self.ticker.local.requests
    }

    /// Runs a frame: its moments, until the clock is where the host wants it, or the budget is used up.
    pub(super) fn run(&self, meter: &mut Meter, rounds: usize, world: &mut World<'_>) -> Moment {
        let ticker = self.ticker;
        ticker.look();
        let frames = ticker.frames();
        if frames.lower_bound().is_some()
            && let Some(frame) = frames.clock().as_manual()
        {
            frame.step(Duration::from_nanos(1));
        }
        // The number of moments in a row between which no time passed.
        let mut standing = 0;
        let end = loop {
            // A task that wakes itself must not stop the time, under any budget.
            let owes = ticker.owed.get() != 0;
            let at_most = if meter.is_limited() && !owes { usize::MAX } else { rounds };
            // Chosen once per moment: unwatched polls cost nothing for it.
            let end = match ticker.local.core.watch() {
                None => self.moment::<false>(meter, at_most, world),
                Some(_) => self.moment::<true>(meter, at_most, world),
            };
            if end == Moment::Spent {
                break end;
            }
            let Some(passed) = self.pass_on() else { break end };
            // Timers may wake no task here; then no poll checks the budget.
            if meter.look() {
                break Moment::Spent;
            }
            standing = if passed == 0 { standing + 1 } else { 0 };
            // A task that moves the clock itself, past one of its timers each time, must not hold the tick.
            if standing == ROUNDS && !meter.is_limited() {
                break end;
            }
        };
        // The hooks of tasks that used the budget up.
        ticker.local.deliver_hooks();
        ticker.local.serve_listing();
        ticker.local.core.drain(&ticker.local.shared.inbox);
        ticker.local.core.end_turn();
        end
    }

    /// Runs rounds until nothing is ready.
    #[inline(never)]
    fn moment<const WATCHED: bool>(&self, meter: &mut Meter, rounds: usize, world: &mut World<'_>) -> Moment {
        let local = &*self.ticker.local;
        // The polls and closures since the last check of the timers: the first round makes one.
        let mut since = LOOK;
        // True if the last check left due timers.
        let mut more = false;
        let (mut left, mut answers) = (rounds, ANSWERS);
        while left != 0 {
            if more || since >= LOOK || (!local.has_work() && self.has_timers()) {
                more = self.look_at_timers(meter);
                since = 0;
            } else {
                local.core.drain(&local.shared.inbox);
            }
            let closures = local.shared.pool.due();
            for _ in 0..closures {
                if !local.run_closure() {
                    break;
                }
                if meter.count_poll() {
                    return Moment::Spent;
                }
            }
            left -= 1;
            let mut answered = 0;
            if !local.requests.is_empty() {
                answered = self.answer_requests(world, meter);
                if meter.is_spent() {
                    return Moment::Spent;
                }
                // A script may ask the host many times in a row, and each request takes a round.
                if answered != 0 && answers != 0 {
                    answers -= 1;
                    left += 1;
                }
            }
            since += closures + answered;
            // Tasks that the closures have woken run in this round.
            let due = local.core.ready_len();
            if due == 0 && closures == 0 && answered == 0 && !more {
                // The hooks may make something ready.
                if local.deliver_hooks() {
                    continue;
                }
                return Moment::Settled;
            }
            for _ in 0..due {
                // A round may be long. Tasks that arrive meanwhile are behind it, unless they are more urgent.
                if since >= LOOK {
                    more |= self.look_at_timers(meter);
                    since = 0;
                }
                if !local.core.run_next::<WATCHED>() {
                    break;
                }
                since += 1;
                if meter.count_poll() {
                    return Moment::Spent;
                }
            }
            if due == 0 && closures == 0 && meter.look() {
                return Moment::Spent;
            }
        }
        Moment::Restless
    }

    /// Accepts tasks from elsewhere and fires due timers; returns true if more are due.
    fn look_at_timers(&self, meter: &mut Meter) -> bool {
        let (driver, frames) = (&*self.ticker.local.shared.driver, self.ticker.frames());
        let now = driver.clock().nanos();
        self.ticker.local.take_in(now);
        let mut more = false;
        for (timers, now) in [(frames, frames.clock().nanos()), (driver, now)] {
            let fired = if meter.is_limited() { timers.fire_some(now) } else { timers.fire_due(now) };
            meter.fired += fired.count;
            more |= fired.more;
        }
        more
    }

    fn has_timers(&self) -> bool {
        self.ticker.driver().lower_bound().is_some() || self.ticker.frames().lower_bound().is_some()
    }

    /// Moves the clock to the next deadline on the way to its target.
    ///
    /// Returns how far that was: zero if a timer is due. `None` if the clock has reached its target.
    fn pass_on(&self) -> Option<u64> {
        let ticker = self.ticker;
        let owed = ticker.owed.get();
        if owed == 0 || ticker.is_standing() {
            return None;
        }
        let manual = ticker.clock().as_manual()?;
        let now = ticker.clock().nanos();
        let target = now.saturating_add(owed);
        let stop = ticker.driver().next_deadline().map_or(target, |next| next.clamp(now, target));
        ticker.owed.set(target - stop);
        manual.reach(stop);
        Some(stop - now)
    }

    /// Returns true if a task waits for the next tick, or for a later one.
    pub(super) fn is_awaited(&self) -> bool {
        self.ticker.frames().lower_bound().is_some()
    }

    /// Ends the tick permanently: the host waits for nothing afterwards.
    fn leave(mut self) {
        self.arms = false;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.entered = None;
        self.ticker.local.requests.end();
        if self.arms {
            self.ticker.arm();
        }
        self.ticker.turning.set(false);
    }
}

impl LocalRuntime {
    /// Does the work that is there, within the budget, and returns.
    ///
    /// It accepts tasks that were spawned and woken from elsewhere, fires the timers that are due on the runtime's
    /// clock, and polls the ready tasks in rounds: a task that wakes itself runs again behind all others, and only
    /// within the budget. It never waits. With nothing to do it costs a few loads (and a clock read, if there are
    /// timers).
    ///
    /// Every tick with a budget other than zero is a *frame* for [`next_tick`](crate::time::next_tick).
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime; nothing happens.
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalRuntime, time::next_tick};
    /// let rt = LocalRuntime::new()?;
    /// let task = rt.spawn(async {
    ///     next_tick().await; // an animation's next step
    ///     "second frame"
    /// });
    /// rt.tick(Budget::unlimited())?;
    /// assert!(!task.is_done());
    /// rt.tick(Budget::unlimited())?;
    /// assert!(task.is_done());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tick(&self, budget: Budget) -> Result<TickReport, TickError> {
        self.ticker.tick(budget, World::none())
    }

    /// Moves the runtime's manual clock by `by`, and ticks.
    ///
    /// The clock moves by that time multiplied by its scale, and not at all while it is paused.
    ///
    /// Ready tasks run before the time passes: a task that was just spawned sleeps from the old time on. Then the clock
    /// moves from deadline to deadline, and the tasks run at each. So a task that repeatedly sleeps 10 ms runs six
    /// times in a frame of 60 ms, each time at its own time, and a step over ten years runs everything in order. Time
    /// that the budget does not reach is owed ([`TickReport::behind`]): the clock stays behind, and the next tick of
    /// any kind continues there. While the clock is paused, owed time waits as well.
    ///
    /// A clock that is moved by its own methods ([`ManualClock::step`], [`ManualClock::set`]) jumps instead: the next
    /// tick fires everything that is due, at the new time.
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime; [`TickError::NotManual`] under the system's clock.
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalBuilder, time::{Clock, sleep}};
    /// use std::{cell::Cell, rc::Rc, time::Duration};
    ///
    /// let clock = Clock::manual();
    /// let rt = LocalBuilder::new().clock(clock.clone()).build()?;
    /// let steps = Rc::new(Cell::new(0));
    /// let theirs = Rc::clone(&steps);
    /// let _walk = rt.spawn(async move {
    ///     loop {
    ///         sleep(Duration::from_millis(10)).await;
    ///         theirs.set(theirs.get() + 1);
    ///     }
    /// });
    /// rt.tick(Budget::unlimited())?;
    /// rt.advance(Duration::from_millis(60), Budget::unlimited())?;
    /// assert_eq!(steps.get(), 6);
    /// clock.pause();
    /// rt.advance(Duration::from_millis(60), Budget::unlimited())?;
    /// assert_eq!(steps.get(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advance(&self, by: Duration, budget: Budget) -> Result<TickReport, TickError> {
        self.ticker.advance(by, budget, World::none())
    }

    /// Moves the runtime's manual clock to `now`, and ticks; see [`advance`](Self::advance).
    ///
    /// The clock moves at any scale, also while it is paused.
    ///
    /// Time does not go backwards: a time before the last one of the host, or before the clock's, changes nothing and
    /// is counted in [`ManualClock::backward_moves`]; the tick continues.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalBuilder, time::Clock};
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let rt = LocalBuilder::new().clock(clock.clone()).build()?;
    /// let start = clock.now();
    /// rt.tick_at(start + Duration::from_secs(2), Budget::unlimited())?;
    /// rt.tick_at(start + Duration::from_secs(1), Budget::unlimited())?;
    /// assert_eq!((clock.elapsed(), clock.backward_moves()), (Duration::from_secs(2), 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tick_at(&self, now: Instant, budget: Budget) -> Result<TickReport, TickError> {
        let ticker = &self.ticker;
        ticker.refuse_nested()?;
        let manual = ticker.manual()?;
        let (to, shows) = (ticker.clock().nanos_of(now), ticker.clock().nanos());
        if to < shows.saturating_add(ticker.owed.get()) {
            manual.count_backward();
        } else {
            ticker.owed.set(to - shows);
        }
        ticker.pausable.set(false);
        ticker.tick(budget, World::none())
    }

    /// Returns true if a tick has something to do now.
    ///
    /// A host that sleeps calls it after calls of its own, since those never run a hook. A spawn, a cancellation, a
    /// dropped task, a clock that the host moves past a deadline, or a posted hook make it true. Work that the last
    /// tick left counts as well. A wait for the next tick ([`next_tick`](crate::time::next_tick)) and a ready socket do
    /// not count.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::LocalRuntime::new()?;
    /// assert!(!rt.needs_tick());
    /// let task = rt.spawn(async { 1 });
    /// assert!(rt.needs_tick());
    /// rt.run_until_stalled()?;
    /// assert!(task.is_done() && !rt.needs_tick());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn needs_tick(&self) -> bool {
        self.ticker.needs_tick()
    }

    /// Returns a time before which no timer fires, on the runtime's clock; `None` without timers.
    ///
    /// Use it in a host that plans its own sleep. Another thread may add an earlier timer meanwhile:
    /// [`LocalBuilder::on_wake`](crate::LocalBuilder::on_wake) and the descriptor report that.
    pub fn next_deadline(&self) -> Option<Instant> {
        let moment = self.ticker.driver().next_deadline()?;
        self.ticker.clock().instant_of(moment)
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker")
            .field("turning", &self.turning.get())
            .field("ready", &self.local.core.ready_len())
            .field("behind", &Duration::from_nanos(self.owed.get()))
            .finish()
    }
}
