//! [`Cron`]: a valid cron expression.

use super::describe::describe;
use super::error::{CronError, SearchError};
use super::fields::Readings;
use super::offsets::{Nanos, Offsets, REACH, instant_of, nanos_of};
use super::parse::{Meaning, Syntax, parse, position_of_year};
use super::walk::{Passage, next_run};
use chrono::{DateTime, TimeZone, Utc};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::FusedIterator;
use std::str::FromStr;

/// A schedule written as a cron expression.
///
/// # Five fields
/// `minute hour day-of-month month day-of-week`, as in a crontab: `*`, values, ranges `1-5`, steps `*/15`, `8-18/2` and
/// `5/15` (from 5 to the end), lists `0,30`. Months and weekdays have names (`jan`, `Monday`, `Tues`); the weekdays 0 and 7 are
/// Sunday, and a range may end with `sun`. If day of month and day of week are both restricted, one of them is enough; if one
/// of them begins with `*`, both must match.
///
/// `@hourly`, `@daily` = `@midnight`, `@weekly` (Sunday), `@monthly`, `@yearly` = `@annually` are short forms. `@reboot` is once
/// at the start of the scheduler and never by the clock. `@every` and a `CRON_TZ=` in front are errors that name the call to
/// use instead.
///
/// # Six or seven fields
/// `second minute hour day-of-month month day-of-week [year]`, the syntax of the `cron` crate: `?` is `*` in the two day fields,
/// and these two must both match. Years given as numbers end at 2100; `*` does not.
///
/// **Weekdays are numbered from 1 (Sunday) to 7 here**, one more than in five fields: `0 9 * * 1` is Monday,
/// `0 0 9 * * 1` is Sunday. Prefer the names, which mean the same in both. [`describe`](Cron::describe) warns about numbers.
///
/// # Extended syntax
/// [`Cron::parse_extended`] also reads days that depend on the month: `L` (the last day), `L-3` (three days before it), `15W`
/// (the working day nearest to the 15th), `LW` (the last working day), `FRI#2` (the second Friday), `FRIL` (the last Friday).
///
/// # Daylight-saving time
/// If the minute or the hour field begins with `*` or lists every value, the schedule follows elapsed time: it fires whenever
/// the wall clock shows a time that matches, so twice in an hour that repeats and not in one that is skipped. Any other schedule
/// has fixed times, and each of them has one run: the first time if the hour repeats, and right after the gap if it is skipped
/// (one run for all skipped times). This is the rule of cron(8).
///
/// Equality compares the expressions, without white space at the ends.
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
    /// Reads an expression of the standard syntax; see [`Cron`].
    ///
    /// # Errors
    /// A [`CronError`] that names the field, the position and the allowed values. A schedule that never fires, or whose years
    /// are in the past by the clock of the system, is an error as well.
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

    /// Reads an expression as of `now`, for simulated clocks: only years before it are [`CronError::Past`].
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
        Self::read(text, Syntax::Standard, now)
    }

    /// Reads an expression that may use the extended syntax: `L`, `W` and `#`; see [`Cron`].
    ///
    /// For a job, pass it on: `scheduler.on(Trigger::cron(Cron::parse_extended("0 9 L * *")?, zone))`.
    ///
    /// # Errors
    /// As [`Cron::parse`].
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::Cron;
    ///
    /// let after = Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).unwrap();
    /// let next = |text| Cron::parse_extended(text).map(|cron| cron.next_after(after).unwrap().format("%a %d %b").to_string());
    /// assert_eq!(next("0 9 L * *")?, "Sat 28 Feb");
    /// assert_eq!(next("0 9 LW * *")?, "Fri 27 Feb");
    /// assert_eq!(next("0 9 * * TUE#3")?, "Tue 17 Feb");
    /// assert_eq!(next("0 9 * * MONL")?, "Mon 23 Feb");
    /// assert!(Cron::parse("0 9 L * *").is_err()); // only on request
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn parse_extended(text: &str) -> Result<Self, CronError> {
        Self::read(text, Syntax::Extended, Utc::now())
    }

    fn read(text: &str, syntax: Syntax, now: DateTime<Utc>) -> Result<Self, CronError> {
        let meaning = parse(text, syntax)?;
        if let Meaning::Readings(plan) = &meaning {
            // Until no clock of the world can show it any more.
            let fields = &plan.fields;
            let is_past = fields.years.is_some() && fields.first_from(nanos_of(&now) - REACH).is_none();
            if is_past {
                return Err(CronError::Past { at: position_of_year(text) });
            }
        }
        Ok(Self { text: text.trim_ascii().into(), meaning })
    }

    /// The expression.
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

    /// Describes the schedule in words, in English.
    ///
    /// Expressions with the same meaning have the same description. With six or seven fields it warns about weekdays given by
    /// number, because they count from 1 = Sunday there.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::Cron;
    ///
    /// assert_eq!(Cron::parse("30 2 * * 1-5")?.describe(), "at 02:30, Monday to Friday");
    /// assert_eq!(Cron::parse("*/5 8-17 * * *")?.describe(), "every 5 minutes, from 08:00 to 17:59");
    /// assert_eq!(Cron::parse_extended("0 9 L * *")?.describe(), "at 09:00, on the last day");
    /// assert_eq!(Cron::parse("0 0 9 * * 1")?.describe(), "at 09:00, on Sunday, weekdays numbered from 1 = Sunday");
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn describe(&self) -> String {
        match &self.meaning {
            Meaning::AtStart => "once, when the scheduler starts".to_owned(),
            Meaning::Readings(plan) => describe(plan),
        }
    }

    /// Returns true for `@reboot`.
    ///
    /// Such an expression fires once at the start of the scheduler and has no upcoming runs.
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

    /// Returns the first run later than `after`, in its zone.
    ///
    /// `None` if there is none before the year 10,000, or none can be found.
    ///
    /// [`try_next_after`](Self::try_next_after) distinguishes these two cases.
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
        self.try_next_after(after).ok().flatten()
    }

    /// Returns the first run later than `after`, in its zone.
    ///
    /// `None` if there is none before the year 10,000.
    ///
    /// # Errors
    /// [`SearchError::Zone`] if the offsets of the zone contradict each other. Each search takes a bounded number of steps.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::Cron;
    ///
    /// let after = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    /// assert_eq!(Cron::parse("@reboot").unwrap().try_next_after(after), Ok(None));
    /// ```
    pub fn try_next_after<Tz: TimeZone>(&self, after: DateTime<Tz>) -> Result<Option<DateTime<Tz>>, SearchError> {
        let zone = after.timezone();
        let next = self.next_in(&zone, nanos_of(&after))?.and_then(instant_of);
        Ok(next.map(|next| next.with_timezone(&zone)))
    }

    /// Returns the runs later than `after`, in the zone `zone`, in order.
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

    /// True if each reading has one run, in a fold as well.
    pub(super) fn is_fixed(&self) -> bool {
        match &self.meaning {
            Meaning::AtStart => true,
            Meaning::Readings(plan) => plan.passage == Passage::Once,
        }
    }

    pub(super) fn next_in(&self, zone: &dyn Offsets, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        match &self.meaning {
            Meaning::AtStart => Ok(None),
            Meaning::Readings(plan) => next_run(&plan.fields, plan.passage, zone, after),
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
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Upcoming<'a, Tz: TimeZone> {
    cron: &'a Cron,
    zone: Tz,
    /// `None` after the last one.
    after: Option<Nanos>,
}

impl<Tz: TimeZone> Iterator for Upcoming<'_, Tz> {
    type Item = DateTime<Tz>;

    fn next(&mut self) -> Option<DateTime<Tz>> {
        self.after = self.after.and_then(|after| self.cron.next_in(&self.zone, after).ok()?);
        Some(instant_of(self.after?)?.with_timezone(&self.zone))
    }
}

impl<Tz: TimeZone> FusedIterator for Upcoming<'_, Tz> {}
