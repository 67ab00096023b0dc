//! Triggers: grids that do not drift, wall times that stay, and the last run before a moment.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use chrono_tz::Tz;
use offtick::schedule::{Cron, Period, SearchError, Trigger, Zone};
use proptest::prelude::*;
use std::time::Duration;

fn seconds(seconds: u64) -> Period {
    Period::try_from(Duration::from_secs(seconds)).unwrap()
}

const DAY: u64 = 86_400;

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The runs after an instant, as the clocks of Berlin show them.
fn berlin(trigger: &Trigger, after: DateTime<Utc>, count: usize) -> Vec<String> {
    let runs = std::iter::successors(trigger.next_after(after), |run| trigger.next_after(*run));
    runs.take(count).map(|run| run.with_timezone(&Berlin).format("%m-%d %H:%M:%S%.f %:z").to_string()).collect()
}

#[test]
fn lengths_that_are_no_interval() {
    assert!(Period::try_from(Duration::ZERO).is_err());
    for delta in [TimeDelta::zero(), TimeDelta::seconds(-1), TimeDelta::MIN] {
        assert!(Period::try_from(delta).is_err());
    }
    assert_eq!(Period::try_from(TimeDelta::minutes(1)).unwrap(), seconds(60));
    assert_eq!(Period::try_from(Duration::from_millis(500)).unwrap().get(), Duration::from_millis(500));
    assert_eq!(
        Period::try_from(TimeDelta::seconds(-1)).unwrap_err().to_string(),
        "an interval of -PT1S; allowed: longer than zero"
    );
}

#[test]
fn a_grid_begins_after_one_period_and_does_not_drift() {
    let start = utc("2026-01-01T00:00:00.25Z");
    let trigger = Trigger::every(seconds(7), start);
    assert_eq!(trigger.next_after(utc("1999-01-01T00:00:00Z")), Some(start + TimeDelta::seconds(7)));
    assert_eq!(trigger.first_from(start), Some(start + TimeDelta::seconds(7)));
    assert_eq!(trigger.next_after(start + TimeDelta::seconds(7)), Some(start + TimeDelta::seconds(14)));
    assert_eq!(trigger.next_after(start + TimeDelta::milliseconds(13_999)), Some(start + TimeDelta::seconds(14)));
    let far = start + TimeDelta::seconds(7 * 1_000_000_000);
    assert_eq!(trigger.next_after(far - TimeDelta::nanoseconds(1)), Some(far));
    // Across a change of the clocks: elapsed time, also for days.
    let daily = Trigger::every(seconds(DAY), utc("2026-03-28T08:00:00Z"));
    assert_eq!(berlin(&daily, utc("2026-03-27T12:00:00Z"), 2), ["03-29 10:00:00 +02:00", "03-30 10:00:00 +02:00"]);
}

#[test]
fn grids_at_their_limits() {
    let start = utc("2026-01-01T00:00:00Z");
    assert_eq!(Trigger::every(Period::try_from(Duration::MAX).unwrap(), start).next_after(start), None);
    let nanosecond = Trigger::every(Period::try_from(Duration::from_nanos(1)).unwrap(), start);
    assert_eq!(nanosecond.next_after(start), Some(start + TimeDelta::nanoseconds(1)));
    assert_eq!(nanosecond.next_after(DateTime::<Utc>::MAX_UTC), None);
    for extreme in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        for trigger in [
            Trigger::every(seconds(1), extreme),
            Trigger::every(Period::try_from(Duration::MAX).unwrap(), extreme),
            Trigger::in_phase(extreme, Period::try_from(Duration::MAX).unwrap()),
            Trigger::in_phase(extreme, seconds(60)),
            Trigger::at(extreme),
            Trigger::daily_at(NaiveTime::MIN, Zone::new(Berlin)),
        ] {
            for after in [extreme, start] {
                assert!(trigger.next_after(after).is_none_or(|run| run > after), "{trigger}");
                assert!(trigger.last_until(after).is_none_or(|run| run <= after), "{trigger}");
            }
        }
    }
}

