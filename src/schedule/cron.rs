//! [`Cron`]: a cron text that was read and found good.

use super::error::CronError;
use super::fields::{Fields, Readings};
use super::parse::{Meaning, parse, position_of_year};
use super::walk::{Passage, next_run};
use super::zone::{Nanos, Offsets, REACH, instant_of, nanos_of};
use chrono::{DateTime, TimeZone, Utc};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::FusedIterator;
use std::str::FromStr;

/// A schedule written as a cron text.
///
/// # Five fields
/// `minute hour day-of-month month day-of-week`, as in a crontab: `*`, values, ranges `1-5`, steps `*/15`, `8-18/2` and
/// `5/15` (from 5 to the end), lists `0,30`. Months and weekdays have names (`jan`, `Monday`); the weekdays 0 and 7 are
/// Sunday, and a range may end with `sun`. Where day of month and day of week are both restricted, one of them is enough;
/// where one of them begins with `*`, both must match.
///
/// `@hourly`, `@daily` = `@midnight`, `@weekly` (Sunday), `@monthly`, `@yearly` = `@annually` are short for such texts.
/// `@reboot` is once at the start of the scheduler and never by the clock.
///
/// # Six or seven fields
/// `second minute hour day-of-month month day-of-week [year]`, the syntax of the `cron` crate: weekdays are 1 (Sunday) to
/// 7, `?` is `*` in the two day fields, and these two must both match. Years given as numbers end at 2100; `*` does not.
///
/// # Daylight-saving time
/// Where the hour field begins with `*` or lists every hour, the schedule follows elapsed time: it fires whenever the wall
/// clock shows a time that matches, so twice in an hour that repeats and not in one that is left out. Any other schedule
/// has fixed hours, and each time of day that it names has one run: the first time where an hour repeats, and right after
/// the gap where its time is left out (one run for all of them). Cron itself draws the line at the star as well.
///
/// Equality compares the texts, without white space at the ends.
///
/// # Example
/// ```
/// use chrono::TimeZone;
/// use chrono_tz::Europe::Berlin;
/// use offtick::schedule::Cron;
///
/// let backup = Cron::parse("30 2 * * *")?;
/// // On 29 March 2026 the clock goes from 02:00 to 03:00.
/// let after = Berlin.with_ymd_and_hms(2026, 3, 28, 12, 0, 0).unwrap();
/// let next: Vec<_> = backup.upcoming(Berlin, after).take(2).map(|run| run.to_string()).collect();
/// assert_eq!(next, ["2026-03-29 03:00:00 CEST", "2026-03-30 02:30:00 CEST"]);
/// # Ok::<(), offtick::schedule::CronError>(())
/// ```
#[derive(Clone)]
pub struct Cron {
    text: Box<str>,
    meaning: Meaning,
}

impl Cron {
    /// Reads a text; see [`Cron`] for what it may say.
    ///
    /// # Errors
    /// A [`CronError`] that names the field, the position and what would be allowed. A schedule that never fires, or whose
    /// years are over by the clock of the system, is an error as well.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::{Cron, CronError};
    ///
    /// assert!(Cron::parse("*/15 8-18 * * mon-fri").is_ok());
    /// assert!(matches!(Cron::parse("0 0 30 2 *"), Err(CronError::NeverFires { .. })));
    /// assert!(matches!(Cron::parse("0 0 12 * * * 1999"), Err(CronError::Past { .. })));
    /// ```
    pub fn parse(text: &str) -> Result<Self, CronError> {
        Self::parse_at(text, Utc::now())
    }

