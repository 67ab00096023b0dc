//! Cron schedules against an oracle that knows nothing of how they are computed: it scans minute by minute.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use offtick::schedule::{Cron, CronError};
use proptest::prelude::*;
use std::collections::BTreeSet;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// The most runs of one sequence that are compared.
const RUNS: usize = 24;

/// The length of the scan of one sequence.
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// One field of an expression: written and evaluated from the same value.
#[derive(Clone, Debug)]
enum Part {
    Star,
    StarStep(u32),
    Range(u32, u32),
    RangeStep(u32, u32, u32),
    List(Vec<u32>),
    /// `L-n`, which is `L` for 0.
    BeforeLast(u32),
    /// `nW`.
    Near(u32),
    /// `LW`.
    NearLast,
    /// `weekday#n`.
    Nth(u32, u32),
    /// `weekdayL`.
    LastWeekday(u32),
}

impl Part {
    /// The text; numbers are raised by `shift`, as those of the weekdays in six fields are.
    fn text(&self, shift: u32) -> String {
        match self {
            Self::Star => "*".into(),
            Self::StarStep(step) => format!("*/{step}"),
            Self::Range(from, to) => format!("{}-{}", from + shift, to + shift),
            Self::RangeStep(from, to, step) => format!("{}-{}/{step}", from + shift, to + shift),
            Self::List(values) => values.iter().map(|value| (value + shift).to_string()).collect::<Vec<_>>().join(","),
            Self::BeforeLast(0) => "L".into(),
            Self::BeforeLast(days) => format!("L-{days}"),
            Self::Near(day) => format!("{day}W"),
            Self::NearLast => "LW".into(),
            Self::Nth(weekday, n) => format!("{}#{n}", weekday + shift),
            Self::LastWeekday(weekday) => format!("{}L", weekday + shift),
        }
    }

    fn lets(&self, value: u32, lowest: u32) -> bool {
        match self {
            Self::Star => true,
            Self::StarStep(step) => (value - lowest).is_multiple_of(*step),
            Self::Range(from, to) => (*from..=*to).contains(&value),
            Self::RangeStep(from, to, step) => (*from..=*to).contains(&value) && (value - from).is_multiple_of(*step),
            Self::List(values) => values.contains(&value),
            _ => false,
        }
    }

    /// Whether a day of the extended syntax is this date, by its definition.
    fn lets_date(&self, date: NaiveDate) -> bool {
        let in_month = |other: NaiveDate| other.month() == date.month() && other.year() == date.year();
        let plus = |days: u32| date + TimeDelta::days(i64::from(days));
        let is_working = |day: NaiveDate| day.weekday().number_from_monday() <= 5;
        let nearest = |target: NaiveDate| {
            let days = (1..=31).filter_map(|day| target.with_day(day)).filter(|day| is_working(*day));
            days.min_by_key(|day| (*day - target).num_days().abs())
        };
        match self {
            Self::BeforeLast(days) => in_month(plus(*days)) && !in_month(plus(days + 1)),
            Self::Near(day) => date.with_day(*day).and_then(nearest) == Some(date),
            Self::NearLast => {
                is_working(date)
                    && (1..=31).map(plus).take_while(|later| in_month(*later)).all(|later| !is_working(later))
            }
            Self::Nth(weekday, n) => date.weekday().num_days_from_sunday() == *weekday && date.day0() / 7 + 1 == *n,
            Self::LastWeekday(weekday) => date.weekday().num_days_from_sunday() == *weekday && !in_month(plus(7)),
            _ => false,
        }
    }

    fn is_starred(&self) -> bool {
        matches!(self, Self::Star | Self::StarStep(_))
    }
}

#[derive(Clone, Debug)]
struct Line {
    /// `Some`: six fields, in which weekdays count from 1 = Sunday and both day fields must match.
    seconds: Option<Vec<u32>>,
    minute: Part,
    hour: Part,
    day: Part,
    month: Part,
    weekday: Part,
}

impl Line {
    fn text(&self) -> String {
        let fields = [&self.minute, &self.hour, &self.day, &self.month].map(|part| part.text(0)).join(" ");
        match &self.seconds {
            None => format!("{fields} {}", self.weekday.text(0)),
            Some(seconds) => {
                format!("{} {fields} {}", Part::List(seconds.clone()).text(0), self.weekday.text(1))
            }
        }
    }