#[test]
fn a_time_of_day_stays_on_the_wall() {
    let at = |hour, minute| Trigger::daily_at(NaiveTime::from_hms_opt(hour, minute, 0).unwrap(), Zone::new(Berlin));
    let gap = utc("2026-03-28T12:00:00Z");
    assert_eq!(berlin(&at(9, 0), gap, 2), ["03-29 09:00:00 +02:00", "03-30 09:00:00 +02:00"]);
    assert_eq!(berlin(&at(2, 30), gap, 2), ["03-29 03:00:00 +02:00", "03-30 02:30:00 +02:00"]);
    let fold = utc("2026-10-24T12:00:00Z");
    assert_eq!(berlin(&at(2, 30), fold, 2), ["10-25 02:30:00 +02:00", "10-26 02:30:00 +01:00"]);
    let fraction = Trigger::daily_at(NaiveTime::from_hms_milli_opt(9, 0, 0, 500).unwrap(), Zone::new(Berlin));
    assert_eq!(berlin(&fraction, utc("2026-07-01T07:00:00.4Z"), 1), ["07-01 09:00:00.500 +02:00"]);
    assert_eq!(berlin(&fraction, utc("2026-07-01T07:00:00.5Z"), 1), ["07-02 09:00:00.500 +02:00"]);
    let leap_second = Trigger::daily_at(NaiveTime::from_hms_milli_opt(23, 59, 59, 1_500).unwrap(), Zone::new(Berlin));
    assert_eq!(berlin(&leap_second, utc("2026-07-01T12:00:00Z"), 1), ["07-02 00:00:00.500 +02:00"]);
}

#[test]
fn an_interval_in_phase_runs_before_its_anchor_too() {
    let on = Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap();
    let hours = Trigger::in_phase(on, seconds(6 * 3600));
    // Elapsed time: six hours, although the clock goes back in between.
    let expected = ["10-24 22:00:00 +02:00", "10-25 03:00:00 +01:00", "10-25 09:00:00 +01:00", "10-25 15:00:00 +01:00"];
    assert_eq!(berlin(&hours, utc("2026-10-24T15:00:00Z"), 4), expected);
    let days = Trigger::in_phase(on, seconds(DAY));
    let expected = ["10-24 09:00:00 +02:00", "10-25 09:00:00 +01:00", "10-26 09:00:00 +01:00"];
    assert_eq!(berlin(&days, utc("2026-10-24T00:00:00Z"), 3), expected);
    let day_and_half = Trigger::in_phase(on, seconds(DAY * 3 / 2));
    let expected = ["10-23 21:00:00 +02:00", "10-25 09:00:00 +01:00", "10-26 21:00:00 +01:00"];
    assert_eq!(berlin(&day_and_half, utc("2026-10-23T00:00:00Z"), 3), expected);
    // Overdue runs are caught up by asking after the last one, or skipped by asking after now.
    let last = utc("2026-10-01T07:00:00Z");
    assert_eq!(berlin(&days, last, 1), ["10-02 09:00:00 +02:00"]);
    let midnights = Trigger::in_phase(Berlin.with_ymd_and_hms(2026, 3, 1, 2, 15, 0).unwrap(), seconds(DAY));
    assert_eq!(berlin(&midnights, utc("2026-03-28T12:00:00Z"), 2), ["03-29 03:00:00 +02:00", "03-30 02:15:00 +02:00"]);
}

