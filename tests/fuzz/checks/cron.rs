// Promises that hold for any bytes given as a cron expression. Shared by the fuzz target and by `cargo test`.

use chrono::{DateTime, Utc};
use offtick::schedule::{Cron, CronError};

/// Reads the bytes as an expression; panics if a promise is broken.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // The extended syntax reads whatever the standard one reads, and every expression has a description.
    if let Ok(cron) = Cron::parse_extended(&text) {
        assert!(!cron.describe().is_empty());
    }
    if let Ok(cron) = Cron::parse(&text) {
        assert_eq!(Cron::parse_extended(&text).map(|same| same.describe()), Ok(cron.describe()));
    }
    // A simulated clock: whether a year is over must not depend on when the check runs.
    let now = DateTime::<Utc>::from_timestamp(1_300_000_000, 0).expect("a moment of 2011");
    match Cron::parse_at(&text, now) {
        Ok(cron) => {
            let again = Cron::parse_at(cron.as_str(), now).expect("a good text stays good");
            assert_eq!(again, cron);
            for zone in
                [chrono_tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::Australia::Lord_Howe, chrono_tz::Pacific::Apia]
            {
                let mut last = now.with_timezone(&zone);
                for run in cron.upcoming(zone, last).take(5) {
                    assert!(run > last, "{cron} in {zone}: {run} after {last}");
                    last = run;
                }
                assert!(cron.is_at_start() || last > now || text.split_ascii_whitespace().count() == 7);
            }
        }
        Err(error) => {
            if let Some(at) = error.position() {
                assert!(at <= text.len() && text.is_char_boundary(at), "{error:?} in {text:?}");
            }
            if let CronError::Field { at, given, .. } = &error {
                let there = text[*at..].chars().next();
                let printed =
                    given.is_empty() || there.is_some_and(|c| given.starts_with(&c.escape_debug().to_string()));
                assert!(printed, "{error:?} in {text:?}");
            }
            let shown = error.to_string();
            assert!(shown.len() < 500 && (shown.contains("allowed") || shown.contains("use")), "{shown}");
        }
    }
}
