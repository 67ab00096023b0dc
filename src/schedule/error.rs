//! What can be wrong with a cron text: which field, where, and what would be allowed there.
//!
//! Compiled without the feature `cron` as well, so that whoever matches on errors need not know the features.

use std::fmt;

/// A field of a cron text.
///
/// # Example
/// ```
/// use offtick::schedule::CronField;
/// assert_eq!(CronField::DayOfMonth.to_string(), "day of month");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CronField {
    /// The second; only in texts of 6 or 7 fields.
    Second,
    /// The minute.
    Minute,
    /// The hour.
    Hour,
    /// The day of the month.
    DayOfMonth,
    /// The month.
    Month,
    /// The day of the week.
    DayOfWeek,
    /// The year; only in texts of 7 fields.
    Year,
}

impl fmt::Display for CronField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
            Self::Year => "year",
        })
    }
}

/// What is wrong inside of one field.
///
/// # Example
/// ```
/// # #[cfg(feature = "cron")] {
/// use offtick::schedule::{Cron, CronError, CronProblem};
/// let Err(CronError::Field { problem, .. }) = Cron::parse("5-1 * * * *") else { unreachable!() };
/// assert_eq!(problem, CronProblem::Reversed);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CronProblem {
    /// Not an item that the field knows.
    Syntax,
    /// A character that stands in no cron text.
    Character,
    /// A name that the field does not have.
    Name,
    /// A number outside of the field.
    Range,
    /// A range whose end lies before its start.
    Reversed,
    /// A step of zero, or one wider than the field.
    Step,
}

impl fmt::Display for CronProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "is no value, range or step",
            Self::Character => "cannot stand in a cron text",
            Self::Name => "is no name of this field",
            Self::Range => "is out of range",
            Self::Reversed => "runs backwards",
            Self::Step => "is no usable step",
        })
    }
}

/// Why a text is not a schedule.
///
/// # Example
/// ```
/// # #[cfg(feature = "cron")] {
/// use offtick::schedule::{Cron, CronField};
///
/// let error = Cron::parse("0 9 32 * *").unwrap_err();
/// assert_eq!(error.field(), Some(CronField::DayOfMonth));
/// assert_eq!(error.position(), Some(4));
/// assert_eq!(error.to_string(), "day of month, byte 4: `32` is out of range; allowed: 1-31");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// Nothing but white space.
    #[error("the cron text is empty; give 5 to 7 fields or a word such as @daily")]
    Empty,
    /// Longer than any sensible schedule; the text was not looked at.
    #[error("the cron text has {length} bytes; allowed: {limit}")]
    TooLong {
        /// Bytes in the text.
        length: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// Not 5, 6 or 7 fields.
    #[error(
        "the cron text has {found} fields; allowed: 5 (minute, hour, day of month, month, day of week), \
         6 (second first) or 7 (year last)"
    )]
    Arity {
        /// Fields in the text.
        found: usize,
    },
    /// A word with `@` that is not known, or one that does not stand alone.
    #[error(
        "byte {at}: `{given}` is no known word; allowed, alone: @hourly, @daily, @midnight, @weekly, @monthly, @yearly, \
         @annually, @reboot"
    )]
    Word {
        /// Byte offset of the text's first character that is not white space.
        at: usize,
        /// The text, cut where it is long.
        given: String,
    },
    /// One field is wrong.
    #[error("{field}, byte {at}: `{given}` {problem}; allowed: {allowed}")]
    Field {
        /// The field.
        field: CronField,
        /// Byte offset of `given` in the text.
        at: usize,
        /// The part that is wrong, cut where it is long.
        given: String,
        /// What is wrong with it.
        problem: CronProblem,
        /// What could stand there instead.
        allowed: String,
    },
    /// Every field is right, but no date matches all of them: 30 February.
    #[error("day of month, byte {at}: no date ever matches; allowed: a day that one of the months has")]
    NeverFires {
        /// Byte offset of the day of the month.
        at: usize,
    },
    /// Every date that matches is over.
    #[error("year, byte {at}: every date that matches is in the past; allowed: this year or a later one")]
    Past {
        /// Byte offset of the year.
        at: usize,
    },
}

impl CronError {
    /// The field that is wrong, where one is to blame.
    pub fn field(&self) -> Option<CronField> {
        match self {
            Self::Field { field, .. } => Some(*field),
            Self::NeverFires { .. } => Some(CronField::DayOfMonth),
            Self::Past { .. } => Some(CronField::Year),
            _ => None,
        }
    }

    /// The byte offset of what is wrong, in the text as it was given.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Field { at, .. } | Self::Word { at, .. } | Self::NeverFires { at } | Self::Past { at } => Some(*at),
            _ => None,
        }
    }
}
