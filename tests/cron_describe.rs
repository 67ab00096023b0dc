//! Descriptions of cron expressions and triggers in words.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Europe::Berlin;
use offtick::schedule::{Cron, Period, Trigger, Zone};
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn expressions_in_words() {
    for (text, words) in [
        ("30 2 * * 1-5", "at 02:30, Monday to Friday"),
        ("30 2 * * *", "at 02:30, every day"),
        ("0,30 9,17 * * *", "at 09:00, 09:30, 17:00 and 17:30, every day"),
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/7 * * * *", "every 7 minutes"),
        ("0 * * * *", "every hour"),
        ("30 * * * *", "at minute 30 of every hour"),
        ("0,10,25 * * * *", "at minutes 0, 10 and 25 of every hour"),
        ("1-10,30 * * * *", "at minutes 1 to 10 and 30 of every hour"),
        ("0 */2 * * *", "every 2 hours from 00:00"),
        ("30 */2 * * *", "at minute 30, in every 2nd hour from 00:00"),
        ("0 8-18 * * *", "every hour from 08:00 to 18:00"),
        ("*/5 0-6 * * *", "every 5 minutes, from 00:00 to 06:59"),
        ("*/5 3 * * *", "every 5 minutes, in hour 03"),
        ("*/15 1,3,5-8 * * sat,sun", "every 15 minutes, in hours 01, 03 and 05 to 08, on Saturday and Sunday"),
        ("0 9 1,15 * *", "at 09:00, on the 1st and 15th"),
        ("0 9 1-7 * *", "at 09:00, on the 1st to 7th"),
        ("0 0 13 * 5", "at 00:00, on the 13th or on Friday"),
        ("0 0 */10 * 1", "at 00:00, on the 1st, 11th, 21st and 31st if it is Monday"),
        ("0 0 1 1 *", "at 00:00, on the 1st, in January"),
        ("0 0 * 1-3,6 *", "at 00:00, every day, in January to March and June"),
        ("0 0 * * mon,wed,fri", "at 00:00, on Monday, Wednesday and Friday"),
        ("0 0 * * sat-sun", "at 00:00, on Saturday and Sunday"),
        ("0 0 * * fri-sun", "at 00:00, Friday to Sunday"),
        ("0 0 1-31 * 1", "at 00:00, every day"),
        ("@daily", "at 00:00, every day"),
        ("@weekly", "at 00:00, on Sunday"),
        ("@hourly", "every hour"),
        ("@reboot", "once, when the scheduler starts"),
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("15 * * * * *", "at second 15 of every minute"),
        ("*/10 5 * * * *", "every 10 seconds, at minute 5 of every hour"),
        ("*/20 */5 8-9 * * *", "every 20 seconds, in every 5th minute, from 08:00 to 09:59"),
        ("15 30 2 * * *", "at 02:30:15, every day"),
        ("0 0 9 * * MON-FRI", "at 09:00, Monday to Friday"),
        ("0 0 9 * * 2-6", "at 09:00, Monday to Friday, weekdays numbered from 1 = Sunday"),
        ("0 0 9 * * mon/2", "at 09:00, on Monday, Wednesday and Friday"),
        ("0 0 0 1 1 * 2090-2093,2096", "at 00:00, on the 1st, in January, in 2090 to 2093 and 2096"),
    ] {
        assert_eq!(Cron::parse(text).unwrap().describe(), words, "{text}");
    }
    for (text, words) in [
        ("0 9 L * *", "at 09:00, on the last day"),
        ("0 9 L-1,L-3 * *", "at 09:00, on 1 day before the last day and 3 days before the last day"),
        ("0 9 1,15W,LW * *", "at 09:00, on the 1st, the last working day and the working day nearest to the 15th"),
        ("0 9 * * fri#2", "at 09:00, on the second Friday"),
        ("0 9 * * 1,5L", "at 09:00, on Monday and the last Friday"),
        ("0 9 L * mon#1", "at 09:00, on the last day or on the first Monday"),
        ("0 0 9 ? * 6#3", "at 09:00, on the third Friday, weekdays numbered from 1 = Sunday"),
        ("0 0 9 ? * FRI#3", "at 09:00, on the third Friday"),
    ] {
        assert_eq!(Cron::parse_extended(text).unwrap().describe(), words, "{text}");
    }
}

#[test]
fn triggers_in_words() {
    let zone = || Zone::new(Berlin);
    let nine = || Trigger::daily_at(NaiveTime::from_hms_opt(9, 0, 0).unwrap(), zone());
    let instant: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    let period = Period::try_from(Duration::from_secs(90)).unwrap();
    let weekdays = Trigger::cron(Cron::parse("30 2 * * 1-5").unwrap(), zone());
    for (trigger, words) in [
        (nine(), "at 09:00, every day (Europe/Berlin)"),
        (Trigger::daily_at(NaiveTime::from_hms_opt(9, 0, 5).unwrap(), Zone::new(Utc)), "at 09:00:05, every day (Z)"),
        (Trigger::every(period, instant), "every 90s"),
        (Trigger::at(instant), "once, at 2026-07-01 12:00:00 UTC"),
        (Trigger::from_fn("low tide", |_| None), "low tide"),
        (Trigger::cron(Cron::parse("@reboot").unwrap(), zone()), "once, when the scheduler starts"),
        (weekdays.clone(), "at 02:30, Monday to Friday (Europe/Berlin)"),
        (
            weekdays.clone().or(nine()),
            "at 02:30, Monday to Friday (Europe/Berlin), or at 09:00, every day (Europe/Berlin)",
        ),
        (weekdays.except([NaiveDate::default()]), "at 02:30, Monday to Friday (Europe/Berlin), except on 1 date"),
    ] {
        assert_eq!(trigger.describe(), words);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Any expression has a description: short, the same each time, and the same for the same values in another order.
    #[test]
    fn every_expression_has_one_description(
        fields in proptest::collection::vec(
            prop_oneof![
                3 => Just("*".to_owned()),
                1 => (1_u32..7).prop_map(|step| format!("*/{step}")),
                2 => proptest::collection::vec(1_u32..7, 1..4).prop_map(|values| {
                    values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
                }),
                1 => (1_u32..4, 4_u32..8).prop_map(|(from, to)| format!("{from}-{to}")),
            ],
            5..8,
        ),
    ) {
        let mut fields = fields;
        if fields.len() == 7 {
            // Long enough for every day of the month to fall on every weekday.
            fields[6] = "2060-2095".to_owned();
        }
        let text = fields.join(" ");
        let cron = Cron::parse(&text).unwrap();
        let words = cron.describe();
        prop_assert_eq!(&cron.describe(), &words);
        prop_assert_eq!(&Cron::parse_extended(&text).unwrap().describe(), &words);
        let reversed: Vec<_> = fields.iter().map(|field| {
            if field.contains('*') { field.clone() } else { field.rsplit(',').collect::<Vec<_>>().join(",") }
        }).collect();
        prop_assert_eq!(&Cron::parse(&reversed.join(" ")).unwrap().describe(), &words);
        prop_assert!(!words.is_empty() && words.len() < 400 && words.is_ascii() && !words.contains("  "), "{}", words);
    }
}
