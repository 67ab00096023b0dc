use super::*;
use proptest::prelude::*;

/// A zone with one change.
struct Step {
    at: i64,
    before: i32,
    after: i32,
}

impl Offsets for Step {
    fn seconds_east(&self, utc: &NaiveDateTime) -> i32 {
        if utc.and_utc().timestamp() < self.at { self.before } else { self.after }
    }
}

proptest! {
    #[test]
    fn a_change_is_found_to_the_second(
        at in -200_000_i64..200_000,
        before in -80_000_i32..80_000,
        after in -80_000_i32..80_000,
        from in -400_000_000_000_000_i128..200_000_000_000_000,
        length in 0_i128..400_000_000_000_000,
    ) {
        let zone = Step { at, before, after };
        let change = Nanos::from(at) * SECOND;
        let inside = before != after && from < change && change <= from + length;
        prop_assert_eq!(Asked::new(&zone).first_change(from, from + length), Ok(inside.then_some(change)));
    }

    #[test]
    fn the_latest_reading_is_the_maximum_of_all(at in -200_000_i64..200_000, before in -80_000_i32..80_000, after in -80_000_i32..80_000, now in -90_000_i64..90_000) {
        let zone = Step { at, before, after };
        let now = Nanos::from(now) * SECOND;
        let shown = now + Asked::new(&zone).offset_at(now).unwrap();
        let change = Nanos::from(at) * SECOND;
        let last_before = change + Nanos::from(before) * SECOND - 1;
        let expected = if now - REACH < change && change <= now { shown.max(last_before) } else { shown };
        prop_assert_eq!(Asked::new(&zone).latest_reading(now), Ok(expected));
    }
}

#[test]
fn instants_survive_the_way_there_and_back() {
    for nanos in [EARLIEST, -1, 0, 1, SECOND, 1_767_225_600_123_456_789, LATEST - 1] {
        let instant = instant_of(nanos).expect("inside of the limits");
        assert_eq!(nanos_of(&instant), nanos);
    }
    assert_eq!(instant_of(LATEST), None);
    assert_eq!(instant_of(Nanos::MAX), None);
    assert_eq!(instant_of(Nanos::MIN), None);
}

#[test]
fn the_limits_are_years() {
    assert_eq!(instant_of(EARLIEST).expect("inside").to_string(), "0001-01-01 00:00:00 UTC");
    assert_eq!(instant_of(LATEST - SECOND).expect("inside").to_string(), "9999-12-31 23:59:59 UTC");
}
