//! A [`Period`] from the length of time that `chrono` has.

use super::period::{Period, PeriodError};
use chrono::TimeDelta;

impl TryFrom<TimeDelta> for Period {
    type Error = PeriodError;

    fn try_from(length: TimeDelta) -> Result<Self, PeriodError> {
        let error = || PeriodError { given: length.to_string() };
        length.to_std().map_err(|_| error()).and_then(|length| Self::try_from(length).map_err(|_| error()))
    }
}
