//! [`Period`]: a length of time that is fit for an interval.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

/// The length of an interval: longer than zero.
///
/// It is made from a [`Duration`] or from a number of seconds; with the feature `cron`, from a `chrono::TimeDelta` as well.
///
/// # Example
/// ```
/// use offtick::schedule::Period;
/// use std::time::Duration;
///
/// let period = Period::try_from(Duration::from_secs(90))?;
/// assert_eq!(period, Period::try_from(90.0)?);
/// for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
///     assert!(Period::try_from(wrong).is_err());
/// }
/// # Ok::<(), offtick::schedule::PeriodError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(Duration);

/// A length of time of which no interval can be made.
///
/// # Example
/// ```
/// use offtick::schedule::Period;
/// let error = Period::try_from(-1.5).unwrap_err();
/// assert_eq!(error.to_string(), "an interval of -1.5s; allowed: longer than zero and finite");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interval of {given}; allowed: longer than zero and finite")]
pub struct PeriodError {
    pub(super) given: String,
}

impl Period {
    /// The length.
    pub fn get(self) -> Duration {
        self.0
    }

    pub(crate) fn nanos(self) -> i128 {
        // A Duration has fewer than 2^94 nanoseconds.
        self.0.as_nanos().cast_signed()
    }
}

impl From<Infallible> for PeriodError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<Duration> for Period {
    type Error = PeriodError;

    fn try_from(length: Duration) -> Result<Self, PeriodError> {
        if length.is_zero() { Err(PeriodError { given: format!("{length:?}") }) } else { Ok(Self(length)) }
    }
}

impl TryFrom<f64> for Period {
    type Error = PeriodError;

    /// Takes seconds; what rounds to zero nanoseconds is zero.
    fn try_from(seconds: f64) -> Result<Self, PeriodError> {
        let error = || PeriodError { given: format!("{seconds}s") };
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| error())
            .and_then(|length| Self::try_from(length).map_err(|_| error()))
    }
}