#[test]
fn a_phase_keeps_its_own_instant_in_a_fold() {
    let first = Berlin.with_ymd_and_hms(2026, 10, 25, 2, 30, 0).earliest().unwrap();
    let second = Berlin.with_ymd_and_hms(2026, 10, 25, 2, 30, 0).latest().unwrap();
    for (on, expected) in [(&first, "10-25 02:30:00 +02:00"), (&second, "10-25 02:30:00 +01:00")] {
        let daily = Trigger::in_phase(*on, seconds(DAY));
        let expected = ["10-24 02:30:00 +02:00", expected, "10-26 02:30:00 +01:00"];
        assert_eq!(berlin(&daily, utc("2026-10-23T12:00:00Z"), 3), expected);
        assert_eq!(daily.first_from(on.to_utc()), Some(on.to_utc()));
        assert_eq!(daily.last_until(on.to_utc()), Some(on.to_utc()));
        // From between the two, and from the instant itself.
        let between = first.to_utc() + TimeDelta::minutes(10);
        assert_eq!(daily.next_after(between).unwrap() == second.to_utc(), *on == second);
        assert_eq!(berlin(&daily, on.to_utc(), 1), ["10-26 02:30:00 +01:00"]);
    }
}

fn cron(text: &str) -> Trigger {
    Trigger::cron(Cron::parse(text).unwrap(), Zone::new(Berlin))
}

#[test]
fn triggers_combine() {
    let after = utc("2026-10-24T00:00:00Z");
    let either = cron("0 9 * * *").or(cron("0 9,18 * * sat"));
    let expected = ["10-24 09:00:00 +02:00", "10-24 18:00:00 +02:00", "10-25 09:00:00 +01:00"];
    assert_eq!(berlin(&either, after, 3), expected);
    assert_eq!(either.to_string(), "[0 9 * * * (Europe/Berlin)] or [0 9,18 * * sat (Europe/Berlin)]");
    let both = cron("0 * * * *").and(cron("*/25 9-10 * * *"));
    assert_eq!(berlin(&both, after, 3), ["10-24 09:00:00 +02:00", "10-24 10:00:00 +02:00", "10-25 09:00:00 +01:00"]);
    let instant = utc("2026-10-25T08:00:00Z");
    assert_eq!(berlin(&cron("0 9 * * *").and(Trigger::at(instant)), after, 2), ["10-25 09:00:00 +01:00"]);
    assert_eq!(cron("0 9 * * *").and(Trigger::at(instant + TimeDelta::seconds(1))).try_next_after(after), Ok(None));
    let never = cron("*/2 * * * *").and(cron("1-59/2 * * * *"));
    assert_eq!(never.try_next_after(after), Err(SearchError::Steps { limit: 1_000 }));
    assert_eq!((never.next_after(after), never.last_until(after)), (None, None));
    // An error of a part is an error of the whole.
    assert!(cron("0 9 * * *").or(never.clone()).try_next_after(after).is_err());
    assert!(never.except([]).try_next_after(after).is_err());
}

#[test]
fn dates_are_excepted_by_the_wall_clock_of_the_zone() {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let after = utc("2026-10-23T12:00:00Z");
    let daily = cron("30 23 * * *").except([date("2026-10-24"), date("2026-10-25")]);
    assert_eq!(berlin(&daily, after, 2), ["10-23 23:30:00 +02:00", "10-26 23:30:00 +01:00"]);
    assert_eq!(daily.to_string(), "30 23 * * * (Europe/Berlin) except 2 dates");
    // A day of 86,400 runs is skipped in one step, and the first run after it is the first of the next day.
    let seconds_of = |zone: Tz, dates: &[&str]| {
        let every = Trigger::cron(Cron::parse("* * * * * *").unwrap(), Zone::new(zone));
        every.except(dates.iter().map(|text| date(text)))
    };
    let next = |zone: Tz, dates: &[&str], after: &str| {
        seconds_of(zone, dates).next_after(utc(after)).unwrap().with_timezone(&zone).to_string()
    };
    assert_eq!(next(Berlin, &["2026-10-25"], "2026-10-24T22:30:00Z"), "2026-10-26 00:00:00 CET");
    // Midnight does not exist, and the day before it has two hours from 23:00.
    assert_eq!(next(Tz::America__Sao_Paulo, &["2017-10-14"], "2017-10-14T12:00:00Z"), "2017-10-15 01:00:00 -02");
    assert_eq!(next(Tz::America__Sao_Paulo, &["2018-02-17"], "2018-02-17T12:00:00Z"), "2018-02-18 00:00:00 -03");
    // One minute after midnight the clock goes back into the excepted day.
    let st_johns = seconds_of(Tz::America__St_Johns, &["2006-10-28"]);
    let runs = st_johns.upcoming(utc("2006-10-28T12:00:00Z")).take(61);
    let shown: Vec<_> =
        runs.map(|run| run.with_timezone(&Tz::America__St_Johns).format("%d %T %:z").to_string()).collect();
    assert_eq!((shown[0].as_str(), shown[59].as_str()), ("29 00:00:00 -02:30", "29 00:00:59 -02:30"));
    assert_eq!(shown[60], "29 00:00:00 -03:30");
    // Exceptions for longer than a search goes are an error, not an endless search.
    let all = (0..4_000).map(|day| date("2026-01-01") + TimeDelta::days(day));
    assert_eq!(cron("0 9 * * *").except(all).try_next_after(after), Err(SearchError::Steps { limit: 1_000 }));
    // Without a zone of its own: that of the first part that has one.
    let start = utc("2026-10-23T12:00:00Z");
    let grid = Trigger::every(seconds(3600), start).or(cron("0 9 * * *")).except([date("2026-10-24")]);
    assert_eq!(grid.upcoming(start).nth(9).unwrap(), utc("2026-10-23T22:00:00Z") + TimeDelta::hours(24));
}

