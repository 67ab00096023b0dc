//! The pump: what one tick does, and in which order. See the module above for the picture.

use super::budget::{Budget, Meter, TickError, TickReport};
use super::host::{Bell, Host};
use super::world::{World, WorldRequests};
use super::{LocalRuntime, Parker};
use crate::instant::Instant;
use crate::park::Descriptor;
use crate::runtime::context::{self, Entered, Local};
use crate::sync::Arc;
use crate::time::driver::Driver;
use crate::time::{Clock, ManualClock};
use crate::util::update::DriverLane;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// How often a tick without a limit, or one that has to get on in time, lets the tasks of one moment run.
pub(super) const ROUNDS: usize = 64;

/// Rounds beyond [`ROUNDS`] that answer requests for the host's world.
const ANSWERS: usize = 1024;

/// Polls of tasks after which the clock and the timers are looked at again, while tasks are ready: as many as the reactor
/// thread does. A look costs more than a short poll.
const LOOK: usize = 128;

/// What drives a [`LocalRuntime`]; it stays on its thread, and every field is reached from there alone.
pub(super) struct Pump {
    pub(super) local: Rc<Local>,
    pub(super) parker: RefCell<Parker>,
    pub(super) host: Host,
    /// A tick is on.
    turning: Cell<bool>,
    /// Nanoseconds that the host has given and the clock has not been moved by.
    owed: Cell<u64>,
    /// The time that is owed stands still while the clock is paused: it was given as a length.
    pausable: Cell<bool>,
    /// What a host polls from outside.
    #[cfg(all(unix, feature = "net"))]
    descriptor: Arc<crate::reactor::Registry>,
}

/// A tick that is on: this thread drives the runtime. Ends it on the way out, whatever happens.
pub(super) struct Turn<'a> {
    pump: &'a Pump,
    entered: Option<Entered>,
    /// True if the host may wait for the runtime after this turn.
    arms: bool,
    /// The lane of the update flag for this thread, during the turn.
    _lane: DriverLane,
}

/// How a moment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Nothing is ready any more.
    Settled,
    /// Something is, but it had its rounds.
    Restless,
    /// The budget is used up.
    Spent,
}

impl Pump {
    pub(super) fn new(local: Rc<Local>, parker: Parker, bell: Option<Arc<Bell>>) -> Self {
        let pump = Self {
            #[cfg(all(unix, feature = "net"))]
            descriptor: local.shared.sockets.registry().expect("a new reactor is open"),
            local,
            parker: RefCell::new(parker),
            host: Host::new(bell),
            turning: Cell::new(false),
            owed: Cell::new(0),
            pausable: Cell::new(false),
        };
        pump.arm();
        pump
    }

    fn driver(&self) -> &Driver {
        &self.local.shared.driver
    }

    fn clock(&self) -> &Clock {
        self.driver().clock()
    }

    /// The clock, if the host may move it.
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
            // Counted, and no more: nothing of the user's runs.
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

    /// One tick, in which the manual clock is moved.
    pub(super) fn advance(&self, by: Duration, budget: Budget, world: World<'_>) -> Result<TickReport, TickError> {
        self.refuse_nested()?;
        let owed = self.manual()?.plan(by);
        self.owed.set(self.owed.get().saturating_add(owed));
        self.pausable.set(true);
        self.tick(budget, world)
    }

    /// True if a tick would find nothing to do: a few loads, and a look at the clock if there are timers.
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

    /// True if a tick has something to do at once.
    fn needs_tick(&self) -> bool {
        let shared = &*self.local.shared;
        self.has_work()
            || self.driver().is_due()
            || shared.listing.is_wanted()
            // Borrowed: a waker asks, which this very tick calls.
            || self.parker.try_borrow().is_ok_and(|parker| self.host.is_called(&*parker))
    }

    /// True if tasks, closures, hooks, ticks that are waited for, or owed time wait for the next tick.
    fn has_work(&self) -> bool {
        self.local.has_work() || self.frames().is_due() || (self.owed.get() != 0 && !self.is_standing())
    }

    /// True if neither sockets nor other threads may have news.
    fn is_silent(&self, parker: &Parker) -> bool {
        !parker.has_sockets() && !self.host.is_called(parker)
    }

    /// Wakes whom the sockets concern, and leaves the descriptor unreadable.
    fn look(&self) {
        let parker = &mut *self.parker.borrow_mut();
        if self.host.polls() {
            parker.read();
        } else {
            parker.look();
        }
    }

    /// Moves the clock by what is owed if nothing comes due on the way; true if nothing is owed any more.
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