    /// The expression; `None` if no date of 28 years, in which the calendar repeats, matches.
    fn cron(&self) -> Option<Cron> {
        match Cron::parse_extended(&self.text()) {
            Ok(cron) => Some(cron),
            Err(CronError::NeverFires { .. }) => {
                let mut days = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap().iter_days().take(28 * 366);
                assert_eq!(days.find(|day| self.lets_day(*day)), None, "{}", self.text());
                None
            }
            Err(error) => panic!("{}: {error}", self.text()),
        }
    }

    fn lets_day(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        let sunday_is_seven = weekday == 0 && self.weekday.lets(7, 0) && !self.weekday.is_starred();
        let by_weekday = self.weekday.lets(weekday, 0) || sunday_is_seven || self.weekday.lets_date(date);
        let by_day = self.day.lets(date.day(), 1) || self.day.lets_date(date);
        let both = self.seconds.is_some() || self.day.is_starred() || self.weekday.is_starred();
        self.month.lets(date.month(), 1) && if both { by_day && by_weekday } else { by_day || by_weekday }
    }

    fn lets(&self, time: NaiveDateTime) -> bool {
        self.minute.lets(time.minute(), 0) && self.hour.lets(time.hour(), 0) && self.lets_day(time.date())
    }

    /// The rule of cron(8): a star in the minute or the hour field. A field with all its values is a star.
    fn follows_elapsed_time(&self) -> bool {
        let all = |part: &Part, count: u32| part.is_starred() || (0..count).all(|value| part.lets(value, 0));
        all(&self.minute, 60) || all(&self.hour, 24)
    }

    /// The first runs in `(after, until]`, by a scan of every minute.
    fn runs(&self, zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let seconds = self.seconds.clone().unwrap_or_else(|| vec![0]);
        let mut runs = BTreeSet::new();
        if self.follows_elapsed_time() {
            let mut at = after.with_second(0).unwrap();
            while at <= until && runs.len() <= count + seconds.len() {
                if self.lets(zone.from_utc_datetime(&at.naive_utc()).naive_local()) {
                    runs.extend(seconds.iter().map(|second| at + TimeDelta::seconds(i64::from(*second))));
                }
                at += MINUTE;
            }
        } else {
            // No zone is further away from UTC than 15 hours, and none skips more than a day.
            let mut reading = (after.naive_utc() - TimeDelta::hours(40)).with_second(0).unwrap();
            while reading <= until.naive_utc() + TimeDelta::hours(16) {
                if self.lets(reading) {
                    runs.extend(
                        seconds.iter().map(|second| once(zone, reading + TimeDelta::seconds(i64::from(*second)))),
                    );
                }
                reading += MINUTE;
            }
        }
        runs.into_iter().filter(|run| *run > after && *run <= until).take(count).collect()
    }
}

/// The run of a fixed time: the first of two, or the first minute after the gap.
fn once(zone: Tz, reading: NaiveDateTime) -> DateTime<Utc> {
    let mut reading = reading;
    loop {
        match zone.from_local_datetime(&reading) {
            LocalResult::Single(run) => return run.to_utc(),
            LocalResult::Ambiguous(one, other) => return one.min(other).to_utc(),
            LocalResult::None => reading = reading.with_second(0).unwrap() + MINUTE,
        }
    }
}

