//! [`Period`]: a length of time that is fit for an interval.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

/// The length of an interval: longer than zero.
///
/// Made from a [`Duration`]; with the feature `cron`, from a `chrono::TimeDelta` as well.
///
/// # Example
/// ```
/// use offtick::schedule::Period;
/// use std::time::Duration;
///
/// let period = Period::try_from(Duration::from_secs(90))?;
/// assert_eq!(period.get(), Duration::from_secs(90));
/// assert!(Period::try_from(Duration::ZERO).is_err());
/// # Ok::<(), offtick::schedule::PeriodError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(Duration);

/// A length of time of which no interval can be made.
///
/// # Example
/// ```
/// use offtick::schedule::Period;
/// let error = Period::try_from(std::time::Duration::ZERO).unwrap_err();
/// assert_eq!(error.to_string(), "an interval of 0ns; allowed: longer than zero");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interval of {given}; allowed: longer than zero")]
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
