//! The timers of one runtime: a [`Wheel`] of wakers, and its protocol with the reactor.
//!
//! # Who does what
//! Any thread inserts, resets and cancels. One thread, the **reactor**, turns in this order:
//!
//! ```text
//!   fire_due(now)      wakes what is due                                        (awake: nobody unparks it for timers)
//!   .. run tasks ..
//!   prepare_park()     says how long it may wait and marks it as armed          (armed)
//!   park               returns at once if unparked since prepare_park           (armed)
//! ```
//!
//! # Why no wake-up is lost
//! 1. The armed mark, the earliest moment and the wheel change under one lock. An insert of an earlier timer is either
//!    before `prepare_park`, which then computes its answer from it, or after, and then it sees the mark and unparks.
//! 2. It unparks after the timer is in the wheel, so the reactor that this wakes finds it.
//! 3. Of several inserts only those that lower `earliest` unpark: for the others the unpark of an earlier one is
//!    already on its way.
//! 4. Only the reactor clears the mark. A thread that still reads it as set unparks once too often, no more.
//! 5. A manual clock stores its new time, and then each driver checks, under the lock, whether something became due.
//!    Either that is before `prepare_park`, which reads the clock under the lock and sees the new time, or after it,
//!    and then it sees the mark.
//!
//! `earliest` is a lower bound: a cancel leaves it, which costs at most one useless turn.
//!
//! While tens of thousands of timers end per second, `prepare_park` allows a longer wait than until the next one: see
//! [`coalesce`]. Timers that arrive meanwhile unpark as always.
//!
//! # After the end
//! A driver whose runtime shuts down [ends](Driver::end): its timers continue in real time, and a thread of the process
//! fires them ([`after_end`]). The waits for ticks of a host cannot continue; their driver is [closed](Driver::close).
//!
//! # Wakers
//! A waker is foreign code. It is cloned before the lock, moved in and out under it, and dropped or woken after it.

mod after_end;
mod coalesce;

pub(crate) use self::after_end::orphan;
use self::coalesce::TimerCoalescer;
use crate::instant::Instant;
use crate::park::Unpark;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, OnceLock, Weak};
use crate::task::raw::prefetch;
use crate::time::child::ChildTimers;
use crate::time::clock::{Clock, ClockListener, saturating_nanos};
use crate::time::wheel::{Advance, Key, Ticks, Wheel};
use crate::util::wake_batch::WakeBatch;
use std::task::Waker;
use std::time::Duration;

/// The number of batches of one [`Driver::fire_due`]: 2048 timers.
///
/// Then the reactor does its other work.
const BATCHES: usize = 64;

/// The value of `earliest` without timers.
///
/// A timer at this time, 584 years away, is never waited for either.
const NEVER: u64 = u64::MAX;

/// A key of a timer, valid until the timer fired or was cancelled.
pub(crate) type TimerKey = Key;

/// An error for a timer of a runtime that has shut down. It has the waker.
#[derive(Debug, thiserror::Error)]
#[error("the runtime of this timer is shut down")]
pub(crate) struct TimerClosed(pub(crate) Waker);

/// The state of a timer.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerState {
    /// Not yet due. The last waker will be woken.
    Pending,
    /// Fired or cancelled: the key is not valid any more.
    Gone,
    /// The driver was closed; nothing fires any more.
    Closed,
}

/// The result of one [`Driver::fire_due`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    /// The number of timers that were woken.
    pub(crate) count: usize,
    /// True if the limit of one call was reached: more are due, call again before parking.
    pub(crate) more: bool,
}

/// The time for which timers allow the reactor to park.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParkTime {
    /// Not at all: something is due.
    Zero,
    /// At most this long, never zero. While many timers end it exceeds the first deadline.
    AtMost(Duration),
    /// Until it is unparked: no timer is pending, or only calls move the time.
    Unlimited,
}

impl ParkTime {
    fn shorter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Zero, _) | (_, Self::Zero) => Self::Zero,
            (Self::AtMost(a), Self::AtMost(b)) => Self::AtMost(a.min(b)),
            (wait, Self::Unlimited) | (Self::Unlimited, wait) => wait,
        }
    }
}

