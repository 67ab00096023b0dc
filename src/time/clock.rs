//! The clock of a runtime: the system's, or one that the program moves.
//!
//! A move of a clock must reach parked reactors, which compute no timeout from a manual clock. Each registers a
//! [`ClockListener`]. Every move stores the new time first and then calls the listeners, outside the clock's lock.

use super::ChildClock;
use crate::instant::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, Weak};
use crate::task::TimeSource;
use std::fmt;
use std::time::Duration;

/// A listener for moves of a manual clock, or of a settable wall clock.
pub(crate) trait ClockListener: Send + Sync {
    /// Called when the clock already shows its new time.
    ///
    /// It runs on the thread that moved the clock, under no lock.
    fn clock_moved(&self);
}

/// The source of time for the timers, timeouts, retries and schedules of a runtime.
///
/// [`Clock::system`] is the default. [`Clock::manual`] makes time a value of the program: for a game that pauses, a
/// simulation at ten times the speed, or a test without sleeps. Clones show the same time.
///
/// # Example
/// ```
/// use offtick::time::Clock;
/// use std::time::Duration;
///
/// let manual = Clock::manual();
/// let clock: Clock = manual.clone().into();
/// let start = clock.now();
/// manual.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now() - start, Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct Clock {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    System {
        origin: Instant,
    },
    Manual(ManualClock),
    /// Only for timers that depend on those of a runtime.
    Child(ChildClock),
}

impl Clock {
    /// Returns the monotonic clock of the operating system, or of the page ([`Instant`]).
    pub fn system() -> Self {
        Self { kind: Kind::System { origin: Instant::now() } }
    }

    /// Creates a clock that stands until it is moved; see [`ManualClock`].
    pub fn manual() -> ManualClock {
        ManualClock::new()
    }

    /// Returns the current time, which never goes backwards.
    pub fn now(&self) -> Instant {
        match &self.kind {
            Kind::System { .. } => Instant::now(),
            Kind::Manual(manual) => manual.now(),
            Kind::Child(child) => child.now(),
        }
    }

    /// Creates a clock that runs by this one, at its own scale; see [`ChildClock`].
    pub fn child(&self) -> ChildClock {
        ChildClock::new(self.clone())
    }

    /// Returns the manual clock behind this one; `None` for the system's.
    pub fn as_manual(&self) -> Option<&ManualClock> {
        match &self.kind {
            Kind::System { .. } | Kind::Child(_) => None,
            Kind::Manual(manual) => Some(manual),
        }
    }
}

impl Clock {
    /// Returns the clock as tasks use it.
    pub(crate) fn source(&self) -> Box<dyn TimeSource> {
        match &self.kind {
            Kind::System { .. } => Box::new(SystemTime),
            Kind::Manual(_) | Kind::Child(_) => Box::new(self.clone()),
        }
    }
}

/// The system's clock without an origin: a box of it allocates nothing.
struct SystemTime;

impl TimeSource for SystemTime {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn boxed(&self) -> Box<dyn TimeSource> {
        Box::new(Self)
    }
}

impl TimeSource for Clock {
    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn boxed(&self) -> Box<dyn TimeSource> {
        Box::new(self.clone())
    }
}