/// Days on which the clocks change, and some on which they do not.
const MOMENTS: &[(&str, i32, u32, u32)] = &[
    ("UTC", 2024, 2, 29),
    ("UTC", 2026, 12, 31),
    ("Europe/Berlin", 2026, 3, 29),
    ("Europe/Berlin", 2026, 10, 25),
    ("Europe/Berlin", 1980, 4, 6),
    ("America/New_York", 2025, 3, 9),
    ("America/New_York", 2025, 11, 2),
    ("America/New_York", 2080, 3, 10),
    ("Australia/Lord_Howe", 2026, 4, 5),
    ("Australia/Lord_Howe", 2026, 10, 4),
    ("America/Sao_Paulo", 2017, 10, 15),
    ("America/Sao_Paulo", 2018, 2, 18),
    ("Pacific/Apia", 2011, 12, 30),
    ("Pacific/Apia", 2012, 4, 1),
    ("Pacific/Kwajalein", 1993, 8, 21),
    ("Asia/Kathmandu", 1986, 1, 1),
    ("Asia/Kathmandu", 2026, 6, 15),
    ("Africa/Casablanca", 2026, 2, 15),
    ("Africa/Casablanca", 2026, 3, 22),
    ("Antarctica/Troll", 2026, 3, 29),
    ("Antarctica/Troll", 2026, 10, 25),
    ("Asia/Gaza", 2026, 3, 28),
    ("America/St_Johns", 2006, 4, 2),
    ("America/St_Johns", 2006, 10, 29),
    ("America/Havana", 2026, 3, 8),
    ("America/Havana", 2026, 11, 1),
    ("America/Santiago", 2026, 4, 5),
    ("America/Santiago", 2026, 9, 6),
    ("Asia/Beirut", 2026, 3, 29),
    ("Asia/Tehran", 2022, 3, 22),
    ("Atlantic/Azores", 2026, 10, 25),
    ("Europe/Dublin", 2026, 10, 25),
    ("Pacific/Chatham", 2026, 4, 5),
    ("Pacific/Chatham", 2026, 9, 27),
    ("Antarctica/Casey", 2020, 10, 4),
    ("Asia/Pyongyang", 2018, 5, 5),
    ("America/Caracas", 2016, 5, 1),
    ("Africa/Juba", 2021, 2, 1),
];

fn moment() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    // Anywhere around the day, or close to the hours in which clocks are set.
    let second = prop_oneof![-3 * 86_400_i64..86_400, -15 * 3600_i64..18 * 3600];
    (proptest::sample::select(MOMENTS), second).prop_map(|((zone, year, month, day), second)| {
        let start = NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
        (zone.parse().unwrap(), start + TimeDelta::seconds(second))
    })
}

