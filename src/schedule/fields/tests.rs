use super::*;
use chrono::{DateTime, TimeDelta, Timelike};
use proptest::prelude::*;

/// Returns true if the fields match a second, one by one.
fn lets(fields: &Fields, second: i64) -> bool {
    let time = DateTime::from_timestamp(second, 0).expect("a second of this century").naive_utc();
    let has = |set: u64, value: u32| set >> value & 1 == 1;
    let day = has(fields.days, time.day());
    let weekday = has(fields.weekdays, time.weekday().num_days_from_sunday());
    let on_day = match fields.join {
        DayRule::Both => day && weekday,
        DayRule::Either => day || weekday,
    };
    has(fields.seconds, time.second())
        && has(fields.minutes, time.minute())
        && has(fields.hours, time.hour())
        && has(fields.months, time.month())
        && fields.years.as_ref().is_none_or(|years| years.contains(&time.year()))
        && on_day
}

/// A few bits of a range, never none.
fn set(first: u32, last: u32) -> impl Strategy<Value = u64> {
    proptest::collection::vec(first..=last, 1..6)
        .prop_map(|values| values.iter().fold(0, |set, value| set | 1 << value))
}

fn fields() -> impl Strategy<Value = Fields> {
    let years = proptest::option::of(Just(vec![2023, 2024, 2028]));
    let join = prop_oneof![Just(DayRule::Both), Just(DayRule::Either)];
    (set(0, 59), set(0, 59), set(0, 23), set(1, 31), set(1, 12), set(0, 6), join, years).prop_map(
        |(seconds, minutes, hours, days, months, weekdays, join, years)| Fields {
            seconds,
            minutes,
            hours,
            days,
            months,
            weekdays,
            by_month: MonthDays::default(),
            join,
            years,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Scans every second of some hours, and every day of the result.
    #[test]
    fn the_first_reading_is_the_first(fields in fields(), from in 1_700_000_000_i64..1_750_000_000) {
        let found = fields.first_from(Nanos::from(from) * SECOND).map(|nanos| i64::try_from(nanos / SECOND).expect("near"));
        if let Some(found) = found {
            prop_assert!(found >= from && lets(&fields, found));
            // The rest of the first day.
            let midnight = from - from.rem_euclid(86_400) + 86_400;
            prop_assert_eq!((from..midnight.min(found)).find(|&second| lets(&fields, second)), None);
            // On each day between, some second of those that the time fields let through would do.
            let any_time = Fields { seconds: !0, minutes: !0, hours: !0, ..fields.clone() };
            let day_found = found - found.rem_euclid(86_400);
            let skipped = (midnight..day_found).step_by(86_400).find(|&day| lets(&any_time, day));
            prop_assert_eq!(skipped, None);
            prop_assert_eq!((day_found.max(from)..found).find(|&second| lets(&fields, second)), None);
        } else {
            let end = from + TimeDelta::days(366 * 9).num_seconds();
            let any_time = Fields { seconds: !0, minutes: !0, hours: !0, ..fields.clone() };
            let midnight = from - from.rem_euclid(86_400) + 86_400;
            prop_assert_eq!((midnight..end).step_by(86_400).find(|&day| lets(&any_time, day)), None);
        }
    }
}

#[test]
fn a_fraction_of_a_second_is_rounded_up() {
    let every_second = Fields {
        seconds: !0,
        minutes: !0,
        hours: !0,
        days: !0,
        months: !0,
        weekdays: !0,
        by_month: MonthDays::default(),
        join: DayRule::Both,
        years: None,
    };
    for (from, expected) in [(0, 0), (1, SECOND), (SECOND, SECOND), (-1, 0), (-SECOND, -SECOND), (-SECOND + 1, 0)] {
        assert_eq!(every_second.first_from(from), Some(expected), "{from}");
    }
}
