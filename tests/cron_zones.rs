//! Cron schedules across the odd hours of the world's zones, with every expected run written out.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use offtick::schedule::Cron;
use std::cell::Cell;

/// The runs after a reading, as readings with their offsets.
fn runs(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let zone: Tz = zone.parse().unwrap();
    let reading = NaiveDateTime::parse_from_str(after, "%Y-%m-%d %H:%M").unwrap();
    let after = zone.from_local_datetime(&reading).earliest().unwrap();
    let cron = Cron::parse(text).unwrap();
    cron.upcoming(zone, after).take(count).map(|run| run.format("%m-%d %H:%M %:z").to_string()).collect()
}

#[test]
fn a_fixed_hour_in_a_gap_runs_once_right_after_it() {
    let after = "2026-03-28 12:00";
    assert_eq!(runs("30 2 * * *", "Europe/Berlin", after, 2), ["03-29 03:00 +02:00", "03-30 02:30 +02:00"]);
    // Six times that are left out and one that coincides with the end of the gap are one run.
    assert_eq!(
        runs("0,10,20,30,40,50 2,3 29 3 *", "Europe/Berlin", after, 2),
        ["03-29 03:00 +02:00", "03-29 03:10 +02:00"]
    );
    let new_york = runs("15 2 * * *", "America/New_York", "2025-03-08 12:00", 2);
    assert_eq!(new_york, ["03-09 03:00 -04:00", "03-10 02:15 -04:00"]);
}

#[test]
fn a_fixed_hour_in_a_fold_runs_once_the_first_time() {
    let berlin = runs("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", 2);
    assert_eq!(berlin, ["10-25 02:30 +02:00", "10-26 02:30 +01:00"]);
    let several = runs("0,30 2,3 * * *", "Europe/Berlin", "2026-10-24 12:00", 5);
    let expected =
        ["10-25 02:00 +02:00", "10-25 02:30 +02:00", "10-25 03:00 +01:00", "10-25 03:30 +01:00", "10-26 02:00 +01:00"];
    assert_eq!(several, expected);
}

#[test]
fn a_search_that_begins_in_the_second_hour_of_a_fold_repeats_nothing() {
    let zone = chrono_tz::Europe::Berlin;
    let second_time = Utc.with_ymd_and_hms(2026, 10, 25, 1, 10, 0).unwrap().with_timezone(&zone);
    assert_eq!(second_time.format("%H:%M %:z").to_string(), "02:10 +01:00");
    let next = |text: &str| Cron::parse(text).unwrap().next_after(second_time).unwrap().to_string();
    assert_eq!(next("30 2 * * *"), "2026-10-26 02:30:00 CET");
    assert_eq!(next("30 1-4 * * *"), "2026-10-25 03:30:00 CET");
    assert_eq!(next("30 * * * *"), "2026-10-25 02:30:00 CET");
    assert_eq!(next("30 0-23 * * *"), "2026-10-25 02:30:00 CET");
}

#[test]
fn starred_hours_lose_no_hour_in_a_fold_and_invent_none_in_a_gap() {
    let fold = runs("0 * * * *", "Europe/Berlin", "2026-10-25 00:30", 4);
    assert_eq!(fold, ["10-25 01:00 +02:00", "10-25 02:00 +02:00", "10-25 02:00 +01:00", "10-25 03:00 +01:00"]);
    let gap = runs("0 * * * *", "Europe/Berlin", "2026-03-29 00:30", 3);
    assert_eq!(gap, ["03-29 01:00 +01:00", "03-29 03:00 +02:00", "03-29 04:00 +02:00"]);
    let two_hours = runs("0 */2 * * *", "Europe/Berlin", "2026-10-25 00:30", 3);
    assert_eq!(two_hours, ["10-25 02:00 +02:00", "10-25 02:00 +01:00", "10-25 04:00 +01:00"]);
    let two_hours = runs("0 */2 * * *", "Europe/Berlin", "2026-03-29 00:30", 2);
    assert_eq!(two_hours, ["03-29 04:00 +02:00", "03-29 06:00 +02:00"]);
}

#[test]
fn a_zone_that_moves_thirty_minutes() {
    let zone = "Australia/Lord_Howe";
    let gap = runs("0,15,30,45 2 * * *", zone, "2026-10-03 12:00", 3);
    assert_eq!(gap, ["10-04 02:30 +11:00", "10-04 02:45 +11:00", "10-05 02:00 +11:00"]);
    let fold = runs("45 1 * * *", zone, "2026-04-04 12:00", 2);
    assert_eq!(fold, ["04-05 01:45 +11:00", "04-06 01:45 +10:30"]);
    let every_hour = runs("45 * * * *", zone, "2026-04-05 01:00", 3);
    assert_eq!(every_hour, ["04-05 01:45 +11:00", "04-05 01:45 +10:30", "04-05 02:45 +10:30"]);
}

#[test]
fn a_zone_that_skips_midnight() {
    let daily = runs("@daily", "America/Sao_Paulo", "2017-10-14 12:00", 2);
    assert_eq!(daily, ["10-15 01:00 -02:00", "10-16 00:00 -02:00"]);
    // And repeats the hour before it, a day's last, half a year later.
    let late = runs("30 23 * * *", "America/Sao_Paulo", "2018-02-17 12:00", 2);
    assert_eq!(late, ["02-17 23:30 -02:00", "02-18 23:30 -03:00"]);
    let hourly = runs("30 * 17 2 *", "America/Sao_Paulo", "2018-02-17 22:45", 2);
    assert_eq!(hourly, ["02-17 23:30 -02:00", "02-17 23:30 -03:00"]);
    // Also where no later reading is left.
    let zone = chrono_tz::America::Sao_Paulo;
    let cron = Cron::parse_at("0 30 * 17 2 * 2018", DateTime::UNIX_EPOCH).unwrap();
    let first_time = Utc.with_ymd_and_hms(2018, 2, 18, 1, 30, 0).unwrap().with_timezone(&zone);
    let rest: Vec<_> = cron.upcoming(zone, first_time).map(|run| run.to_string()).collect();
    assert_eq!(rest, ["2018-02-17 23:30:00 -03"]);
}