    /// True while owed time must not pass.
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
        let lane = DriverLane::enter(&self.local.shared.update);
        Turn { pump: self, entered: Some(context::enter(Rc::clone(&self.local))), arms: true, _lane: lane }
    }

    /// The host waits from now on, unless there is work already.
    pub(super) fn arm(&self) {
        let work = self.has_work();
        let call = self.host.arm(&mut *self.parker.borrow_mut(), self.driver(), work);
        if call {
            self.host.call();
        }
    }

    /// The poll's descriptor.
    #[cfg(all(unix, feature = "net"))]
    pub(super) fn descriptor(&self) -> &crate::reactor::Registry {
        &self.descriptor
    }

    /// The host waits for the descriptor, from now on.
    #[cfg(all(unix, feature = "net"))]
    pub(super) fn poll_from_outside(&self) {
        let first = self.host.set_polls();
        // Inside a tick its end does it.
        if first && !self.turning.get() {
            // What the word has seen so far, the look for work sees now.
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

    /// True if a timer is due, or a wait for this tick.
    fn is_due(&self) -> bool {
        self.driver().is_due() || self.frames().is_due()
    }

    fn soonest(&self) -> Option<Instant> {
        self.driver().lower_bound().and_then(|moment| self.clock().instant_of(moment))
    }

    /// Refuses what comes. The futures are dropped when the poll is over that is on.
    pub(super) fn close_later(&self) {
        self.host.disarm(self.parker.borrow().state());
        self.local.shared.begin_closing();
    }

    /// Drops all futures. Nothing is told to the host any more.
    pub(super) fn close(&self) {
        let turn = self.begin();
        self.local.shared.begin_closing();
        self.local.close();
        // The host is not to be told of what comes now.
        turn.leave();
    }
}

impl Turn<'_> {
    pub(super) fn requests(&self) -> &WorldRequests {
        &self.pump.local.requests
    }

    /// A frame: its moments, until the clock is where the host wants it, or the budget is used up.
    pub(super) fn run(&self, meter: &mut Meter, rounds: usize, world: &mut World<'_>) -> Moment {
        let pump = self.pump;
        pump.look();
        let frames = pump.frames();
        if frames.lower_bound().is_some()
            && let Some(frame) = frames.clock().as_manual()
        {
            frame.step(Duration::from_nanos(1));
        }
        // Moments in a row between which no time passed.
        let mut standing = 0;
        let end = loop {
            // A task that wakes itself must not stop the time, whatever the budget.
            let owes = pump.owed.get() != 0;
            let at_most = if meter.is_limited() && !owes { usize::MAX } else { rounds };
            // Chosen once a moment: a poll that is not watched costs nothing for it.
            let end = match pump.local.core.watch() {
                None => self.moment::<false>(meter, at_most, world),
                Some(_) => self.moment::<true>(meter, at_most, world),
            };
            if end == Moment::Spent {
                break end;
            }
            let Some(passed) = self.pass_on() else { break end };
            // Timers may wake nobody here: then no poll looks at the budget.
            if meter.look() {
                break Moment::Spent;
            }
            standing = if passed == 0 { standing + 1 } else { 0 };
            // A task that moves the clock itself, past a timer of its own each time, must not hold the tick.
            if standing == ROUNDS && !meter.is_limited() {
                break end;
            }
        };
        // Those of tasks that used the budget up.
        pump.local.deliver_hooks();
        pump.local.serve_listing();
        pump.local.core.drain(&pump.local.shared.inbox);
        pump.local.core.end_turn();
        end
    }

    /// Rounds, until nothing is ready.
    #[inline(never)]
    fn moment<const WATCHED: bool>(&self, meter: &mut Meter, rounds: usize, world: &mut World<'_>) -> Moment {
        let local = &*self.pump.local;
        // Polls and closures since the last look at the timers: the first round takes one.
        let mut since = LOOK;
        // The last look left some that are due.
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
                // A script may ask the host many times in a row, each of which takes a round.
                if answered != 0 && answers != 0 {
                    answers -= 1;
                    left += 1;
                }
            }
            since += closures + answered;
            // What the closures have woken runs in this round.
            let due = local.core.ready_len();
            if due == 0 && closures == 0 && answered == 0 && !more {
                // The hooks may make something ready.
                if local.deliver_hooks() {
                    continue;
                }
                return Moment::Settled;
            }
            for _ in 0..due {
                // A round may be long. What comes in meanwhile stands behind it, unless it is more urgent.
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

    /// Takes in what came from elsewhere and fires what is due; true if more is.
    fn look_at_timers(&self, meter: &mut Meter) -> bool {
        let (driver, frames) = (&*self.pump.local.shared.driver, self.pump.frames());
        let now = driver.clock().nanos();
        self.pump.local.take_in(now);
        let mut more = false;
        for (timers, now) in [(frames, frames.clock().nanos()), (driver, now)] {
            let fired = if meter.is_limited() { timers.fire_some(now) } else { timers.fire_due(now) };
            meter.fired += fired.count;
            more |= fired.more;
        }
        more
    }

    fn has_timers(&self) -> bool {
        self.pump.driver().lower_bound().is_some() || self.pump.frames().lower_bound().is_some()
    }

    /// Moves the clock to the next deadline on the way to where it is to be, and says how far that was: not at all, if a
    /// timer is due. `None` if the clock is where it is to be.
    fn pass_on(&self) -> Option<u64> {
        let pump = self.pump;
        let owed = pump.owed.get();
        if owed == 0 || pump.is_standing() {
            return None;
        }
        let manual = pump.clock().as_manual()?;
        let now = pump.clock().nanos();
        let target = now.saturating_add(owed);
        let stop = pump.driver().next_deadline().map_or(target, |next| next.clamp(now, target));
        pump.owed.set(target - stop);
        manual.reach(stop);
        Some(stop - now)
    }

    /// True if a task waits for the next tick, or for a later one.
    pub(super) fn is_awaited(&self) -> bool {
        self.pump.frames().lower_bound().is_some()
    }

    /// Ends the tick for good: the host does not wait for anything afterwards.
    fn leave(mut self) {
        self.arms = false;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.entered = None;
        self.pump.local.requests.end();
        if self.arms {
            self.pump.arm();
        }
        self.pump.turning.set(false);
    }
}

impl LocalRuntime {
    /// Does what there is to do, within the budget, and returns.
    ///
    /// Takes in what was spawned and woken from elsewhere, fires the timers that are due on the runtime's clock, and polls
    /// the tasks that are ready, in rounds: a task that wakes itself runs again behind all others, and only while there
    /// is budget. Never waits. With nothing to do it costs a few loads (and a look at the clock, if there are timers).
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
        self.pump.tick(budget, World::none())
    }

    /// Lets game time pass, then ticks: moves the runtime's manual clock by `by`, times its scale, and not at all while it
    /// is paused.
    ///
    /// What is ready runs before the time passes: a task that was spawned just now sleeps from the old time on. Then
    /// the clock goes from deadline to deadline, and the tasks run at each, so a task that sleeps 10 ms again and again
    /// runs six times in a frame of 60 ms, each time at its own time, and a step over ten years meets everything in its
    /// order. What the budget does not reach is owed ([`TickReport::behind`]): the clock stays behind, and the next tick,
    /// of whatever kind, goes on there. While the clock is paused what is owed waits as well.
    ///
    /// A clock that is moved by its own calls ([`ManualClock::step`], [`ManualClock::set`]) jumps instead: the next tick
    /// fires all that is due, at the new time.
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
        self.pump.advance(by, budget, World::none())
    }

    /// As [`advance`](Self::advance), for a host that knows what time it is: moves the runtime's manual clock to `now`,
    /// whatever its scale, also while it is paused.
    ///
    /// Time does not go backwards: an earlier moment than the host gave before, or than the clock shows, changes nothing
    /// and is counted in [`ManualClock::backward_moves`]; the tick goes on.
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
        let pump = &self.pump;
        pump.refuse_nested()?;
        let manual = pump.manual()?;
        let (to, shows) = (pump.clock().nanos_of(now), pump.clock().nanos());
        if to < shows.saturating_add(pump.owed.get()) {
            manual.count_backward();
        } else {
            pump.owed.set(to - shows);
        }
        pump.pausable.set(false);
        pump.tick(budget, World::none())
    }

    /// Returns true if a tick has something to do now.
    ///
    /// For a host that sleeps, after calls of its own: those never run a hook. A spawn, a cancellation, a dropped task, a
    /// clock that the host moves past a deadline, or a hook that is to be called make it true. What the last tick left
    /// counts as well; a wait for the next tick ([`next_tick`](crate::time::next_tick)) and a socket that is ready do not.
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
        self.pump.needs_tick()
    }

    /// A moment before which no timer fires, on the runtime's clock; `None` without timers.
    ///
    /// For a host that plans its own sleep. A timer of another thread may come in meanwhile:
    /// [`LocalBuilder::on_wake`](crate::LocalBuilder::on_wake) and the descriptor tell of it.
    pub fn next_deadline(&self) -> Option<Instant> {
        let moment = self.pump.driver().next_deadline()?;
        self.pump.clock().instant_of(moment)
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump")
            .field("turning", &self.turning.get())
            .field("ready", &self.local.core.ready_len())
            .field("behind", &Duration::from_nanos(self.owed.get()))
            .finish()
    }
}
