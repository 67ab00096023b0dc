//! The clock of a runtime: the system's, or one that the program moves.
//!
//! A moved clock must reach reactors that are parked: they compute no timeout from it. Each registers a
//! [`ClockListener`]; every move stores the new time first and calls the listeners after, outside the clock's lock.

use super::ChildClock;
use crate::instant::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, Weak};
use crate::task::TimeSource;
use std::fmt;
use std::time::Duration;

/// Is told after each move of a manual clock, or of a settable wall clock.
pub(crate) trait ClockListener: Send + Sync {
    /// The clock shows its new time already. Runs on the thread that moved it, under no lock.
    fn clock_moved(&self);
}

/// What a runtime takes the time from: timers, timeouts, retries and schedules all obey it.
///
/// [`Clock::system`] is the default. [`Clock::manual`] makes time a value of the program: a game that pauses, a
/// simulation that runs at ten times the speed, a test that needs no sleep. Clones show the same time.
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
    /// Of timers that hang on those of a runtime, and of nothing else.
    Child(ChildClock),
}

impl Clock {
    /// The monotonic clock of the operating system, or of the page ([`Instant`]).
    pub fn system() -> Self {
        Self { kind: Kind::System { origin: Instant::now() } }
    }

    /// A clock that stands still until it is moved; see [`ManualClock`].
    pub fn manual() -> ManualClock {
        ManualClock::new()
    }

    /// The time that this clock shows. It never goes backwards.
    pub fn now(&self) -> Instant {
        match &self.kind {
            Kind::System { .. } => Instant::now(),
            Kind::Manual(manual) => manual.now(),
            Kind::Child(child) => child.now(),
        }
    }

    /// Makes a clock that runs by this one, at a scale of its own; see [`ChildClock`].
    pub fn child(&self) -> ChildClock {
        ChildClock::new(self.clone())
    }

    /// The manual clock behind this one, to move it by; `None` for the system's.
    pub fn as_manual(&self) -> Option<&ManualClock> {
        match &self.kind {
            Kind::System { .. } | Kind::Child(_) => None,
            Kind::Manual(manual) => Some(manual),
        }
    }
}

impl Clock {
    /// The clock as tasks know it.
    pub(crate) fn source(&self) -> Box<dyn TimeSource> {
        match &self.kind {
            Kind::System { .. } => Box::new(SystemTime),
            Kind::Manual(_) | Kind::Child(_) => Box::new(self.clone()),
        }
    }
}

/// The system's clock without an origin: nothing is allocated for a box of it.
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
    /// The time as the engines see it: nanoseconds since the origin of this clock.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        match &self.kind {
            Kind::System { origin } => saturating_nanos(origin.elapsed()),
            Kind::Manual(manual) => manual.nanos(),
            Kind::Child(child) => child.nanos(),
        }
    }

    /// The clock as that of a driver.
    pub(super) fn of_child(child: ChildClock) -> Self {
        Self { kind: Kind::Child(child) }
    }

    pub(super) fn as_child(&self) -> Option<&ChildClock> {
        match &self.kind {
            Kind::Child(child) => Some(child),
            Kind::System { .. } | Kind::Manual(_) => None,
        }
    }

    /// True if both are one clock.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::System { origin }, Kind::System { origin: theirs }) => origin == theirs,
            (Kind::Manual(clock), Kind::Manual(theirs)) => Arc::ptr_eq(&clock.shared, &theirs.shared),
            (Kind::Child(clock), Kind::Child(theirs)) => clock.is(theirs),
            _ => false,
        }
    }

    /// `instant` as the engines see it: 0 if it lies before the origin.
    pub(crate) fn nanos_of(&self, instant: Instant) -> u64 {
        let origin = match &self.kind {
            Kind::System { origin } => *origin,
            Kind::Manual(manual) => manual.shared.origin,
            Kind::Child(child) => child.origin(),
        };
        saturating_nanos(instant.saturating_duration_since(origin))
    }

    /// A moment of the engines as an instant; `None` beyond the end of the system's time.
    pub(crate) fn instant_of(&self, nanos: u64) -> Option<Instant> {
        let origin = match &self.kind {
            Kind::System { origin } => *origin,
            Kind::Manual(manual) => manual.shared.origin,
            Kind::Child(child) => child.origin(),
        };
        origin.checked_add(Duration::from_nanos(nanos))
    }

    /// Whether time passes without a call: only then does a reactor park with a timeout.
    pub(crate) fn runs_by_itself(&self) -> bool {
        matches!(self.kind, Kind::System { .. })
    }

    /// Registers a reactor to be told of moves. Nothing is ever told under the system's clock.
    pub(crate) fn listen(&self, listener: Weak<dyn ClockListener>) {
        // Of a child, whoever drives its timers listens by itself.
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

/// A clock that moves only when it is told to.
///
/// Give a clone of it (`manual.clone().into()`) to a runtime and keep one to move it by. Whatever is due after a move
/// fires in the order of its deadlines, however far the move goes. Every call is thread-safe; clones are one clock.
///
/// - [`advance`](Self::advance) is for the frame loop: it obeys [`pause`](Self::pause) and
///   [`set_scale`](Self::set_scale).
/// - [`step`](Self::step) and [`set`](Self::set) are for the debugger and the test: they do what they say, also while
///   paused.
///
/// The clock starts at the real instant at which it was made and ends, by saturating, 584 years later.
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
    /// Nanoseconds since the origin. Written under the lock of `control` only, read without it.
    elapsed: AtomicU64,
    control: Mutex<CancelHandle>,
}