// Read by the engines of later layers: nanoseconds since the origin.
impl Clock {
    /// Returns the time as the engines use it: nanoseconds since the origin of this clock.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        match &self.kind {
            Kind::System { origin } => saturating_nanos(origin.elapsed()),
            Kind::Manual(manual) => manual.nanos(),
            Kind::Child(child) => child.nanos(),
        }
    }

    /// Returns the clock of a child's driver.
    pub(super) fn of_child(child: ChildClock) -> Self {
        Self { kind: Kind::Child(child) }
    }

    pub(super) fn as_child(&self) -> Option<&ChildClock> {
        match &self.kind {
            Kind::Child(child) => Some(child),
            Kind::System { .. } | Kind::Manual(_) => None,
        }
    }

    /// Returns true if both are one clock.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::System { origin }, Kind::System { origin: theirs }) => origin == theirs,
            (Kind::Manual(clock), Kind::Manual(theirs)) => Arc::ptr_eq(&clock.shared, &theirs.shared),
            (Kind::Child(clock), Kind::Child(theirs)) => clock.is(theirs),
            _ => false,
        }
    }

    /// Converts `instant` to nanoseconds; 0 if it is before the origin.
    pub(crate) fn nanos_of(&self, instant: Instant) -> u64 {
        let origin = match &self.kind {
            Kind::System { origin } => *origin,
            Kind::Manual(manual) => manual.shared.origin,
            Kind::Child(child) => child.origin(),
        };
        saturating_nanos(instant.saturating_duration_since(origin))
    }

    /// Converts nanoseconds to an instant; `None` beyond the range of the system's time.
    pub(crate) fn instant_of(&self, nanos: u64) -> Option<Instant> {
        let origin = match &self.kind {
            Kind::System { origin } => *origin,
            Kind::Manual(manual) => manual.shared.origin,
            Kind::Child(child) => child.origin(),
        };
        origin.checked_add(Duration::from_nanos(nanos))
    }

    /// Returns true if time passes without a call: then a reactor parks with a timeout.
    pub(crate) fn runs_by_itself(&self) -> bool {
        matches!(self.kind, Kind::System { .. })
    }

    /// Registers a listener for moves. The system's clock never calls it.
    pub(crate) fn listen(&self, listener: Weak<dyn ClockListener>) {
        // The driver of a child's timers listens itself.
        if let Kind::Manual(manual) = &self.kind {
            let mut control = manual.shared.control.lock();
            let live = control.listeners.iter().filter(|known| known.strong_count() > 0);
            control.listeners = live.cloned().chain([listener]).collect();
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl From<ManualClock> for Clock {
    fn from(manual: ManualClock) -> Self {
        Self { kind: Kind::Manual(manual) }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::System { .. } => f.write_str("Clock::System"),
            Kind::Manual(manual) => manual.fmt(f),
            Kind::Child(child) => child.fmt(f),
        }
    }
}

/// A clock that only the program moves.
///
/// Pass a clone of it (`manual.clone().into()`) to a runtime and keep one to move it. Timers that are due after a move
/// fire in the order of their deadlines, after a move of any length. Every method is thread-safe; clones are one clock.
///
/// - [`advance`](Self::advance) is for the frame loop: it obeys [`pause`](Self::pause) and
///   [`set_scale`](Self::set_scale).
/// - [`step`](Self::step) and [`set`](Self::set) are for the debugger and the test: they move the clock even while it
///   is paused.
///
/// The clock starts at the real time of its creation and saturates 584 years later.
///
/// # Example
/// ```
/// use offtick::time::Clock;
/// use std::time::Duration;
///
/// let clock = Clock::manual();
/// clock.set_scale(0.5)?; // slow motion
/// clock.advance(Duration::from_millis(16));
/// clock.pause();
/// clock.advance(Duration::from_millis(16));
/// assert_eq!(clock.elapsed(), Duration::from_millis(8));
/// # Ok::<(), offtick::time::ScaleError>(())
/// ```
#[derive(Clone)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

struct Shared {
    origin: Instant,
    /// Nanoseconds since the origin. Written only under the lock of `control`, read without it.
    elapsed: AtomicU64,
    control: Mutex<CancelHandle>,
}

struct CancelHandle {
    paused: bool,
    scale: f64,
    /// The rest of a scaled move, below one nanosecond: a thousand small moves are as long as one large.
    carry: f64,
    clamped: u64,
    /// Replaced as a whole, so that a move takes it for one reference count and no allocation.
    listeners: Arc<[Weak<dyn ClockListener>]>,
}

impl ManualClock {
    /// Creates a clock at the current instant, at scale 1 and not paused.
    pub fn new() -> Self {
        let control = CancelHandle { paused: false, scale: 1.0, carry: 0.0, clamped: 0, listeners: Arc::new([]) };
        let shared = Shared { origin: Instant::now(), elapsed: AtomicU64::new(0), control: Mutex::new(control) };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the current time.
    pub fn now(&self) -> Instant {
        // No known platform has an `Instant` too small for 584 years; time would stop there.
        self.shared.origin.checked_add(self.elapsed()).unwrap_or(self.shared.origin)
    }

    /// Creates a clock that runs by this one, at its own scale; see [`ChildClock`].
    pub fn child(&self) -> ChildClock {
        Clock::from(self.clone()).child()
    }

    /// Returns how far this clock was moved since it was created.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    /// Moves the clock by `by` multiplied by the scale, and returns how far it moved.
    ///
    /// It does not move while it is paused.
    pub fn advance(&self, by: Duration) -> Duration {
        self.travel(|now, control| if control.paused { now } else { now.saturating_add(control.scaled(by)) })
    }

    /// Moves the clock by exactly `by`, at any scale, also while it is paused.
    pub fn step(&self, by: Duration) -> Duration {
        self.travel(|now, _| now.saturating_add(saturating_nanos(by)))
    }

    /// Moves the clock to `since_start` after its origin, also while it is paused.
    ///
    /// Time never goes backwards: an earlier time than the current one changes nothing and is counted in
    /// [`backward_moves`](Self::backward_moves). Returns how far the clock moved.
    pub fn set(&self, since_start: Duration) -> Duration {
        self.travel(|_, _| saturating_nanos(since_start))
    }

    /// Makes every [`advance`](Self::advance) until [`resume`](Self::resume) move nothing.
    pub fn pause(&self) {
        self.shared.control.lock().paused = true;
    }

    /// Ends a [`pause`](Self::pause). The clock does not catch up.
    pub fn resume(&self) {
        self.shared.control.lock().paused = false;
    }

    /// Returns true between [`pause`](Self::pause) and [`resume`](Self::resume).
    pub fn is_paused(&self) -> bool {
        self.shared.control.lock().paused
    }

    /// Sets the factor of each later [`advance`](Self::advance): 1 at first, 0 to stop.
    ///
    /// # Errors
    /// [`ScaleError`] if `scale` is negative, infinite or not a number; the old scale stays.
    pub fn set_scale(&self, scale: f64) -> Result<(), ScaleError> {
        ScaleError::check(scale)?;
        self.shared.control.lock().scale = scale;
        Ok(())
    }

    /// Returns the factor of each [`advance`](Self::advance).
    pub fn scale(&self) -> f64 {
        self.shared.control.lock().scale
    }

    /// Returns how many calls of [`set`](Self::set) passed an earlier time than the current one.
    pub fn backward_moves(&self) -> u64 {
        self.shared.control.lock().clamped
    }

    #[inline]
    fn nanos(&self) -> u64 {
        // Acquire pairs with the Release of `travel`: a thread that sees the new time sees what was done before the
        // move.
        self.shared.elapsed.load(Ordering::Acquire)
    }

    /// Returns how far [`advance`](Self::advance) would move the clock.
    ///
    /// The rest below a nanosecond is kept for the next call: the caller is about to move the clock that far, in steps.
    pub(crate) fn plan(&self, by: Duration) -> u64 {
        let mut control = self.shared.control.lock();
        if control.paused { 0 } else { control.scaled(by) }
    }

    /// Moves the clock to this time in nanoseconds.
    pub(crate) fn reach(&self, nanos: u64) {
        self.travel(|now, _| nanos.max(now));
    }

    /// Counts a time that was before the current one.
    pub(crate) fn count_backward(&self) {
        self.shared.control.lock().clamped += 1;
    }

    fn travel(&self, to: impl FnOnce(u64, &mut CancelHandle) -> u64) -> Duration {
        let mut control = self.shared.control.lock();
        let now = self.shared.elapsed.load(Ordering::Relaxed); // Written under this very lock.
        let target = to(now, &mut control);
        if target <= now {
            control.clamped += u64::from(target < now);
            return Duration::ZERO;
        }
        self.shared.elapsed.store(target, Ordering::Release); // Pairs with the Acquire of `nanos`.
        let listeners = Arc::clone(&control.listeners);
        drop(control);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.clock_moved();
        }
        Duration::from_nanos(target - now)
    }
}

impl CancelHandle {
    fn scaled(&mut self, by: Duration) -> u64 {
        let nanos = saturating_nanos(by);
        if self.scale == 1.0 {
            return nanos; // A float of 53 bits would round what is longer than 104 days.
        }
        let exact = nanos as f64 * self.scale + self.carry;
        let whole = exact.floor();
        // Past 2^53 a float has no fraction left, and the conversion below saturates.
        self.carry = exact - whole;
        whole as u64
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (paused, scale) = {
            let control = self.shared.control.lock();
            (control.paused, control.scale)
        };
        f.debug_struct("ManualClock")
            .field("elapsed", &self.elapsed())
            .field("paused", &paused)
            .field("scale", &scale)
            .finish()
    }
}

/// An error for a scale at which no clock can run.
///
/// # Example
/// ```
/// let error = offtick::time::Clock::manual().set_scale(-1.0).expect_err("time does not go backwards");
/// assert_eq!(error.given(), -1.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a clock cannot run at scale {given}; use a finite number that is not negative")]
pub struct ScaleError {
    given: f64,
}

impl ScaleError {
    pub(super) fn check(scale: f64) -> Result<(), Self> {
        if scale.is_finite() && scale >= 0.0 { Ok(()) } else { Err(Self { given: scale }) }
    }

    /// Returns the scale passed to [`ManualClock::set_scale`].
    pub fn given(&self) -> f64 {
        self.given
    }
}

/// Converts a duration to nanoseconds; more than 584 years becomes `u64::MAX`.
#[inline]
pub(super) fn saturating_nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(all(test, not(loom)))]
mod tests;
