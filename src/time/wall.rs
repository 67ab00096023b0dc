//! The wall clock of schedules: the system's, or one that the program sets.
//!
//! A wall clock may jump, forwards or backwards. Code that waits for a reading registers a listener and checks again
//! after each jump. Each move stores the new reading first and then calls the listeners, outside the lock.

use super::clock::{Clock, ClockListener};
use crate::instant::{Instant, wall_now};
use crate::sync::{Arc, Mutex, Weak};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The farthest reading of a settable clock from 1970, in nanoseconds.
///
/// About 260,000 years, which every calendar can express.
const FARTHEST_NANOS: i128 = 8_000_000_000_000 * 1_000_000_000;

/// The time source of schedules by time of day, date or instant.
///
/// [`WallClock::system`] is the default. [`WallClock::manual`] is for simulations and tests: the program may set it
/// forwards and backwards.
///
/// Sleeps, timeouts and intervals do not use it: they use the [`Clock`] of their runtime, which never jumps.
///
/// # Example
/// ```
/// use offtick::time::WallClock;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let manual = WallClock::manual(UNIX_EPOCH + Duration::from_secs(1_000));
/// let wall: WallClock = manual.clone().into();
/// manual.step_back(Duration::from_secs(400));
/// assert_eq!(wall.now(), UNIX_EPOCH + Duration::from_secs(600));
/// ```
#[derive(Clone, Default)]
pub struct WallClock {
    /// `None` for the system's.
    manual: Option<ManualWallClock>,
}

impl WallClock {
    /// Returns the wall clock of the operating system, or of the page.
    ///
    /// # Example
    /// ```
    /// use offtick::time::WallClock;
    /// assert!(WallClock::system().now() >= std::time::UNIX_EPOCH);
    /// ```
    pub fn system() -> Self {
        Self::default()
    }

    /// Creates a clock that shows `start` until it is moved; see [`ManualWallClock`].
    ///
    /// # Example
    /// See [`WallClock`]. With the feature `cron`, `start` may be a `chrono::DateTime` of any zone.
    pub fn manual(start: impl Into<SystemTime>) -> ManualWallClock {
        ManualWallClock::new(start.into(), None)
    }

    /// Creates a clock that shows `start` and runs at the pace of `clock`.
    ///
    /// It can be moved as well.
    ///
    /// With the manual clock of a runtime, one `advance` moves both, as real time does.
    ///
    /// # Example
    /// ```
    /// use offtick::time::{Clock, WallClock};
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// let clock = Clock::manual();
    /// let wall = WallClock::paced_by(clock.clone(), UNIX_EPOCH);
    /// clock.advance(Duration::from_secs(5));
    /// wall.step(Duration::from_secs(3600)); // someone set the clock
    /// assert_eq!(wall.now(), UNIX_EPOCH + Duration::from_secs(3605));
    /// ```
    pub fn paced_by(clock: impl Into<Clock>, start: impl Into<SystemTime>) -> ManualWallClock {
        ManualWallClock::new(start.into(), Some(clock.into()))
    }

    /// Returns the current reading. It may go backwards.
    pub fn now(&self) -> SystemTime {
        match &self.manual {
            None => wall_now(),
            Some(manual) => manual.now(),
        }
    }

    /// Returns the settable clock behind this one; `None` for the system's.
    pub fn as_manual(&self) -> Option<&ManualWallClock> {
        self.manual.as_ref()
    }

    /// Returns the current reading, in nanoseconds since 1970.
    pub(crate) fn nanos(&self) -> i128 {
        match &self.manual {
            None => wall_nanos(wall_now()),
            Some(manual) => manual.nanos(),
        }
    }

    /// Returns true if the reading changes without a call on this clock.
    pub(crate) fn runs_by_itself(&self) -> bool {
        self.manual.as_ref().is_none_or(|manual| manual.shared.pace.is_some())
    }