#[test]
fn functions_are_triggers() {
    let start = utc("2026-01-01T00:00:00Z");
    let doubling = Trigger::from_fn("doubling", move |after| {
        (0..20).map(|n| start + TimeDelta::minutes(1 << n)).find(|run| *run > after)
    });
    let minutes: Vec<_> = doubling.upcoming(start).take(5).map(|run| (run - start).num_minutes()).collect();
    assert_eq!(minutes, [1, 2, 4, 8, 16]);
    assert_eq!(doubling.last_until(start + TimeDelta::minutes(100)), Some(start + TimeDelta::minutes(64)));
    assert_eq!(doubling.next_after(start + TimeDelta::minutes(1 << 19)), None);
    assert_eq!(doubling.to_string(), "doubling");
    for liar in [|after| Some(after), |after: DateTime<Utc>| Some(after - TimeDelta::days(1))] {
        let liar = Trigger::from_fn("liar", liar);
        assert_eq!(liar.try_next_after(start), Err(SearchError::NotLater { name: "liar" }));
        assert_eq!((liar.next_after(start), liar.upcoming(start).count(), liar.last_until(start)), (None, 0, None));
    }
    let far = Trigger::from_fn("far", |_| Some(DateTime::<Utc>::MAX_UTC));
    assert_eq!(far.try_next_after(start), Ok(None));
    for extreme in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        assert!(doubling.next_after(extreme).is_none_or(|run| run > extreme));
    }
}

#[test]
fn one_instant() {
    let instant = utc("2026-07-01T12:00:00Z");
    let trigger = Trigger::at(instant.with_timezone(&Berlin));
    assert_eq!(trigger.first_from(instant), Some(instant));
    assert_eq!(trigger.next_after(instant), None);
    assert_eq!(trigger.first_from(instant + TimeDelta::nanoseconds(1)), None);
    assert_eq!(trigger.last_until(instant), Some(instant));
    assert_eq!(trigger.last_until(instant - TimeDelta::nanoseconds(1)), None);
}

#[test]
fn every_kind_of_zone() {
    let noon = || NaiveTime::from_hms_opt(12, 0, 0).unwrap();
    let after = utc("2026-07-01T00:00:00Z");
    let next = |zone: Zone| Trigger::daily_at(noon(), zone).next_after(after).unwrap();
    assert_eq!(next(Zone::new(Utc)), utc("2026-07-01T12:00:00Z"));
    assert_eq!(next(Zone::new(FixedOffset::east_opt(3600).unwrap())), utc("2026-07-01T11:00:00Z"));
    assert_eq!(next(Zone::new(chrono_tz::Asia::Kathmandu)), utc("2026-07-01T06:15:00Z"));
    assert_eq!(next(Zone::default()).with_timezone(&Local).time(), noon());
    let shown = [Zone::new(Utc), Zone::local(), Zone::new(FixedOffset::east_opt(3600).unwrap()), Zone::new(Berlin)]
        .map(|zone| zone.to_string());
    assert_eq!(shown, ["Z", &Zone::new(Local).to_string(), "+01:00", "Europe/Berlin"]);
}