fn part(first: u32, last: u32) -> impl Strategy<Value = Part> {
    let range = (first..=last, first..=last).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let step = 1..=last - first;
    prop_oneof![
        Just(Part::Star),
        step.clone().prop_map(Part::StarStep),
        range.clone().prop_map(|(from, to)| Part::Range(from, to)),
        (range, step).prop_map(|((from, to), step)| Part::RangeStep(from, to, step)),
        proptest::collection::vec(first..=last, 1..5).prop_map(Part::List),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let month = prop_oneof![8 => Just(Part::Star), 1 => part(1, 12)];
    let day = prop_oneof![
        6 => Just(Part::Star),
        2 => part(1, 28),
        1 => (0_u32..28).prop_map(Part::BeforeLast),
        1 => prop_oneof![1 => Just(Part::NearLast), 3 => (1_u32..=28).prop_map(Part::Near)],
    ];
    let weekday = prop_oneof![
        6 => Just(Part::Star),
        2 => part(0, 6),
        1 => (0_u32..7, 1_u32..=5).prop_map(|(weekday, n)| Part::Nth(weekday, n)),
        1 => (0_u32..7).prop_map(Part::LastWeekday),
    ];
    let hour = prop_oneof![2 => part(0, 23), 2 => part(0, 4), 1 => Just(Part::Range(0, 23))];
    let minute = prop_oneof![8 => part(0, 59), 1 => Just(Part::Range(0, 59))];
    let seconds = proptest::option::weighted(0.3, proptest::collection::vec(0_u32..60, 1..4));
    (seconds, minute, hour, day, month, weekday).prop_map(|(seconds, minute, hour, day, month, weekday)| Line {
        seconds,
        minute,
        hour,
        day,
        month,
        weekday,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn runs_are_those_of_a_scan_of_every_minute(line in line(), (zone, after) in moment()) {
        let until = after + WINDOW;
        let Some(cron) = line.cron() else { return Ok(()) };
        let expected = line.runs(zone, after, until, RUNS);
        let found: Vec<_> =
            cron.upcoming(zone, after).map(|run| run.to_utc()).take_while(|run| *run <= until).take(RUNS).collect();
        prop_assert_eq!(found, expected, "{} in {} after {}", cron, zone, after);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_next_run_does_not_depend_on_where_the_search_begins(line in line(), (zone, after) in moment(), back in 1_i64..200_000) {
        let Some(cron) = line.cron() else { return Ok(()) };
        let early = after.with_timezone(&zone) - TimeDelta::seconds(back);
        let from_early = cron.upcoming(zone, early).find(|run| *run > after);
        prop_assert_eq!(from_early, cron.next_after(after.with_timezone(&zone)));
    }

    /// Every day of a year, without a time.
    #[test]
    fn days_of_a_year_are_those_of_a_scan_of_every_day(line in line(), year in 1970_i32..2400) {
        let noon = Line { seconds: None, minute: Part::List(vec![0]), hour: Part::List(vec![12]), ..line };
        let start = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
        let Some(cron) = noon.cron() else { return Ok(()) };
        let found: Vec<_> = cron.upcoming(Utc, start).map(|run| run.date_naive()).take_while(|date| date.year() == year).collect();
        let days = start.date_naive().iter_days().take_while(|date| date.year() == year);
        prop_assert_eq!(found, days.filter(|date| noon.lets_day(*date)).collect::<Vec<_>>(), "{}", noon.text());
    }
}

#[test]
fn a_star_in_the_minute_or_the_hour_field_follows_elapsed_time() {
    let zone = chrono_tz::Europe::Berlin;
    let count = |text: &str, month, day, first_hour: u32, hours: i64| {
        let start = zone.with_ymd_and_hms(2026, month, day, first_hour, 0, 0).unwrap();
        let cron = Cron::parse(text).unwrap();
        let runs = cron.upcoming(zone, start - TimeDelta::seconds(1));
        runs.take_while(|run| *run < start + TimeDelta::hours(hours)).count()
    };
    // A day of 25 hours and one of 23.
    for (text, long, short) in [
        ("* 1-3 * * *", 240, 120),
        ("*/5 0-6 * * *", 96, 72),
        ("*/5 * * * *", 300, 276),
        ("0 * * * *", 25, 23),
        ("30 */2 * * *", 13, 11),
        ("0-59 2 * * *", 120, 0),
        // Fixed times: once each, those that are skipped together once.
        ("0,30 1-3 * * *", 6, 4),
        ("30 2 * * *", 1, 1),
        ("0,15,30,45 2 * * *", 4, 1),
    ] {
        assert_eq!(count(text, 10, 25, 0, 25), long, "{text} on a day of 25 hours");
        assert_eq!(count(text, 3, 29, 0, 23), short, "{text} on a day of 23 hours");
    }
    // Never silent for longer than its step, while its hours last.
    let start = zone.with_ymd_and_hms(2026, 10, 25, 0, 0, 0).unwrap();
    let runs: Vec<_> = Cron::parse("*/5 0-6 * * *").unwrap().upcoming(zone, start).take(95).collect();
    assert!(runs.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(5)));
}

#[test]
fn whole_years_agree_with_the_scan() {
    let lines = [("30", "2"), ("0", "*"), ("*/20", "0-3")];
    for (name, year) in [("Europe/Berlin", 2026), ("Australia/Lord_Howe", 2027)] {
        let zone: Tz = name.parse().unwrap();
        let after = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
        let until = Utc.with_ymd_and_hms(year + 1, 1, 1, 0, 0, 0).unwrap();
        for (minute, hour) in lines {
            let part = |text: &str| match text {
                "*" => Part::Star,
                "*/20" => Part::StarStep(20),
                "0-3" => Part::Range(0, 3),
                value => Part::List(vec![value.parse().unwrap()]),
            };
            let line = Line {
                seconds: None,
                minute: part(minute),
                hour: part(hour),
                day: Part::Star,
                month: Part::Star,
                weekday: Part::Star,
            };
            let cron = line.cron().unwrap();
            let runs = cron.upcoming(zone, after).map(|run| run.to_utc());
            let found: Vec<_> = runs.take_while(|run| *run <= until).collect();
            assert_eq!(found, line.runs(zone, after, until, usize::MAX / 2), "{cron} in {name}");
        }
    }
}
