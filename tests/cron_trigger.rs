//! Triggers: grids that do not drift, wall times that stay, and the last run before a moment.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, FixedOffset, Local, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use offtick::schedule::{Cron, Period, Trigger, Zone};
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
    for number in [0.0, -0.0, -1.0, 1e-10, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
        assert!(Period::try_from(number).is_err(), "{number}");
    }
    assert_eq!(Period::try_from(TimeDelta::minutes(1)).unwrap(), seconds(60));
    assert_eq!(Period::try_from(0.5).unwrap().get(), Duration::from_millis(500));
    assert_eq!(
        Period::try_from(TimeDelta::seconds(-1)).unwrap_err().to_string(),
        "an interval of -PT1S; allowed: longer than zero and finite"
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
    assert_eq!(shown, ["Z", "Local", "+01:00", "Europe/Berlin"]);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn runs_rise_and_the_last_one_is_the_last(trigger in trigger(), second in -400_000_i64..400_000, fraction in 0_i64..1_000_000_000) {
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