struct CancelHandle {
    paused: bool,
    scale: f64,
    /// What a scaled move left over, below one nanosecond: a thousand small moves are as long as one large.
    carry: f64,
    clamped: u64,
    /// Replaced as a whole, so that a move takes it along for one reference count and no allocation.
    listeners: Arc<[Weak<dyn ClockListener>]>,
}

impl ManualClock {
    /// A clock that stands at this instant, runs at scale 1 and is not paused.
    pub fn new() -> Self {
        let control = CancelHandle { paused: false, scale: 1.0, carry: 0.0, clamped: 0, listeners: Arc::new([]) };
        let shared = Shared { origin: Instant::now(), elapsed: AtomicU64::new(0), control: Mutex::new(control) };
        Self { shared: Arc::new(shared) }
    }

    /// The time that this clock shows.
    pub fn now(&self) -> Instant {
        // An `Instant` too small for 584 years is known on no platform; then time stands still there.
        self.shared.origin.checked_add(self.elapsed()).unwrap_or(self.shared.origin)
    }

    /// Makes a clock that runs by this one, at a scale of its own; see [`ChildClock`].
    pub fn child(&self) -> ChildClock {
        Clock::from(self.clone()).child()
    }

    /// How far this clock was moved since it was made.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    /// Moves the clock by `by` times the scale, or not at all while it is paused. Returns how far it moved.
    pub fn advance(&self, by: Duration) -> Duration {
        self.travel(|now, control| if control.paused { now } else { now.saturating_add(control.scaled(by)) })
    }

    /// Moves the clock by exactly `by`, whatever its scale, also while it is paused.
    pub fn step(&self, by: Duration) -> Duration {
        self.travel(|now, _| now.saturating_add(saturating_nanos(by)))
    }

    /// Moves the clock to `since_start` after its origin, whatever its scale, also while it is paused.
    ///
    /// Time never goes backwards: an earlier moment than the present one changes nothing and is counted in
    /// [`backward_moves`](Self::backward_moves). Returns how far the clock moved.
    pub fn set(&self, since_start: Duration) -> Duration {
        self.travel(|_, _| saturating_nanos(since_start))
    }

    /// Makes every [`advance`](Self::advance) until [`resume`](Self::resume) move nothing.
    pub fn pause(&self) {
        self.shared.control.lock().paused = true;
    }

    /// Ends a [`pause`](Self::pause). The time of the pause is not made up for.
    pub fn resume(&self) {
        self.shared.control.lock().paused = false;
    }

    /// True between [`pause`](Self::pause) and [`resume`](Self::resume).
    pub fn is_paused(&self) -> bool {
        self.shared.control.lock().paused
    }

    /// Sets what each [`advance`](Self::advance) from now on is multiplied by: 1 at first, 0 to stand still.
    ///
    /// # Errors
    /// [`ScaleError`] if `scale` is negative, infinite or not a number; the old scale stays.
    pub fn set_scale(&self, scale: f64) -> Result<(), ScaleError> {
        ScaleError::check(scale)?;
        self.shared.control.lock().scale = scale;
        Ok(())
    }

    /// What each [`advance`](Self::advance) is multiplied by.
    pub fn scale(&self) -> f64 {
        self.shared.control.lock().scale
    }

    /// How many calls of [`set`](Self::set) named a moment before the present one.
    pub fn backward_moves(&self) -> u64 {
        self.shared.control.lock().clamped
    }

    #[inline]
    fn nanos(&self) -> u64 {
        // Acquire pairs with the Release of `travel`: whoever sees the new time sees what was done before the move.
        self.shared.elapsed.load(Ordering::Acquire)
    }

    /// How far [`advance`](Self::advance) would move the clock. What is left below a nanosecond is kept for the next call:
    /// whoever asks is about to move the clock that far, in steps.
    pub(crate) fn plan(&self, by: Duration) -> u64 {
        let mut control = self.shared.control.lock();
        if control.paused { 0 } else { control.scaled(by) }
    }

    /// Moves the clock on to this moment of the engines.
    pub(crate) fn reach(&self, nanos: u64) {
        self.travel(|now, _| nanos.max(now));
    }

    /// Counts a moment that was given and lies before the present one.
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

/// A scale that no clock can run at.
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

    /// The scale as given to [`ManualClock::set_scale`].
    pub fn given(&self) -> f64 {
        self.given
    }
}

/// A length of time in nanoseconds; what is longer than 584 years becomes `u64::MAX`.
#[inline]
pub(super) fn saturating_nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(all(test, not(loom)))]
mod tests;
