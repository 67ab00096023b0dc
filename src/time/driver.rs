//! The timers of one runtime: a [`Wheel`] of wakers that every thread may use, and the protocol with its reactor.
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
//! 4. The mark is cleared by the reactor alone. Whoever still reads it as set unparks once too often, no more.
//! 5. A manual clock stores its new time, then each driver looks, under the lock, whether something became due. Either
//!    that is before `prepare_park`, which reads the clock under the lock and sees the new time, or after, and then
//!    it sees the mark.
//!
//! `earliest` is a lower bound: a cancel leaves it, which costs at most one turn in vain.
//!
//! While timers end by the ten thousand a second, `prepare_park` allows a longer wait than until the next: see [`crowd`].
//! What comes meanwhile unparks as ever.
//!
//! # After the end
//! A driver whose runtime shuts down [ends](Driver::end): its timers go on in real time, and a thread of the process fires
//! them ([`after_end`]). The waits for ticks of a host cannot go on; their driver is [closed](Driver::close).
//!
//! # Wakers
//! A waker is foreign code. It is cloned before the lock, moved in and out under it, and dropped or woken after it.

mod after_end;
mod crowd;

pub(crate) use self::after_end::orphan;
use self::crowd::Crowd;
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

/// Number of batches that one [`Driver::fire_due`] takes before the reactor looks after its other work: 2048 timers.
const BATCHES: usize = 64;

/// `earliest` when nothing is pending. A timer at this very moment, 584 years away, is never waited for either.
const NEVER: u64 = u64::MAX;

/// Names a timer; after it fired or was cancelled, for ever nothing.
pub(crate) type TimerKey = Key;

/// A timer was refused because the runtime is shut down. The waker comes back.
#[derive(Debug, thiserror::Error)]
#[error("the runtime of this timer is shut down")]
pub(crate) struct TimerClosed(pub(crate) Waker);

/// What became of a timer.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerState {
    /// Not yet due. The waker given last is the one that will be woken.
    Pending,
    /// Fired or cancelled: the key names nothing any more.
    Gone,
    /// The driver was closed; nothing fires any more.
    Closed,
}

/// How one [`Driver::fire_due`] went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    /// Timers that were woken.
    pub(crate) count: usize,
    /// The bound of one call was reached: more is due, call again before parking.
    pub(crate) more: bool,
}

/// How long the reactor may park, as far as timers go.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParkTime {
    /// Not at all: something is due.
    Zero,
    /// This long. Never zero. While many timers end it goes beyond the first of them.
    AtMost(Duration),
    /// Until it is unparked: no timer is pending, or time moves by calls only.
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
    /// No timer is to be fired before this moment. Written under the lock; Relaxed everywhere, because the one read
    /// outside it ([`fire_due`](Self::fire_due)) may miss a timer that `prepare_park`, under the lock, will not.
    earliest: AtomicU64,
    /// The reactor parks or is about to. Set under the lock and read under it, which orders them: Relaxed. Cleared
    /// without it, by the reactor (rule 4).
    armed: AtomicBool,
    /// The moment of the last look at the timers, for whoever need not know it better: Relaxed, and behind the clock.
    looked: AtomicU64,
    /// When the runtime shut down. Set under the lock.
    ended: OnceLock<Instant>,
    shared: Mutex<Shared>,
    /// Timers by clocks that run by this one's.
    children: Mutex<Vec<Weak<ChildTimers>>>,
}

struct Shared {
    wheel: Wheel<Waker>,
    crowd: Crowd,
    closed: bool,
    /// The thread for timers of runtimes that have shut down knows of this driver.
    adopted: bool,
}