#[test]
fn how_they_are_shown() {
    let on = Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap();
    let shown = [
        Trigger::cron(Cron::parse("0 9 * * mon").unwrap(), Zone::new(Berlin)),
        Trigger::daily_at(NaiveTime::from_hms_opt(9, 0, 0).unwrap(), Zone::new(Berlin)),
        Trigger::every(seconds(90), on.to_utc()),
        Trigger::in_phase(on, seconds(90)),
        Trigger::at(on),
    ]
    .map(|trigger| trigger.to_string());
    let expected = [
        "0 9 * * mon (Europe/Berlin)",
        "daily at 09:00:00 (Europe/Berlin)",
        "every 90s",
        "every 90s, in phase (Europe/Berlin)",
        "at 2026-10-25 08:00:00 UTC",
    ];
    assert_eq!(shown, expected);
    assert_eq!(format!("{:?}", Trigger::every(seconds(90), on.to_utc())), "Trigger(every 90s)");
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let on = Berlin.with_ymd_and_hms(2026, 10, 25, 2, 30, 0).latest().unwrap();
    let text = proptest::sample::select(&[
        "30 2 * * *",
        "*/7 * * * *",
        "0 */5 * * 1",
        "0 0 29 2 *",
        "*/10 2 25 10 *",
        "5 0 0 1 1 * 2020-2030/4",
        "@reboot",
    ]);
    prop_oneof![
        text.prop_map(|text| Trigger::cron(Cron::parse(text).unwrap(), Zone::new(Berlin))),
        (0_u32..86_400).prop_map(|second| Trigger::daily_at(
            NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap(),
            Zone::new(Berlin)
        )),
        (1_u64..300_000).prop_map(move |period| Trigger::every(seconds(period), on.to_utc())),
        (1_u64..300_000).prop_map(move |period| Trigger::in_phase(on, seconds(period))),
        (-200_000_i64..200_000).prop_map(move |second| Trigger::at(on + TimeDelta::seconds(second))),
    ]
}

fn combined() -> impl Strategy<Value = Trigger> {
    let date = (20_i64..30).prop_map(|day| NaiveDate::from_ymd_opt(2026, 10, 1).unwrap() + TimeDelta::days(day));
    prop_oneof![
        4 => trigger(),
        1 => (trigger(), trigger()).prop_map(|(one, other)| one.or(other)),
        1 => (trigger(), proptest::collection::vec(date, 0..4)).prop_map(|(trigger, dates)| trigger.except(dates)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn runs_rise_and_the_last_one_is_the_last(trigger in combined(), second in -400_000_i64..400_000, fraction in 0_i64..1_000_000_000) {
        let now = utc("2026-10-25T00:30:00Z") + TimeDelta::seconds(second) + TimeDelta::nanoseconds(fraction);
        let next = trigger.next_after(now);
        prop_assert!(next.is_none_or(|run| run > now));
        let last = trigger.last_until(now);
        if let Some(last) = last {
            prop_assert!(last <= now);
            prop_assert_eq!(trigger.next_after(last), next, "{}: nothing lies between {} and {}", trigger, last, now);
            prop_assert_eq!(trigger.first_from(last), Some(last), "{}", trigger);
            prop_assert_eq!(trigger.last_until(last), Some(last));
        }
        if let Some(next) = next {
            prop_assert_eq!(trigger.last_until(next), Some(next));
            prop_assert_eq!(trigger.last_until(next - TimeDelta::nanoseconds(1)), last);
        }
    }
}