    /// Reads a text as it would have been at `now`, for simulated clocks: only what is over by then is
    /// [`CronError::Past`].
    ///
    /// # Errors
    /// As [`Cron::parse`].
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::Cron;
    ///
    /// let now = Utc.with_ymd_and_hms(1999, 6, 1, 0, 0, 0).unwrap();
    /// assert!(Cron::parse_at("0 0 12 * * * 1999", now).is_ok());
    /// ```
    pub fn parse_at(text: &str, now: DateTime<Utc>) -> Result<Self, CronError> {
        let meaning = parse(text)?;
        if let Meaning::Readings(fields, _) = &meaning {
            // Until no clock of the world can show it any more.
            let over = fields.years.is_some() && fields.first_from(nanos_of(&now) - REACH).is_none();
            if over {
                return Err(CronError::Past { at: position_of_year(text) });
            }
        }
        Ok(Self { text: text.trim_ascii().into(), meaning })
    }

    /// The text.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::Cron;
    /// assert_eq!(Cron::parse(" @daily\n")?.as_str(), "@daily");
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for `@reboot`, which fires once at the start and has no upcoming runs.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::Cron;
    /// assert!(Cron::parse("@reboot")?.is_at_start());
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn is_at_start(&self) -> bool {
        self.meaning == Meaning::AtStart
    }

    /// The first run later than `after`, in the zone of `after`. `None` where there is none before the year 10,000.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::Cron;
    ///
    /// let leap_day = Cron::parse("0 12 29 2 *")?;
    /// let after = Utc.with_ymd_and_hms(2097, 1, 1, 0, 0, 0).unwrap();
    /// assert_eq!(leap_day.next_after(after), Some(Utc.with_ymd_and_hms(2104, 2, 29, 12, 0, 0).unwrap()));
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn next_after<Tz: TimeZone>(&self, after: DateTime<Tz>) -> Option<DateTime<Tz>> {
        let zone = after.timezone();
        let next = instant_of(self.next_in(&zone, nanos_of(&after))?)?;
        Some(next.with_timezone(&zone))
    }

    /// The runs later than `after`, in `zone`, for display. Each is later than the one before.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::Cron;
    ///
    /// let payday = Cron::parse("0 9 1,15 * *")?;
    /// let after = Utc.with_ymd_and_hms(2026, 1, 10, 0, 0, 0).unwrap();
    /// let next: Vec<_> = payday.upcoming(Utc, after).take(3).map(|run| run.to_string()).collect();
    /// assert_eq!(next, ["2026-01-15 09:00:00 UTC", "2026-02-01 09:00:00 UTC", "2026-02-15 09:00:00 UTC"]);
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn upcoming<Tz: TimeZone, After: TimeZone>(&self, zone: Tz, after: DateTime<After>) -> Upcoming<'_, Tz> {
        Upcoming { cron: self, zone, after: Some(nanos_of(&after)) }
    }

    pub(super) fn next_in(&self, zone: &dyn Offsets, after: Nanos) -> Option<Nanos> {
        let (fields, passage) = self.readings()?;
        next_run(fields, passage, zone, after)
    }

    fn readings(&self) -> Option<(&Fields, Passage)> {
        match &self.meaning {
            Meaning::AtStart => None,
            Meaning::Readings(fields, passage) => Some((fields, *passage)),
        }
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Cron {
    type Error = CronError;

    fn try_from(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl Hash for Cron {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.text).finish()
    }
}

/// The runs of a [`Cron`], by [`Cron::upcoming`].
#[derive(Clone, Debug)]
#[must_use = "iterators do nothing unless they are asked"]
pub struct Upcoming<'a, Tz: TimeZone> {
    cron: &'a Cron,
    zone: Tz,
    /// `None` once there are no more.
    after: Option<Nanos>,
}

impl<Tz: TimeZone> Iterator for Upcoming<'_, Tz> {
    type Item = DateTime<Tz>;

    fn next(&mut self) -> Option<DateTime<Tz>> {
        self.after = self.after.and_then(|after| self.cron.next_in(&self.zone, after));
        Some(instant_of(self.after?)?.with_timezone(&self.zone))
    }
}

impl<Tz: TimeZone> FusedIterator for Upcoming<'_, Tz> {}