impl Driver {
    /// A driver without timers, told by `clock` when that is moved by hand.
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
                crowd: Crowd::default(),
                closed: false,
                adopted: false,
            }),
            children: Mutex::new(Vec::new()),
        });
        let listener: Weak<Self> = Arc::downgrade(&driver);
        driver.clock.listen(listener);
        driver
    }

    /// The clock by which the timers go.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The time by which the timers go, in nanoseconds of the clock: what the clock shows, and after the end of the
    /// runtime real time on top of it, if the clock does not run by itself.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        let shown = self.clock.nanos();
        if self.clock.runs_by_itself() { shown } else { shown.saturating_add(self.since_end()) }
    }

    fn since_end(&self) -> u64 {
        let since = self.ended.get().map(Instant::elapsed);
        since.map_or(0, |since| since.as_nanos().try_into().unwrap_or(u64::MAX))
    }

    /// As [`now`](Self::now), as an instant of the clock.
    pub(crate) fn now_instant(&self) -> Instant {
        let shown = self.clock.now();
        if self.clock.runs_by_itself() {
            return shown;
        }
        shown.checked_add(Duration::from_nanos(self.since_end())).unwrap_or(shown)
    }

    /// The moment `wait` from now.
    #[inline]
    pub(crate) fn deadline_in(&self, wait: Duration) -> u64 {
        self.now().saturating_add(saturating_nanos(wait))
    }

    /// Number of pending timers, those of child clocks included.
    pub(crate) fn len(&self) -> usize {
        let children: Vec<_> = self.children.lock().iter().filter_map(Weak::upgrade).collect();
        let (theirs, stand_ins) =
            children.iter().map(|child| child.surplus()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        (self.shared.lock().wheel.len() + theirs).saturating_sub(stand_ins)
    }

    /// True once the runtime has shut down.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    pub(super) fn children(&self) -> &Mutex<Vec<Weak<ChildTimers>>> {
        &self.children
    }

    /// Adds a timer that wakes `waker` at `deadline` (nanoseconds of the clock), rounded up to a tick of the wheel.
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

    /// Gives a timer a new deadline, earlier or later; its waker stays.
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

    /// Makes `waker` the one to be woken. If the answer is [`TimerState::Pending`] it will be; otherwise the one
    /// before it was woken already, or is being woken, or the timer was cancelled.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: &Waker) -> TimerState {
        {
            let mut shared = self.shared.lock();
            match shared.wheel.payload_mut(key) {
                Some(known) if known.will_wake(waker) => return TimerState::Pending,
                Some(_) => {}
                None => return shared.state_of_gone(),
            }
        }
        // Declared before the guard, so dropped after it: whichever waker is left over dies outside the lock.
        let mut waker = waker.clone();
        let mut shared = self.shared.lock();
        // The timer may have fired while the lock was given back.
        match shared.wheel.payload_mut(key) {
            Some(known) => {
                std::mem::swap(known, &mut waker);
                TimerState::Pending
            }
            None => shared.state_of_gone(),
        }
    }

    /// Takes a timer out. True if it was pending: then its waker is not woken.
    pub(crate) fn cancel(&self, key: TimerKey) -> bool {
        let waker = self.shared.lock().wheel.remove(key);
        // Dropped here, after the lock.
        waker.is_some()
    }

    /// Wakes the timers that are due at `now`, in the order of their deadlines, up to a bound. For the reactor, which
    /// calls it once a turn: a turn with nothing due costs one load.
    pub(crate) fn fire_due(&self, now: u64) -> Fired {
        self.fire_batches(now, BATCHES)
    }

    /// As [`fire_due`](Self::fire_due), but one batch at most: for a host that looks at its budget in between.
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
                shared.crowd.note(now, batch.len());
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

    /// True if a deadline has passed, as far as can be told without a reading of the system's clock, which costs as much as
    /// an insertion: a deadline that passed since the last turn is found to have passed in the next one.
    pub(crate) fn has_reached(&self, deadline: u64) -> bool {
        let present = if self.clock.runs_by_itself() { self.looked.load(Ordering::Relaxed) } else { self.now() };
        deadline <= present
    }

    /// True if a timer is due: what a reactor that spins looks at.
    pub(crate) fn is_due(&self) -> bool {
        self.lower_bound().is_some_and(|earliest| earliest <= self.now())
    }

    /// A moment before which no timer fires, for the price of one load: it may still name one that was cancelled. `None`
    /// without timers.
    #[inline]
    pub(crate) fn lower_bound(&self) -> Option<u64> {
        let earliest = self.earliest.load(Ordering::Relaxed);
        (earliest != NEVER).then_some(earliest)
    }

    /// A moment before which no timer fires, `None` without timers. For a host that plans its own next turn. It arms
    /// nothing: whoever then waits where an earlier timer must reach it asks [`prepare_park`](Self::prepare_park).
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let shared = self.shared.lock();
        if self.armed.load(Ordering::Relaxed) {
            // Whoever waits has set its alarm to `earliest`. At that moment it must find something due, be it in vain: a look
            // that finds nothing leaves the alarm as it is.
            return shared.wheel.next_deadline().map(|next| next.max(self.earliest.load(Ordering::Relaxed)));
        }
        self.tighten_earliest(&shared)
    }

    /// How long the reactor may park. From here until its next [`fire_due`](Self::fire_due), whoever brings an earlier
    /// timer unparks it.
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
                ParkTime::AtMost(Duration::from_nanos(shared.crowd.stretch(now, wait)))
            }
            Some(_) => ParkTime::Unlimited,
        }
    }

    /// Ends every timer: all are woken, whatever their deadline, and find [`TimerState::Closed`]; later ones are
    /// refused.
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

    /// Unparks whoever fires the timers: the reactor, or the thread that does it after the end.
    fn unpark_driver(&self) {
        if self.ended.get().is_some() {
            after_end::unpark();
        } else {
            self.unpark.unpark();
        }
    }

    /// Takes note of a timer that is yielded at `moment`, under the lock; true if the reactor may have parked for longer.
    fn lower_earliest(&self, moment: u64) -> bool {
        if moment >= self.earliest.load(Ordering::Relaxed) {
            return false;
        }
        self.earliest.store(moment, Ordering::Relaxed);
        self.armed.load(Ordering::Relaxed)
    }

    /// Raises `earliest` past timers that were cancelled, under the lock. The wheel knows the slot of the next timer,
    /// the insert knew its tick: both are lower bounds, the later one is the better.
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