    /// Returns true if every step calls listeners here.
    ///
    /// It is set by the program, and otherwise advances with `clock` or not at all.
    pub(crate) fn notifies(&self, clock: &Clock) -> bool {
        let pace = self.manual.as_ref().map(|manual| &manual.shared.pace);
        pace.is_some_and(|pace| pace.as_ref().is_none_or(|(pace, _)| pace.is(clock)))
    }

    /// Returns true for the clock of the operating system.
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "for reactors that notify of steps"))]
    pub(crate) fn is_system(&self) -> bool {
        self.manual.is_none()
    }

    /// Registers a listener for moves. The system's clock never calls it.
    pub(crate) fn listen(&self, listener: Weak<dyn ClockListener>) {
        if let Some(manual) = &self.manual {
            let mut state = manual.shared.state.lock();
            let live = state.listeners.iter().filter(|known| known.strong_count() > 0);
            state.listeners = live.cloned().chain([listener]).collect();
        }
    }
}

impl From<ManualWallClock> for WallClock {
    fn from(manual: ManualWallClock) -> Self {
        Self { manual: Some(manual) }
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.manual {
            None => f.write_str("WallClock::System"),
            Some(manual) => manual.fmt(f),
        }
    }
}

/// A wall clock that the program sets.
///
/// [`WallClock::manual`] and [`WallClock::paced_by`] create it. Code that waits for one of its readings checks again
/// immediately after each move. Every method is thread-safe; clones are one clock. It saturates about 250,000 years
/// from now. On Windows a [`SystemTime`] has steps of 100 nanoseconds: readings are rounded down to them.
///
/// # Example
/// See [`WallClock`].
#[derive(Clone)]
pub struct ManualWallClock {
    shared: Arc<Shared>,
}

struct Shared {
    /// The clock that makes it run, and that clock's time at the beginning.
    pace: Option<(Clock, Instant)>,
    state: Mutex<State>,
}

struct State {
    /// The reading without the time of its pace, in nanoseconds since 1970.
    base: i128,
    /// Replaced as a whole, so that a move takes it for one reference count and no allocation.
    listeners: Arc<[Weak<dyn ClockListener>]>,
}

impl ManualWallClock {
    fn new(start: SystemTime, pace: Option<Clock>) -> Self {
        let pace = pace.map(|clock| {
            let since = clock.now();
            (clock, since)
        });
        let state = State { base: wall_nanos(start), listeners: Arc::new([]) };
        Self { shared: Arc::new(Shared { pace, state: Mutex::new(state) }) }
    }

    /// Returns the current reading.
    pub fn now(&self) -> SystemTime {
        system_time(self.nanos()).unwrap_or(UNIX_EPOCH)
    }

    /// Sets the reading, also to an earlier one.
    pub fn set(&self, reading: impl Into<SystemTime>) {
        let reading = wall_nanos(reading.into());
        self.travel(|_| reading);
    }

    /// Moves the reading forwards by `by`.
    pub fn step(&self, by: Duration) {
        self.travel(|now| now.saturating_add_unsigned(by.as_nanos()));
    }

    /// Moves the reading backwards by `by`.
    pub fn step_back(&self, by: Duration) {
        self.travel(|now| now.saturating_sub_unsigned(by.as_nanos()));
    }

    fn nanos(&self) -> i128 {
        // The pace is read after the base: a reading is never older than the call.
        let base = self.shared.state.lock().base;
        within_range(base + self.shared.paced())
    }

    fn travel(&self, to: impl FnOnce(i128) -> i128) {
        let mut state = self.shared.state.lock();
        let paced = self.shared.paced();
        state.base = within_range(to(within_range(state.base + paced))) - paced;
        let listeners = Arc::clone(&state.listeners);
        drop(state);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.clock_moved();
        }
    }
}

impl Shared {
    /// Returns how far the pace has moved it, in nanoseconds.
    fn paced(&self) -> i128 {
        self.pace
            .as_ref()
            .map_or(0, |(clock, since)| clock.now().saturating_duration_since(*since).as_nanos().cast_signed())
    }
}

