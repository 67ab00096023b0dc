//! Whether timers end so fast, one after the other, that waking for each would cost more than they do.
//!
//! To sleep until a moment and to wake there costs the system some ten microseconds, whatever is done then. A few timers
//! are worth that: they end at their tick. Where many a millisecond end, the reactor waits for a few more of them each
//! time, as a network card that is busy does with its packets.
//!
//! The rate is that between two firings at least [`GAP`] apart. It takes two such spans in a row to make a crowd: a burst of
//! timers at one moment, with nothing behind it, fills one. The first span with few ends it.

/// How long the reactor waits at least while there is a crowd: also the most that a timer ends later for it. In nanoseconds.
pub(super) const GAP: u64 = 500_000;

/// Timers in one [`GAP`] that make a crowd: 64,000 a second.
const MANY: u64 = 32;

/// What was fired of late. For the reactor.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// When the count began.
    since: u64,
    /// Timers fired since then, at that moment included.
    fired: u64,
    /// The count before that one said that they were many.
    many: bool,
    /// It and the one before it did.
    is_on: bool,
}

impl Crowd {
    /// So many timers were fired at `now`, which is never before the last.
    pub(super) fn note(&mut self, now: u64, count: usize) {
        let age = now.saturating_sub(self.since);
        if age >= GAP {
            let many = self.fired.saturating_mul(GAP / MANY) >= age;
            self.is_on = many && self.many;
            self.many = many;
            (self.since, self.fired) = (now, 0);
        }
        self.fired = self.fired.saturating_add(count as u64);
    }

    /// How long to wait from `now` on, where the next timer ends after `wait`. A crowd of which nothing was heard for
    /// some gaps is gone, though the next firing is yet to find that out.
    pub(super) fn stretch(&self, now: u64, wait: u64) -> u64 {
        if self.is_on && now.saturating_sub(self.since) < 4 * GAP { wait.max(GAP) } else { wait }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const LITTLE: u64 = GAP / 100;

    #[test]
    fn a_steady_stream_is_a_crowd_until_it_ends() {
        let mut crowd = Crowd::default();
        for step in 1..=250 {
            crowd.note(step * LITTLE, 1);
        }
        let now = 250 * LITTLE;
        assert_eq!((crowd.stretch(now, LITTLE), crowd.stretch(now, 2 * GAP)), (GAP, 2 * GAP));
        // As fast as before, now seen once a gap.
        for step in 3..10 {
            crowd.note(step * GAP, 100);
            assert_eq!(crowd.stretch(step * GAP, 0), GAP);
        }
        assert_eq!(crowd.stretch(13 * GAP, LITTLE), LITTLE, "nothing has fired for long");
        crowd.note(10 * GAP, 1);
        crowd.note(11 * GAP, 1);
        assert_eq!(crowd.stretch(11 * GAP, LITTLE), LITTLE);
    }

    #[test]
    fn bursts_and_a_few_a_millisecond_are_none() {
        let mut crowd = Crowd::default();
        for step in 1..100 {
            crowd.note(step * 100 * GAP, 1000);
            assert_eq!(crowd.stretch(step * 100 * GAP, LITTLE), LITTLE);
        }
        for step in 1..1000 {
            let now = 100_000 * GAP + step * GAP / 20;
            crowd.note(now, 1);
            assert_eq!(crowd.stretch(now, LITTLE), LITTLE);
        }
    }

    #[test]
    fn a_burst_does_not_make_a_crowd_of_who_comes_after_it() {
        let mut crowd = Crowd::default();
        // A thousand sixty times a second, and two alone soon after each.
        for frame in (0..3200).step_by(32) {
            for (nth, count) in [(0, 500), (0, 500), (2, 1), (4, 1)] {
                let now = (100 + frame + nth) * GAP;
                crowd.note(now, count);
                assert_eq!(crowd.stretch(now, LITTLE), LITTLE, "after {count} at {nth} of {frame}");
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let mut crowd = Crowd::default();
        crowd.note(0, usize::MAX);
        crowd.note(0, usize::MAX);
        crowd.note(u64::MAX, 1);
        crowd.note(3, 1);
        assert_eq!(crowd.stretch(u64::MAX, u64::MAX), u64::MAX);
    }
}