/// The timers of one runtime. See the module for the protocol.
pub(crate) struct Driver {
    clock: Clock,
    unpark: Arc<dyn Unpark>,
    /// A time before which no timer fires. Written under the lock.
    ///
    /// Relaxed everywhere: the only read outside of the lock ([`fire_due`](Self::fire_due)) may miss a timer that
    /// `prepare_park`, under the lock, will not.
    earliest: AtomicU64,
    /// True while the reactor is parked or about to park.
    ///
    /// Set and read under the lock, which orders them: Relaxed. Cleared without it, by the reactor (rule 4).
    armed: AtomicBool,
    /// The time of the last check of the timers. Relaxed, and behind the clock.
    looked: AtomicU64,
    /// The time of the runtime's shutdown. Set under the lock.
    ended: OnceLock<Instant>,
    shared: Mutex<Shared>,
    /// The timers of clocks that run by this one's.
    children: Mutex<Vec<Weak<ChildTimers>>>,
}

struct Shared {
    wheel: Wheel<Waker>,
    coalescer: TimerCoalescer,
    closed: bool,
    /// True if the thread for timers after a shutdown knows this driver.
    adopted: bool,
}

impl Driver {
    /// Creates a driver without timers. `clock` notifies it of moves.
    pub(crate) fn new(clock: Clock, unpark: Arc<dyn Unpark>) -> Arc<Self> {
        let ticks = if clock.runs_by_itself() { Ticks::COARSE } else { Ticks::EXACT };
        let driver = Arc::new(Self {
            clock,
            unpark,
            earliest: AtomicU64::new(NEVER),
            armed: AtomicBool::new(false),
            looked: AtomicU64::new(0),
            ended: OnceLock::new(),
            shared: Mutex::new(Shared {
                wheel: Wheel::new(ticks),
                coalescer: TimerCoalescer::default(),
                closed: false,
                adopted: false,
            }),
            children: Mutex::new(Vec::new()),
        });
        let listener: Weak<Self> = Arc::downgrade(&driver);
        driver.clock.listen(listener);
        driver
    }

