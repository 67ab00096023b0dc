//! Steps of the wall clock, found by comparison with the runtime's clock.
//!
//! Between two looks the wall clock should advance as the runtime's clock does. The rest is a step.
//! - **Forward**: slots between the old and the new reading were *passed*. Each is as late as the new reading was right after the
//!   step. This is the only lateness that counts against the grace: a driver that looks late finds slots that came due in the
//!   meantime, and these are not late.
//! - **Back**: readings will be shown again. The tables of the jobs decide what that means.
//!
//! # Ends
//! A forward step may bring a job to its end: its last slot was passed. The clock may have been wrong, and be set back. So such an
//! end is final only after the clock has not stepped for [`SETTLE_TIME`].

use super::time::{HOUR, Nanos, Now, SECOND};
use std::collections::VecDeque;

/// The least difference that is a step, in nanoseconds. Below it the clock is slewed, or was read a little later.
const LEAST: Nanos = SECOND / 20;

/// The time after a step until ends are final, in nanoseconds.
///
/// The runtime's clock measures it.
pub(crate) const SETTLE_TIME: Nanos = HOUR;

/// Passed ranges that are remembered one by one. Beyond it the oldest two become one.
const MOST: usize = 16;

/// Readings that a step passed over: later than `from`, up to `to`, which was shown right after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) from: Nanos,
    pub(crate) to: Nanos,
}

impl Passed {
    /// The readings in it that are later than `grace`: the last of them, unless there is none.
    pub(crate) fn last_missed(self, grace: Option<Nanos>) -> Option<Nanos> {
        let last = self.to.saturating_sub(grace?).saturating_sub(1);
        (last > self.from).then_some(last)
    }
}

/// The result of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Look {
    Steady,
    /// Readings will be shown again.
    Back,
}

/// The history of the wall clock that slots still depend on.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// The wall clock advances with the runtime's clock.
    runs: bool,
    seen: Now,
    /// In ascending order, without overlaps.
    passed: VecDeque<Passed>,
    /// Ends are final from this moment of the runtime's clock on.
    settled: Nanos,
}

impl Steps {
    pub(crate) fn new(now: Now, runs: bool) -> Self {
        Self { runs, seen: now, passed: VecDeque::new(), settled: Nanos::MIN }
    }

    pub(crate) fn look(&mut self, now: Now) -> Look {
        let elapsed = if self.runs { now.steady - self.seen.steady } else { 0 };
        let before = std::mem::replace(&mut self.seen, now);
        if now.wall < before.wall {
            self.passed.retain(|passed| passed.from < now.wall);
            if let Some(last) = self.passed.back_mut() {
                last.to = last.to.min(now.wall);
            }
            return Look::Back;
        }
        let to = now.wall - elapsed;
        if to - before.wall >= LEAST {
            self.settled = now.steady.saturating_add(SETTLE_TIME);
            if self.passed.len() == MOST
                && let Some(oldest) = self.passed.pop_front()
                && let Some(second) = self.passed.front_mut()
            {
                second.from = oldest.from;
            }
            self.passed.push_back(Passed { from: before.wall, to });
        }
        Look::Steady
    }

    /// The ranges whose slots are not all dealt with.
    pub(crate) fn passed(&self) -> impl DoubleEndedIterator<Item = Passed> {
        self.passed.iter().copied()
    }

    /// Every slot up to now was dealt with.
    pub(crate) fn dealt_with(&mut self) {
        self.passed.clear();
    }

    pub(crate) fn seen(&self) -> Now {
        self.seen
    }

    /// The moment of the runtime's clock from which ends are final; `None` if they are now.
    pub(crate) fn unsettled(&self, now: Now) -> Option<Nanos> {
        (self.settled > now.steady).then_some(self.settled)
    }

    pub(crate) fn runs(&self) -> bool {
        self.runs
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn at(steady: Nanos, wall: Nanos) -> Now {
        Now { steady: steady * SECOND, wall: wall * SECOND }
    }

    fn passed(steps: &Steps) -> Vec<(Nanos, Nanos)> {
        steps.passed().map(|passed| (passed.from / SECOND, passed.to / SECOND)).collect()
    }

    #[test]
    fn a_late_look_is_no_step() {
        let mut steps = Steps::new(at(0, 1000), true);
        assert_eq!(steps.look(at(5000, 6000)), Look::Steady);
        assert_eq!(steps.look(Now { steady: 5001 * SECOND, wall: 6001 * SECOND + LEAST - 1 }), Look::Steady);
        assert_eq!((passed(&steps), steps.unsettled(at(5001, 6001))), (vec![], None));
    }

    #[test]
    fn what_a_step_passes_is_as_late_as_the_clock_was_right_after_it() {
        let mut steps = Steps::new(at(0, 1000), true);
        assert_eq!(steps.look(at(10, 1110)), Look::Steady);
        assert_eq!(passed(&steps), [(1000, 1100)], "the last ten seconds were no step");
        let only = steps.passed().next().expect("a step");
        assert_eq!(only.last_missed(Some(30 * SECOND)), Some(1070 * SECOND - 1));
        assert_eq!((only.last_missed(Some(100 * SECOND)), only.last_missed(None)), (None, None));
        assert_eq!(steps.unsettled(at(10, 1110)), Some(10 * SECOND + SETTLE_TIME));
        assert_eq!(steps.unsettled(Now { steady: 10 * SECOND + SETTLE_TIME, wall: 0 }), None);
    }

    #[test]
    fn a_clock_that_stands_steps_by_all_that_it_shows() {
        let mut steps = Steps::new(at(0, 1000), false);
        assert_eq!(steps.look(at(50, 1000)), Look::Steady);
        assert_eq!(steps.look(at(60, 1300)), Look::Steady);
        assert_eq!(passed(&steps), [(1000, 1300)]);
    }

    #[test]
    fn a_step_back_takes_back_what_lies_ahead_again() {
        let mut steps = Steps::new(at(0, 1000), true);
        assert_eq!(steps.look(at(0, 2000)), Look::Steady);
        assert_eq!(steps.look(at(0, 3000)), Look::Steady);
        assert_eq!(steps.look(at(0, 1500)), Look::Back);
        assert_eq!(passed(&steps), [(1000, 1500)]);
        assert_eq!(steps.look(at(0, 1800)), Look::Steady);
        assert_eq!(passed(&steps), [(1000, 1500), (1500, 1800)]);
        steps.dealt_with();
        assert_eq!(passed(&steps), []);
    }

    #[test]
    fn a_clock_that_steps_at_every_look_is_remembered_in_bounds() {
        let mut steps = Steps::new(at(0, 0), true);
        for n in 1..=100 {
            let _look = steps.look(at(n, 1000 * n));
        }
        let ranges = passed(&steps);
        assert_eq!((ranges.len(), ranges[0].0, ranges[MOST - 1].0), (MOST, 0, 99_000));
        assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    }
}
