//! Cron expressions: the syntax, and the errors of those that are wrong.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "fuzz/checks/cron.rs"]
mod checks;

use chrono::{DateTime, TimeZone, Utc};
use cron::Schedule;
use offtick::schedule::{Cron, CronError, CronField, CronProblem};
use proptest::prelude::*;
use std::collections::HashSet;

fn start() -> DateTime<Utc> {
    // A Thursday.
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

fn runs(text: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse_at(text, start()).unwrap_or_else(|error| panic!("{text}: {error}"));
    cron.upcoming(Utc, start()).take(count).map(|run| run.format("%a %m-%d %H:%M:%S").to_string()).collect()
}

fn same(one: &str, other: &str) {
    assert_eq!(runs(one, 40), runs(other, 40), "{one} and {other}");
}

/// Field, problem, offset and the part that is shown.
fn wrong(text: &str) -> (CronField, CronProblem, usize, String) {
    match Cron::parse(text) {
        Err(CronError::Field { field, problem, at, given, .. }) => (field, problem, at, given),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn five_fields() {
    assert_eq!(
        runs("*/20 9 * * *", 4),
        ["Thu 01-01 09:00:00", "Thu 01-01 09:20:00", "Thu 01-01 09:40:00", "Fri 01-02 09:00:00"]
    );
    same("*/20 * * * *", "0,20,40 * * * *");
    same("5/20 * * * *", "5-59/20 * * * *");
    same("0 8-18/5 * * *", "0 8,13,18 * * *");
    same("0 0 * * 0", "0 0 * * 7");
    same("0 0 * * sun", "0 0 * * SUNDAY");
    same("0 0 * * 5-7", "0 0 * * fri-sun");
    same("0 0 * * 1-5", "0 0 * * Mon-fri");
    same("0 0 1 jan,Jul *", "0 0 1 1,7 *");
    same("0 0 1 february-APR *", "0 0 1 2-4 *");
    same("0 0 * * *", "  0\t0 * * *\n");
    same("007 * * * *", "7 * * * *");
    same("*/60 */24 * * *", "0 0 * * *");
    same("0 0 * * 0-7", "0 0 * * *");
    same("0 0 * * tues,THURS", "0 0 * * 2,4");
    same("0 0 * * mon-sun", "0 0 * * *");
    same("0 0 * * tue-sun/2", "0 0 * * 2,4,6");
}

#[test]
fn the_two_day_fields() {
    // Either is enough: the 13th or a Friday.
    assert_eq!(runs("0 0 13 * 5", 3), ["Fri 01-02 00:00:00", "Fri 01-09 00:00:00", "Tue 01-13 00:00:00"]);
    // A field that begins with a star restricts, but does not add.
    assert_eq!(runs("0 0 */2 * 1", 3), ["Mon 01-05 00:00:00", "Mon 01-19 00:00:00", "Mon 02-09 00:00:00"]);
    same("0 0 1-31 * 1", "0 0 * * *");
    // Six fields: both must match. Weekday 6 is Friday there.
    assert_eq!(runs("0 0 0 13 * 6", 3), ["Fri 02-13 00:00:00", "Fri 03-13 00:00:00", "Fri 11-13 00:00:00"]);
}

#[test]
fn words() {
    same("@hourly", "0 * * * *");
    same("@daily", "0 0 * * *");
    same("@midnight", "@Daily");
    same("@weekly", "0 0 * * 0");
    same("@monthly", "0 0 1 * *");
    same("@yearly", "0 0 1 1 *");
    same("@annually", "@YEARLY");
    assert_eq!(runs("@reboot", 1), [""; 0]);
    assert!(Cron::parse("@reboot").unwrap().is_at_start() && !Cron::parse("@daily").unwrap().is_at_start());
}

#[test]
fn six_and_seven_fields() {
    assert_eq!(runs("*/30 0 12 * * *", 3), ["Thu 01-01 12:00:00", "Thu 01-01 12:00:30", "Fri 01-02 12:00:00"]);
    same("0 0 0 ? * 1", "0 0 0 * * Sunday");
    same("0 0 0 1 1 * *", "0 0 0 1 1 ?");
    same("*/60 */60 */24 * * *", "0 0 0 * * *");
    same("0 0 0 * * tues,THURS", "0 0 0 * * 3,5");
    same("0 0 0 * * MON-SUN", "0 0 0 * * *");
    same("0 0 0 * * fri-SUN", "0 0 0 * * 1,6,7");
    same("0 0 0 * * sun-tue", "0 0 0 * * 1-3");
    assert_eq!(runs("0 0 0 1 6 * 2024-2027", 5).len(), 2);
    let years = Cron::parse_at("0 0 0 1 1 * 2040,2030,2040", start()).unwrap();
    let found: Vec<_> = years.upcoming(Utc, start()).map(|run| run.format("%Y").to_string()).collect();
    assert_eq!(found, ["2030", "2040"]);
}

#[test]
fn wrong_fields_are_named_with_their_position() {
    use CronField::{DayOfMonth, DayOfWeek, Hour, Minute, Month, Second, Year};
    use CronProblem::{Character, Extended, Name, Range, Reversed, Step, Syntax};
    let cases = [
        ("60 * * * *", Minute, Range, 0, "60"),
        ("0 24 * * *", Hour, Range, 2, "24"),
        ("  0 0 0 * *", DayOfMonth, Range, 6, "0"),
        ("0 0 * 1,13 *", Month, Range, 8, "13"),
        ("0 0 * * 8", DayOfWeek, Range, 8, "8"),
        ("1-60 * * * *", Minute, Range, 2, "60"),
        ("99999999999999999999 * * * *", Minute, Range, 0, "99999999999999999999"),
        ("*/0 * * * *", Minute, Step, 2, "0"),
        ("*/61 * * * *", Minute, Step, 2, "61"),
        ("1-5/ * * * *", Minute, Step, 4, ""),
        ("*/a * * * *", Minute, Step, 2, "a"),
        ("5-1 * * * *", Minute, Reversed, 0, "5-1"),
        ("0 0 * * fri-mon", DayOfWeek, Reversed, 8, "fri-mon"),
        ("0 0 * * 5-0", DayOfWeek, Reversed, 8, "5-0"),
        ("0 0 * mon *", Month, Name, 6, "mon"),
        ("0 0 * * dom", DayOfWeek, Name, 8, "dom"),
        ("0 noon * * *", Hour, Name, 2, "noon"),
        ("0 0 L * *", DayOfMonth, Extended, 4, "L"),
        ("0 0 1,15w * *", DayOfMonth, Extended, 6, "15w"),
        ("0 0 * * 5#2", DayOfWeek, Extended, 8, "5#2"),
        ("0 0 0 * * friL", DayOfWeek, Extended, 10, "friL"),
        ("0 0 32W * *", DayOfMonth, Syntax, 4, "32W"),
        ("0 0 L-31 * *", DayOfMonth, Name, 4, "L"),
        ("0 0 * * L", DayOfWeek, Name, 8, "L"),
        ("0 0 * * 5#6", DayOfWeek, Character, 9, "#"),
        ("0\0 * * * *", Minute, Character, 1, "\\0"),
        ("0 0 * * månd", DayOfWeek, Character, 9, "å"),
        ("+5 * * * *", Minute, Character, 0, "+"),
        ("1,,2 * * * *", Minute, Syntax, 2, ""),
        ("0 1, * * *", Hour, Syntax, 4, ""),
        ("-5 * * * *", Minute, Syntax, 0, "-5"),
        ("5- * * * *", Minute, Syntax, 0, "5-"),
        ("*5 * * * *", Minute, Syntax, 0, "*5"),
        ("? * * * *", Minute, Syntax, 0, "?"),
        ("1-2-3 * * * *", Minute, Syntax, 0, "1-2-3"),
        ("0 0 * * 7/2", DayOfWeek, Syntax, 8, "7/2"),
        ("60 * * * * *", Second, Range, 0, "60"),
        ("0 0 0 * * 0", DayOfWeek, Range, 10, "0"),
        ("0 0 0 * * 8 *", DayOfWeek, Range, 10, "8"),
        ("0 0 0 1 1 * 1969", Year, Range, 12, "1969"),
        ("0 0 0 1 1 * 2030,2101", Year, Range, 17, "2101"),
        ("0 5-1 * * * *", Minute, Reversed, 2, "5-1"),
        ("0 0 */0 * * *", Hour, Step, 6, "0"),
        ("0 5* * * * *", Minute, Syntax, 2, "5*"),
        ("0 ? * * * *", Minute, Syntax, 2, "?"),
        ("0 1,,2 * * * *", Minute, Syntax, 4, ""),
        ("0 0 0 * foo *", Month, Name, 8, "foo"),
        ("\0 0 0 * * *", Second, Character, 0, "\\0"),
    ];
    for (text, field, problem, at, given) in cases {
        assert_eq!(wrong(text), (field, problem, at, given.to_owned()), "{text:?}");
    }
}

#[test]
fn expressions_that_are_no_schedule() {
    assert_eq!(Cron::parse(""), Err(CronError::Empty));
    assert_eq!(Cron::parse(" \t\n"), Err(CronError::Empty));
    for (text, found) in [("*", 1), ("* * * *", 4), ("* * * * * * * *", 8), ("******", 1), ("\0", 1)] {
        assert_eq!(Cron::parse(text), Err(CronError::Arity { found }), "{text:?}");
    }
    for text in ["@", "@everyday", " @fortnightly", "@daily 5", "@reboot @daily"] {
        assert!(matches!(Cron::parse(text), Err(CronError::Word { .. })), "{text}");
    }
    assert_eq!(Cron::parse(" @nope").unwrap_err().position(), Some(1));
    for text in ["@every 5m", " @EVERY 1h30m", "@every"] {
        let error = Cron::parse(text).unwrap_err();
        assert!(matches!(error, CronError::Every { .. }) && error.to_string().contains("Scheduler::every"), "{error}");
    }
    for text in ["CRON_TZ=Europe/Berlin 0 9 * * *", " TZ=UTC @daily", "TZ="] {
        let error = Cron::parse(text).unwrap_err();
        assert!(matches!(error, CronError::Zone { .. }) && error.to_string().contains(".zone(..)"), "{error}");
    }
    let huge = "* ".repeat(500_000);
    assert_eq!(Cron::parse(&huge), Err(CronError::TooLong { length: 1_000_000, limit: 2048 }));
    assert!(matches!(Cron::parse(&"\0".repeat(1 << 20)), Err(CronError::TooLong { .. })));
    assert_eq!(Cron::parse(&format!("{} * * * *", "1,".repeat(1000) + "1")).map(|cron| cron.as_str().len()), Ok(2009));
}

#[test]
fn expressions_that_never_fire() {
    for (text, at) in [
        ("0 0 30 2 *", 4),
        ("0 0 31 4,6,9,11 *", 4),
        ("0 0 30-31 feb *", 4),
        ("0 0 0 30 2 *", 6),
        ("0 0 0 29 2 * 2027", 6),
    ] {
        assert_eq!(Cron::parse_at(text, start()), Err(CronError::NeverFires { at }), "{text}");
    }
    // With a weekday as the other way in, it does.
    assert!(Cron::parse("0 0 30 2 1").is_ok());
    assert_eq!(Cron::parse_at("0 0 0 1 1 * 2025", start()), Err(CronError::Past { at: 12 }));
    assert!(Cron::parse_at("0 0 0 1 1 * 2025", start() - chrono::TimeDelta::days(400)).is_ok());
    // The year is not over, but its only date is.
    assert_eq!(
        Cron::parse_at("0 0 0 1 1 * 2026", start() + chrono::TimeDelta::days(60)),
        Err(CronError::Past { at: 12 })
    );
    // Somewhere in the world it is still New Year's Eve.
    assert!(Cron::parse_at("0 0 23 31 12 * 2025", start()).is_ok());
}

#[test]
fn a_schedule_is_a_value() {
    let cron: Cron = " 0 9 * * mon ".parse().unwrap();
    assert_eq!(cron.to_string(), "0 9 * * mon");
    assert_eq!(format!("{cron:>12}|{cron:?}"), " 0 9 * * mon|Cron(\"0 9 * * mon\")");
    assert_eq!(Cron::try_from("0 9 * * mon").unwrap(), cron.clone());
    assert_ne!(Cron::parse("0 9 * * 1").unwrap(), cron);
    assert_eq!(HashSet::from([cron.clone(), cron]).len(), 1);
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Cron>();
}

#[test]
fn the_corpus_of_the_fuzz_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus/cron");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        checks::check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 40, "{count} texts in {folder}");
}

/// Items that the `cron` crate may or may not take.
fn item() -> impl Strategy<Value = String> {
    let number = prop_oneof![0_u32..70, 1968_u32..2103].prop_map(|n| n.to_string());
    let value = prop_oneof![5 => number, 1 => "(sun|MON|tues|Saturday|jan|FEB|December|x)".prop_map(String::from)];
    let range = (value.clone(), value.clone()).prop_map(|(from, to)| format!("{from}-{to}"));
    let base = prop_oneof![3 => Just("*".to_owned()), 1 => Just("?".to_owned()), 2 => value, 2 => range];
    (base, proptest::option::weighted(0.3, 0_u32..80)).prop_map(|(base, step)| match step {
        None => base,
        Some(step) => format!("{base}/{step}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_promise(text in any::<String>()) {
        checks::check(text.as_bytes());
    }

    #[test]
    fn no_text_that_looks_like_one_breaks_a_promise(text in "[0-9*/,?a-zåM@\\-\0 ]{0,24}( [0-9*/,\\-]{1,4}){3,6}") {
        checks::check(text.as_bytes());
    }

    /// The `cron` crate is a second opinion: this crate reads every expression that it reads, the same way, and more
    /// (`*/60`, `MON-SUN`, `mon-5`, `mon/2`).
    #[test]
    fn six_and_seven_fields_mean_what_the_cron_crate_reads(
        fields in proptest::collection::vec(proptest::collection::vec(item(), 1..3).prop_map(|items| items.join(",")), 7),
        stars in proptest::collection::vec(proptest::bool::weighted(0.8), 7),
        length in 6_usize..=7,
        day in 0_i64..3000,
    ) {
        let fields: Vec<_> = fields.iter().zip(stars).map(|(field, star)| if star { "*" } else { field }).take(length).collect();
        let text = fields.join(" ");
        let after = start() + chrono::TimeDelta::days(day) + chrono::TimeDelta::seconds(day * 7919 % 86_400);
        let theirs = text.parse::<Schedule>();
        match (Cron::parse_at(&text, DateTime::UNIX_EPOCH), theirs) {
            (Ok(ours), Ok(theirs)) => {
                let expected: Vec<_> = theirs.after(&after).take(5).collect();
                let found: Vec<_> = ours.upcoming(Utc, after).take(expected.len()).collect();
                prop_assert_eq!(found, expected, "{}", text);
            }
            (Ok(_), Err(_)) => {
                let is_more = |field: &&str| {
                    let named = field.contains(|c: char| c.is_ascii_alphabetic());
                    named && field.contains(['-', '/']) || ["/60", "/24", "/31", "/12", "/7", "/131"].iter().any(|step| field.contains(step))
                };
                prop_assert!(fields.iter().any(is_more), "{}", text);
            }
            (Err(CronError::NeverFires { .. }), theirs) => {
                prop_assert!(theirs.is_err() || theirs.unwrap().after(&DateTime::UNIX_EPOCH).next().is_none(), "{}", text);
            }
            (Err(error), theirs) => prop_assert!(theirs.is_err(), "{}: {}", text, error),
        }
    }
}

/// The dates of 2026 on which an extended expression fires, as month and day.
fn dates(days: &str, month: &str, weekdays: &str) -> Vec<String> {
    let cron = Cron::parse_extended(&format!("0 0 {days} {month} {weekdays}")).unwrap();
    let end = Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap();
    cron.upcoming(Utc, start() - chrono::TimeDelta::seconds(1))
        .take_while(|run| *run < end)
        .map(|run| run.format("%m-%d").to_string())
        .collect()
}

#[test]
fn days_that_depend_on_the_month() {
    assert_eq!(dates("L", "1-4", "*"), ["01-31", "02-28", "03-31", "04-30"]);
    assert_eq!(dates("l-2,1", "2", "*"), ["02-01", "02-26"]);
    // The 1st of February is a Sunday, the 1st of August a Saturday, the 31st of May a Sunday, the 28th of February a Saturday.
    assert_eq!(dates("1W", "2,8", "*"), ["02-02", "08-03"]);
    assert_eq!(dates("LW", "2,5,6", "*"), ["02-27", "05-29", "06-30"]);
    assert_eq!(dates("31W", "4,5", "*"), ["05-29"]);
    assert_eq!(dates("14w,15W", "2", "*"), ["02-13", "02-16"]);
    assert_eq!(dates("*", "1-3", "FRI#1"), ["01-02", "02-06", "03-06"]);
    assert_eq!(dates("*", "*", "sun#5"), ["03-29", "05-31", "08-30", "11-29"]);
    assert_eq!(dates("*", "2", "0#1,7#1,MONL,fri#L"), ["02-01", "02-23", "02-27"]);
    // Either day field is enough.
    assert_eq!(dates("L", "2", "1#1"), ["02-02", "02-28"]);
    // In six fields, both must match and 1 is Sunday.
    let six = Cron::parse_extended("0 0 0 L * 1").unwrap();
    let found: Vec<_> = six.upcoming(Utc, start()).take(2).map(|run| run.format("%m-%d").to_string()).collect();
    assert_eq!(found, ["05-31", "01-31"]);
    let six = Cron::parse_extended("0 0 0 ? 2 6L").unwrap();
    assert_eq!(six.next_after(start()).unwrap().format("%m-%d").to_string(), "02-27");
}

#[test]
fn mistakes_in_the_extended_syntax() {
    use CronField::{DayOfMonth, DayOfWeek};
    use CronProblem::{Character, Name, Nth, Range, Syntax};
    let cases = [
        ("0 0 32W * *", DayOfMonth, Range, 4, "32"),
        ("0 0 0W * *", DayOfMonth, Range, 4, "0"),
        ("0 0 L-31 * *", DayOfMonth, Range, 6, "31"),
        ("0 0 L- * *", DayOfMonth, Range, 6, ""),
        ("0 0 W * *", DayOfMonth, Name, 4, "W"),
        ("0 0 L2 * *", DayOfMonth, Syntax, 4, "L2"),
        ("0 0 5# * *", DayOfMonth, Character, 5, "#"),
        ("0 0 * * 5#6", DayOfWeek, Nth, 10, "6"),
        ("0 0 * * fri#0", DayOfWeek, Nth, 12, "0"),
        ("0 0 * * 1,5#", DayOfWeek, Nth, 12, ""),
        ("0 0 * * 8#2", DayOfWeek, Range, 8, "8"),
        ("0 0 * * #2", DayOfWeek, Syntax, 8, "#2"),
        ("0 0 * * xL", DayOfWeek, Name, 8, "xL"),
        ("0 0 * * L", DayOfWeek, Name, 8, "L"),
    ];
    for (text, field, problem, at, given) in cases {
        match Cron::parse_extended(text) {
            Err(CronError::Field { field: f, problem: p, at: a, given: g, .. }) => {
                assert_eq!((f, p, a, g.as_str()), (field, problem, at, given), "{text:?}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
    assert_eq!(Cron::parse_extended("0 0 31W 2 *"), Err(CronError::NeverFires { at: 4 }));
    assert_eq!(Cron::parse_extended("0 0 L-30 2,4 *"), Err(CronError::NeverFires { at: 4 }));
}