#[test]
fn a_zone_that_skipped_a_day() {
    let daily = runs("0 9 * * *", "Pacific/Apia", "2011-12-28 12:00", 4);
    assert_eq!(daily, ["12-29 09:00 -10:00", "12-31 00:00 +14:00", "12-31 09:00 +14:00", "01-01 09:00 +14:00"]);
    assert_eq!(runs("0 9 30 12 *", "Pacific/Apia", "2011-12-28 12:00", 1), ["12-31 00:00 +14:00"]);
    assert_eq!(
        runs("0 */6 * * *", "Pacific/Apia", "2011-12-29 17:00", 2),
        ["12-29 18:00 -10:00", "12-31 00:00 +14:00"]
    );
    assert_eq!(runs("0 */6 30 12 *", "Pacific/Apia", "2011-12-28 12:00", 1), ["12-30 00:00 +14:00"]);
}

#[test]
fn far_years() {
    let next = |text: &str, year: i32| {
        let after = NaiveDate::from_ymd_opt(year, 6, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
        Cron::parse(text).unwrap().next_after(after).map(|run| run.to_string())
    };
    assert_eq!(next("0 0 29 2 *", 2896).as_deref(), Some("2904-02-29 00:00:00 UTC"));
    assert_eq!(next("0 0 0 29 2 1", 9960).as_deref(), Some("9976-02-29 00:00:00 UTC"));
    assert_eq!(next("0 0 1 1 *", 9998).as_deref(), Some("9999-01-01 00:00:00 UTC"));
    assert_eq!(next("0 0 1 1 *", 9999), None);
    assert_eq!(next("0 0 1 1 *", 12_000), None);
    assert_eq!(next("0 0 1 1 *", 262_000), None);
    assert_eq!(next("0 0 1 1 *", -262_000).as_deref(), Some("0001-01-01 00:00:00 UTC"));
    assert_eq!(next("0 0 0 1 1 * 2100", 1900).as_deref(), Some("2100-01-01 00:00:00 UTC"));
    assert_eq!(next("0 0 0 1 1 * 2100", 2100), None);
}

#[test]
fn each_run_is_later_than_the_one_before_in_every_zone() {
    let crons = ["*/20 0-3 * * *", "10,50 */3 * * *", "0 0 30 12 *"].map(|text| Cron::parse(text).unwrap());
    for zone in chrono_tz::TZ_VARIANTS {
        for (year, month) in [(1945, 8), (2011, 12), (2026, 3), (2026, 10)] {
            let after = zone.with_ymd_and_hms(year, month, 28, 12, 0, 0).unwrap();
            for cron in &crons {
                let mut last = after;
                for run in cron.upcoming(zone, after).take(8) {
                    assert!(run > last, "{cron} in {zone}: {run} after {last}");
                    last = run;
                }
            }
        }
    }
}

/// A zone that counts the questions put to it.
#[derive(Clone)]
struct Counting<'a> {
    east: &'a dyn Fn(i64) -> i32,
    asked: &'a Cell<usize>,
}

impl TimeZone for Counting<'_> {
    type Offset = FixedOffset;

    fn from_offset(_: &FixedOffset) -> Self {
        unreachable!("schedules keep the zone that they were given")
    }

    fn offset_from_local_date(&self, _: &NaiveDate) -> chrono::MappedLocalTime<FixedOffset> {
        unreachable!("schedules ask for instants only")
    }

    fn offset_from_local_datetime(&self, _: &NaiveDateTime) -> chrono::MappedLocalTime<FixedOffset> {
        unreachable!("schedules ask for instants only")
    }

    fn offset_from_utc_date(&self, date: &NaiveDate) -> FixedOffset {
        self.offset_from_utc_datetime(&date.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
        self.asked.set(self.asked.get() + 1);
        FixedOffset::east_opt((self.east)(utc.and_utc().timestamp())).unwrap()
    }
}

#[test]
fn a_search_asks_the_zone_a_bounded_number_of_questions() {
    let asked = Cell::new(0);
    let texts = ["30 2 * * *", "0 * 29 2 *", "0 0 29 2 *", "* * * * *", "15 2 29 3 0", "0 0 0 1 1 * 2099"];
    for name in ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Gaza"] {
        let zone: Tz = name.parse().unwrap();
        let east = |second| {
            zone.offset_from_utc_datetime(&DateTime::from_timestamp(second, 0).unwrap().naive_utc())
                .fix()
                .local_minus_utc()
        };
        let counting = Counting { east: &east, asked: &asked };
        for text in texts {
            let cron = Cron::parse(text).unwrap();
            let mut after = Utc.with_ymd_and_hms(2011, 12, 28, 0, 0, 0).unwrap();
            for _ in 0..20 {
                asked.set(0);
                let Some(run) = cron.upcoming(counting.clone(), after).next() else { break };
                // A look-up takes about a tenth of a microsecond: this is far below a millisecond.
                assert!(asked.get() < 250, "{text} in {name}: {} questions", asked.get());
                after = run.to_utc() + TimeDelta::minutes(37);
            }
        }
    }
}