impl fmt::Debug for ManualWallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualWallClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

fn within_range(nanos: i128) -> i128 {
    nanos.clamp(-FARTHEST_NANOS, FARTHEST_NANOS)
}

/// Converts a reading to nanoseconds since 1970, within the range of clocks.
pub(crate) fn wall_nanos(reading: SystemTime) -> i128 {
    within_range(match reading.duration_since(UNIX_EPOCH) {
        // A Duration has fewer than 2^94 nanoseconds.
        Ok(after) => after.as_nanos().cast_signed(),
        Err(before) => -before.duration().as_nanos().cast_signed(),
    })
}

/// Returns the reading `nanos` after 1970; `None` if the system cannot express it.
pub(crate) fn system_time(nanos: i128) -> Option<SystemTime> {
    let length = nanos.unsigned_abs();
    let seconds = u64::try_from(length / 1_000_000_000).ok()?;
    // Less than 10^9.
    let length = Duration::new(seconds, (length % 1_000_000_000) as u32);
    if nanos < 0 { UNIX_EPOCH.checked_sub(length) } else { UNIX_EPOCH.checked_add(length) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::plain::{AtomicUsize, Ordering};

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Default)]
    struct Told(AtomicUsize);

    impl ClockListener for Told {
        fn clock_moved(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_goes_where_it_is_told_and_says_so() {
        let manual = WallClock::manual(UNIX_EPOCH);
        let wall = WallClock::from(manual.clone());
        let told = Arc::new(Told::default());
        let listener: Weak<dyn ClockListener> = Arc::downgrade(&(told.clone() as Arc<dyn ClockListener>));
        wall.listen(listener);
        manual.step(10 * SECOND);
        manual.step_back(30 * SECOND);
        assert_eq!(wall.now(), UNIX_EPOCH - 20 * SECOND);
        assert_eq!(wall.nanos(), -20_000_000_000);
        manual.set(UNIX_EPOCH + SECOND);
        assert_eq!(wall.now(), UNIX_EPOCH + SECOND);
        assert_eq!(told.0.load(Ordering::Relaxed), 3);
        assert!(!wall.runs_by_itself() && WallClock::system().runs_by_itself());
    }

    #[test]
    fn it_saturates_at_both_ends_and_comes_back() {
        let manual = WallClock::manual(UNIX_EPOCH);
        manual.step(Duration::MAX);
        manual.step(Duration::MAX);
        assert_eq!(manual.nanos(), FARTHEST_NANOS);
        manual.step_back(Duration::MAX);
        assert_eq!(manual.nanos(), -FARTHEST_NANOS);
        manual.set(UNIX_EPOCH);
        assert_eq!(manual.now(), UNIX_EPOCH);
    }

    #[test]
    fn a_paced_one_runs_and_can_be_moved() {
        let clock = Clock::manual();
        let wall = WallClock::paced_by(clock.clone(), UNIX_EPOCH);
        clock.advance(SECOND);
        wall.step_back(5 * SECOND);
        clock.advance(SECOND);
        assert_eq!(wall.now(), UNIX_EPOCH - 3 * SECOND);
        wall.set(UNIX_EPOCH + 100 * SECOND);
        clock.advance(SECOND);
        assert_eq!(wall.now(), UNIX_EPOCH + 101 * SECOND);
    }

    #[test]
    fn nanoseconds_and_readings_are_the_same_thing() {
        // On Windows a reading has steps of 100 nanoseconds.
        let step = if cfg!(windows) { 100 } else { 1 };
        for nanos in [0, 1, -1, 999_999_999, -1_000_000_001, 1_800_000_000_123_456_789].map(|nanos| nanos / step * step)
        {
            assert_eq!(system_time(nanos).map(wall_nanos), Some(nanos));
        }
        assert_eq!(system_time(i128::MAX), None);
    }
}