    /// Returns the clock of the timers.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the time of the timers, in nanoseconds of the clock.
    ///
    /// After the end of the runtime real time is added, if the clock is manual.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        let shown = self.clock.nanos();
        if self.clock.runs_by_itself() { shown } else { shown.saturating_add(self.since_end()) }
    }

    fn since_end(&self) -> u64 {
        let since = self.ended.get().map(Instant::elapsed);
        since.map_or(0, |since| since.as_nanos().try_into().unwrap_or(u64::MAX))
    }

    /// Returns [`now`](Self::now) as an instant of the clock.
    pub(crate) fn now_instant(&self) -> Instant {
        let shown = self.clock.now();
        if self.clock.runs_by_itself() {
            return shown;
        }
        shown.checked_add(Duration::from_nanos(self.since_end())).unwrap_or(shown)
    }

    /// Returns the time `wait` from now.
    #[inline]
    pub(crate) fn deadline_in(&self, wait: Duration) -> u64 {
        self.now().saturating_add(saturating_nanos(wait))
    }

    /// Returns the number of pending timers, including those of child clocks.
    pub(crate) fn len(&self) -> usize {
        let children: Vec<_> = self.children.lock().iter().filter_map(Weak::upgrade).collect();
        let (theirs, stand_ins) =
            children.iter().map(|child| child.surplus()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        (self.shared.lock().wheel.len() + theirs).saturating_sub(stand_ins)
    }

    /// Returns true once the runtime has shut down.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    pub(super) fn children(&self) -> &Mutex<Vec<Weak<ChildTimers>>> {
        &self.children
    }

    /// Adds a timer that wakes `waker` at `deadline`, in nanoseconds of the clock.
    ///
    /// The deadline is rounded up to a tick of the wheel.
    ///
    /// # Errors
    /// [`TimerClosed`] after [`close`](Self::close).
    pub(crate) fn insert(&self, deadline: u64, waker: Waker) -> Result<TimerKey, TimerClosed> {
        let mut shared = self.shared.lock();
        if shared.closed {
            drop(shared);
            return Err(TimerClosed(waker));
        }
        let key = shared.wheel.insert(deadline, waker);
        let unpark = self.lower_earliest(shared.wheel.moment_of_deadline(deadline));
        drop(shared);
        if unpark {
            self.unpark_driver();
        }
        Ok(key)
    }

    /// Changes the deadline of a timer, to an earlier or later one; its waker stays.
    pub(crate) fn reset(&self, key: TimerKey, deadline: u64) -> TimerState {
        let mut shared = self.shared.lock();
        if !shared.wheel.reset(key, deadline) {
            return shared.state_of_gone();
        }
        let unpark = self.lower_earliest(shared.wheel.moment_of_deadline(deadline));
        drop(shared);
        if unpark {
            self.unpark_driver();
        }
        TimerState::Pending
    }

    /// Replaces the waker of a timer.
    ///
    /// If the answer is [`TimerState::Pending`], the new waker will be woken. Otherwise the previous one was woken, is
    /// being woken, or the timer was cancelled.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: &Waker) -> TimerState {
        {
            let mut shared = self.shared.lock();
            match shared.wheel.payload_mut(key) {
                Some(known) if known.will_wake(waker) => return TimerState::Pending,
                Some(_) => {}
                None => return shared.state_of_gone(),
            }
        }
        // Declared before the guard, so dropped after it: the unused waker is dropped outside the lock.
        let mut waker = waker.clone();
        let mut shared = self.shared.lock();
        // The timer may have fired while the lock was released.
        match shared.wheel.payload_mut(key) {
            Some(known) => {
                std::mem::swap(known, &mut waker);
                TimerState::Pending
            }
            None => shared.state_of_gone(),
        }
    }

    /// Removes a timer. Returns true if it was pending: then its waker is not woken.
    pub(crate) fn cancel(&self, key: TimerKey) -> bool {
        let waker = self.shared.lock().wheel.remove(key);
        // Dropped here, after the lock.
        waker.is_some()
    }

    /// Wakes the timers that are due at `now`, in order, up to a limit.
    ///
    /// The reactor calls it once per turn: a turn with nothing due costs one load.
    pub(crate) fn fire_due(&self, now: u64) -> Fired {
        self.fire_batches(now, BATCHES)
    }

    /// Wakes at most one batch of due timers, for a host that checks its budget in between.
    pub(crate) fn fire_some(&self, now: u64) -> Fired {
        self.fire_batches(now, 1)
    }

    fn fire_batches(&self, now: u64, batches: usize) -> Fired {
        self.armed.store(false, Ordering::Relaxed);
        self.looked.store(now, Ordering::Relaxed);
        if self.earliest.load(Ordering::Relaxed) > now {
            return Fired { count: 0, more: false };
        }
        let mut batch = WakeBatch::new();
        let mut count = 0;
        for _ in 0..batches {
            let advance = {
                let mut shared = self.shared.lock();
                let advance = shared.wheel.advance(now, WakeBatch::CAPACITY, |waker| {
                    prefetch(&waker);
                    batch.push(waker);
                });
                self.earliest.store(shared.wheel.next_deadline().unwrap_or(NEVER), Ordering::Relaxed);
                shared.coalescer.note(now, batch.len());
                advance
            };
            count += batch.len();
            batch.wake_all();
            if advance == Advance::Complete {
                return Fired { count, more: false };
            }
        }
        Fired { count, more: true }
    }

    /// Returns true if a deadline has passed, without reading the system's clock.
    ///
    /// Reading it costs as much as an insertion. So a deadline that passed since the last turn is found in the next
    /// one.
    pub(crate) fn has_reached(&self, deadline: u64) -> bool {
        let present = if self.clock.runs_by_itself() { self.looked.load(Ordering::Relaxed) } else { self.now() };
        deadline <= present
    }

    /// Returns true if a timer is due, for a reactor that spins.
    pub(crate) fn is_due(&self) -> bool {
        self.lower_bound().is_some_and(|earliest| earliest <= self.now())
    }

    /// Returns a time before which no timer fires, for one load; `None` without timers.
    ///
    /// It may belong to a cancelled timer.
    #[inline]
    pub(crate) fn lower_bound(&self) -> Option<u64> {
        let earliest = self.earliest.load(Ordering::Relaxed);
        (earliest != NEVER).then_some(earliest)
    }

    /// Returns a time before which no timer fires; `None` without timers.
    ///
    /// Use it in a host that plans its next turn. It arms nothing: a thread that waits, and must be woken for an
    /// earlier timer, calls [`prepare_park`](Self::prepare_park).
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let shared = self.shared.lock();
        if self.armed.load(Ordering::Relaxed) {
            // A waiting host has set its alarm to `earliest`. At that time it must find something due, even for
            // nothing: a check that finds nothing leaves the alarm unchanged.
            return shared.wheel.next_deadline().map(|next| next.max(self.earliest.load(Ordering::Relaxed)));
        }
        self.tighten_earliest(&shared)
    }

    /// Returns how long the reactor may park.
    ///
    /// From here until its next [`fire_due`](Self::fire_due), an insert of an earlier timer unparks it.
    pub(crate) fn prepare_park(&self) -> ParkTime {
        let shared = self.shared.lock();
        self.armed.store(true, Ordering::Relaxed);
        let Some(earliest) = self.tighten_earliest(&shared) else {
            return ParkTime::Unlimited;
        };
        // Read under the lock: rule 5.
        let now = self.now();
        let runs = self.clock.runs_by_itself() || self.ended.get().is_some();
        match earliest.checked_sub(now) {
            None | Some(0) => ParkTime::Zero,
            Some(wait) if earliest != NEVER && runs => {
                ParkTime::AtMost(Duration::from_nanos(shared.coalescer.stretch(now, wait)))
            }
            Some(_) => ParkTime::Unlimited,
        }
    }

    /// Ends every timer: all are woken, and find [`TimerState::Closed`].
    ///
    /// Later ones are refused.
    pub(crate) fn close(&self) {
        self.shared.lock().closed = true;
        let mut batch = WakeBatch::new();
        loop {
            let advance = {
                let mut shared = self.shared.lock();
                let advance = shared.wheel.advance(u64::MAX, WakeBatch::CAPACITY, |waker| batch.push(waker));
                self.earliest.store(shared.wheel.next_deadline().unwrap_or(NEVER), Ordering::Relaxed);
                advance
            };
            batch.wake_all();
            if advance == Advance::Complete {
                return;
            }
        }
    }

    /// Unparks the thread that fires the timers: the reactor, or the timer thread after the end.
    fn unpark_driver(&self) {
        if self.ended.get().is_some() {
            after_end::unpark();
        } else {
            self.unpark.unpark();
        }
    }

    /// Records a timer that fires at `moment`, under the lock.
    ///
    /// Returns true if the reactor may have parked for longer.
    fn lower_earliest(&self, moment: u64) -> bool {
        if moment >= self.earliest.load(Ordering::Relaxed) {
            return false;
        }
        self.earliest.store(moment, Ordering::Relaxed);
        self.armed.load(Ordering::Relaxed)
    }

    /// Raises `earliest` past cancelled timers, under the lock.
    ///
    /// The wheel knows the slot of the next timer, and the insert knew its tick: both are lower bounds, and the later
    /// one is better.
    fn tighten_earliest(&self, shared: &Shared) -> Option<u64> {
        let next = shared.wheel.next_deadline();
        let earliest = next.map_or(NEVER, |next| next.max(self.earliest.load(Ordering::Relaxed)));
        self.earliest.store(earliest, Ordering::Relaxed);
        next.map(|_| earliest)
    }
}

impl Shared {
    fn state_of_gone(&self) -> TimerState {
        if self.closed { TimerState::Closed } else { TimerState::Gone }
    }
}

impl ClockListener for Driver {
    fn clock_moved(&self) {
        let due = {
            let _shared = self.shared.lock();
            self.armed.load(Ordering::Relaxed) && self.earliest.load(Ordering::Relaxed) <= self.now()
        };
        if due {
            self.unpark_driver();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
