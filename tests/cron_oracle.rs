//! Cron schedules against an oracle that knows nothing of how they are computed: it scans minute by minute.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use offtick::schedule::Cron;
use proptest::prelude::*;
use std::collections::BTreeSet;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// One field of a crontab line: written and evaluated from the same value.
#[derive(Clone, Debug)]
enum Part {
    Star,
    StarStep(u32),
    Range(u32, u32),
    RangeStep(u32, u32, u32),
    List(Vec<u32>),
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::Star => "*".into(),
            Self::StarStep(step) => format!("*/{step}"),
            Self::Range(from, to) => format!("{from}-{to}"),
            Self::RangeStep(from, to, step) => format!("{from}-{to}/{step}"),
            Self::List(values) => values.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
        }
    }

    fn lets(&self, value: u32, lowest: u32) -> bool {
        match self {
            Self::Star => true,
            Self::StarStep(step) => (value - lowest).is_multiple_of(*step),
            Self::Range(from, to) => (*from..=*to).contains(&value),
            Self::RangeStep(from, to, step) => (*from..=*to).contains(&value) && (value - from).is_multiple_of(*step),
            Self::List(values) => values.contains(&value),
        }
    }

    fn is_starred(&self) -> bool {
        matches!(self, Self::Star | Self::StarStep(_))
    }
}

#[derive(Clone, Debug)]
struct Line {
    minute: Part,
    hour: Part,
    day: Part,
    month: Part,
    weekday: Part,
}

impl Line {
    fn text(&self) -> String {
        [&self.minute, &self.hour, &self.day, &self.month, &self.weekday].map(Part::text).join(" ")
    }

    fn lets(&self, time: NaiveDateTime) -> bool {
        let weekday = time.weekday().num_days_from_sunday();
        let by_weekday =
            self.weekday.lets(weekday, 0) || (weekday == 0 && self.weekday.lets(7, 0) && !self.weekday.is_starred());
        let by_day = self.day.lets(time.day(), 1);
        let on_day = if self.day.is_starred() || self.weekday.is_starred() {
            by_day && by_weekday
        } else {
            by_day || by_weekday
        };
        self.minute.lets(time.minute(), 0)
            && self.hour.lets(time.hour(), 0)
            && self.month.lets(time.month(), 1)
            && on_day
    }

    fn follows_elapsed_time(&self) -> bool {
        self.hour.is_starred() || (0..24).all(|hour| self.hour.lets(hour, 0))
    }

    /// All runs in `(after, until]`, by looking at every minute.
    fn runs(&self, zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
        let mut runs = BTreeSet::new();
        if self.follows_elapsed_time() {
            let mut at = after.with_second(0).unwrap();
            while at <= until {
                if self.lets(zone.from_utc_datetime(&at.naive_utc()).naive_local()) {
                    runs.insert(at);
                }
                at += MINUTE;
            }
        } else {
            let mut reading = (after.naive_utc() - TimeDelta::days(3)).with_second(0).unwrap();
            while reading <= until.naive_utc() + TimeDelta::days(3) {
                if self.lets(reading) {
                    runs.insert(once(zone, reading));
                }
                reading += MINUTE;
            }
        }
        runs.into_iter().filter(|run| *run > after && *run <= until).collect()
    }
}

/// The run of a fixed time: the first of two, or the first minute after the gap.
fn once(zone: Tz, reading: NaiveDateTime) -> DateTime<Utc> {
    let mut reading = reading;
    loop {
        match zone.from_local_datetime(&reading) {
            LocalResult::Single(run) => return run.to_utc(),
            LocalResult::Ambiguous(one, other) => return one.min(other).to_utc(),
            LocalResult::None => reading += MINUTE,
        }
    }
}

/// Days on which something happens to the clocks, and some on which nothing does.
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
    let month = prop_oneof![4 => Just(Part::Star), 1 => part(1, 12)];
    let day = prop_oneof![2 => Just(Part::Star), 1 => part(1, 28)];
    let weekday = prop_oneof![2 => Just(Part::Star), 1 => part(0, 6), 1 => part(1, 7).prop_filter("a star ends at 6", |part| !part.is_starred())];
    let hour = prop_oneof![2 => part(0, 23), 1 => part(0, 4), 1 => Just(Part::Range(0, 23))];
    (part(0, 59), hour, day, month, weekday).prop_map(|(minute, hour, day, month, weekday)| Line {
        minute,
        hour,
        day,
        month,
        weekday,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn runs_are_those_of_a_scan_of_every_minute(line in line(), (zone, after) in moment()) {
        let until = after + TimeDelta::days(5);
        let cron = Cron::parse(&line.text()).unwrap();
        let expected: Vec<_> = line.runs(zone, after, until).into_iter().collect();
        let found: Vec<_> = cron.upcoming(zone, after).map(|run| run.to_utc()).take_while(|run| *run <= until).collect();
        prop_assert_eq!(found, expected, "{} in {} after {}", cron, zone, after);
    }

    #[test]
    fn the_next_run_does_not_depend_on_where_the_search_begins(line in line(), (zone, after) in moment(), back in 1_i64..200_000) {
        let cron = Cron::parse(&line.text()).unwrap();
        let early = after.with_timezone(&zone) - TimeDelta::seconds(back);
        let from_early = cron.upcoming(zone, early).find(|run| *run > after);
        prop_assert_eq!(from_early, cron.next_after(after.with_timezone(&zone)));
    }
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
                minute: part(minute),
                hour: part(hour),
                day: Part::Star,
                month: Part::Star,
                weekday: Part::Star,
            };
            let cron = Cron::parse(&line.text()).unwrap();
            let runs = cron.upcoming(zone, after).map(|run| run.to_utc());
            let found: Vec<_> = runs.take_while(|run| *run <= until).collect();
            assert_eq!(found, line.runs(zone, after, until).into_iter().collect::<Vec<_>>(), "{cron} in {name}");
        }
    }
}
