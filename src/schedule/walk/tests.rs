use super::*;
use crate::schedule::offsets::SECOND;
use crate::schedule::parse::{Meaning, Syntax, parse};
use chrono::NaiveDateTime;
use std::cell::Cell;

/// A zone that may answer anything, and counts the questions.
struct Liar<'a> {
    east: &'a dyn Fn(i64) -> i32,
    asked: Cell<u32>,
}

impl Offsets for Liar<'_> {
    fn seconds_east(&self, utc: &NaiveDateTime) -> i32 {
        self.asked.set(self.asked.get() + 1);
        (self.east)(utc.and_utc().timestamp())
    }
}

#[test]
fn a_zone_that_lies_ends_a_search_with_a_typed_error() {
    let answers = Cell::new(0_u32);
    let random = Cell::new(1_u64);
    let often = |second: i64| if second.div_euclid(500) % 2 == 0 { 86_399 } else { -86_399 };
    let each_second = |second: i64| if second % 2 == 0 { 3_600 } else { 0 };
    let contradicts = |_: i64| {
        answers.set(answers.get() + 1);
        if answers.get().is_multiple_of(2) { 43_200 } else { -43_200 }
    };
    let at_random = |_: i64| {
        random.set(random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        i32::try_from(random.get() >> 33).expect("31 bits") % 86_400
    };
    let zones: [(&str, &dyn Fn(i64) -> i32); 4] =
        [("often", &often), ("each second", &each_second), ("contradicts", &contradicts), ("at random", &at_random)];
    for (name, east) in zones {
        let mut errors = 0;
        for text in ["30 2 * * *", "* * * * *", "*/5 */3 * * *", "0 0 29 2 *", "* * * * * *", "0 0 0 1 1 * 2099"] {
            let Ok(Meaning::Readings(plan)) = parse(text, Syntax::Standard) else { unreachable!("{text} is valid") };
            for passage in [Passage::Once, Passage::Elapsed] {
                let mut last = 1_767_225_600 * SECOND;
                for _ in 0..50 {
                    let zone = Liar { east, asked: Cell::new(0) };
                    let next = next_run(&plan.fields, passage, &zone, last);
                    assert!(
                        zone.asked.get() <= 5_000,
                        "{text} in a zone that changes {name}: {} questions",
                        zone.asked.get()
                    );
                    match next {
                        Ok(Some(run)) => {
                            assert!(run > last, "{text} in a zone that changes {name}");
                            last = run;
                        }
                        Ok(None) => break,
                        Err(error) => {
                            assert_eq!(error, SearchError::Zone);
                            errors += 1;
                            break;
                        }
                    }
                }
            }
        }
        // Probes that are an even number of seconds apart never see a change of the second zone.
        assert!(errors > 0 || name == "each second", "{name}");
    }
}
