//! The clocks that the program supplies, for hosts where neither the standard library nor JavaScript bindings have one.

use crate::sync::OnceLock;
use crate::sync::plain::{AtomicU64, Ordering};
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The functions that the program installed.
struct HostClock {
    monotonic: fn() -> Duration,
    wall: fn() -> Duration,
}

static CLOCK: OnceLock<HostClock> = OnceLock::new();

/// The newest reading in nanoseconds. A host whose clock goes back repeats it.
static NEWEST: AtomicU64 = AtomicU64::new(0);

/// Installs the clocks of the host, once per process.
///
/// `monotonic` returns the time since any fixed moment; a reading that goes back counts as the newest one before it. `wall`
/// returns the time since 1970. The random numbers of this thread are seeded from both.
///
/// Exists only in builds with `--cfg offtick_host_clock`, for hosts without an operating system and without `wasm-bindgen`, such
/// as a macroquad page. Call it before the first runtime is built: until then there is no time, and
/// [`LocalBuilder::build`](crate::LocalBuilder::build) returns [`BuildError::NoClock`](crate::BuildError::NoClock).
///
/// # Errors
/// [`HostClockError`] if a clock was installed before; that one stays.
///
/// # Example
/// ```ignore
/// let now = || Duration::from_secs_f64(macroquad::miniquad::date::now());
/// offtick::time::install_host_clock(now, now)?;
/// let rt = offtick::LocalRuntime::new()?;
/// ```
pub fn install_host_clock(monotonic: fn() -> Duration, wall: fn() -> Duration) -> Result<(), HostClockError> {
    CLOCK.set(HostClock { monotonic, wall }).map_err(|_| HostClockError)?;
    let readings = wall().as_nanos() ^ monotonic().as_nanos().rotate_left(32);
    // The upper half holds the same nanoseconds only after 584 years.
    fastrand::seed(readings as u64);
    Ok(())
}

/// An error that a host clock was installed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host clock was installed before; install one, before the first runtime")]
pub struct HostClockError;

/// Reads the wall clock; 1970 before one is installed.
pub(crate) fn wall_now() -> SystemTime {
    CLOCK.get().and_then(|clock| UNIX_EPOCH.checked_add((clock.wall)())).unwrap_or(UNIX_EPOCH)
}

/// True if there is a clock to read.
pub(crate) fn has_clock() -> bool {
    CLOCK.get().is_some()
}

/// A moment of the monotonic host clock, with the methods of `std::time::Instant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// Reads the clock. Before one is installed, time stands at zero.
    pub fn now() -> Self {
        let read = CLOCK.get().map_or(Duration::ZERO, |clock| (clock.monotonic)());
        // 584 years fit.
        let nanos = u64::try_from(read.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: the number alone is shared.
        Self(Duration::from_nanos(NEWEST.fetch_max(nanos, Ordering::Relaxed).max(nanos)))
    }

    /// Returns the time that has passed since this moment.
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    /// Returns the time from `earlier` to this moment; zero if that is later.
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the time from `earlier` to this moment; zero if that is later.
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// Returns the time from `earlier` to this moment; `None` if that is later.
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0)
    }

    /// Returns the moment `duration` later; `None` if it cannot be expressed.
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    /// Returns the moment `duration` earlier; `None` if it cannot be expressed.
    pub fn checked_sub(&self, duration: Duration) -> Option<Self> {
        self.0.checked_sub(duration).map(Self)
    }
}

/// # Panics
/// If the moment cannot be expressed, as for `std::time::Instant`.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration).expect("overflow when adding a duration to an instant")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// # Panics
/// If the moment cannot be expressed, as for `std::time::Instant`.
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self.checked_sub(duration).expect("overflow when subtracting a duration from an instant")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Nanoseconds that the host's clock shows in the test below, the only one that installs a clock.
    static SHOWN: AtomicU64 = AtomicU64::new(0);

    fn shown() -> Duration {
        Duration::from_nanos(SHOWN.load(Ordering::Relaxed))
    }

    #[test]
    fn a_host_clock_is_installed_once_and_never_goes_back() {
        let before = Instant::now();
        assert!(!has_clock());
        SHOWN.store(5_000_000_000, Ordering::Relaxed);
        assert_eq!(install_host_clock(shown, shown), Ok(()));
        assert_eq!(install_host_clock(shown, shown), Err(HostClockError));
        assert!(has_clock());
        let first = Instant::now();
        assert_eq!(first - before, 5 * SECOND);
        assert_eq!(wall_now(), UNIX_EPOCH + 5 * SECOND);
        SHOWN.store(3_000_000_000, Ordering::Relaxed);
        assert_eq!((Instant::now(), first.elapsed()), (first, Duration::ZERO));
        // A wall clock may go back.
        assert_eq!(wall_now(), UNIX_EPOCH + 3 * SECOND);
        SHOWN.store(6_000_000_000, Ordering::Relaxed);
        assert_eq!(first.elapsed(), SECOND);
    }

    #[test]
    fn arithmetic_saturates_or_says_none_as_that_of_std() {
        let (early, late) = (Instant(SECOND), Instant(3 * SECOND));
        assert_eq!(late - early, 2 * SECOND);
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(early.checked_duration_since(late), None);
        assert_eq!(early.checked_sub(2 * SECOND), None);
        assert_eq!(late.checked_add(Duration::MAX), None);
        assert_eq!(late - 2 * SECOND, early);
        let mut moved = early;
        moved += 2 * SECOND;
        assert_eq!(moved, late);
        moved -= 2 * SECOND;
        assert_eq!(moved, early);
    }
}
