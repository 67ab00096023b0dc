//! Errors of cron expressions, of searches and of time zones.
//!
//! An error of an expression names the field, the position and the allowed values.
//!
//! They are compiled without the feature `cron` as well, so that a `match` on them does not depend on features.

use std::fmt;
use std::path::PathBuf;

/// A field of a cron expression.
///
/// # Example
/// ```
/// use offtick::schedule::CronField;
/// assert_eq!(CronField::DayOfMonth.to_string(), "day of month");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CronField {
    /// The second; only in expressions of 6 or 7 fields.
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
    /// The year; only in expressions of 7 fields.
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

/// The kind of mistake in one field.
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
    /// An item that is not a value, range or step.
    Syntax,
    /// A character that no cron expression has.
    Character,
    /// A name that the field does not have.
    Name,
    /// A number outside of the field.
    Range,
    /// A range whose end is lower than its start.
    Reversed,
    /// A step of zero, or one wider than the field.
    Step,
    /// An item of the extended syntax in a standard expression.
    Extended,
    /// A number after `#` that no month has.
    Nth,
}

impl fmt::Display for CronProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "is not a value, range or step",
            Self::Character => "is not allowed in a cron expression",
            Self::Name => "is not a name of this field",
            Self::Range => "is out of range",
            Self::Reversed => "runs backwards",
            Self::Step => "is not a usable step",
            Self::Extended => "belongs to the extended syntax, which `Cron::parse_extended` reads",
            Self::Nth => "is not an occurrence in a month",
        })
    }
}

/// An error in a cron expression.
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
    #[error("the cron expression is empty; allowed: 5 to 7 fields or a word such as @daily")]
    Empty,
    /// Longer than any sensible schedule; the text was not read.
    #[error("the cron expression has {length} bytes; allowed: {limit}")]
    TooLong {
        /// Bytes in the expression.
        length: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// A number of fields other than 5, 6 or 7.
    #[error(
        "the cron expression has {found} fields; allowed: 5 (minute, hour, day of month, month, day of week), \
         6 (second first) or 7 (year last)"
    )]
    Arity {
        /// Fields in the expression.
        found: usize,
    },
    /// A word with `@` that is unknown or not alone.
    #[error(
        "byte {at}: `{given}` is not a known word; allowed, alone: @hourly, @daily, @midnight, @weekly, @monthly, @yearly, \
         @annually, @reboot"
    )]
    Word {
        /// Byte offset of the first character that is not white space.
        at: usize,
        /// The expression, cut if it is long.
        given: String,
    },
    /// `@every`, which is an interval: a cron expression names times of the wall clock.
    #[error(
        "byte {at}: `{given}` is an interval, not a time; use `Scheduler::every` or `Trigger::every` with a `Duration`"
    )]
    Every {
        /// Byte offset of the word.
        at: usize,
        /// The expression, cut if it is long.
        given: String,
    },
    /// A time zone in front of the fields: the zone is a separate argument.
    #[error(
        "byte {at}: `{given}` cannot be a part of the expression; use `.zone(..)` of the job or the zone of `Trigger::cron`"
    )]
    Zone {
        /// Byte offset of the zone.
        at: usize,
        /// The zone, cut if it is long.
        given: String,
    },
    /// One field is wrong.
    #[error("{field}, byte {at}: `{given}` {problem}; allowed: {allowed}")]
    Field {
        /// The field.
        field: CronField,
        /// Byte offset of `given` in the expression.
        at: usize,
        /// The part that is wrong, cut if it is long.
        given: String,
        /// The kind of mistake.
        problem: CronProblem,
        /// The values that the field takes.
        allowed: String,
    },
    /// Correct fields that no date matches, such as 30 February.
    #[error("day of month, byte {at}: no date matches all fields together; allowed: a date that exists")]
    NeverFires {
        /// Byte offset of the day of the month.
        at: usize,
    },
    /// An expression whose dates are all in the past.
    #[error("year, byte {at}: every date that matches is in the past; allowed: this year or a later one")]
    Past {
        /// Byte offset of the year.
        at: usize,
    },
}

impl CronError {
    /// The field that is wrong, if the error is about one.
    pub fn field(&self) -> Option<CronField> {
        match self {
            Self::Field { field, .. } => Some(*field),
            Self::NeverFires { .. } => Some(CronField::DayOfMonth),
            Self::Past { .. } => Some(CronField::Year),
            _ => None,
        }
    }

    /// The byte offset of the mistake in the given expression.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Field { at, .. }
            | Self::Word { at, .. }
            | Self::Every { at, .. }
            | Self::Zone { at, .. }
            | Self::NeverFires { at }
            | Self::Past { at } => Some(*at),
            _ => None,
        }
    }
}

/// A search for the next run that ended without a result.
///
/// A real time zone and a correct trigger never cause it. It ends a search that would otherwise not end.
///
/// # Example
/// ```
/// # #[cfg(feature = "cron")] {
/// use chrono::{TimeDelta, Utc};
/// use offtick::schedule::{Period, SearchError, Trigger};
/// use std::time::Duration;
///
/// let start = Utc::now();
/// let period = Period::try_from(Duration::from_secs(2)).unwrap();
/// let even = Trigger::every(period, start);
/// let odd = Trigger::every(period, start + TimeDelta::seconds(1));
/// assert!(matches!(even.and(odd).try_next_after(start), Err(SearchError::Steps { .. })));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// A zone whose offsets contradict each other or change too often.
    #[error("the time zone changes its offset too often or contradicts itself; check the implementation of `TimeZone`")]
    Zone,
    /// The parts of a combined trigger did not agree on a run.
    #[error("no run found in {limit} steps; the combined triggers may never agree on one")]
    Steps {
        /// The most steps of one search.
        limit: u32,
    },
    /// A function of `Trigger::from_fn` that returned an earlier run.
    ///
    /// It must return a run later than the given instant, or `None`.
    #[error(
        "the trigger `{name}` returned a run that is not later than the given instant; return a later one or `None`"
    )]
    NotLater {
        /// The name given to `Trigger::from_fn`.
        name: &'static str,
    },
}

/// A time zone of the machine that is unknown or unreadable.
///
/// # Example
/// ```
/// use offtick::schedule::ZoneError;
/// let error = ZoneError::Unknown { tz: "Mars/Base".into() };
/// assert!(error.to_string().starts_with("the variable TZ is `Mars/Base`, which is not a known zone"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// A value of `TZ` that is not a known zone.
    ///
    /// It is neither in the tz database nor a POSIX rule, or the database is not installed.
    #[error(
        "the variable TZ is `{tz}`, which is not a known zone; set it to a name such as Europe/Berlin, install the tz database \
         (package tzdata), or give the zone to the job"
    )]
    Unknown {
        /// The value of the variable.
        tz: String,
    },
    /// A zone file that cannot be read or is damaged.
    #[error("the zone file {} cannot be read ({reason}); install the tz database (package tzdata) again", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The message of the system or of the reader.
        reason: String,
    },
    /// A machine without `TZ` and `/etc/localtime`: the zone is UTC.
    #[error("the machine has no time zone, so times are those of UTC; set the variable TZ or the file /etc/localtime")]
    NotSet,
}

impl ZoneError {
    /// A few words for the name of a zone.
    #[cfg(feature = "cron")]
    pub(super) fn short(&self) -> String {
        match self {
            Self::Unknown { tz } => format!("because TZ={tz} is unknown"),
            Self::Unreadable { path, .. } => format!("because {} cannot be read", path.display()),
            Self::NotSet => "because no zone is set".to_owned(),
        }
    }
}
